#include "gannet/curate/check/fix.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>

#include "gannet/config/data_description.h"
#include "gannet/core/atomic_file.h"
#include "gannet/core/rng.h"
#include "tests/unit/curate/check/check_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

using ::testing::HasSubstr;

class DatasetFixTest : public CheckFolder {
 protected:
  /// Content of every file of the source.
  std::map<std::string, std::string> source_files() const {
    std::map<std::string, std::string> files;
    for (const char* folder : {"images", "labels"}) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(root_ / folder)) {
        if (entry.is_regular_file()) files[entry.path().string()] = read_file(entry.path());
      }
    }
    return files;
  }
  std::string copy() const { return path("copy"); }
  DatasetCheck check_copy() const {
    return check_dataset(load_data_description(copy() + "/data.yaml"), {});
  }
};

TEST_F(DatasetFixTest, CleanSetIsCopiedAsItIs) {
  add_clean();
  const FixReport report = write_fixed_copy(check(), copy());
  EXPECT_EQ(report.images, 2);
  EXPECT_EQ(report.labels, 3);
  EXPECT_EQ(report.files_changed, 0);
  EXPECT_EQ(read_file(copy() + "/images/train/clean.png"),
            read_file(path("images/train/clean.png")));
  EXPECT_EQ(read_file(copy() + "/labels/val/clean.txt"), read_file(path("labels/val/clean.txt")));
  const DataDescription data = load_data_description(report.description);
  EXPECT_EQ(data.names, description().names);
  EXPECT_EQ(data.train.at(0), copy() + "/images/train");
  EXPECT_TRUE(data.test.empty());
}

TEST_F(DatasetFixTest, RepairsAndCountsWhatItDid) {
  add_clean();
  add("train/b",
      "0 .5 .5 .2\n"       // malformed
      "2 .5 .5 .2 .2\n"    // class
      "0 .5 .5 0 0\n"      // no area
      "0 1.25 .5 1 .5\n"   // clipped to x from 0.75 to 1
      "0 320 240 20 20\n"  // in pixels: nothing is left
      "1 .3 .3 .2 .2\n"
      "1 .3 .3 .2 .2\n");  // repeated
  write_text("images/train/broken.jpg", "no picture");
  add("train/leaked", "0 .5 .5 .2 .2\n");
  std::filesystem::copy(path("images/train/leaked.png"), path("images/val/leaked.png"));
  write_text("labels/val/leaked.txt", "0 .5 .5 .2 .2\n");
  const auto before = source_files();
  const FixReport report = write_fixed_copy(check(), copy());
  EXPECT_EQ(source_files(), before);
  EXPECT_EQ(read_file(copy() + "/labels/train/b.txt"), "0 0.875 0.5 0.25 0.5\n1 .3 .3 .2 .2\n");
  EXPECT_FALSE(std::filesystem::exists(copy() + "/images/train/broken.jpg"));
  EXPECT_FALSE(std::filesystem::exists(copy() + "/images/train/leaked.png"));
  EXPECT_TRUE(std::filesystem::exists(copy() + "/images/val/leaked.png"));
  EXPECT_EQ(report.images_left_out, 1);
  EXPECT_EQ(report.images_unleaked, 1);
  EXPECT_EQ(report.rows_dropped, 5);
  EXPECT_EQ(report.rows_clipped, 1);
  EXPECT_EQ(report.files_changed, 1);
  EXPECT_THAT(fix_text(report), HasSubstr("5 rows; 1 rows clipped"));
  const DatasetCheck again = check_copy();
  EXPECT_EQ(again.count(Severity::kProblem), 0) << describe_check(again, 99);
}

TEST_F(DatasetFixTest, CopyOfAnyDamagedSetChecksClean) {
  Rng rng({5, 0, 0, Purpose::kTest});
  const std::vector<std::string> values = {"0",   "1",    "2",   "-1", "0.5", "0.25", "0.5",
                                           "0.1", "1.25", "640", "x",  "0.5", "nan",  "0.75"};
  for (const char* split : {"train", "val"}) {
    for (int image = 0; image < 6; ++image) {
      std::string rows = "0 .5 .5 .25 .25\n";
      for (int row = 0; row < 40; ++row) {
        const int columns = rng.below(6) == 0 ? 7 : 5;
        for (int i = 0; i < columns; ++i) {
          rows += (i == 0 ? std::to_string(rng.below(3)) : values[rng.below(14)]) + ' ';
        }
        rows += '\n';
      }
      add(fmt::format("{}/{}", split, image), rows, image % 2 == 0 ? ".jpg" : ".png");
    }
  }
  truncate("images/train/2.jpg");
  const DatasetCheck damaged = check();
  EXPECT_GT(damaged.count(FindingKind::kCoordinateOutside), 10);
  const FixReport report = write_fixed_copy(damaged, copy());
  EXPECT_GT(report.rows_clipped, 5);
  const DatasetCheck again = check_copy();
  EXPECT_FALSE(again.would_harm_training()) << describe_check(again, 99);
  EXPECT_EQ(again.count(FindingKind::kDuplicateRow), 0);
  EXPECT_EQ(again.count(FindingKind::kBeyondEdge), 0);
  EXPECT_EQ(again.splits[0].labels + again.splits[1].labels, report.labels);
  const auto second = write_fixed_copy(again, path("second"));
  EXPECT_EQ(second.files_changed, 0);  // repairing twice changes nothing
}

