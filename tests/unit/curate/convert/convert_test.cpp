#include "gannet/curate/convert/convert.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/curate/convert/convert_text.h"
#include "tests/unit/data/data_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kClasses = 3;

class Convert : public DataFolder {
 protected:
  void SetUp() override {
    DataFolder::SetUp();
    ::setenv("XDG_CACHE_HOME", path("cache").c_str(), 1);
    options_.use_cache = false;
    data_.file = path("source.yaml");
    data_.train = data_.val = {path("images")};
    data_.num_classes = kClasses;
    data_.names = {"cat", "a <dog> & \"co\"", "7"};
  }

  void TearDown() override {
    ::unsetenv("XDG_CACHE_HOME");
    DataFolder::TearDown();
  }

  ConvertReport convert(const DataDescription& data, const std::string& folder,
                        const std::string& format) const {
    return convert_dataset(data, path(folder), annotation_format(format), options_);
  }
  DataDescription load(const std::string& folder) const {
    DataDescription data = load_data_description(path(folder) + "/data.yaml");
    complete_names(data);
    return data;
  }
  static ImageIndex index_of(const DataDescription& data, const std::string& split = "train") {
    IndexOptions options;
    options.use_cache = false;
    return build_split_index(data, split, options);
  }

  /// Images with boxes anywhere, each number any float; every third object has an outline.
  void write_random_set(int count) const {
    Rng rng({5, 0, 0, Purpose::kTest});
    const auto number = [&] { return fmt::format(" {}", static_cast<float>(rng.uniform())); };
    for (int i = 0; i < count; ++i) {
      write_image(fmt::format("images/{}.png", 100 + i), static_cast<int>(10 + rng.below(60)),
                  static_cast<int>(10 + rng.below(60)));
      std::string text;
      for (int k = 0; k < 20; ++k) {
        text += std::to_string(rng.below(kClasses));
        const int numbers = k % 3 == 0 ? 10 : 4;
        for (int n = 0; n < numbers; ++n) text += number();
        text += '\n';
      }
      write_text(fmt::format("labels/{}.txt", 100 + i), text);
    }
  }

  DataDescription data_;
  ConvertOptions options_;
};

void expect_same_labels(const ImageIndex& a, const ImageIndex& b) {
  ASSERT_EQ(a.images.size(), b.images.size());
  for (std::size_t i = 0; i < a.images.size(); ++i) {
    EXPECT_EQ(std::filesystem::path(a.images[i].path).filename(),
              std::filesystem::path(b.images[i].path).filename());
    EXPECT_EQ(a.images[i].width, b.images[i].width);
    EXPECT_EQ(a.images[i].labels, b.images[i].labels) << a.images[i].path;
  }
}

TEST_F(Convert, ThereAndBackIsTheSameToTheLastBit) {
  write_random_set(12);
  const ImageIndex source = index_of(data_);
  for (const char* format : {"yolo", "coco", "voc"}) {
    const std::string there = std::string(format) + "1", back = std::string(format) + "2";
    const ConvertReport report = convert(data_, there, format);
    EXPECT_EQ(report.images, 12);
    EXPECT_EQ(report.labels, 240);
    const ImageIndex middle = index_of(load(there));
    expect_same_labels(source, middle);
    convert(load(there), back, "yolo");
    const ImageIndex again = index_of(load(back));
    expect_same_labels(source, again);
    if (format == std::string("voc")) continue;  // holds no outlines
    for (std::size_t i = 0; i < source.images.size(); ++i) {
      EXPECT_EQ(source.images[i].polygons, middle.images[i].polygons);
      EXPECT_EQ(source.images[i].polygons, again.images[i].polygons);
    }
  }
}

TEST_F(Convert, SaysWhatAFormatCannotHold) {
  write_image("images/10.png", 40, 30);
  write_text("labels/10.txt", "1 0 0 0.5 0 0.5 0.5\n0 0.5 0.5 0.5 0.5\n");
  EXPECT_THAT(convert(data_, "coco", "coco").notes, IsEmpty());
  EXPECT_THAT(convert(data_, "voc", "voc").notes,
              ElementsAre("1 outlines left out, their boxes kept"));
  EXPECT_THAT(convert(load("coco"), "yolo", "yolo").notes,
              ElementsAre("1 image ids left out", "category ids left out: classes count from 0"));
}

