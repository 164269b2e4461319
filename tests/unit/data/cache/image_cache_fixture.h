// Image caches over made-up images: each is noise that its number decides, so that no file needs to
// be decoded and every wrong byte shows.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "gannet/core/hash.h"
#include "gannet/data/cache/image_cache.h"
#include "tests/unit/data/data_fixture.h"

namespace gannet::testing {

inline std::string kind_name(const ::testing::TestParamInfo<ImageCacheKind>& kind) {
  return kind.param == ImageCacheKind::kRam ? "ram" : "disk";
}

class ImageCacheFolder : public DataFolder {
 protected:
  static constexpr int kImages = 12;

  void SetUp() override {
    DataFolder::SetUp();
    for (int i = 0; i < kImages; ++i) {
      write_text("images/" + std::to_string(i), "stands for an image");
      set_.paths.push_back(path("images/" + std::to_string(i)));
      set_.sizes.emplace_back(30 + i, 20);
    }
    set_.settings = "test";
  }

  static cv::Mat picture(std::size_t i) {
    cv::Mat image(20, 30 + static_cast<int>(i), CV_8UC3);
    Rng rng({i, 0, 0, Purpose::kTest});
    for (std::uint8_t* at = image.data; at != image.dataend; ++at) {
      *at = static_cast<std::uint8_t>(rng.below(256));
    }
    return image;
  }
  static bool is_picture(const cv::Mat& image, std::size_t i) {
    const cv::Mat expected = picture(i);
    return image.size() == expected.size() && image.type() == expected.type() &&
           checksum64(image.data, image.total() * 3) ==
               checksum64(expected.data, expected.total() * 3);
  }

  std::shared_ptr<const ImageCache> open(ImageCacheKind kind) const {
    return ImageCache::open(set_, cache(kind));
  }
  /// Image `i` through the cache; false if it is not the right one.
  bool get_right(const ImageCache& images, std::size_t i) const {
    return is_picture(images.get(i, [&] { return ++num_decoded_, picture(i); }), i);
  }
  bool get_all_right(const ImageCache& images) const {
    bool right = true;
    for (std::size_t i = 0; i < kImages; ++i) right = get_right(images, i) && right;
    return right;
  }
  /// Names in the cache folder.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(root_ / "cache")) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  CachedImages set_;
  mutable std::atomic<int> num_decoded_ = 0;
};

}  // namespace gannet::testing
