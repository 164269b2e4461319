#include "gannet/data/labels/coco_detections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/data/labels/coco_truth.h"

namespace gannet {
namespace {

std::string message_of(const std::string& text) {
  try {
    parse_coco_detections(text, "found.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    return error.what();
  }
  return "no error";
}

TEST(CocoDetections, ReadsTheFourKeysAndSkipsOthers) {
  const auto detections = parse_coco_detections(
      R"([{"score": 0.5, "segmentation": [[1, 2], {"bbox": [9]}], "bbox": [1, 2, 3, 4],
           "category_id": 2, "extra": {"score": 1}, "image_id": 12345678901, "id": 4},
          {"image_id": "000042", "category_id": 1.0, "bbox": [0, 0, 0, 0], "score": 1}])",
      "found.json");
  ASSERT_EQ(detections.size(), 2u);
  EXPECT_EQ(detections[0].image_id, 12345678901);
  EXPECT_EQ(detections[0].category_id, 2);
  EXPECT_EQ(detections[0].box_px, (std::array<double, 4>{1, 2, 3, 4}));
  EXPECT_EQ(detections[0].score, 0.5);
  EXPECT_EQ(detections[1].image_id, 42);
  EXPECT_EQ(detections[1].category_id, 1);
}

TEST(CocoDetections, AnEmptyListIsNone) {
  EXPECT_TRUE(parse_coco_detections("[]", "found.json").empty());
}

/// Behind a complete one.
std::string message_of_second(const std::string& rest) {
  std::string text = R"([{"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 1}, {)";
  text += rest;
  return message_of(text += "}]");
}

TEST(CocoDetections, SaysWhichOneIsIncomplete) {
  using testing::HasSubstr;
  EXPECT_THAT(message_of_second(R"("image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4])"),
              HasSubstr("detection 1 (from 0) has no score"));
  const std::array<std::pair<const char*, const char*>, 5> cases = {{
      {"image_id", R"("image_id": "a", "category_id": 3, "bbox": [1, 2, 3, 4], "score": 1)"},
      {"category_id", R"("image_id": 7, "category_id": 3.5, "bbox": [1, 2, 3, 4], "score": 1)"},
      {"bbox", R"("image_id": 7, "category_id": 3, "bbox": [1, 2, 3], "score": 1)"},
      {"bbox", R"("image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4, 5], "score": 1)"},
      {"negative", R"("image_id": 7, "category_id": 3, "bbox": [1, 2, -3, 4], "score": 1)"},
  }};
  for (const auto& [what, rest] : cases) {
    EXPECT_THAT(message_of_second(rest), HasSubstr(what));
    EXPECT_THAT(message_of_second(rest), HasSubstr("detection 1 "));
  }
}

TEST(CocoDetections, RefusesWhatIsNoListOfDetections) {
  for (const char* text : {"{}", "[1]", "[[1]]", "5", "null", R"({"annotations": []})"})
    EXPECT_NE(message_of(text).find("expected"), std::string::npos) << text;
  EXPECT_NE(message_of("[\n{,}]").find("found.json:2"), std::string::npos);
  EXPECT_NE(message_of("").find("not valid JSON"), std::string::npos);
  EXPECT_NE(message_of(std::string(100, '[')).find("list"), std::string::npos);
  EXPECT_NE(message_of("[{\"a\":" + std::string(100, '[')).find("64 deep"), std::string::npos);
}

TEST(CocoDetections, WritingAndReadingGivesTheSameNumbers) {
  const auto path = std::filesystem::path(testing::TempDir()) / "coco_detections.json";
  const std::vector<CocoDetection> written{{1, 2, {0.1, 1. / 3, 1e-7, 640}, 0.30000000000000004},
                                           {-5, 90, {0, 0, 0, 0}, 1}};
  write_coco_detections(path, written);
  const auto read = read_coco_detections(path.string());
  std::filesystem::remove(path);
  ASSERT_EQ(read.size(), written.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].image_id, written[i].image_id);
    EXPECT_EQ(read[i].category_id, written[i].category_id);
    EXPECT_EQ(read[i].box_px, written[i].box_px);
    EXPECT_EQ(read[i].score, written[i].score);
  }
}

TEST(CocoTruthSet, KeepsCrowdAndAreaOfListedImagesAndCategories) {
  const CocoFile file = parse_coco(
      R"({"images": [{"id": 9, "file_name": "b"}, {"id": 4, "file_name": "a"}],
          "categories": [{"id": 2, "name": "x"}, {"id": 1, "name": "y"}],
          "annotations": [
            {"id": 1, "image_id": 9, "category_id": 2, "bbox": [0, 0, 4, 5], "area": 7.5},
            {"id": 2, "image_id": 4, "category_id": 1, "bbox": [1, 1, 4, 5], "iscrowd": 1},
            {"id": 3, "image_id": 5, "category_id": 1, "bbox": [1, 1, 4, 5]},
            {"id": 4, "image_id": 4, "category_id": 8, "bbox": [1, 1, 4, 5]}]})",
      "truth.json");
  const CocoTruthSet truth = coco_truth(file);
  EXPECT_EQ(truth.image_ids, (std::vector<std::int64_t>{4, 9}));
  EXPECT_EQ(truth.category_ids, (std::vector<std::int64_t>{1, 2}));
  ASSERT_EQ(truth.objects.size(), 2u);
  EXPECT_EQ(truth.objects[0].area_px, 7.5);
  EXPECT_FALSE(truth.objects[0].is_crowd);
  EXPECT_EQ(truth.objects[1].area_px, 20);  // of the box
  EXPECT_TRUE(truth.objects[1].is_crowd);
}

TEST(CocoTruthSet, DetectionsOfOtherImagesAreRefused) {
  CocoTruthSet truth;
  truth.image_ids = {4, 9};
  EXPECT_NO_THROW(require_known_images({{4, 1, {}, 1}, {9, 1, {}, 1}}, truth, "found.json"));
  EXPECT_THROW(require_known_images({{5, 1, {}, 1}}, truth, "found.json"), Error);
}

}  // namespace
}  // namespace gannet