TEST_F(Convert, CrowdDifficultAndIdsSurviveWhereTheyCan) {
  write_image("images/a.png", 40, 30);
  write_text("a.json", R"({"images": [{"id": 77, "file_name": "a.png"}],
    "categories": [{"id": 4, "name": "cat"}, {"id": 9, "name": "dog"}],
    "annotations": [
      {"id": 1, "image_id": 77, "category_id": 9, "bbox": [0, 0, 20, 15], "difficult": 1},
      {"id": 2, "image_id": 77, "category_id": 4, "bbox": [0, 0, 4, 3], "iscrowd": 1}]})");
  data_.names.clear();
  data_.annotations = {{"train", path("a.json")}, {"val", path("a.json")}};
  convert(data_, "coco", "coco");
  const ImageIndex coco = index_of(load("coco"));
  EXPECT_EQ(coco.images[0].id, 77);
  EXPECT_THAT(coco.category_ids, ElementsAre(4, 9));
  EXPECT_THAT(coco.images[0].crowd, ElementsAre(Label{0, 0.05F, 0.05F, 0.1F, 0.1F}));
  EXPECT_THAT(coco.images[0].difficult, ElementsAre(1));
  const ConvertReport report = convert(data_, "voc", "voc");
  EXPECT_THAT(report.notes, Contains("1 crowd regions left out"));
  const ImageIndex voc = index_of(load("voc"));
  EXPECT_THAT(voc.images[0].difficult, ElementsAre(1));
  EXPECT_EQ(voc.images[0].labels, coco.images[0].labels);
  EXPECT_THAT(convert(load("voc"), "yolo", "yolo").notes,
              ElementsAre("1 marks 'difficult' left out, their labels kept"));
}

TEST_F(Convert, WholePixelsStayWholePixels) {
  write_image("images/a.png", 40, 30);
  std::filesystem::create_directories(root_ / "annotations");
  write_text("annotations/a.xml",
             "<annotation><object><name>cat</name><bndbox><xmin>3</xmin><ymin>7</ymin>"
             "<xmax>22</xmax><ymax>29</ymax></bndbox></object></annotation>");
  data_.annotations = {{"train", path("annotations")}, {"val", path("annotations")}};
  convert(data_, "yolo", "yolo");
  convert(load("yolo"), "voc", "voc");
  const std::string xml = read_file(path("voc/annotations/train/a.xml"));
  EXPECT_THAT(xml, HasSubstr("<xmin>3</xmin>"));
  EXPECT_THAT(xml, HasSubstr("<ymax>29</ymax>"));
}

TEST_F(Convert, NamesOfAJsonAreRememberedUntilItChanges) {
  write_set(1);
  convert(data_, "coco", "coco");
  DataDescription nameless = load_data_description(path("coco/data.yaml"));
  const auto names = [&] {
    nameless.names.clear();
    complete_names(nameless);
    return nameless.names;
  };
  EXPECT_EQ(names(), data_.names);
  EXPECT_EQ(names(), data_.names);
  EXPECT_EQ(nameless.num_classes, kClasses);
  write_text("coco/annotations/train.json",
             R"({"images": [], "categories": [{"id": 2, "name": "b"}, {"id": 1, "name": "a"}]})");
  EXPECT_THAT(names(), ElementsAre("a", "b"));
  DataDescription none = data_;
  none.names.clear();
  EXPECT_ERROR(kConfig, "names: missing", complete_names(none));
}

