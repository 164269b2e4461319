// How long the index of a large data set takes: the first scan and the next start. Makes the set,
// of small pictures with seven labels each, where it is not there yet. Results on stdout.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <vector>

#include "gannet/core/rng.h"
#include "gannet/data/index/image_index.h"

namespace {

namespace fs = std::filesystem;
constexpr int kPictures = 50, kLabels = 7, kSide_px = 96;

std::vector<std::vector<std::uint8_t>> make_pictures() {
  std::vector<std::vector<std::uint8_t>> pictures(kPictures);
  for (int i = 0; i < kPictures; ++i) {
    cv::Mat image(kSide_px, kSide_px, CV_8UC3);
    gannet::Rng rng({static_cast<std::uint64_t>(i), 0, 0, gannet::Purpose::kTest});
    for (int k = 0; k < kSide_px * kSide_px * 3; ++k)
      image.data[k] = static_cast<std::uint8_t>(rng.below(256));
    cv::imencode(".jpg", image, pictures[static_cast<std::size_t>(i)]);
  }
  return pictures;
}

void make_set(const fs::path& folder, int count) {
  fs::create_directories(folder / "images");
  fs::create_directories(folder / "labels");
  const auto pictures = make_pictures();
  gannet::Rng rng({1, 0, 0, gannet::Purpose::kTest});
  for (int i = 0; i < count; ++i) {
    const auto& picture = pictures[static_cast<std::size_t>(i % kPictures)];
    std::ofstream(folder / "images" / fmt::format("{:07}.jpg", i), std::ios::binary)
        .write(reinterpret_cast<const char*>(picture.data()),
               static_cast<std::streamsize>(picture.size()));
    std::ofstream labels(folder / "labels" / fmt::format("{:07}.txt", i));
    for (int k = 0; k < kLabels; ++k) {
      labels << fmt::format("{} {:.6f} {:.6f} {:.6f} {:.6f}\n", rng.below(80), rng.uniform(),
                            rng.uniform(), rng.uniform(), rng.uniform());
    }
  }
}

void time_index(const fs::path& folder, const char* what) {
  const auto start = std::chrono::steady_clock::now();
  const gannet::ImageIndex index =
      gannet::build_image_index({(folder / "images").string()}, gannet::IndexOptions{});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{}: {} images, {} labels in {:.2f} s\n", what, index.images.size(),
             index.num_labels(), seconds.count());
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path folder = argc > 1 ? argv[1] : "label_index_set";
  const int count = argc > 2 ? std::atoi(argv[2]) : 100'000;
  if (!fs::exists(folder / "images")) make_set(folder, count);
  ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  fs::remove_all(folder / "cache");
  time_index(folder, "first scan");
  time_index(folder, "next start");
  time_index(folder, "next start");
  return 0;
}
