#include "gannet/curate/check/dataset_check.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/unit/curate/check/check_fixture.h"

namespace gannet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using DatasetCheckTest = CheckFolder;

TEST_F(DatasetCheckTest, CleanSetHasNoFindings) {
  add_clean();
  const DatasetCheck found = check();
  EXPECT_TRUE(found.findings.empty()) << describe_check(found, 99);
  EXPECT_FALSE(found.would_harm_training());
  EXPECT_EQ(summary_line(found), "pets: no problems, 0 notes, in 2 images and 3 labels");
}

TEST_F(DatasetCheckTest, ImagesThatCannotBeRead) {
  add_clean();
  add("train/cut", "", ".jpg");
  add("train/half", "");
  truncate("images/train/cut.jpg");
  truncate("images/train/half.png");
  write_text("images/val/text.png", "this is no picture");
  write_text("images/val/empty.png", "");
  const DatasetCheck found = check();
  const auto findings = of_kind(found, FindingKind::kUnreadableImage);
  ASSERT_EQ(findings.size(), 4);
  EXPECT_EQ(findings[0].path, path("images/train/cut.jpg"));
  EXPECT_THAT(findings[0].what, HasSubstr("end early"));
  EXPECT_EQ(findings[1].path, path("images/train/half.png"));
  EXPECT_EQ(findings[2].path, path("images/val/empty.png"));
  EXPECT_EQ(findings[3].path, path("images/val/text.png"));
  EXPECT_EQ(found.findings.size(), 4);
  EXPECT_TRUE(found.would_harm_training());
}

TEST_F(DatasetCheckTest, ListedImagesThatAreMissing) {
  add_clean();
  write_text("list.txt", "./images/train/clean.png\n./images/train/absent.png\n");
  DataDescription data = description();
  data.train = {path("list.txt")};
  const Finding finding = only_finding(check_dataset(data, {}), FindingKind::kUnreadableImage);
  EXPECT_EQ(finding.path, path("images/train/absent.png"));
}

TEST_F(DatasetCheckTest, SmallImages) {
  add_clean();
  write_image("images/train/dot.png", 9, 30);
  const Finding finding = only_finding(check(), FindingKind::kSmallImage);
  EXPECT_EQ(finding.path, path("images/train/dot.png"));
  EXPECT_EQ(finding.what, "9 x 30 px");
}

TEST_F(DatasetCheckTest, LabelFilesThatCannotBeRead) {
  add_clean();
  write_image("images/train/b.png", 20, 20);
  std::filesystem::create_directories(path("labels/train/b.txt"));
  const DatasetCheck found = check();
  EXPECT_EQ(only_finding(found, FindingKind::kUnreadableLabels).path, path("labels/train/b.txt"));
  EXPECT_TRUE(found.would_harm_training());
}

TEST_F(DatasetCheckTest, ImagesAndLabelsWithoutTheOther) {
  add_clean();
  write_image("images/train/alone.png", 20, 20);
  write_text("labels/val/stray.txt", "0 .5 .5 .1 .1\n");
  write_text("labels/val/classes.txt", "dog\ncat\n");
  add("val/background", "");  // meant: not a finding
  const DatasetCheck found = check();
  EXPECT_EQ(found.findings.size(), 2) << describe_check(found, 99);
  EXPECT_THAT(of_kind(found, FindingKind::kImageWithoutLabels).at(0).path,
              path("images/train/alone.png"));
  EXPECT_THAT(of_kind(found, FindingKind::kLabelsWithoutImage).at(0).path,
              path("labels/val/stray.txt"));
  EXPECT_FALSE(found.would_harm_training());
}

TEST_F(DatasetCheckTest, LabelsOfImagesThatAreNotListedAreNotStray) {
  add_clean();
  add("train/other", "0 .5 .5 .1 .1\n");
  write_text("list.txt", "./images/train/clean.png\n");
  DataDescription data = description();
  data.train = {path("list.txt")};
  EXPECT_TRUE(check_dataset(data, {}).findings.empty());
}

