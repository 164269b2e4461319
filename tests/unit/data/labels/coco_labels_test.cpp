#include "gannet/data/labels/coco_labels.h"

#include <gmock/gmock.h>

#include <opencv2/imgproc.hpp>

#include "gannet/config/data_description.h"
#include "gannet/core/atomic_file.h"
#include "gannet/data/images/image_io.h"
#include "tests/unit/data/data_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kImages =
    R"("images": [{"id": 42, "file_name": "10.jpg", "width": 40, "height": 30},
                  {"id": 7, "file_name": "x/11.jpg", "width": 40, "height": 30}])";
constexpr const char* kCategories =
    R"("categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "car"}])";

std::string coco(const std::string& annotations) {
  return std::string("{") + kImages + "," + kCategories + ", \"annotations\": [" + annotations +
         "]}";
}

class CocoIndex : public DataFolder {
 protected:
  void SetUp() override {
    DataFolder::SetUp();
    write_image("images/10.jpg", 40, 30);
    write_image("images/11.jpg", 40, 30);
  }
  ImageIndex build(const std::string& annotations, std::vector<std::string> names = {}) const {
    write_text("a.json", coco(annotations));
    IndexOptions options;
    options.use_cache = false;
    options.annotations = path("a.json");
    options.names = std::move(names);
    return build_image_index({path("images")}, options);
  }
};

TEST_F(CocoIndex, ClassesFollowTheOrderOfCategoryIds) {
  const ImageIndex index = build(
      R"({"id": 1, "image_id": 42, "category_id": 18, "bbox": [10, 6, 20, 12]},
         {"id": 2, "image_id": 7, "category_id": 3, "bbox": [0, 0, 40, 30]})");
  EXPECT_THAT(index.category_ids, ElementsAre(3, 18));
  EXPECT_EQ(index.source, "COCO json " + path("a.json"));
  ASSERT_EQ(index.images.size(), 2);
  EXPECT_EQ(index.images[0].id, 42);
  EXPECT_THAT(index.images[0].labels, ElementsAre(Label{1, 0.5F, 0.4F, 0.5F, 0.4F}));
  EXPECT_EQ(index.images[1].id, 7);
  EXPECT_THAT(index.images[1].labels, ElementsAre(Label{0, 0.5F, 0.5F, 1.0F, 1.0F}));
  EXPECT_THAT(index.report.problems, IsEmpty());
}

TEST_F(CocoIndex, BoxesOfTheStoredPictureAreTurnedWithIt) {
  cv::Mat picture(32, 64, CV_8UC3, cv::Scalar::all(0));  // as stored
  cv::rectangle(picture, cv::Rect(48, 8, 8, 16), cv::Scalar::all(255), cv::FILLED);
  cv::imwrite(path("stored.jpg"), picture);
  const std::string jpeg = read_file(path("stored.jpg"));
  write_text("a.json", R"({"images": [{"id": 1, "file_name": "10.jpg", "width": 64, "height": 32}],
      "categories": [{"id": 1, "name": "a"}], "annotations": [{"id": 1, "image_id": 1,
      "category_id": 1, "bbox": [48, 8, 8, 16], "segmentation": [[48, 8, 56, 8, 56, 24, 48, 24]]}]})");
  IndexOptions options;
  options.use_cache = false;
  options.annotations = path("a.json");
  for (const char orientation : {5, 6, 7, 8}) {
    write_text("images/10.jpg", with_orientation(jpeg, orientation));
    const ImageIndex index = build_image_index({path("images")}, options);
    EXPECT_THAT(index.report.problems, IsEmpty());
    ASSERT_EQ(index.images.at(0).labels.size(), 1);
    const Label label = index.images[0].labels[0];
    const cv::Mat upright = decode_image(path("images/10.jpg"));
    ASSERT_EQ(upright.size(), cv::Size(32, 64));
    const cv::Rect box(static_cast<int>((label.cx - label.width / 2) * 32),
                       static_cast<int>((label.cy - label.height / 2) * 64),
                       static_cast<int>(label.width * 32), static_cast<int>(label.height * 64));
    ASSERT_EQ(box.size(), cv::Size(16, 8));
    EXPECT_GT(cv::mean(upright(box))[0], 240) << int{orientation};
    EXPECT_NEAR(cv::mean(upright)[0], 255.0 / 16, 2);
    float x1 = 1, y1 = 1;
    for (const auto& [x, y] : index.images[0].polygons.at(0))
      x1 = std::min(x1, x), y1 = std::min(y1, y);
    EXPECT_FLOAT_EQ(x1, label.cx - label.width / 2);
    EXPECT_FLOAT_EQ(y1, label.cy - label.height / 2);
  }
}

TEST_F(CocoIndex, AJsonBesideTheImagesIsFound) {
  write_text("images/_annotations.coco.json",
             coco(R"({"id": 1, "image_id": 42, "category_id": 18, "bbox": [10, 6, 20, 12]})"));
  std::filesystem::remove(root_ / "labels");
  IndexOptions options;
  options.use_cache = false;
  const ImageIndex index = build_image_index({path("images")}, options);
  EXPECT_EQ(index.num_labels(), 1);
  write_text("d.yaml", "train: images\nval: images\n");
  DataDescription data = load_data_description(path("d.yaml"));
  complete_names(data);
  EXPECT_THAT(data.names, ElementsAre("car", "dog"));
}

