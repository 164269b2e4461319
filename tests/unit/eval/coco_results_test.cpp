#include "gannet/eval/coco_results.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gannet/core/atomic_file.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thread_world.h"

namespace gannet {
namespace {

class CocoResultsTest : public testing::TemporaryFolder {
 protected:
  nlohmann::json write(const ImageIndex& index, int num_classes, int class_id) const {
    CocoResults results(std::make_shared<ImageIndex>(index), num_classes);
    for (const std::int64_t image : {1, 0}) {  // batches come in another order than images
      SampleInfo sample;
      sample.index = image;
      Detection detection;
      detection.box_px = {10.12345F, 20, 30.5F, 60};
      detection.score = 0.1234567F;
      detection.class_id = class_id;
      results.add({&sample, {}, {detection}});
    }
    results.write(path("results.json"));
    std::ifstream file(path("results.json"));
    return nlohmann::json::parse(file);
  }
  static ImageIndex two_images() {
    ImageIndex index;
    index.images.resize(2);
    index.images[0].path = "images/000000000042.jpg";
    index.images[1].path = "images/street.jpg";
    return index;
  }
};

TEST_F(CocoResultsTest, ListsImagesInTheirOrderWithIdsFromTheirNames) {
  const auto rows = write(two_images(), 3, 2);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["image_id"], 42);
  EXPECT_EQ(rows[1]["image_id"], "street");
  EXPECT_EQ(rows[0]["category_id"], 2);
  EXPECT_EQ(rows[0]["bbox"], nlohmann::json({10.123, 20.0, 20.377, 40.0}));
  EXPECT_EQ(rows[0]["score"], 0.12346);
}

TEST_F(CocoResultsTest, UsesTheIdsOfTheAnnotationFile) {
  ImageIndex index = two_images();
  index.images[0].id = 7;
  index.category_ids = {1, 5, 9};
  const auto rows = write(index, 3, 2);
  EXPECT_EQ(rows[0]["image_id"], 7);
  EXPECT_EQ(rows[0]["category_id"], 9);
}

TEST_F(CocoResultsTest, ClassesOfTheModelBecomeThoseOfTheSet) {
  auto index = std::make_shared<ImageIndex>(two_images());
  index->category_ids = {10, 20};
  CocoResults results(index, 2, {2, 0});  // the model has a third class, as its number 1
  for (const int class_id : {2, 1, 0}) {
    SampleInfo sample;
    sample.index = class_id == 0 ? 1 : 0;
    Detection detection;
    detection.class_id = class_id;
    results.add({&sample, {}, {detection}});
  }
  results.write(path("results.json"));
  std::ifstream file(path("results.json"));
  const auto rows = nlohmann::json::parse(file);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["category_id"], 10);
  EXPECT_EQ(rows[1]["category_id"], 20);
}

TEST_F(CocoResultsTest, TheFileOfSeveralRanksIsThatOfOne) {
  auto index = std::make_shared<ImageIndex>();
  index->images.resize(5);
  for (std::size_t i = 0; i < 5; ++i)
    index->images[i].path = "images/" + std::to_string(i) + ".jpg";
  const auto add = [](CocoResults& results, std::int64_t image) {
    SampleInfo sample;
    sample.index = image;
    Detection detection;
    detection.box_px = {1, 2, 3 + static_cast<float>(image), 5};
    results.add({&sample, {}, {detection, detection}});
  };
  CocoResults alone(index, 3);
  for (std::int64_t image = 0; image < 5; ++image) add(alone, image);
  alone.write(path("alone.json"));
  testing::run_world(3,
                     [&](Communicator& comm) {  // rank 2 has one image, and none has them in order
                       CocoResults results(index, 3);
                       for (std::int64_t image = 4 - comm.rank(); image >= 0; image -= 3)
                         add(results, image);
                       results.gather(comm);
                       results.write(path("rank" + std::to_string(comm.rank()) + ".json"));
                     });
  const std::string expected = read_file(path("alone.json"));
  ASSERT_EQ(nlohmann::json::parse(expected).size(), 10u);
  for (const int rank : {0, 1, 2})
    EXPECT_EQ(read_file(path("rank" + std::to_string(rank) + ".json")), expected) << rank;
}

TEST_F(CocoResultsTest, EightyClassesHaveTheIdsOfCoco) {
  EXPECT_EQ(write(two_images(), 80, 0)[0]["category_id"], 1);    // person
  EXPECT_EQ(write(two_images(), 80, 11)[0]["category_id"], 13);  // stop sign
  EXPECT_EQ(write(two_images(), 80, 79)[0]["category_id"], 90);  // toothbrush
}

}  // namespace
}  // namespace gannet