TEST_F(DatasetCheckTest, RowsWithFileAndLine) {
  add_clean();
  add("train/b",
      "0 .5 .5 .2\n"      // malformed
      "2 .5 .5 .2 .2\n"   // class
      "-1 .5 .5 .2 .2\n"  // class
      "\n"
      "0 .5 1.25 .2 .2\n"  // outside
      "0 .5 .5 0 .2\n"     // no area
      "0 .3 .3 .2 .2\n"
      "0 0.30 0.30 0.2 0.2\n"  // repeats line 7
      "1 .3 .3 .2 .2\n");      // another class: no repetition
  const DatasetCheck found = check();
  const auto lines = [&](FindingKind kind) {
    std::vector<int> numbers;
    for (const Finding& finding : of_kind(found, kind)) {
      EXPECT_EQ(finding.path, path("labels/train/b.txt"));
      numbers.push_back(finding.line);
    }
    return numbers;
  };
  EXPECT_THAT(lines(FindingKind::kMalformedRow), ElementsAre(1));
  EXPECT_THAT(lines(FindingKind::kClassOutOfRange), ElementsAre(2, 3));
  EXPECT_THAT(lines(FindingKind::kCoordinateOutside), ElementsAre(5));
  EXPECT_THAT(lines(FindingKind::kZeroSize), ElementsAre(6));
  EXPECT_THAT(lines(FindingKind::kDuplicateRow), ElementsAre(8));
  EXPECT_EQ(of_kind(found, FindingKind::kDuplicateRow)[0].what, "repeats line 7");
  EXPECT_EQ(of_kind(found, FindingKind::kZeroSize)[0].what, "dog of 0 x 10 px");
  EXPECT_EQ(found.findings.size(), 6) << describe_check(found, 99);
  EXPECT_EQ(found.count(Severity::kProblem), 5);
  EXPECT_EQ(found.count(Severity::kNote), 1);
}

TEST_F(DatasetCheckTest, EachRowProblemAloneWouldHarm) {
  for (const char* row : {"0 .5 .5 .2", "2 .5 .5 .2 .2", "0 .5 1.5 .2 .2", "0 .5 .5 .2 0"}) {
    add_clean();
    add("train/b", row);
    EXPECT_TRUE(check().would_harm_training()) << row;
  }
  add("train/b", "0 .5 .5 .2 .2\n0 .5 .5 .2 .2\n");
  EXPECT_FALSE(check().would_harm_training());
}

TEST_F(DatasetCheckTest, TinyBoxesDependOnTheImageSize) {
  add_clean();
  add("train/b", "0 .5 .5 .0125 .1\n");  // 1.25 x 5 px: 8 x 32 at 640, 1.6 x 6.4 at 128
  EXPECT_TRUE(check_dataset(description(), {.img_size = 640}).findings.empty());
  const Finding finding =
      only_finding(check_dataset(description(), {.img_size = 128}), FindingKind::kTinyBox);
  EXPECT_EQ(finding.line, 1);
  EXPECT_EQ(finding.what, "dog of 1.6 x 6.4 px at 128 px");
}

TEST_F(DatasetCheckTest, BoxesOverTheEdge) {
  add_clean();
  add("train/b", "0 .95 .5 .2 .2\n0 .945 .5 .115 .2\n");  // by 5 px; by 0.25 px
  const Finding finding = only_finding(check(), FindingKind::kBeyondEdge);
  EXPECT_EQ(finding.line, 1);
  EXPECT_EQ(finding.what, "dog by 5.0 px");
}

TEST_F(DatasetCheckTest, ShapesAreMeasuredInPixels) {
  add_clean();
  add("train/b", "0 .5 .5 .8 .06\n0 .5 .5 .8 .1\n");  // 80 x 3 px; 80 x 5 px
  EXPECT_EQ(only_finding(check(), FindingKind::kExtremeAspect).line, 1);
}

TEST_F(DatasetCheckTest, SamePictureInTrainAndHeldOut) {
  add_clean();
  add("train/b", "0 .5 .5 .2 .2\n");
  std::filesystem::copy(path("images/train/b.png"), path("images/val/c.png"));
  write_text("labels/val/c.txt", "");
  std::filesystem::copy(path("images/train/clean.png"), path("images/test/d.png"));
  write_text("labels/test/d.txt", "");
  const DatasetCheck found = check(true);
  const auto leaked = of_kind(found, FindingKind::kLeakedImage);
  ASSERT_EQ(leaked.size(), 2);
  EXPECT_EQ(leaked[0].path, path("images/train/b.png"));
  EXPECT_EQ(leaked[0].what, "the same picture as " + path("images/val/c.png") + " (val)");
  EXPECT_EQ(leaked[1].path, path("images/train/clean.png"));
  EXPECT_THAT(leaked[1].what, HasSubstr("(test)"));
  EXPECT_TRUE(found.would_harm_training());
}

