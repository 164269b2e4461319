#include "gannet/data/images/image_io.h"

#include <gmock/gmock.h>

#include <opencv2/imgproc.hpp>

#include "gannet/core/error.h"
#include "tests/unit/data/data_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

using ImageIo = DataFolder;

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST_F(ImageIo, SizeFromHeaderEqualsDecodedSize) {
  for (const char* name : {"a.jpg", "a.png", "a.bmp", "a.tif", "a.webp"}) {
    write_image(name, 37, 23);
    EXPECT_EQ(read_image_size(path(name)), cv::Size(37, 23)) << name;
    EXPECT_EQ(decode_image(path(name)).size(), cv::Size(37, 23)) << name;
  }
}

TEST_F(ImageIo, ExifRotationIsApplied) {
  write_image("a.jpg", 40, 20);
  const std::string jpeg = read_text(path("a.jpg"));
  for (char orientation = 1; orientation <= 8; ++orientation) {
    write_text("b.jpg", with_orientation(jpeg, orientation));
    const cv::Size expected = orientation >= 5 ? cv::Size(20, 40) : cv::Size(40, 20);
    EXPECT_EQ(read_image_size(path("b.jpg")), expected) << int{orientation};
    EXPECT_EQ(decode_image(path("b.jpg")).size(), expected) << int{orientation};
    EXPECT_EQ(decode_image_reduced(path("b.jpg"), expected, 20).size(), expected / 2);
  }
}

TEST_F(ImageIo, AllKindsOfPixelsBecome8BitBgr) {
  cv::imwrite(path("grey.png"), cv::Mat(20, 20, CV_8UC1, cv::Scalar(7)));
  cv::Mat deep(20, 20, CV_16UC3, cv::Scalar::all(7 * 257));
  deep.at<cv::Vec3w>(0, 0) = {60000, 0, 0};
  cv::imwrite(path("deep.png"), deep);
  cv::imwrite(path("alpha.png"), cv::Mat(20, 20, CV_8UC4, cv::Scalar(7, 7, 7, 100)));
  for (const char* name : {"grey.png", "deep.png", "alpha.png"}) {
    const cv::Mat image = decode_image(path(name));
    ASSERT_EQ(image.type(), CV_8UC3) << name;
    EXPECT_EQ(image.at<cv::Vec3b>(3, 3), cv::Vec3b(7, 7, 7)) << name;
  }
}

TEST_F(ImageIo, FewerBitsIn16AreScaledByTheFilesRange) {
  const auto decoded = [&](int value, int most) {
    cv::Mat deep(20, 20, CV_16UC1, cv::Scalar(value));
    deep.at<std::uint16_t>(0, 0) = static_cast<std::uint16_t>(most);
    cv::imwrite(path("a.png"), deep);
    cv::imwrite(path("a.tif"), deep);
    EXPECT_EQ(decode_image(path("a.tif")).at<cv::Vec3b>(3, 3),
              decode_image(path("a.png")).at<cv::Vec3b>(3, 3));
    return int{decode_image(path("a.png")).at<cv::Vec3b>(3, 3)[1]};
  };
  EXPECT_EQ(decoded(2048, 4095), 128);    // 12 bits, of a camera or a microscope
  EXPECT_EQ(decoded(512, 1023), 128);     // 10 bits
  EXPECT_EQ(decoded(100, 255), 100);      // 8 bits that were only saved so
  EXPECT_EQ(decoded(32768, 65535), 128);  // all of them
  EXPECT_EQ(decoded(2048, 4096), 8);
}

TEST_F(ImageIo, DamagedFilesAreErrorsThatNameThem) {
  write_image("cut.jpg", 64, 64);
  truncate("cut.jpg");
  write_image("cut.png", 64, 64);
  truncate("cut.png");
  write_text("text.jpg", "no picture");
  write_text("empty.jpg", "");
  for (const char* name : {"cut.jpg", "cut.png", "text.jpg", "empty.jpg", "absent.jpg"}) {
    try {
      decode_image(path(name));
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_EQ(error.where().path, path(name));
    }
  }
}

TEST_F(ImageIo, ReducedDecodingKeepsEnoughPixels) {
  write_image("a.jpg", 641, 480);
  const cv::Size full(641, 480);
  EXPECT_EQ(decode_image_reduced(path("a.jpg"), full, 640).size(), full);
  EXPECT_EQ(decode_image_reduced(path("a.jpg"), full, 320).size(), cv::Size(321, 240));
  EXPECT_EQ(decode_image_reduced(path("a.jpg"), full, 100).size(), cv::Size(161, 120));
  EXPECT_EQ(decode_image_reduced(path("a.jpg"), full, 80).size(), cv::Size(81, 60));
  EXPECT_ERROR(kData, "no longer 480 x 641",
               decode_image_reduced(path("a.jpg"), {480, 641}, 320));  // file changed
}

}  // namespace
}  // namespace gannet::testing
