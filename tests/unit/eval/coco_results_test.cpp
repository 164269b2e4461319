#include "gannet/eval/coco_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "gannet/core/atomic_file.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ImageIndex two_images() {
  ImageIndex index;
  index.images.resize(2);
  index.images[0].path = "images/000000000042.jpg";
  index.images[1].path = "images/street.jpg";
  return index;
}

ImageRecord found(std::int64_t index, int class_id) {
  return {index, {{{10.12345F, 20, 30.5F, 60}, 0.1234567F, class_id}}, {HitFlags{}}, {}};
}

class CocoResultsTest : public testing::TemporaryFolder {
 protected:
  nlohmann::json write(const ImageIndex& index, const std::vector<std::int64_t>& categories,
                       int class_id) const {
    write_coco_results(path("results.json"), {found(0, class_id), found(1, class_id)}, index,
                       categories);
    std::ifstream file(path("results.json"));
    return nlohmann::json::parse(file);
  }
};

TEST_F(CocoResultsTest, ListsImagesInTheirOrderWithIdsFromTheirNames) {
  const auto rows = write(two_images(), {0, 1, 2}, 2);
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
  EXPECT_EQ(write(index, {1, 5, 9}, 2)[0]["image_id"], 7);
}

TEST_F(CocoResultsTest, LeavesOutClassesThatTheSetDoesNotHave) {
  EXPECT_EQ(write(two_images(), {4, -1}, 1).size(), 0u);
  EXPECT_EQ(write(two_images(), {4, -1}, 0).size(), 2u);
}

TEST(CocoCategories, AreThoseOfTheFileTheSetOrCoco) {
  ImageIndex index;
  EXPECT_THAT(coco_categories(index, 3, {}, 3), ElementsAre(0, 1, 2));
  const auto coco = coco_categories(index, 80, {}, 80);
  EXPECT_EQ(coco[0], 1);    // person
  EXPECT_EQ(coco[11], 13);  // stop sign
  EXPECT_EQ(coco[79], 90);  // toothbrush
  index.category_ids = {10, 20};
  // The model has a third class, as its number 1.
  EXPECT_THAT(coco_categories(index, 2, {2, 0}, 3), ElementsAre(20, -1, 10));
}

class CocoGroundTest : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    testing::TemporaryFolder::SetUp();
    write_file_atomically(path("truth.json"), R"({
      "images": [{"id": 5, "file_name": "a/street.jpg"}, {"id": 6, "file_name": "other.jpg"}],
      "categories": [{"id": 3, "name": "dog"}, {"id": 4, "name": "cat"}],
      "annotations": [{"id": 1, "image_id": 5, "category_id": 4, "bbox": [1, 2, 3, 4], "area": 7}]})");
  }
};

TEST_F(CocoGroundTest, FindsImagesByFileNameAndClassesByName) {
  const CocoGround ground =
      coco_ground(path("truth.json"), two_images(), {0, 1, 2}, {"cat", "bird", "dog"});
  EXPECT_THAT(ground.image_ids, ElementsAre(-1, 5));
  EXPECT_THAT(ground.category_ids, ElementsAre(4, -1, 3));
  ASSERT_EQ(ground.truth.size(), 1u);
  EXPECT_EQ(ground.truth[0].area_px, 7);
  EXPECT_TRUE(ground.is_official);
}

TEST_F(CocoGroundTest, RefusesAFileOfOtherImagesOrClasses) {
  ImageIndex index = two_images();
  const Error classes = testing::thrown_error([&] {
    coco_ground(path("truth.json"), index, {0, 1}, {"cell", "platelet"});
  });
  EXPECT_EQ(classes.kind(), ErrorKind::kData);
  EXPECT_THAT(std::string(classes.what()), HasSubstr("has none of the classes"));
  // A category of the same number does not count where there are names.
  EXPECT_EQ(testing::thrown_error([&] {
              coco_ground(path("truth.json"), index, {3, 4}, {"cell", "platelet"});
            }).kind(),
            ErrorKind::kData);
  ImageIndex twice = index;
  twice.images[0].path = "elsewhere/street.jpg";
  EXPECT_THAT(std::string(testing::thrown_error([&] {
                            coco_ground(path("truth.json"), twice, {3, 4}, {"dog"});
                          }).what()),
              HasSubstr("'street.jpg' is the name of several images"));
  index.images.pop_back();
  const Error images = testing::thrown_error([&] {
    coco_ground(path("truth.json"), index, {3, 4}, {"dog"});
  });
  EXPECT_EQ(images.kind(), ErrorKind::kData);
  EXPECT_THAT(std::string(images.what()), HasSubstr("lists none of the 1 images"));
}

}  // namespace
}  // namespace gannet
