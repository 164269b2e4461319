#include "gannet/data/images/jpeg.h"

#include <opencv2/imgproc.hpp>

#include "tests/unit/data/data_fixture.h"

namespace gannet::testing {
namespace {

constexpr double kWhole = 1;

/// Smooth colours with edges: what chroma upsampling could get wrong.
cv::Mat picture(int width, int height) {
  cv::Mat image(height, width, CV_8UC3, cv::Scalar(40, 160, 220));
  for (int i = 0; i < 12; ++i) {
    cv::circle(image, {i * width / 12, (i * 7 % 12) * height / 12}, 3 + 2 * i,
               cv::Scalar(20 * i, 255 - 20 * i, (70 * i) % 255), cv::FILLED);
  }
  return image;
}

std::vector<std::uint8_t> encode(const cv::Mat& image, const std::vector<int>& flags = {}) {
  std::vector<std::uint8_t> bytes;
  cv::imencode(".jpg", image, bytes, flags);
  return bytes;
}

TEST(Jpeg, SameBytesAsOpenCV) {
  const auto colour = encode(picture(203, 117)),
             progressive = encode(picture(64, 48), {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  cv::Mat grey;
  cv::cvtColor(picture(50, 70), grey, cv::COLOR_BGR2GRAY);
  for (const auto& bytes : {colour, progressive, encode(grey)}) {
    EXPECT_EQ(cv::norm(decode_jpeg(bytes, 1, {0, 0, kWhole, kWhole}),
                       cv::imdecode(bytes, cv::IMREAD_COLOR), cv::NORM_INF),
              0);
    EXPECT_EQ(cv::norm(decode_jpeg(bytes, 4, {0, 0, kWhole, kWhole}),
                       cv::imdecode(bytes, cv::IMREAD_REDUCED_COLOR_4), cv::NORM_INF),
              0);
  }
}

TEST(Jpeg, PartEqualsThatOfTheWhole) {
  const auto bytes = encode(picture(333, 241));
  for (const int divisor : {1, 2, 4}) {
    const cv::Mat whole = decode_jpeg(bytes, divisor, {0, 0, kWhole, kWhole});
    for (std::uint64_t round = 0; round < 60; ++round) {
      Rng rng({round, 0, 0, Purpose::kTest});
      const cv::Rect2d part(rng.uniform(0, 0.9), rng.uniform(0, 0.9), rng.uniform(0.01, 0.6),
                            rng.uniform(0.01, 0.6));
      const cv::Mat partly = decode_jpeg(bytes, divisor, part);
      ASSERT_EQ(partly.size(), whole.size());
      const cv::Rect seen =
          cv::Rect(static_cast<int>(part.x * whole.cols), static_cast<int>(part.y * whole.rows),
                   static_cast<int>(part.width * whole.cols) + 1,
                   static_cast<int>(part.height * whole.rows) + 1) &
          cv::Rect({0, 0}, whole.size());
      EXPECT_EQ(cv::norm(partly(seen), whole(seen), cv::NORM_INF), 0) << round << ' ' << seen;
    }
  }
}

TEST(Jpeg, LeavesTheUnusualToOpenCV) {
  auto bytes = encode(picture(40, 30));
  EXPECT_FALSE(decode_jpeg(bytes, 1, {0, 0, kWhole, kWhole}).empty());
  // An EXIF segment that turns the picture, behind the start marker: for the caller to see.
  const std::vector<std::uint8_t> exif = {
      0xFF, 0xE1, 0,    34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
      0,    1,    0x01, 0x12, 0,   3,   0,   0,   0, 1, 0,   6,   0, 0,  0, 0, 0, 0};
  bytes.insert(bytes.begin() + 2, exif.begin(), exif.end());
  EXPECT_EQ(decode_jpeg(bytes, 1, {0, 0, kWhole, kWhole}).size(), cv::Size(40, 30));
  EXPECT_TRUE(decode_jpeg({0xFF, 0xD8, 0xFF, 0xD9}, 1, {0, 0, kWhole, kWhole}).empty());
  EXPECT_TRUE(decode_jpeg({}, 1, {0, 0, kWhole, kWhole}).empty());
}

TEST(Jpeg, DamagedBytesAreHarmless) {
  const auto bytes = encode(picture(120, 90));
  for (std::uint64_t round = 0; round < 200; ++round) {
    Rng rng({round, 2, 0, Purpose::kTest});
    auto damaged = bytes;
    for (int i = 0; i < 5; ++i) {
      damaged[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(damaged.size())))] =
          static_cast<std::uint8_t>(rng.below(256));
    }
    const cv::Mat image = decode_jpeg(damaged, 1, {0.2, 0.2, 0.5, 0.5});
    EXPECT_TRUE(image.empty() || image.type() == CV_8UC3);
  }
}

}  // namespace
}  // namespace gannet::testing
