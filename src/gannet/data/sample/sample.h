// The interface that every source and every augmentation of samples implements; data
// sets compose as decorators over it.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

/// Names the random streams of a sample: the same request gives the same sample on any thread.
struct SampleRequest {
  std::int64_t index = 0;  // which image
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  int height = 0, width = 0;  // shape of the batch that the sample goes into, px
  std::uint64_t copy = 0;     // how often the image came before in this epoch
  /// Other numbers for the same sample, as the partner of a mixed one needs.
  std::uint64_t variant = 0;
  /// The only part of the image that will be looked at, px; what lies outside may stay undefined.
  std::optional<cv::Rect> visible = std::nullopt;
};

/// One image with its objects. `image`: BGR bytes; labels are relative to the image as it is here.
struct Sample {
  cv::Mat image;
  std::vector<Label> labels;
  std::vector<Polygon> polygons;  // as in IndexedImage
  std::string path;
  LetterboxRecord letterbox;
  bool mosaic = false;
};

/// Thread-safe: `get` may be called from several threads at once. `get` throws Error (kData) when
/// an image cannot be read.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  virtual Sample get(const SampleRequest& request) const = 0;
  /// The same with the picture as height x width x 3 bytes of RGB at `rgb`; Sample::image is empty.
  virtual Sample get_into(const SampleRequest& request, std::uint8_t* rgb) const;
};

}  // namespace gannet
