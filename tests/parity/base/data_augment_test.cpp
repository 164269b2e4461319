// Affine, colour, mosaic and whole training samples against the original's, with its random draws.
#include <gtest/gtest.h>

#include <array>
#include <opencv2/imgproc.hpp>

#include "gannet/data/augment/affine.h"
#include "gannet/data/augment/colour.h"
#include "gannet/data/augment/mosaic.h"
#include "gannet/data/images/letterbox.h"
#include "gannet/data/images/resize.h"
#include "tests/parity/base/data_vectors.h"

namespace gannet::testing {
namespace {

constexpr double kLabelTolerance_px = 1e-3;  // 1e-5 of pictures of about 100 px

ColourDraws colour_draws(const nlohmann::json& draws, const std::array<double, 3>& gains) {
  const auto u = draws.at(0).at("value").get<std::array<double, 3>>();
  return {1 + u[0] * gains[0], 1 + u[1] * gains[1], 1 + u[2] * gains[2]};
}

TEST(DataAugmentParity, Affine) {
  for (const nlohmann::json& one : small_json().at("affine")) {
    const auto name = one.at("name").get<std::string>();
    const cv::Mat image = small_image("image." + std::to_string(one.at("image").get<int>()));
    const AffineBorder border{one.at("border_yx")[1].get<int>(), one.at("border_yx")[0].get<int>()};
    const AffineDraws draws = affine_draws(one.at("draws"), 0);
    const AffineMatrix matrix = affine_matrix(draws, image.size(), border);
    if (!one.at("matrix_2x3").is_null()) {
      for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_NEAR(matrix[i], one.at("matrix_2x3")[i / 3][i % 3].get<double>(), 1e-10) << name;
      }
    }
    const cv::Mat warped = warp_image(image, matrix, border);
    expect_close(warped, small_image(name + ".image"), name);
    expect_close(
        warp_labels(small_pixel_labels(name + ".input_labels"), matrix, warped.size(), draws.scale),
        small_pixel_labels(name + ".labels"), kLabelTolerance_px, name);
  }
}

TEST(DataAugmentParity, Colour) {
  for (const nlohmann::json& one : small_json().at("hsv")) {
    const auto name = one.at("name").get<std::string>();
    const cv::Mat image = small_image("image." + std::to_string(one.at("image").get<int>()));
    const auto gains = one.at("gains").get<std::array<double, 3>>();
    expect_close(jitter_colour(image, colour_draws(one.at("draws"), gains)), small_image(name),
                 name);
  }
  const nlohmann::json& cube = small_json().at("colour_cube");
  const auto gains = cube.at("gains").get<std::array<double, 3>>();
  expect_close(jitter_colour(small_image("colour_cube_bgr"), colour_draws(cube.at("draws"), gains)),
               small_image("colour_cube_jittered"), "colour cube");
}

/// The four tiles of a recorded mosaic, loaded as for training.
std::array<Sample, 4> load_tiles(const std::array<std::int64_t, 4>& indices, int side) {
  std::array<Sample, 4> tiles;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const std::string index = std::to_string(indices[i]);
    const cv::Mat image = small_image("image." + index);
    tiles[i].image = resize_to_side(image, image.size(), side, true);
    tiles[i].labels = small_labels("labels." + index);
  }
  return tiles;
}

/// Draws in the order yc, xc, three indices.
Scene recorded_mosaic(const nlohmann::json& draws, std::int64_t index, int side) {
  MosaicDraws mosaic;
  mosaic.center_y = static_cast<int>(draw(draws, 0));
  mosaic.center_x = static_cast<int>(draw(draws, 1));
  for (std::size_t i = 0; i < 3; ++i) {
    mosaic.others[i] = static_cast<std::int64_t>(draw(draws, 2 + i));
  }
  const auto& others = mosaic.others;
  return compose_mosaic(load_tiles({index, others[0], others[1], others[2]}, side), mosaic, side);
}

