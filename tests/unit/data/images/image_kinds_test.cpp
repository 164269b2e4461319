// Every kind of picture that a data set may hold decodes to 8-bit BGR, upright, and its header says
// the size that it decodes to.
#include <gmock/gmock.h>
#include <zlib.h>

#include <cstdlib>
#include <opencv2/imgproc.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/data/images/image_header.h"
#include "gannet/data/images/image_io.h"
#include "tests/unit/data/data_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

using ::testing::HasSubstr;

class ImageKinds : public DataFolder {
 protected:
  void TearDown() override {
    ::unsetenv("GANNET_MAX_IMAGE_PIXELS");
    DataFolder::TearDown();
  }
  void expect_colour(const std::string& name, const cv::Vec3b& bgr, const cv::Size& size = {16, 12},
                     int tolerance = 0) const {
    const cv::Mat image = decode_image(path(name));
    ASSERT_EQ(image.type(), CV_8UC3) << name;
    EXPECT_EQ(image.size(), size) << name;
    EXPECT_EQ(read_image_size(path(name)), size) << name;
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(image.at<cv::Vec3b>(5, 7)[c], bgr[c], tolerance) << name << " channel " << c;
    }
  }
  void write_colour(const std::string& name, int type, const cv::Scalar& colour,
                    const std::vector<int>& parameters = {}) const {
    ASSERT_TRUE(cv::imwrite(path(name), cv::Mat(12, 16, type, colour), parameters)) << name;
  }
};

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

std::string little_endian(std::uint32_t value, int size = 4) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i & 0xFF);
  return bytes;
}

std::string png_chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const auto checksum = static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
  return big_endian(static_cast<std::uint32_t>(data.size())) + body + big_endian(checksum);
}

std::string png_head(std::uint32_t width, std::uint32_t height, int colour_type) {
  std::string header = big_endian(width) + big_endian(height);
  header += '\x08';
  header += static_cast<char>(colour_type);
  return "\x89PNG\r\n\x1A\n" + png_chunk("IHDR", header + std::string(3, '\0'));
}

