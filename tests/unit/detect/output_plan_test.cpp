#include "gannet/detect/output_plan.h"

#include <gmock/gmock.h>

#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OutputPlan : public testing::TemporaryFolder {
 protected:
  std::vector<std::string> pictures(const std::vector<std::string>& sources) const {
    std::vector<std::string> names;
    for (const PlannedImage& image : plan(sources))
      names.push_back(image.picture.string() + " " + image.labels.filename().string());
    return names;
  }
  std::vector<PlannedImage> plan(const std::vector<std::string>& sources) const {
    std::vector<std::string> paths;
    for (const std::string& source : sources) paths.push_back(path(source));
    return plan_outputs(paths, output_);
  }
  std::filesystem::path output_ = "out";
};

TEST_F(OutputPlan, KeepsTheFoldersBelowTheCommonOne) {
  EXPECT_THAT(pictures({"day1/img.jpg", "day2/img.jpg"}),
              ElementsAre("out/day1/img.jpg img.txt", "out/day2/img.jpg img.txt"));
  EXPECT_THAT(pictures({"day1/a.jpg", "day1/b.png"}),
              ElementsAre("out/a.jpg a.txt", "out/b.png b.txt"));
  EXPECT_THAT(pictures({"day1/a.jpg", "day1/x/b.png"}),
              ElementsAre("out/a.jpg a.txt", "out/x/b.png b.txt"));
  EXPECT_THAT(pictures({"day1/../day1/a.jpg", "day1/a.jpg"}), ElementsAre("out/a.jpg a.txt"));
}

TEST_F(OutputPlan, SuffixesAloneMakeDistinctNames) {
  EXPECT_THAT(pictures({"img.jpg", "img.png", "img.webp", "img_2.jpg"}),
              ElementsAre("out/img.jpg img.txt", "out/img_3.png img_3.txt",
                          "out/img_4.webp img_4.txt", "out/img_2.jpg img_2.txt"));
  EXPECT_THAT(pictures({"a.mpo"}), ElementsAre("out/a.jpg a.txt"));  // not written as such
}

TEST_F(OutputPlan, LabelsOfFramesAreNotThoseOfPictures) {
  EXPECT_THAT(pictures({"a.avi", "b.mp4", "a_7.jpg", "b_x.jpg"}),
              ElementsAre("out/a_video.mp4 a_video.txt", "out/b.mp4 b.txt", "out/a_7.jpg a_7.txt",
                          "out/b_x.jpg b_x.txt"));
}

TEST_F(OutputPlan, TablesAndLabelsOfFramesAreNotReplaced) {
  output_ = folder_ / "out";
  make_folder("out");
  const auto videos = plan({"v.mp4"});
  write("out/v_x.txt", "");
  write("out/predictions.csv", "");
  check_outputs(videos, output_, true, false, {kJsonFile});
  EXPECT_ERROR(kUsage, "predictions.csv", check_outputs(videos, output_, true, false, {kCsvFile}));
  write("out/v_12.txt", "");
  check_outputs(videos, output_, false, false);
  EXPECT_ERROR(kUsage, "v_12.txt", check_outputs(videos, output_, true, false));
}

TEST_F(OutputPlan, SourcesAreNeverReplaced) {
  output_ = folder_ / "mine";
  make_folder("mine");
  write("mine/photo.jpg", "");
  const auto images = plan({"mine/photo.jpg"});
  for (const bool may_replace : {false, true}) {
    const Error error =
        testing::thrown_error([&] { check_outputs(images, output_, false, may_replace); });
    EXPECT_EQ(error.exit_code(), 2);
    EXPECT_THAT(error.what(), HasSubstr("a source would be replaced"));
  }
  std::filesystem::create_directory_symlink(folder_ / "mine", folder_ / "link");
  output_ = folder_ / "link";
  EXPECT_ERROR(kUsage, "a source would be replaced",
               check_outputs(plan({"mine/photo.jpg"}), output_, false, true));
}

TEST_F(OutputPlan, OtherFilesAreReplacedOnlyWhenAsked) {
  output_ = folder_ / "out";
  make_folder("out");
  write("a.jpg", "");
  const auto images = plan({"a.jpg"});
  check_outputs(images, output_, true, false);
  write("out/a.txt", "notes");
  EXPECT_ERROR(kUsage, "no result of an earlier run", check_outputs(images, output_, true, false));
  check_outputs(images, output_, false, false);  // no label file is written
  check_outputs(images, output_, true, true);
  write(std::string("out/") + kMarkerFile, "");  // a folder of results
  check_outputs(images, output_, true, false);
}

}  // namespace
}  // namespace gannet
