// Training pictures a second on one core: gannet's data set and loader against the same work done
// the original's way (decode all four, resize, canvas of twice the size, warp, HSV, flip), which
// the two do in turn, so that a machine whose speed drifts hurts both. Times are CPU seconds of
// this thread, so that other programs do not count. Usage: bench_loader [DATA_YAML [ROUNDS]];
// without data the demo set is made.
#include "gannet/data/loading/loader.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gannet/config/data_description.h"
#include "gannet/core/rng.h"
#include "gannet/curate/demo/demo.h"
#include "gannet/data/augment/affine.h"
#include "gannet/data/augment/colour.h"
#include "gannet/data/augment/mosaic.h"
#include "gannet/data/images/resize.h"
#include "gannet/data/index/image_index.h"
#include "gannet/data/loading/datasets.h"
#include "gannet/data/loading/sampler.h"

namespace gannet {
namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// One training picture after the other, as the original makes them.
class OriginalWay {
 public:
  OriginalWay(const ImageIndex& index, int image_size, bool cached)
      : index_(index), image_size_(image_size), cached_(cached), cache_(index.images.size()) {}

  /// Into `rgb`, image_size x image_size x 3 bytes.
  void make(std::int64_t position, std::uint8_t* rgb) {
    Rng rng({0, 0, static_cast<std::uint64_t>(position), Purpose::kTest});
    const int side = 2 * image_size_;
    const MosaicDraws draws =
        draw_mosaic(image_size_, static_cast<std::int64_t>(index_.images.size()), rng);
    cv::Mat canvas(side, side, CV_8UC3, cv::Scalar::all(114));
    for (int i = 0; i < 4; ++i) {
      const cv::Mat tile = load(i == 0 ? position : draws.others[static_cast<std::size_t>(i) - 1]);
      const MosaicPlacement place = place_tile(i, tile.size(), draws, image_size_);
      tile(cv::Rect(place.source, place.canvas.size())).copyTo(canvas(place.canvas));
    }
    const AffineBorder border{-image_size_ / 2, -image_size_ / 2};
    const AffineDraws affine = draw_affine({0, 0, 0.5, 0}, rng);
    const AffineMatrix matrix = affine_matrix(affine, canvas.size(), border);
    cv::Mat picture;
    cv::warpAffine(canvas, picture, cv::Mat(2, 3, CV_64F, const_cast<double*>(matrix.data())),
                   {image_size_, image_size_}, cv::INTER_LINEAR, cv::BORDER_CONSTANT,
                   cv::Scalar::all(114));
    jitter(picture, draw_colour({0.014, 0.68, 0.36}, rng));
    if (rng.uniform() < 0.5) cv::flip(picture, picture, 1);
    cv::Mat target(image_size_, image_size_, CV_8UC3, rgb);
    cv::cvtColor(picture, target, cv::COLOR_BGR2RGB);
  }

 private:
  cv::Mat load(std::int64_t position) {
    const auto i = static_cast<std::size_t>(position);
    if (cached_ && !cache_[i].empty()) return cache_[i];
    const cv::Mat image = cv::imread(index_.images.at(i).path);
    const cv::Mat resized = resize_to_side(image, image.size(), image_size_, true);
    if (cached_) cache_[i] = resized;
    return resized;
  }

  static void jitter(cv::Mat& picture, const ColourDraws& draws) {
    std::array<cv::Mat, 3> tables;
    for (cv::Mat& table : tables) table.create(1, 256, CV_8UC1);
    for (int i = 0; i < 256; ++i) {
      tables[0].at<std::uint8_t>(i) = static_cast<std::uint8_t>(std::fmod(i * draws.hue, 180));
      tables[1].at<std::uint8_t>(i) =
          static_cast<std::uint8_t>(std::min(i * draws.saturation, 255.0));
      tables[2].at<std::uint8_t>(i) = static_cast<std::uint8_t>(std::min(i * draws.value, 255.0));
    }
    cv::Mat hsv;
    cv::cvtColor(picture, hsv, cv::COLOR_BGR2HSV);
    std::vector<cv::Mat> channels;
    cv::split(hsv, channels);
    for (std::size_t i = 0; i < 3; ++i) cv::LUT(channels[i], tables[i], channels[i]);
    cv::merge(channels, hsv);
    cv::cvtColor(hsv, picture, cv::COLOR_HSV2BGR);
  }

