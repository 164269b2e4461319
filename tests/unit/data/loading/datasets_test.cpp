#include "gannet/data/loading/datasets.h"

#include <opencv2/imgproc.hpp>

#include "gannet/core/error.h"
#include "tests/unit/data/data_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

using Datasets = DataFolder;

TEST_F(Datasets, EvaluationOnlyFits) {
  write_image("images/a.png", 80, 40);
  write_text("labels/a.txt", "1 0.5 0.5 0.5 0.5\n");
  const auto dataset = make_evaluation_dataset(index(), 64);
  ASSERT_EQ(dataset->size(), 1);
  const Sample sample = dataset->get({0, 0, 0, 64, 96});
  EXPECT_EQ(sample.image.size(), cv::Size(96, 64));
  ASSERT_EQ(sample.labels.size(), 1);
  EXPECT_EQ(sample.labels[0].class_id, 1);
  EXPECT_FLOAT_EQ(sample.labels[0].cx, 0.5F);
  EXPECT_FLOAT_EQ(sample.labels[0].width, 32.0F / 96);
  EXPECT_FLOAT_EQ(sample.labels[0].height, 16.0F / 64);
  EXPECT_EQ(sample.letterbox.original_width, 80);
  EXPECT_EQ(sample.letterbox.gain_h, 0.8);
  EXPECT_EQ(sample.letterbox.pad_w, 16);
  EXPECT_EQ(sample.letterbox.pad_h, 16);
  EXPECT_FALSE(sample.mosaic);
}

TEST_F(Datasets, CacheChangesNothing) {
  write_set(4);
  for (const bool mosaic : {true, false}) {
    AugmentOptions options;
    options.mosaic = mosaic;
    const auto direct = make_training_dataset(index(), 32, options);
    const auto cached = make_training_dataset(index(), 32, options, cache(ImageCacheKind::kRam));
    for (std::int64_t round = 0; round < 12; ++round) {
      const SampleRequest request{round % 4, 5, 1, 32, 32};
      const Sample a = direct->get(request), b = cached->get(request);
      EXPECT_EQ(cv::norm(a.image, b.image, cv::NORM_INF), 0) << round;
      EXPECT_EQ(a.labels, b.labels) << round;
    }
  }
}

TEST_F(Datasets, AugmentedBoxesStayInside) {
  write_set(5);
  AugmentOptions options;
  options.degrees = 20;
  options.translate = 0.2;
  options.shear = 5;
  const auto dataset = make_training_dataset(index(), 32, options, cache(ImageCacheKind::kRam));
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    for (std::int64_t i = 0; i < 5; ++i) {
      const Sample sample = dataset->get({i, 0, epoch, 32, 32});
      EXPECT_EQ(sample.image.size(), cv::Size(32, 32));
      EXPECT_TRUE(sample.mosaic);
      for (const Label& label : sample.labels) {
        constexpr float kSlack = 1e-6F;
        EXPECT_GE(label.cx - label.width / 2, -kSlack);
        EXPECT_LE(label.cx + label.width / 2, 1 + kSlack);
        EXPECT_GE(label.cy - label.height / 2, -kSlack);
        EXPECT_LE(label.cy + label.height / 2, 1 + kSlack);
      }
    }
  }
}

TEST_F(Datasets, FlipMirrorsPixelsAndLabels) {
  write_image("images/a.png", 32, 32);
  write_text("labels/a.txt", "0 0.25 0.5 0.25 0.25\n");
  AugmentOptions options{
      .hsv_h = 0, .hsv_s = 0, .hsv_v = 0, .scale = 0, .flip_left_right = 0, .mosaic = false};
  const auto plain = make_training_dataset(index(), 32, options)->get({0, 0, 0, 32, 32});
  options.flip_left_right = 1;
  const auto mirrored = make_training_dataset(index(), 32, options)->get({0, 0, 0, 32, 32});
  EXPECT_FLOAT_EQ(plain.labels.at(0).cx, 0.25F);
  EXPECT_FLOAT_EQ(mirrored.labels.at(0).cx, 0.75F);
  cv::Mat back;
  cv::flip(mirrored.image, back, 1);
  EXPECT_EQ(cv::norm(plain.image, back, cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(plain.image, cv::imread(path("images/a.png")), cv::NORM_INF), 0);
}

TEST_F(Datasets, TrainingNeedsLabels) {
  write_image("images/a.png", 32, 32);
  EXPECT_ERROR(kData, "no image has labels", make_training_dataset(index(), 32, {}));
  EXPECT_NO_THROW(make_evaluation_dataset(index(), 32));
}

}  // namespace
}  // namespace gannet::testing
