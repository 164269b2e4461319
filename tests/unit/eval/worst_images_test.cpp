#include "gannet/eval/worst_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ImageRecord image() {
  ImageRecord r;
  r.labels = {{{0, 0, 10, 10}, 1, 0}, {{50, 50, 60, 60}, 1, 0}, {{80, 80, 90, 90}, 1, 1}};
  r.detections = {{{1, 0, 10, 10}, 0.9F, 0},    // takes the first label
                  {{0, 0, 10, 10}, 0.8F, 0},    // fits it too, but it is taken
                  {{80, 80, 90, 90}, 0.7F, 0},  // another class
                  {{50, 50, 60, 60}, 0.2F, 0}};
  return r;
}

TEST(Judge, GivesEachLabelOneDetection) {
  const ImageRecord record = image();
  const JudgedRecord judged = judge(record, 0.5);
  EXPECT_THAT(judged.found, ElementsAre(0));
  EXPECT_THAT(judged.missed, ElementsAre(1, 2));
  EXPECT_THAT(judged.false_detections, ElementsAre(1, 2));
  EXPECT_THAT(judge(record, 0.1).found, ElementsAre(0, 1));
}

TEST(WorstImages, ComeFirstAndPerfectOnesNotAtAll) {
  ImageRecord perfect, one_fault;
  perfect.labels = perfect.detections = {{{0, 0, 5, 5}, 1, 0}};
  one_fault.index = 1;
  one_fault.labels = {{{0, 0, 5, 5}, 1, 0}};
  const std::vector<ImageRecord> images = {perfect, one_fault, image(), one_fault};
  const auto worst = worst_images(images, 0.5, 2);
  ASSERT_EQ(worst.size(), 2u);
  EXPECT_EQ(worst[0].image, &images[2]);
  EXPECT_EQ(worst[1].image, &images[1]);
  EXPECT_THAT(worst_images({perfect}, 0.5, 5), IsEmpty());
}

}  // namespace
}  // namespace gannet
