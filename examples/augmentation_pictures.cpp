// A picture for every augmentation, each with its boxes: the pictures of docs/augmentation.md.
// Usage: augmentation_pictures FOLDER; a demo data set is made in FOLDER/demo.
#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <filesystem>
#include <memory>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gannet/curate/demo/demo.h"
#include "gannet/data/index/image_index.h"
#include "gannet/data/loading/datasets.h"
#include "gannet/viz/draw.h"

namespace {

using namespace gannet;

constexpr int kSide = 256;
constexpr int kSamples = 3;  // side by side

/// The demo set knows boxes only: each object gets the ellipse in its box as an outline.
void add_outlines(IndexedImage& image) {
  constexpr int kPoints = 24;
  for (const Label& label : image.labels) {
    Polygon outline;
    for (int i = 0; i < kPoints; ++i) {
      const float angle = 2 * std::numbers::pi_v<float> * static_cast<float>(i) / kPoints;
      outline.push_back({label.cx + label.width / 2 * std::cos(angle),
                         label.cy + label.height / 2 * std::sin(angle)});
    }
    image.polygons.push_back(outline);
  }
}

AugmentOptions nothing() {
  AugmentOptions options;
  options.hsv_h = options.hsv_s = options.hsv_v = 0;
  options.scale = 0;
  options.flip_left_right = 0;
  options.mosaic = false;
  return options;
}

/// `change` switches one augmentation on.
template <class Change>
AugmentOptions with(const Change& change) {
  AugmentOptions options = nothing();
  change(options);
  return options;
}

std::vector<std::pair<std::string, AugmentOptions>> pictures() {
  using O = AugmentOptions;
  return {
      {"none", nothing()},
      {"mosaic", with([](O& o) { o.mosaic = true; })},
      {"mosaic9", with([](O& o) { o.mosaic = true, o.mosaic9 = 1; })},
      {"scale", with([](O& o) { o.scale = 0.5; })},
      {"translate", with([](O& o) { o.translate = 0.2; })},
      {"degrees", with([](O& o) { o.degrees = 20; })},
      {"shear", with([](O& o) { o.shear = 15; })},
      {"perspective", with([](O& o) { o.perspective = 0.002; })},
      {"hsv", with([](O& o) { o.hsv_h = 0.05, o.hsv_s = 0.7, o.hsv_v = 0.4; })},
      {"fliplr", with([](O& o) { o.flip_left_right = 0.5; })},
      {"flipud", with([](O& o) { o.flip_up_down = 0.5; })},
      {"mixup", with([](O& o) { o.mosaic = true, o.mixup = 1; })},
      {"copy_paste", with([](O& o) { o.mosaic = true, o.copy_paste = 1; })},
      {"default", AugmentOptions{}},
  };
}

cv::Mat draw(const Sample& sample) {
  cv::Mat image = sample.image.clone();
  const auto width = static_cast<float>(image.cols), height = static_cast<float>(image.rows);
  std::vector<CaptionedBox> boxes;
  for (const Label& label : sample.labels) {
    const float x = label.cx * width, y = label.cy * height;
    const float half_w = label.width * width / 2, half_h = label.height * height / 2;
    boxes.push_back({{x - half_w, y - half_h, x + half_w, y + half_h}, label.class_id, {}});
  }
  draw_boxes(image, boxes);
  return image;
}

void write_pictures(const std::filesystem::path& folder) {
  make_demo_dataset(folder / "demo");
  IndexOptions index_options;
  index_options.use_cache = false;
  auto index = std::make_shared<ImageIndex>(
      build_image_index({(folder / "demo/images/train").string()}, index_options));
  for (IndexedImage& image : index->images) add_outlines(image);
  for (const auto& [name, options] : pictures()) {
    const auto dataset = make_training_dataset(index, kSide, options, ImageCacheOptions{});
    std::vector<cv::Mat> samples;
    for (std::uint64_t epoch = 0; epoch < kSamples; ++epoch) {
      samples.push_back(draw(dataset->get({5, 1, epoch, kSide, kSide})));
    }
    cv::Mat row;
    cv::hconcat(samples, row);
    save_picture(folder / (name + ".jpg"), row);
    fmt::print("{}\n", (folder / (name + ".jpg")).string());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: augmentation_pictures FOLDER\n");
    return 2;
  }
  try {
    write_pictures(argv[1]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "augmentation_pictures: {}\n", error.what());
    return 1;
  }
}