TEST_F(CocoIndex, NamesOfTheDescriptionDecideClasses) {
  const std::string dog = R"({"id": 1, "image_id": 42, "category_id": 18, "bbox": [0, 0, 4, 3]})";
  const ImageIndex index = build(dog, {"cat", "dog", "car"});
  EXPECT_THAT(index.category_ids, ElementsAre(-1, 18, 3));
  EXPECT_EQ(index.images[0].labels[0].class_id, 1);
  const Error error = thrown_error([&] { build(dog, {"car", "dogs"}); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_EQ(error.where().path, path("a.json"));
  EXPECT_THAT(error.what(), HasSubstr("class 'dog' is not one of the 2 names"));
  EXPECT_THAT(error.what(), HasSubstr("'dogs'"));
  EXPECT_THAT(build("", {"car"}).category_ids, ElementsAre(3));  // an unused category is no error
}

TEST_F(CocoIndex, CrowdsAreCountedAndKeptApart) {
  const ImageIndex index = build(
      R"({"id": 1, "image_id": 42, "category_id": 18, "bbox": [0, 0, 20, 30], "iscrowd": 1})");
  EXPECT_EQ(index.num_labels(), 0);
  EXPECT_EQ(index.report.crowd, 1);
  EXPECT_THAT(index.images[0].crowd, ElementsAre(Label{1, 0.25F, 0.5F, 0.5F, 1.0F}));
}

TEST_F(CocoIndex, DanglingNumbersAreNamed) {
  const ImageIndex index = build(
      R"({"id": 1, "image_id": 99, "category_id": 18, "bbox": [0, 0, 20, 30]},
         {"id": 2, "image_id": 42, "category_id": 99, "bbox": [0, 0, 20, 30]},
         {"id": 3, "image_id": 42, "category_id": 3, "bbox": [60, 0, 20, 30]},
         {"id": 4, "image_id": 42, "category_id": 3, "bbox": [30, 0, 20, 30]})");
  ASSERT_EQ(index.report.problems.size(), 3);
  EXPECT_THAT(index.report.problems[0], HasSubstr("annotation 1: image 99 does not exist"));
  EXPECT_THAT(index.report.problems[1], HasSubstr("annotation 2: category 99 does not exist"));
  EXPECT_THAT(index.report.problems[2], HasSubstr("annotation 3: box outside"));
  EXPECT_EQ(index.num_labels(), 1);  // reaches out with its centre on the edge: kept as it is
}

TEST_F(CocoIndex, ImagesThatOnlyOneSideKnows) {
  write_image("images/12.jpg", 40, 30);
  std::filesystem::remove(path("images/11.jpg"));
  const ImageIndex index = build("");
  EXPECT_EQ(index.images.size(), 1);
  EXPECT_EQ(index.report.unlisted, 1);
  EXPECT_EQ(index.report.absent, 1);
  std::filesystem::remove(path("images/10.jpg"));
  EXPECT_THAT(thrown_error([&] { build(""); }).what(), HasSubstr("of none of the 1"));
}

TEST_F(CocoIndex, OutlinesAreKept) {
  const ImageIndex index = build(
      R"({"id": 1, "image_id": 42, "category_id": 3, "bbox": [0, 0, 4, 3]},
         {"id": 2, "image_id": 42, "category_id": 3, "bbox": [0, 0, 20, 15],
          "segmentation": [[0, 0, 20, 0, 20, 15]]})");
  ASSERT_EQ(index.images[0].polygons.size(), 2);
  EXPECT_THAT(index.images[0].polygons[0], IsEmpty());
  EXPECT_EQ(index.images[0].polygons[1], (Polygon{{0, 0}, {0.5F, 0}, {0.5F, 0.5F}}));
}

TEST_F(CocoIndex, ASplitMayNameTheJsonItself) {
  std::filesystem::create_directories(root_ / "annotations");
  write_text("annotations/instances_train.json", coco(""));
  IndexOptions options;
  options.use_cache = false;
  const ImageIndex index = build_image_index({path("annotations/instances_train.json")}, options);
  ASSERT_EQ(index.images.size(), 1);  // x/11.jpg is not there
  EXPECT_EQ(index.images[0].path, path("images/10.jpg"));
  EXPECT_EQ(index.report.corrupt, 1);
}

TEST(JoinOutlines, GoesThereAndBackAtTheNearestPoints) {
  const Polygon left = {{0, 0}, {0.25F, 0}, {0, 0.25F}};
  const Polygon right = {{1, 0}, {0.5F, 0}, {1, 0.25F}};
  EXPECT_EQ(
      join_outlines({left, right}),
      (Polygon{
          {0, 0}, {0.25F, 0}, {0.5F, 0}, {1, 0.25F}, {1, 0}, {0.5F, 0}, {0.25F, 0}, {0, 0.25F}}));
  EXPECT_EQ(join_outlines({left}), left);
  EXPECT_THAT(join_outlines({}), IsEmpty());
}

}  // namespace
}  // namespace gannet::testing
