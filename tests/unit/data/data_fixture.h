// A temporary data set folder for tests: pictures, label files, and an index without the user's
// cache.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "gannet/core/rng.h"
#include "gannet/data/cache/image_cache.h"
#include "gannet/data/index/image_index.h"

namespace gannet::testing {

/// Puts an EXIF segment with an orientation behind the first marker of a JPEG.
inline std::string with_orientation(const std::string& jpeg, char orientation) {
  const std::string exif(
      "\xFF\xE1\x00\x22"
      "Exif\0\0"
      "II\x2A\0\x08\0\0\0"
      "\x01\0"
      "\x12\x01\x03\0\x01\0\0\0",
      28);
  return jpeg.substr(0, 2) + exif + orientation + std::string(7, '\0') + jpeg.substr(2);
}

class DataFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(test->test_suite_name()) + "_" + test->name();
    std::replace(name.begin(), name.end(), '/', '_');  // in names of parameterised tests
    root_ = std::filesystem::temp_directory_path() /
            ("gannet_" + std::to_string(::getpid()) + "_" + name);
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ / "images");
    std::filesystem::create_directories(root_ / "labels");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string path(const std::string& name) const { return (root_ / name).string(); }

  void write_text(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  /// A picture of counted noise; `name` decides the format.
  cv::Mat write_image(const std::string& name, int width, int height) const {
    cv::Mat image(height, width, CV_8UC3);
    Rng rng({fnv1a32(name), 0, 0, Purpose::kTest});
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < 3; ++c) {
          image.at<cv::Vec3b>(y, x)[c] = static_cast<std::uint8_t>(rng.below(256));
        }
      }
    }
    cv::imwrite(path(name), image);
    return image;
  }
  /// images/<stem>.jpg of 40 x 30 pixels with one object each.
  void write_set(int count) const {
    for (int i = 0; i < count; ++i) {
      const std::string stem = std::to_string(10 + i);
      write_image("images/" + stem + ".jpg", 40, 30);
      write_text("labels/" + stem + ".txt", "0 0.5 0.5 0.5 0.4\n");
    }
  }
  /// Cuts a file's second half off.
  void truncate(const std::string& name) const {
    std::filesystem::resize_file(path(name), std::filesystem::file_size(path(name)) / 2);
  }
  std::shared_ptr<ImageIndex> index(int num_classes = 3) const {
    IndexOptions options;
    options.num_classes = num_classes;
    options.use_cache = false;
    return std::make_shared<ImageIndex>(build_image_index({path("images")}, options));
  }

  /// A cache that has its files in this folder.
  ImageCacheOptions cache(ImageCacheKind kind) const {
    ImageCacheOptions options;
    options.kind = kind;
    options.folder = root_ / "cache";
    return options;
  }

  std::filesystem::path root_;
};

}  // namespace gannet::testing