std::string deflated(const std::string& data) {
  uLongf size = ::compressBound(static_cast<uLong>(data.size()));
  std::string packed(size, '\0');
  ::compress(reinterpret_cast<Bytef*>(packed.data()), &size,
             reinterpret_cast<const Bytef*>(data.data()), static_cast<uLong>(data.size()));
  return packed.substr(0, size);
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

TEST_F(ImageKinds, GreyAndColour) {
  for (const char* name : {"a.png", "a.bmp", "a.tif", "a.jpg", "a.webp"}) {
    const int loss = name[2] == 'j' || name[2] == 'w' ? 3 : 0;
    write_colour(name, CV_8UC1, cv::Scalar::all(100));
    expect_colour(name, {100, 100, 100}, {16, 12}, loss);
    write_colour(name, CV_8UC3, cv::Scalar(10, 120, 230));
    expect_colour(name, {10, 120, 230}, {16, 12}, loss);
  }
}

TEST_F(ImageKinds, SixteenBitsKeepTheirUpperEight) {
  for (const char* name : {"a.png", "a.tif"}) {
    write_colour(name, CV_16UC1, cv::Scalar::all(100 * 257));
    expect_colour(name, {100, 100, 100}, {16, 12}, 1);
    write_colour(name, CV_16UC3, cv::Scalar(10 * 257, 120 * 257, 230 * 257));
    expect_colour(name, {10, 120, 230}, {16, 12}, 1);
  }
  write_colour("a.png", CV_16UC4, cv::Scalar(10 * 257, 120 * 257, 230 * 257, 9 * 257));
  expect_colour("a.png", {10, 120, 230}, {16, 12}, 1);
}

TEST_F(ImageKinds, AlphaIsDropped) {
  for (const char* name : {"a.png", "a.tif", "a.webp"}) {
    write_colour(name, CV_8UC4, cv::Scalar(10, 120, 230, 100), {cv::IMWRITE_WEBP_QUALITY, 101});
    expect_colour(name, {10, 120, 230});
  }
  write_colour("a.bmp", CV_8UC4, cv::Scalar(10, 120, 230, 100));
  expect_colour("a.bmp", {10, 120, 230});
}

TEST_F(ImageKinds, Palette) {
  const std::string palette = std::string("\x01\x02\x03", 3) + "\xE6\x78\x0A";  // r g b
  std::string rows;
  for (int y = 0; y < 12; ++y) rows += '\0' + std::string(16, '\x01');
  write_text("a.png", png_head(16, 12, 3) + png_chunk("PLTE", palette) +
                          png_chunk("IDAT", deflated(rows)) + png_chunk("IEND", ""));
  expect_colour("a.png", {10, 120, 230});
}

TEST_F(ImageKinds, CmykJpegAsAdobeWritesIt) {
  // 16 x 12 pixels of full yellow ink, made with libjpeg.
  std::string ones;
  for (int i = 0; i < 64; ++i) ones += "01";  // quantisation table
  write_text("a.jpg", from_hex("FFD8FFEE000E41646F626500640000000000FFDB004300" + ones +
                               "FFC0001408000C0010044311004D11005911004B1100FFC40016000101010000"
                               "0000000000000000000000000A0BFFC400141001000000000000000000000000"
                               "00000000FFDA000E0443004D0059004B00003F00BF85FC33FF005FC0000003FF"
                               "D9"));
  expect_colour("a.jpg", {0, 255, 255}, {16, 12}, 1);
}

TEST_F(ImageKinds, OrientationInAPngIsReadAsTheDecoderDoes) {
  write_colour("a.png", CV_8UC3, cv::Scalar(10, 120, 230));
  const std::string png = read_file(path("a.png"));
  constexpr std::size_t kHead = 8 + 25;  // signature and IHDR
  for (const char orientation : {1, 3, 6, 8}) {
    std::string exif("II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18);
    exif += orientation;
    exif.append(7, '\0');
    write_text("b.png", png.substr(0, kHead) + png_chunk("eXIf", exif) + png.substr(kHead));
    EXPECT_EQ(read_image_size(path("b.png")), decode_image(path("b.png")).size())
        << int{orientation};
  }
}

std::string tiff_entry(int tag, std::uint32_t value) {
  constexpr int kLong = 4;
  return little_endian(static_cast<std::uint32_t>(tag), 2) + little_endian(kLong, 2) +
         little_endian(1) + little_endian(value);
}

TEST_F(ImageKinds, OrientationInATiffIsReadAsTheDecoderDoes) {
  constexpr std::uint32_t kPixelsAt = 8 + 2 + 10 * 12 + 4;
  for (std::uint32_t orientation = 1; orientation <= 8; ++orientation) {
    write_text("a.tif", std::string("II*\0", 4) + little_endian(8) + little_endian(10, 2) +
                            tiff_entry(256, 16) + tiff_entry(257, 12) + tiff_entry(258, 8) +
                            tiff_entry(259, 1) + tiff_entry(262, 1) + tiff_entry(273, kPixelsAt) +
                            tiff_entry(274, orientation) + tiff_entry(277, 1) +
                            tiff_entry(278, 12) + tiff_entry(279, 16 * 12) + little_endian(0) +
                            std::string(16 * 12, '\x64'));
    EXPECT_EQ(read_image_size(path("a.tif")), decode_image(path("a.tif")).size()) << orientation;
  }
}

TEST_F(ImageKinds, BitmapsWithTheTopRowFirst) {
  write_colour("a.bmp", CV_8UC3, cv::Scalar(10, 120, 230));
  std::string bmp = read_file(path("a.bmp"));
  bmp.replace(22, 4, little_endian(static_cast<std::uint32_t>(-12)));
  write_text("a.bmp", bmp);
  expect_colour("a.bmp", {10, 120, 230});
}

TEST_F(ImageKinds, BombsAreRefusedByTheirHeaders) {
  const std::uint32_t side = 60'000;  // 10 GB of pixels
  write_text("a.png", png_head(side, side, 2) + png_chunk("IDAT", deflated("x")));
  std::string bmp = "BM" + std::string(12, '\0') + little_endian(40) + little_endian(side) +
                    little_endian(side) + std::string(20, '\0');
  write_text("a.bmp", bmp);
  write_text("a.jpg", std::string("\xFF\xD8\xFF\xC0\x00\x0B\x08", 7) + "\xEA\x60\xEA\x60" +
                          std::string("\x01\x01\x11\x00\xFF\xD9", 6));
  write_text("a.tif", std::string("II*\0", 4) + little_endian(8) + little_endian(2, 2) +
                          tiff_entry(256, side) + tiff_entry(257, side) + little_endian(0));
  write_text("a.webp", "RIFF" + little_endian(30) + "WEBPVP8X" + little_endian(10) +
                           std::string(4, '\0') + little_endian(side, 3) + little_endian(side, 3));
  for (const char* name : {"a.png", "a.bmp", "a.jpg", "a.tif", "a.webp"}) {
    for (const bool decode : {false, true}) {
      const Error error = thrown_error([&] {
        decode ? static_cast<void>(decode_image(path(name)))
               : static_cast<void>(read_image_size(path(name)));
      });
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_EQ(error.where().path, path(name));
      EXPECT_THAT(error.what(), HasSubstr("above the limit of 268435456 pixels")) << name;
      EXPECT_THAT(error.what(), HasSubstr("GANNET_MAX_IMAGE_PIXELS"));
    }
  }
}

TEST_F(ImageKinds, TheLimitCanBeMoved) {
  write_colour("a.png", CV_8UC3, cv::Scalar::all(1));
  ::setenv("GANNET_MAX_IMAGE_PIXELS", "191", 1);
  EXPECT_ERROR(kData, "above the limit of 191 pixels", decode_image(path("a.png")));
  ::setenv("GANNET_MAX_IMAGE_PIXELS", "192", 1);
  EXPECT_NO_THROW(decode_image(path("a.png")));
  ::setenv("GANNET_MAX_IMAGE_PIXELS", "many", 1);
  EXPECT_EQ(max_image_pixels(), 1 << 28);
}

TEST_F(ImageKinds, HeadersThatEndEarlySayNothing) {
  for (const char* name : {"a.png", "a.bmp", "a.tif", "a.jpg", "a.webp"}) {
    write_image(name, 37, 23);
    const std::string file = read_file(path(name));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(file.data());
    for (std::size_t size = 0; size < std::min<std::size_t>(file.size(), 700); ++size) {
      const auto header = read_image_header(std::span(bytes, size));
      if (header) EXPECT_EQ(header->width, 37) << name << " of " << size;
    }
    const auto whole = read_image_header(std::span(bytes, file.size()));
    ASSERT_TRUE(whole) << name;
    EXPECT_EQ(whole->height, 23);
  }
}

}  // namespace
}  // namespace gannet::testing