TEST_F(DatasetFixTest, ImagesOfTheSameNameStayApart) {
  add_clean();
  add("train/a", "0 .5 .5 .2 .2\n", ".png");
  write_image("images/train/a.jpg", 100, 50);
  std::filesystem::create_directories(path("images/more"));
  std::filesystem::create_directories(path("labels/more"));
  add("more/a", "1 .5 .5 .2 .2\n");
  DataDescription data = description();
  data.train.push_back(path("images/more"));
  write_fixed_copy(check_dataset(data, {}), copy());
  EXPECT_EQ(read_file(copy() + "/labels/train/a.txt"), "1 .5 .5 .2 .2\n");
  EXPECT_EQ(read_file(copy() + "/labels/train/a_2.txt"), "0 .5 .5 .2 .2\n");
  EXPECT_EQ(read_file(copy() + "/labels/train/a_3.txt"), "0 .5 .5 .2 .2\n");
  EXPECT_EQ(check_copy().splits[0].images, 4);
}

TEST_F(DatasetFixTest, NamesOfClassesStayWhatTheyAre) {
  add_clean();
  DataDescription data = description();
  data.names = {"3: \"quoted\" #1", "Kr\xc3\xb6te"};
  write_fixed_copy(check_dataset(data, {}), copy());
  EXPECT_EQ(load_data_description(copy() + "/data.yaml").names, data.names);
}

TEST_F(DatasetFixTest, RefusesFoldersThatHoldSomething) {
  add_clean();
  std::filesystem::create_directories(copy());
  EXPECT_NO_THROW(write_fixed_copy(check(), copy()));  // empty
  const Error full = thrown_error([&] { write_fixed_copy(check(), copy()); });
  EXPECT_EQ(full.kind(), ErrorKind::kUsage);
  EXPECT_THAT(full.what(), HasSubstr("not empty"));
  const Error inside = thrown_error([&] { write_fixed_copy(check(), path("images/train/new")); });
  EXPECT_THAT(inside.what(), HasSubstr("of the source"));
  EXPECT_FALSE(std::filesystem::exists(path("images/train/new")));
  write_text("file", "");
  EXPECT_EQ(thrown_error([&] { write_fixed_copy(check(), path("file")); }).kind(),
            ErrorKind::kUsage);
}

TEST_F(DatasetFixTest, RefusesToLeaveNothingToTrainOn) {
  add_clean();
  DataDescription data = description();
  data.val = data.train;
  const Error error = thrown_error([&] { write_fixed_copy(check_dataset(data, {}), copy()); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_THAT(error.what(), HasSubstr("no images in train"));
  EXPECT_FALSE(std::filesystem::exists(copy()));
}

TEST_F(DatasetFixTest, CocoJsonBecomesYoloText) {
  write_image("images/train/a.png", 100, 50);
  write_image("images/train/unlisted.png", 100, 50);
  write_image("images/val/b.png", 100, 50);
  write_text("all.json", R"({"images": [{"id": 1, "file_name": "a.png"},
      {"id": 2, "file_name": "b.png"}],
    "categories": [{"id": 3, "name": "dog"}, {"id": 7, "name": "cat"}],
    "annotations": [
      {"id": 1, "image_id": 1, "category_id": 7, "bbox": [25, 25, 50, 25]},
      {"id": 2, "image_id": 1, "category_id": 7, "bbox": [10, 10, 0, 20]},
      {"id": 3, "image_id": 2, "category_id": 3, "bbox": [0, 0, 50, 25],
       "segmentation": [[0, 0, 50, 0, 0, 25]]}]})");
  DataDescription data = description();
  data.annotations = {{"train", path("all.json")}, {"val", path("all.json")}};
  write_fixed_copy(check_dataset(data, {}), copy());
  EXPECT_EQ(read_file(copy() + "/labels/train/a.txt"), "1 0.5 0.75 0.5 0.5\n");
  EXPECT_EQ(read_file(copy() + "/labels/val/b.txt"), "0 0 0 0.5 0 0 0.5\n");
  EXPECT_FALSE(std::filesystem::exists(copy() + "/images/train/unlisted.png"));
  EXPECT_FALSE(check_copy().would_harm_training());
}

TEST_F(DatasetFixTest, SaysWhatItCannotRepair) {
  add_clean();
  add("val/clean", "");
  const FixReport report = write_fixed_copy(check(), copy());
  EXPECT_EQ(report.problems_left, 1);
  EXPECT_THAT(fix_text(report), HasSubstr("1 problems cannot be repaired"));
}

}  // namespace
}  // namespace gannet::testing
