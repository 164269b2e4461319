// What the loader hands out: plain memory, no tensors. The trainer's `prepare` turns it into
// tensors.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gannet/core/box.h"

namespace gannet {

/// Where an image of a batch comes from.
struct SampleInfo {
  std::int64_t index = 0;      // position in the data set's list
  std::int64_t requested = 0;  // the image that the epoch's order named; another one if that failed
  std::string path;
  LetterboxRecord letterbox;  // meaningless for mosaics
  bool mosaic = false;
  bool replacement = false;  // stands in for an image that could not be read: do not score it
};

/// Images of equal size and their targets: a global batch, or a rank's run of it, which may be
/// empty.
/// `pixels`: RGB bytes, images x height x width x 3 (channels last).
/// `targets`: rows (image slot, class, cx, cy, w, h), boxes normalised by the batch's image size.
struct Batch {
  std::int64_t epoch = 0;
  std::int64_t number = 0;  // position in the epoch, global over all processes
  int images = 0, height = 0, width = 0;
  std::int64_t first_image = 0;    // position of the first image in the global batch
  std::int64_t global_images = 0;  // images of the global batch
  std::shared_ptr<std::uint8_t[]> pixels;
  std::vector<std::array<float, 6>> targets;
  std::vector<SampleInfo> samples;
  std::size_t bytes() const {
    return static_cast<std::size_t>(images) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(width) * 3;
  }
};

}  // namespace gannet
