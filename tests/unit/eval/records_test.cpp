#include "gannet/eval/records.h"

#include <gtest/gtest.h>

#include <mutex>

#include "tests/unit/thread_world.h"

namespace gannet {
namespace {

ImageRecord record(std::int64_t index) {
  ImageRecord r;
  r.index = index;
  const auto side = static_cast<float>(index + 1);
  for (std::int64_t i = 0; i < index; ++i) {
    r.detections.push_back({{0, 0, side, side}, 1 / side, static_cast<int>(i)});
    r.hits.push_back(HitFlags{true, false, i == 1});
  }
  r.labels = {{{1, 2, 3, side}, 1, 7}};
  return r;
}

TEST(Records, OfAllRanksComeInTheOrderOfTheSet) {
  std::mutex mutex;
  testing::run_world(3, [&](Communicator& comm) {  // rank 2 has one image, and none is in order
    std::vector<ImageRecord> own;
    for (std::int64_t index = 4 - comm.rank(); index >= 0; index -= 3) own.push_back(record(index));
    const auto all = gather_in_order(own, comm);
    const std::scoped_lock lock(mutex);
    ASSERT_EQ(all.size(), 5u);
    for (std::int64_t i = 0; i < 5; ++i) {
      const ImageRecord &got = all[static_cast<std::size_t>(i)], expected = record(i);
      EXPECT_EQ(got.index, i);
      ASSERT_EQ(got.detections.size(), expected.detections.size());
      for (std::size_t d = 0; d < got.detections.size(); ++d) {
        EXPECT_EQ(got.detections[d].score, expected.detections[d].score);
        EXPECT_EQ(got.detections[d].box.x2, expected.detections[d].box.x2);
        EXPECT_EQ(got.detections[d].class_id, expected.detections[d].class_id);
      }
      EXPECT_EQ(got.hits, expected.hits);
      ASSERT_EQ(got.labels.size(), 1u);
      EXPECT_EQ(got.labels[0].box.y2, expected.labels[0].box.y2);
    }
  });
}

TEST(Records, OfBatchesToo) {
  testing::run_world(2, [](Communicator& comm) {
    const std::vector<BatchRecord> own = {{.number = 1 - comm.rank(), .nms_seconds = 0.5}};
    const auto all = gather_in_order(own, comm);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].number, 0);
    EXPECT_EQ(all[1].nms_seconds, 0.5);
  });
}

}  // namespace
}  // namespace gannet