  const ImageIndex& index_;
  int image_size_;
  bool cached_;
  std::vector<cv::Mat> cache_;
};

/// Seconds for an epoch.
using Epoch = std::function<double()>;

Epoch original_epoch(const ImageIndex& index, int image_size, bool cached) {
  auto way = std::make_shared<OriginalWay>(index, image_size, cached);
  return [&index, image_size, way] {
    const double begin = cpu_seconds();
    std::vector<std::uint8_t> rgb(3 * static_cast<std::size_t>(image_size) *
                                  static_cast<std::size_t>(image_size));
    for (std::size_t i = 0; i < index.images.size(); ++i) {
      way->make(static_cast<std::int64_t>(i), rgb.data());
    }
    return cpu_seconds() - begin;
  };
}

Epoch gannet_epoch(std::shared_ptr<const ImageIndex> index, int image_size, ImageCacheKind kind) {
  LoaderOptions options;
  options.num_threads = 0;  // on this thread
  ImageCacheOptions cache;
  cache.kind = kind;
  auto dataset = make_training_dataset(index, image_size, {}, cache);
  auto loader = std::make_shared<Loader>(dataset, options);
  SamplerOptions sampler;
  sampler.num_images = dataset->size();
  sampler.image_size = image_size;
  return [loader, sampler, epoch = std::uint64_t{0}]() mutable {
    const double begin = cpu_seconds();
    loader->start(plan_epoch(sampler, epoch), epoch);
    while (loader->next()) {
    }
    ++epoch;
    return cpu_seconds() - begin;
  };
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Lets each way make an epoch in turn. Ratios are medians over the rounds.
class Comparison {
 public:
  Comparison(std::shared_ptr<const ImageIndex> index, int image_size)
      : index_(std::move(index)),
        image_size_(image_size),
        original_(original_epoch(*index_, image_size, false)),
        original_cached_(original_epoch(*index_, image_size, true)),
        direct_(gannet_epoch(index_, image_size, ImageCacheKind::kNone)),
        ram_(gannet_epoch(index_, image_size, ImageCacheKind::kRam)),
        disk_(gannet_epoch(index_, image_size, ImageCacheKind::kDisk)) {}

  void run(int rounds) {
    for (const Epoch& epoch : {original_, original_cached_, direct_, ram_, disk_})
      epoch();  // fills
    std::vector<double> original_s, original_cached_s, direct_s, ram_s, disk_s;
    for (int round = 0; round < rounds; ++round) {
      original_s.push_back(original_());
      direct_s.push_back(direct_());
      original_cached_s.push_back(original_cached_());
      ram_s.push_back(ram_());
      disk_s.push_back(disk_());
    }
    fmt::print("{} px, images a second on one core:\n", image_size_);
    fmt::print("  the original's way  {:7.1f} decoding  {:7.1f} with its RAM cache\n",
               rate(original_s), rate(original_cached_s));
    fmt::print("  gannet uncached     {:7.1f}  {:5.2f} times as many\n", rate(direct_s),
               ratio(original_s, direct_s));
    for (const auto& [name, seconds] : {std::pair{"RAM", ram_s}, {"disk", disk_s}}) {
      fmt::print(
          "  gannet {:4} cache   {:7.1f}  {:5.2f} times as many, {:.2f} times with its cache\n",
          name, rate(seconds), ratio(original_s, seconds), ratio(original_cached_s, seconds));
    }
  }

 private:
  double rate(const std::vector<double>& seconds) const {
    return static_cast<double>(index_->images.size()) / median(seconds);
  }
  static double ratio(const std::vector<double>& slow, const std::vector<double>& fast) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < slow.size(); ++i) ratios.push_back(slow[i] / fast[i]);
    return median(ratios);
  }

  std::shared_ptr<const ImageIndex> index_;
  int image_size_;
  Epoch original_, original_cached_, direct_, ram_, disk_;
};

void run(const std::string& data_file, int rounds) {
  const DataDescription data = load_data_description(data_file);
  IndexOptions options;
  options.num_classes = data.num_classes;
  const auto index = std::make_shared<ImageIndex>(build_image_index(data.train, options));
  fmt::print("{}: {} images, mosaic training\n", data_file, index->images.size());
  for (const int size : {320, 640}) Comparison(index, size).run(rounds);
}

}  // namespace
}  // namespace gannet

int main(int argc, char** argv) {
  cv::setNumThreads(0);
  try {
    std::string data = argc > 1 ? argv[1] : "";
    if (data.empty()) {
      const auto folder = std::filesystem::temp_directory_path() / "gannet_bench_loader";
      gannet::make_demo_dataset(folder);
      data = (folder / "demo.yaml").string();
    }
    gannet::run(data, argc > 2 ? std::atoi(argv[2]) : 5);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_loader: {}\n", error.what());
    return 1;
  }
}