TEST_F(Convert, NumbersInFileNamesBecomeImageIds) {
  write_set(2);
  convert(data_, "coco", "coco");
  const auto json = nlohmann::json::parse(read_file(path("coco/annotations/train.json")));
  EXPECT_EQ(json["images"][0]["id"], 10);
  EXPECT_EQ(json["images"][1]["id"], 11);
  EXPECT_EQ(json["categories"][0]["id"], 1);
  EXPECT_EQ(json["categories"][1]["name"], data_.names[1]);
  EXPECT_EQ(json["annotations"][0]["bbox"], nlohmann::json({10.0, 9.0, 20.0, 12.0}));
}

TEST_F(Convert, TheSameSplitIsWrittenOnce) {
  write_set(2);
  data_.test = {path("absent")};
  const ConvertReport report = convert(data_, "new", "coco");
  EXPECT_EQ(report.images, 2);
  const DataDescription made = load("new");
  EXPECT_EQ(made.train, made.val);
  EXPECT_TRUE(made.test.empty());
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("does not exist, left out")));
  EXPECT_FALSE(std::filesystem::exists(path("new/images/val")));
}

TEST_F(Convert, SameNamesGetANumber) {
  write_image("images/a.png", 40, 30);
  write_image("images/a.jpg", 20, 20);
  convert(data_, "new", "yolo");
  const ImageIndex index = index_of(load("new"));
  ASSERT_EQ(index.images.size(), 2);
  EXPECT_EQ(index.images[0].path, path("new/images/train/a.jpg"));
  EXPECT_EQ(index.images[1].path, path("new/images/train/a_2.png"));
}

TEST_F(Convert, LinksShareTheirBytesAndAreNeverWrittenTo) {
  write_set(1);
  options_.link = true;
  convert(data_, "new", "yolo");
  EXPECT_EQ(std::filesystem::hard_link_count(path("images/10.jpg")), 2);
  options_.link = false;
  options_.exist_ok = true;
  convert(data_, "new", "yolo");
  EXPECT_EQ(std::filesystem::hard_link_count(path("images/10.jpg")), 1);
  EXPECT_EQ(std::filesystem::file_size(path("images/10.jpg")),
            std::filesystem::file_size(path("new/images/train/10.jpg")));
}

TEST_F(Convert, FoldersThatHoldSomethingAreRefused) {
  write_set(1);
  write_text("full.txt", "");
  std::filesystem::create_directories(root_ / "full");
  write_text("full/x", "");
  const Error full = thrown_error([&] { convert(data_, "full", "yolo"); });
  EXPECT_EQ(full.kind(), ErrorKind::kUsage);
  EXPECT_THAT(full.what(), HasSubstr("not empty"));
  options_.exist_ok = true;
  EXPECT_NO_THROW(convert(data_, "full", "yolo"));
  EXPECT_THAT(thrown_error([&] { convert(data_, ".", "yolo"); }).what(),
              HasSubstr("holds the source"));
  EXPECT_THAT(thrown_error([&] { convert(data_, "images", "yolo"); }).what(),
              HasSubstr("holds the source"));
}

TEST_F(Convert, NamesMustTellClasses) {
  write_set(1);
  data_.names = {"cat", "dog", "cat"};
  EXPECT_THAT(thrown_error([&] { convert(data_, "new", "voc"); }).what(),
              HasSubstr("two classes are called 'cat'"));
  EXPECT_NO_THROW(convert(data_, "new", "yolo"));
  EXPECT_ERROR(kUsage, "'pascal' is not one of", annotation_format("pascal"));
}

TEST(YoloText, OutlinesOfOtherBoxesOnlyWhenAskedFor) {
  IndexedImage image;
  image.width = image.height = 10;
  image.labels = {{0, 0.5F, 0.5F, 0.25F, 0.25F}};
  image.polygons = {{{0, 0}, {1, 0}, {0, 1}}};
  ConvertLosses losses;
  EXPECT_EQ(yolo_text(image, false, losses), "0 0.5 0.5 0.25 0.25\n");
  EXPECT_EQ(losses.outlines, 1);
  EXPECT_EQ(yolo_text(image, true, losses), "0 0 0 1 0 0 1\n");
}

}  // namespace
}  // namespace gannet::testing
