#include "gannet/data/labels/coco_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CocoFile, ReadsTheThreeListsInAnyOrderAndSkipsTheRest) {
  const CocoFile file = parse_coco(R"({
    "info": {"images": [{"id": 9}], "name": "x"},
    "annotations": [
      {"id": 5, "image_id": 7, "category_id": 3, "bbox": [1, 2.5, 3, 4], "iscrowd": 0,
       "segmentation": [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]], "area": 12},
      {"id": 6, "image_id": 7, "category_id": 3, "bbox": [0, 0, 1, 1], "iscrowd": 1,
       "segmentation": {"counts": [1, 2, 3], "size": [4, 5]}}],
    "categories": [{"supercategory": "animal", "id": 3, "name": "cat"}],
    "images": [{"id": 7, "file_name": "a.jpg", "width": 40, "height": 30}]})",
                                   "a.json");
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.images.size(), 1);
  EXPECT_EQ(file.images[0].id, 7);
  EXPECT_EQ(file.images[0].file_name, "a.jpg");
  EXPECT_EQ(file.images[0].width, 40);
  EXPECT_EQ(file.images[0].height, 30);
  ASSERT_EQ(file.categories.size(), 1);
  EXPECT_EQ(file.categories[0].name, "cat");
  ASSERT_EQ(file.objects.size(), 2);
  EXPECT_THAT(file.objects[0].box_px, ElementsAre(1, 2.5, 3, 4));
  EXPECT_THAT(file.objects[0].parts,
              ElementsAre(ElementsAre(1, 2, 3, 4, 5, 6), ElementsAre(7, 8, 9, 10, 11, 12)));
  EXPECT_FALSE(file.objects[0].is_crowd);
  EXPECT_TRUE(file.objects[1].is_crowd);
  EXPECT_TRUE(file.objects[1].parts.empty());  // a run-length mask
}

TEST(CocoFile, NamesWhatItLeavesOut) {
  const CocoFile file = parse_coco(R"({"images": [{"id": 1}, {"file_name": "b.jpg"}, {"id": 1.5}],
    "categories": [{"id": 1}],
    "annotations": [{"id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]},
                    {"id": 2, "image_id": 1, "bbox": [1, 2, 3, 4]},
                    {"id": 3, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3]},
                    {"id": 4, "image_id": 1, "category_id": 1, "bbox": [1, 2, -3, 4]},
                    {"id": 5, "image_id": null, "category_id": 1, "bbox": [1, 2, 3, 4]}]})",
                                   "a.json");
  EXPECT_TRUE(file.images.empty());
  EXPECT_TRUE(file.objects.empty());
  ASSERT_EQ(file.problems.size(), 9);
  EXPECT_EQ(file.problems[0], "a.json: image 1: without file_name, left out");
  EXPECT_THAT(file.problems[3], HasSubstr("category 1: without name"));
  EXPECT_THAT(file.problems[6], HasSubstr("annotation 3: without a bbox of four numbers"));
  EXPECT_THAT(file.problems[7], HasSubstr("annotation 4: with a negative size"));
}

TEST(CocoFile, IdsMayBeTextAndPathsThoseOfWindows) {
  const CocoFile file = parse_coco(
      "\xEF\xBB\xBF"
      R"({"images": [
      {"id": "7", "file_name": "day1\\a.jpg"}, {"id": "b-2", "file_name": "b.jpg"}],
    "categories": [{"id": "3", "name": "cell"}],
    "annotations": [{"id": "1", "image_id": "7", "category_id": "3", "bbox": [1, 2, 3, 4]},
                    {"id": "x", "image_id": "b-2", "category_id": 3, "bbox": [1, 2, 3, 4]}]})",
      "a.json");
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.images.size(), 2);
  EXPECT_EQ(file.images[0].id, 7);
  EXPECT_EQ(file.images[0].file_name, "day1/a.jpg");
  ASSERT_EQ(file.objects.size(), 2);
  EXPECT_EQ(file.objects[0].image_id, 7);
  EXPECT_EQ(file.objects[0].category_id, 3);
  EXPECT_EQ(file.objects[1].image_id, file.images[1].id);
  EXPECT_NE(file.images[1].id, 7);
}

TEST(CocoFile, BrokenTextOfOneLineIsNamedWithItsPlace) {
  const auto message_of = [](const std::string& text) {
    return std::string(testing::thrown_error([&] { parse_coco(text, "a.json"); }).what());
  };
  EXPECT_THAT(message_of(R"({"images": [], "annotations": [}])"), HasSubstr("column 32"));
  EXPECT_THAT(message_of(R"({"images": [{"id": 1, "width": NaN}]})"),
              HasSubstr("NaN and Infinity are no JSON numbers"));
}

TEST(CocoFile, TextThatIsNoneIsAnErrorWithItsLine) {
  const auto error_of = [](const std::string& text) {
    return testing::thrown_error([&] { parse_coco(text, "a.json"); });
  };
  const Error broken = error_of("{\n\"images\": [\n{]}");
  EXPECT_EQ(broken.kind(), ErrorKind::kData);
  EXPECT_EQ(broken.where().line, 3);
  EXPECT_THAT(error_of("").what(), HasSubstr("not valid JSON"));
  EXPECT_THAT(error_of("[]").what(), HasSubstr("no list 'images'"));
  EXPECT_THAT(error_of(std::string(100'000, '[')).what(), HasSubstr("nested more than 64 deep"));
}

}  // namespace
}  // namespace gannet