TEST_F(DatasetCheckTest, SamePictureWithinASplitAndInBothHeldOutOnes) {
  add_clean();
  std::filesystem::copy(path("images/train/clean.png"), path("images/train/copy.png"));
  write_text("labels/train/copy.txt", "");
  std::filesystem::copy(path("images/val/clean.png"), path("images/test/copy.png"));
  write_text("labels/test/copy.txt", "");
  const DatasetCheck found = check(true);
  EXPECT_EQ(found.findings.size(), 2) << describe_check(found, 99);
  EXPECT_EQ(of_kind(found, FindingKind::kRepeatedImage).at(0).path, path("images/train/copy.png"));
  EXPECT_EQ(of_kind(found, FindingKind::kSharedImage).at(0).path, path("images/test/copy.png"));
  EXPECT_FALSE(found.would_harm_training());
}

TEST_F(DatasetCheckTest, ValEqualToTrainReportsEachRowOnce) {
  add_clean();
  add("train/b", "0 .5 .5 0 0\n");
  DataDescription data = description();
  data.val = data.train;
  std::int64_t read = 0;
  const DatasetCheck found = check_dataset(data, {}, [&](std::int64_t done, std::int64_t total) {
    read = done;
    EXPECT_EQ(total, 2);  // each picture is decoded once
  });
  EXPECT_EQ(read, 2);
  EXPECT_EQ(found.count(FindingKind::kZeroSize), 1);
  EXPECT_EQ(found.count(FindingKind::kLeakedImage), 2);
  EXPECT_EQ(of_kind(found, FindingKind::kLeakedImage)[0].what, "also in val");
}

TEST_F(DatasetCheckTest, ClassesWithoutOrWithFewExamples) {
  add("val/clean", "0 .5 .5 .25 .5\n1 .5 .5 .25 .5\n");
  add("train/b", "1 .5 .5 .2 .2\n");
  const Finding unused = only_finding(check(), FindingKind::kUnusedClass);
  EXPECT_EQ(unused.what, "class 0 'dog'");

  std::string rows = "1 .5 .5 .2 .2\n";
  for (int i = 0; i < 10; ++i) rows += "0 ." + std::to_string(20 + i) + " .5 .2 .2\n";
  add("train/b", rows);
  EXPECT_TRUE(check().findings.empty());  // 10 to 1
  add("train/b", rows + "0 .4 .4 .2 .2\n");
  const Finding imbalance = only_finding(check(), FindingKind::kClassImbalance);
  EXPECT_EQ(imbalance.what, "11 labels of 'dog', 1 of 'cat': 11.0 to 1");
}

TEST_F(DatasetCheckTest, SplitsWithoutLabelsOrImages) {
  write_image("images/train/a.png", 20, 20);
  write_text("labels/train/a.txt", "");
  write_text("labels/val/b.txt", "0 .5 .5 .1 .1\n");
  const DatasetCheck found = check(true);
  EXPECT_EQ(of_kind(found, FindingKind::kNoLabels).at(0).what, "train");
  EXPECT_THAT(of_kind(found, FindingKind::kNoImages).at(0).what, HasSubstr("no images"));
  EXPECT_EQ(found.count(FindingKind::kNoTestImages), 1);
  EXPECT_EQ(found.count(FindingKind::kLabelsWithoutImage), 1);
  EXPECT_EQ(found.count(Severity::kProblem), 2);
}

TEST_F(DatasetCheckTest, SameForAnyNumberOfThreads) {
  add_clean();
  for (int i = 0; i < 9; ++i) add("train/" + std::to_string(i), "0 .5 .5 0 .1\n0 .9 .5 .5 .1\n");
  std::set<std::string> results;
  for (const int threads : {1, 2, 8}) {
    results.insert(check_to_json(check_dataset(description(), {.num_threads = threads})));
  }
  EXPECT_EQ(results.size(), 1);
  EXPECT_THAT(*results.begin(), HasSubstr("zero_size"));
}

