#include "gannet/data/augment/augmented_samples.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "gannet/data/augment/colour.h"
#include "gannet/data/augment/mosaic.h"
#include "gannet/data/augment/view.h"
#include "gannet/data/loading/datasets.h"
#include "gannet/data/loading/resized_images.h"
#include "tests/unit/data/data_fixture.h"

namespace gannet::testing {
namespace {

constexpr int kSide = 32;

/// Everything at once.
AugmentOptions all_options() {
  AugmentOptions options;
  options.degrees = 10;
  options.translate = 0.1;
  options.shear = 3;
  options.perspective = 0.001;
  options.flip_up_down = 0.5;
  options.mosaic_probability = 0.8;
  options.mosaic9 = 0.4;
  options.mixup = 0.5;
  options.copy_paste = 0.5;
  return options;
}

void expect_equal(const Sample& a, const Sample& b, const std::string& name) {
  ASSERT_EQ(a.image.size(), b.image.size()) << name;
  EXPECT_EQ(cv::norm(a.image, b.image, cv::NORM_INF), 0) << name;
  EXPECT_EQ(a.labels, b.labels) << name;
  EXPECT_EQ(a.polygons, b.polygons) << name;
}

class AugmentedSamplesTest : public DataFolder {
 protected:
  /// JPEGs of 40 x 30 pixels, each with one outlined object.
  std::shared_ptr<ImageIndex> outlined_index(int count) const {
    write_set(count);
    auto result = index();
    for (IndexedImage& image : result->images) {
      image.polygons = {{{0.25F, 0.5F}, {0.5F, 0.3F}, {0.75F, 0.5F}, {0.5F, 0.7F}}};
    }
    return result;
  }
};

// The same work in separate steps over whole pictures, as the original does it.
TEST_F(AugmentedSamplesTest, EqualsTheStepsOneByOne) {
  write_set(6);
  const auto images = index();
  AugmentOptions options;
  options.translate = 0.1;
  const auto dataset = make_training_dataset(images, kSide, options);
  const auto resized =
      make_resized_images(images, {.image_size = kSide, .augment = true, .reduced_decode = true});
  for (std::uint64_t epoch = 0; epoch < 40; ++epoch) {
    const SampleRequest request{static_cast<std::int64_t>(epoch) % 6, 9, epoch, kSide, kSide};
    Rng mosaic_rng = rng_for(request, Purpose::kMosaic);
    const MosaicDraws draws = draw_mosaic(kSide, 6, mosaic_rng);
    std::array<Sample, 4> tiles;
    for (std::size_t i = 0; i < 4; ++i) {
      tiles[i] = resized->get({i == 0 ? request.index : draws.others[i - 1], 9, epoch, 0, 0});
    }
    const Scene scene = compose_mosaic(tiles, draws, kSide);
    const cv::Mat canvas = scene.canvas.image();
    Rng affine_rng = rng_for(request, Purpose::kAffine);
    const AffineDraws affine = draw_affine({0, 0.1, 0.5, 0}, affine_rng);
    const AffineBorder border{-kSide / 2, -kSide / 2};
    const AffineMatrix matrix = affine_matrix(affine, canvas.size(), border);
    Rng colour_rng = rng_for(request, Purpose::kColour);
    cv::Mat expected = jitter_colour(warp_image(canvas, matrix, border),
                                     draw_colour({0.014, 0.68, 0.36}, colour_rng));
    auto labels =
        to_labels(warp_labels(scene.labels, matrix, expected.size(), affine.scale), kSide, kSide);
    if (rng_for(request, Purpose::kFlip).uniform() < 0.5) {
      cv::flip(expected, expected, 1);
      for (Label& label : labels) label.cx = 1 - label.cx;
    }
    const Sample sample = dataset->get(request);
    EXPECT_EQ(cv::norm(sample.image, expected, cv::NORM_INF), 0) << epoch;
    EXPECT_EQ(sample.labels, labels) << epoch;
  }
}

TEST_F(AugmentedSamplesTest, SameOnEveryThreadAndFromACache) {
  const auto images = outlined_index(5);
  AugmentOptions without_copies = all_options();
  without_copies.copy_paste = 0;  // then only what is visible is decoded
  for (const AugmentOptions& options : {AugmentOptions{}, all_options(), without_copies}) {
    const auto direct = make_training_dataset(images, kSide, options);
    const auto cached = make_training_dataset(images, kSide, options, cache(ImageCacheKind::kRam));
    std::vector<Sample> expected;
    for (std::uint64_t i = 0; i < 40; ++i) {
      expected.push_back(direct->get({static_cast<std::int64_t>(i % 5), 3, i, kSide, kSide}));
    }
    std::vector<std::vector<Sample>> found(3);
    std::vector<std::thread> threads;
    for (auto& samples : found) {
      threads.emplace_back([&samples, &cached] {
        for (std::uint64_t i = 0; i < 40; ++i) {
          samples.push_back(cached->get({static_cast<std::int64_t>(i % 5), 3, i, kSide, kSide}));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& samples : found) {
      for (std::size_t i = 0; i < 40; ++i) expect_equal(samples[i], expected[i], std::to_string(i));
    }
  }
}

TEST_F(AugmentedSamplesTest, BoxesAndOutlinesStayInside) {
  const auto dataset =
      make_training_dataset(outlined_index(5), kSide, all_options(), cache(ImageCacheKind::kRam));
  constexpr float kSlack = 1e-6F;
  std::size_t num_labels = 0;
  for (std::uint64_t epoch = 0; epoch < 60; ++epoch) {
    const Sample sample =
        dataset->get({static_cast<std::int64_t>(epoch % 5), 0, epoch, kSide, kSide});
    EXPECT_EQ(sample.image.size(), cv::Size(kSide, kSide));
    ASSERT_TRUE(sample.labels.empty() || sample.polygons.size() == sample.labels.size());
    num_labels += sample.labels.size();
    for (std::size_t i = 0; i < sample.labels.size(); ++i) {
      const Label& label = sample.labels[i];
      EXPECT_GE(label.cx - label.width / 2, -kSlack);
      EXPECT_LE(label.cx + label.width / 2, 1 + kSlack);
      EXPECT_GE(label.cy - label.height / 2, -kSlack);
      EXPECT_LE(label.cy + label.height / 2, 1 + kSlack);
      for (const auto& [x, y] : sample.polygons[i]) {
        EXPECT_TRUE(x >= 0 && x <= 1 && y >= 0 && y <= 1);
      }
    }
  }
  EXPECT_GT(num_labels, 60);
}

TEST_F(AugmentedSamplesTest, WritesIntoTheBatchAtOnce) {
  write_set(3);
  AugmentOptions plain;
  plain.hsv_h = plain.hsv_s = plain.hsv_v = 0;
  for (const AugmentOptions& options : {AugmentOptions{}, plain}) {
    const auto dataset = make_training_dataset(index(), kSide, options);
    const SampleRequest request{1, 4, 2, kSide, kSide};
    const Sample sample = dataset->get(request);
    cv::Mat rgb(kSide, kSide, CV_8UC3), bgr;
    const Sample written = dataset->get_into(request, rgb.data);
    EXPECT_TRUE(written.image.empty());
    EXPECT_EQ(written.labels, sample.labels);
    cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
    EXPECT_EQ(cv::norm(bgr, sample.image, cv::NORM_INF), 0);
  }
}

TEST_F(AugmentedSamplesTest, FlipsUpDown) {
  write_image("images/a.png", kSide, kSide);
  write_text("labels/a.txt", "0 0.5 0.25 0.25 0.25\n");
  AugmentOptions options{
      .hsv_h = 0, .hsv_s = 0, .hsv_v = 0, .scale = 0, .flip_left_right = 0, .mosaic = false};
  const SampleRequest request{0, 0, 0, kSide, kSide};
  const Sample plain = make_training_dataset(index(), kSide, options)->get(request);
  options.flip_up_down = 1;
  const Sample flipped = make_training_dataset(index(), kSide, options)->get(request);
  EXPECT_FLOAT_EQ(plain.labels.at(0).cy, 0.25F);
  EXPECT_FLOAT_EQ(flipped.labels.at(0).cy, 0.75F);
  EXPECT_FLOAT_EQ(flipped.labels.at(0).cx, 0.5F);
  cv::Mat back;
  cv::flip(flipped.image, back, 0);
  EXPECT_EQ(cv::norm(plain.image, back, cv::NORM_INF), 0);
}

TEST_F(AugmentedSamplesTest, MosaicsEndWithTheirEpochsAndComeWithTheirProbability) {
  write_set(3);
  const auto mosaics = [&](const AugmentOptions& options, std::uint64_t epoch) {
    const auto dataset =
        make_training_dataset(index(), kSide, options, cache(ImageCacheKind::kRam));
    int count = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      count += dataset->get({0, seed, epoch, kSide, kSide}).mosaic ? 1 : 0;
    }
    return count;
  };
  AugmentOptions options;
  options.mosaic_epochs = 7;
  options.mixup = 1;
  EXPECT_EQ(mosaics(options, 6), 100);
  EXPECT_EQ(mosaics(options, 7), 0);
  options.mosaic_probability = 0.3;
  EXPECT_NEAR(mosaics(options, 0), 30, 15);
}

TEST_F(AugmentedSamplesTest, NewGainsAtZeroDrawNothingElse) {
  write_set(4);
  AugmentOptions options;
  options.mosaic9 = 1e-12;  // its stream is drawn from, without effect
  options.mixup = 1e-12;
  options.flip_up_down = 1e-12;
  const auto with = make_training_dataset(index(), kSide, options, cache(ImageCacheKind::kRam));
  const auto without = make_training_dataset(index(), kSide, {}, cache(ImageCacheKind::kRam));
  for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
    const SampleRequest request{1, 0, epoch, kSide, kSide};
    expect_equal(with->get(request), without->get(request), std::to_string(epoch));
  }
}

TEST_F(AugmentedSamplesTest, MixUpLaysAnotherMosaicOver) {
  write_set(4);
  AugmentOptions options{.hsv_h = 0, .hsv_s = 0, .hsv_v = 0};
  const auto single = make_training_dataset(index(), kSide, options, cache(ImageCacheKind::kRam));
  options.mixup = 1;
  const auto mixed = make_training_dataset(index(), kSide, options, cache(ImageCacheKind::kRam));
  bool more_labels = false;
  for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
    const SampleRequest request{2, 0, epoch, kSide, kSide};
    const Sample a = single->get(request), b = mixed->get(request);
    ASSERT_GE(b.labels.size(), a.labels.size());
    EXPECT_TRUE(std::equal(a.labels.begin(), a.labels.end(), b.labels.begin()));
    more_labels = more_labels || b.labels.size() > a.labels.size();
    // What remains beside this picture's share (about a half) is at most the other's.
    cv::Mat rest;
    cv::addWeighted(b.image, 1, a.image, -0.3, 0, rest, CV_16S);
    double lowest = 0;
    cv::minMaxLoc(rest.reshape(1), &lowest);
    EXPECT_GE(lowest, -1) << epoch;
  }
  EXPECT_TRUE(more_labels);
}

TEST(VisibleArea, OfAShiftedCrop) {
  // Output pixel x comes from canvas pixel 2 x + 10: 10 ... 28, with 3 px to spare.
  const PlaneMatrix matrix = {0.5, 0, -5, 0, 0.5, -5, 0, 0, 1};
  EXPECT_EQ(visible_area(matrix, {10, 10}, {100, 100}), cv::Rect(7, 7, 25, 25));
  EXPECT_EQ(visible_area(matrix, {10, 10}, {20, 20}), cv::Rect(7, 7, 13, 13));
  EXPECT_EQ(visible_area({}, {10, 10}, {20, 20}), cv::Rect(0, 0, 20, 20));  // cannot be inverted
  EXPECT_TRUE(visible_area({1, 0, 500, 0, 1, 0, 0, 0, 1}, {10, 10}, {20, 20}).empty());
}

}  // namespace
}  // namespace gannet::testing
