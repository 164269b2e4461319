#include "gannet/curate/demo/demo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

std::size_t count_files(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) count += entry.is_regular_file();
  return count;
}

/// Relative path and content of every file.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> result;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    result[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return result;
}

class DemoData : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    fs::remove_all(folder_);  // the demo makes its own
  }
};

void expect_sound_labels(const fs::path& image_path, const fs::path& label_path) {
  const cv::Mat image = cv::imread(image_path.string());
  ASSERT_GE(image.cols, 320);
  ASSERT_LE(image.cols, 480);
  ASSERT_GE(image.rows, 256);
  ASSERT_LE(image.rows, 360);
  std::ifstream stream(label_path);
  ASSERT_TRUE(stream.good());
  double class_id = 0, cx = 0, cy = 0, w = 0, h = 0;
  while (stream >> class_id >> cx >> cy >> w >> h) {
    EXPECT_TRUE(class_id >= 0 && class_id < 5) << class_id;
    EXPECT_GE(cx - w / 2, -1e-6);
    EXPECT_GE(cy - h / 2, -1e-6);
    EXPECT_LE(cx + w / 2, 1 + 1e-6);
    EXPECT_LE(cy + h / 2, 1 + 1e-6);
    EXPECT_GE(w * image.cols, 19.9);
    EXPECT_GE(h * image.rows, 19.9);
    EXPECT_LE(w * image.cols, 180);
  }
}

TEST_F(DemoData, IsCompleteSoundAndTheSameTwice) {
  make_demo_dataset(folder_);
  EXPECT_EQ(count_files(folder_ / "images/train"), 200u);
  EXPECT_EQ(count_files(folder_ / "images/val"), 50u);
  EXPECT_EQ(count_files(folder_ / "images/unseen"), 12u);
  EXPECT_EQ(count_files(folder_ / "labels/train"), 200u);
  EXPECT_EQ(count_files(folder_ / "labels/val"), 50u);
  EXPECT_FALSE(fs::exists(folder_ / "labels/unseen"));
  std::size_t objects = 0;
  for (const char* split : {"train", "val"}) {
    for (const auto& entry : fs::directory_iterator(folder_ / "images" / split)) {
      const fs::path label = folder_ / "labels" / split / (entry.path().stem().string() + ".txt");
      expect_sound_labels(entry.path(), label);
      const std::string text = read_file(label);
      objects += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }
  }
  EXPECT_GT(objects, 250u * 2);
  const auto first = contents(folder_);
  make_demo_dataset(folder_);  // over a demo set: allowed
  EXPECT_TRUE(contents(folder_) == first);
}

TEST_F(DemoData, RefusesAFolderWithOtherThings) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "thesis.txt") << "precious";
  EXPECT_ERROR(kUsage, "not empty", make_demo_dataset(folder_));
  EXPECT_EQ(count_files(folder_), 1u);
}

TEST_F(DemoData, RefusesAFile) {
  std::ofstream(folder_).put('x');
  EXPECT_ERROR(kUsage, "is not a folder", make_demo_dataset(folder_));
}

}  // namespace
}  // namespace gannet