TEST_F(DatasetCheckTest, TextNamesTheFirstFindingsOfAKind) {
  add_clean();
  add("train/b", "0 .5 .5 0 .1\n0 .5 .5 0 .2\n0 .5 .5 0 .3\n");
  const DatasetCheck found = check();
  const std::string text = describe_check(found, 2);
  EXPECT_THAT(text, HasSubstr("boxes without area: 3 ("));
  EXPECT_THAT(text, HasSubstr(path("labels/train/b.txt") + ":2: dog of 0 x 10 px"));
  EXPECT_THAT(text, HasSubstr("... and 1 more"));
  EXPECT_THAT(describe_check(found, 3), Not(HasSubstr("more")));
  EXPECT_EQ(summary_line(found),
            "pets: 3 problems (boxes without area: 3), 0 notes, in 3 images and 6 labels");
}

TEST_F(DatasetCheckTest, JsonHasTheDocumentedKeys) {
  add_clean();
  add("train/b", "0 .5 .5 0 .1\n");
  write_image("images/train/c.png", 20, 20);
  const auto json = nlohmann::json::parse(check_to_json(check()));
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["data"], path("pets.yaml"));
  EXPECT_EQ(json["img_size"], 640);
  EXPECT_EQ(json["problems"], 1);
  EXPECT_EQ(json["notes"], 1);
  const auto& train = json["splits"]["train"];
  EXPECT_EQ(train["images"], 3);
  EXPECT_EQ(train["usable_images"], 3);
  EXPECT_EQ(train["labels"], 3);
  EXPECT_EQ(train["background_images"], 1);
  EXPECT_EQ(train["images_without_label_file"], 1);
  EXPECT_EQ(train["image_width_px"]["max"], 100);
  EXPECT_EQ(train["image_height_px"]["min"], 20);
  EXPECT_EQ(train["classes"][1]["name"], "cat");
  EXPECT_EQ(train["classes"][0]["labels"], 2);
  EXPECT_EQ(train["classes"][0]["images"], 2);
  EXPECT_EQ(train["box_sides_px"]["counts"].size(), train["box_sides_px"]["edges"].size() + 1);
  EXPECT_TRUE(train.contains("aspect_ratios"));
  EXPECT_TRUE(train.contains("box_side_px"));
  const auto& group = json["findings"][0];
  EXPECT_EQ(group["kind"], "zero_size");
  EXPECT_EQ(group["severity"], "problem");
  EXPECT_EQ(group["count"], 1);
  EXPECT_EQ(group["entries"][0]["split"], "train");
  EXPECT_EQ(group["entries"][0]["path"], path("labels/train/b.txt"));
  EXPECT_EQ(group["entries"][0]["line"], 1);
  EXPECT_EQ(group["entries"][0]["what"], "dog of 0 x 5 px");
  EXPECT_EQ(json["findings"][1]["severity"], "note");
}

TEST_F(DatasetCheckTest, NamesThatAreNotUtf8DoNotBreakJson) {
  add_clean();
  write_text("images/train/\xff.png", "no picture");
  EXPECT_NO_THROW({
    const auto json = nlohmann::json::parse(check_to_json(check()));
    EXPECT_EQ(json["problems"], 1);
  });
}

TEST_F(DatasetCheckTest, CocoJson) {
  write_image("images/train/a.png", 100, 50);
  write_image("images/train/unlisted.png", 100, 50);
  write_image("images/val/b.png", 100, 50);
  write_text("all.json", R"({"images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 50},
      {"id": 2, "file_name": "b.png", "width": 100, "height": 50}],
    "categories": [{"id": 3, "name": "dog"}, {"id": 7, "name": "cat"}],
    "annotations": [
      {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 10, 20, 20]},
      {"id": 2, "image_id": 1, "category_id": 7, "bbox": [10, 10, 0, 20]},
      {"id": 3, "image_id": 1, "category_id": 3, "bbox": [95, 10, 20, 20]},
      {"id": 4, "image_id": 1, "category_id": 3, "bbox": [200, 10, 20, 20]},
      {"id": 5, "image_id": 2, "category_id": 7, "bbox": [0, 0, 50, 25]}]})");
  DataDescription data = description();
  data.names.clear();  // those of the file
  data.annotations = {{"train", path("all.json")}, {"val", path("all.json")}};
  const DatasetCheck found = check_dataset(data, {});
  EXPECT_EQ(found.survey.data.names, description().names);
  EXPECT_EQ(found.splits[0].source, "COCO json " + path("all.json"));
  EXPECT_EQ(found.splits[0].labels, 3);
  EXPECT_EQ(finding_text(of_kind(found, FindingKind::kZeroSize).at(0)),
            path("images/train/a.png") + ": cat of 0 x 20 px");
  EXPECT_THAT(of_kind(found, FindingKind::kMalformedRow).at(0).what, HasSubstr("annotation 4"));
  EXPECT_THAT(of_kind(found, FindingKind::kAnnotationRemark).at(0).what, HasSubstr("annotation 3"));
  EXPECT_EQ(of_kind(found, FindingKind::kUnlistedImage).at(0).path,
            path("images/train/unlisted.png"));
  EXPECT_EQ(found.findings.size(), 4) << describe_check(found, 99);
}