TEST(DataAugmentParity, Mosaic) {
  for (const nlohmann::json& one : small_json().at("mosaic")) {
    const auto name = one.at("name").get<std::string>();
    const int side = one.at("size").get<int>();
    const nlohmann::json& draws = one.at("draws");
    const Scene scene = recorded_mosaic(draws, one.at("index").get<std::int64_t>(), side);
    const cv::Mat canvas = scene.canvas.image();
    expect_close(canvas, small_image(name + ".canvas"), name);
    expect_close(scene.labels, small_pixel_labels(name + ".canvas_labels"), kLabelTolerance_px,
                 name);
    const AffineBorder border{-side / 2, -side / 2};
    const AffineDraws affine = affine_draws(draws, 5);
    const AffineMatrix matrix = affine_matrix(affine, canvas.size(), border);
    const cv::Mat warped = warp_image(canvas, matrix, border);
    expect_close(warped, small_image(name + ".image"), name);
    expect_close(warp_labels(scene.labels, matrix, warped.size(), affine.scale),
                 small_pixel_labels(name + ".labels"), kLabelTolerance_px, name);
  }
}

TEST(DataAugmentParity, WholeSamples) {
  for (const nlohmann::json& one : small_json().at("sample")) {
    const auto name = one.at("name").get<std::string>();
    const int side = one.at("size").get<int>();
    const nlohmann::json& draws = one.at("draws");
    const bool rectangular = one.at("rect").get<bool>();
    const auto index = std::stoll(one.at("file").get<std::string>());
    cv::Mat picture;
    std::vector<PixelLabel> pixel_labels;
    AffineBorder border;
    if (rectangular) {
      const Sample tile = load_tiles({index, index, index, index}, side)[0];
      const LetterboxGeometry geometry =
          letterbox_geometry(tile.image.size(), {.height = one.at("batch_shape_hw")[0].get<int>(),
                                                 .width = one.at("batch_shape_hw")[1].get<int>()});
      picture = letterbox(tile.image, geometry);
      pixel_labels =
          to_pixels(tile.labels, {geometry.gain * tile.image.cols, geometry.gain * tile.image.rows,
                                  geometry.pad_w, geometry.pad_h});
    } else {
      const Scene scene = recorded_mosaic(draws, index, side);
      picture = scene.canvas.image();
      pixel_labels = scene.labels;
      border = {-side / 2, -side / 2};
    }
    const std::size_t first = rectangular ? 0 : 5;
    const AffineDraws affine = affine_draws(draws, first);
    const AffineMatrix matrix = affine_matrix(affine, picture.size(), border);
    cv::Mat image = warp_image(picture, matrix, border);
    auto labels = to_labels(warp_labels(pixel_labels, matrix, image.size(), affine.scale),
                            image.cols, image.rows);
    const auto& hyp = one.at("hyp");
    image =
        jitter_colour(image, colour_draws(one.at("numpy_draws"), {hyp.at("hsv_h").get<double>(),
                                                                  hyp.at("hsv_s").get<double>(),
                                                                  hyp.at("hsv_v").get<double>()}));
    if (draw(draws, first + 6) < 0.5) {
      cv::flip(image, image, 1);
      for (Label& label : labels) label.cx = 1 - label.cx;
    }
    expect_close(image, small_image(name + ".image_rgb"), name);
    expect_close(labels, small_rows(name + ".labels"), name);
  }
}

// RB B.7: numbers of the behaviour reference.
TEST(DataAugmentParity, ReferenceNumbers) {
  const AffineMatrix matrix = affine_matrix({10, 1.1, 0.05, -0.03, 2, 3}, {100, 80}, {});
  const AffineMatrix expected = {1.0766182,  0.2288423, -6.6715800,
                                 -0.1342402, 1.0932991, 3.4624765};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(matrix[i], expected[i], 1e-6);
  expect_close(warp_labels({{0, {20, 20, 60, 50}}, {1, {0, 0, 6, 4}}, {2, {70, 60, 99, 79}}},
                           matrix, {100, 80}, 1.1),
               {{0, {19.4376F, 17.2740F, 69.3676F, 55.4426F}}, {2, {82.4222F, 55.7706F, 100, 80}}},
               1e-3, "B.7");
  cv::Mat pixels(1, 2, CV_8UC3);
  pixels.at<cv::Vec3b>(0, 0) = {30, 120, 200};
  pixels.at<cv::Vec3b>(0, 1) = {200, 40, 90};
  const cv::Mat jittered = jitter_colour(pixels, {1.1, 0.8, 1.1});
  // OpenCV rounds the last pixels of a picture and truncates all others, as is done here.
  EXPECT_EQ(jittered.at<cv::Vec3b>(0, 0), cv::Vec3b(70, 155, 220));  // rounded: 71
  EXPECT_EQ(jittered.at<cv::Vec3b>(0, 1), cv::Vec3b(220, 79, 177));  // rounded: 178
}

}  // namespace
}  // namespace gannet::testing