TEST_F(DatasetCheckTest, VocXml) {
  const auto object = [](const std::string& name, int right) {
    return "<object><name>" + name + "</name><bndbox><xmin>10</xmin><ymin>10</ymin><xmax>" +
           std::to_string(right) + "</xmax><ymax>20</ymax></bndbox></object>";
  };
  const auto write = [&](const std::string& name, const std::string& objects) {
    write_image("images/" + name + ".png", 100, 50);
    write_text("images/" + name + ".xml", "<annotation>\n" + objects + "</annotation>");
  };
  write("train/a", object("dog", 30) + object("cat", 10));
  write("train/b", object("horse", 30));
  write("val/c", object("cat", 30));
  write_text("images/val/c.xml", "<annotation><object>");
  const DatasetCheck found = check();
  EXPECT_EQ(found.splits[0].source, "Pascal VOC xml");
  EXPECT_EQ(finding_text(of_kind(found, FindingKind::kZeroSize).at(0)),
            path("images/train/a.xml") + ": cat of 0 x 10 px");
  EXPECT_EQ(of_kind(found, FindingKind::kUnknownClass).at(0).what,
            path("images/train/b.xml") + ":2: class 'horse' is not one of the names");
  EXPECT_EQ(of_kind(found, FindingKind::kUnreadableLabels).at(0).path, path("images/val/c.xml"));
  EXPECT_TRUE(found.would_harm_training());
}

TEST_F(DatasetCheckTest, AnnotationsThatCannotBeRead) {
  add_clean();
  write_text("all.json", "{");
  DataDescription data = description();
  data.annotations = {{"train", path("all.json")}};
  const DatasetCheck found = check_dataset(data, {});
  EXPECT_THAT(of_kind(found, FindingKind::kNoImages).at(0).what, HasSubstr("all.json"));
}

TEST_F(DatasetCheckTest, PicturesOfOtherFormatsAndLabelsBesideImages) {
  add_clean();
  write_text("images/train/phone.heic", "other format");
  write_image("images/train/b.png", 100, 50);
  write_text("images/train/b.txt", "1 0.5 0.5 0.5 0.5\n");
  const DatasetCheck found = check();
  EXPECT_EQ(of_kind(found, FindingKind::kForeignImage).at(0).path, path("images/train/phone.heic"));
  EXPECT_TRUE(found.would_harm_training());
  EXPECT_EQ(found.count(FindingKind::kImageWithoutLabels), 0);
  EXPECT_EQ(found.survey.splits[0].images.at(0).rows.size(), 1);
}

TEST_F(DatasetCheckTest, ListsOfClassesInAnotherOrder) {
  add_clean();
  write_text("labels/train/classes.txt", "dog\r\ncat\r\n");
  EXPECT_EQ(check().count(FindingKind::kClassOrder), 0);
  write_text("labels/classes.txt", "cat\ndog\nhorse\n");
  const DatasetCheck found = check();
  EXPECT_EQ(found.count(FindingKind::kClassOrder), 1);
  EXPECT_THAT(of_kind(found, FindingKind::kClassOrder).at(0).what,
              HasSubstr("'cat' is class 0 here and 1 in the data description"));
  const ImageIndex index = build_split_index(description(), "train");
  EXPECT_THAT(index.report.problems.at(0), HasSubstr("labels may bear wrong names"));
}

TEST(FindingInfos, EveryKindHasOneRowAndItsOwnKey) {
  std::set<FindingKind> kinds;
  std::set<std::string> keys;
  Severity last = Severity::kProblem;
  for (const FindingInfo& info : finding_infos()) {
    EXPECT_TRUE(kinds.insert(info.kind).second) << info.key;
    EXPECT_TRUE(keys.insert(info.key).second) << info.key;
    EXPECT_LE(last, info.severity) << info.key << ": problems come first";
    last = info.severity;
  }
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(FindingKind::kClassImbalance) + 1);
}

}  // namespace
}  // namespace gannet::testing
