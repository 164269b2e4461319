// Four images around a random point of a canvas of twice the size (RB 3.7). The affine step that
// follows crops it back.
#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core.hpp>

#include "gannet/core/rng.h"
#include "gannet/data/augment/canvas.h"
#include "gannet/data/sample/sample.h"

namespace gannet {

struct MosaicDraws {
  int center_y = 0, center_x = 0;        // px of the canvas
  std::array<std::int64_t, 3> others{};  // images beside the requested one; may repeat
};

/// Centre within the middle half of the canvas, other images from the whole set.
MosaicDraws draw_mosaic(int image_size, std::int64_t num_images, Rng& rng);

/// Where a tile of a mosaic lies (0 top left, 1 top right, 2 bottom left, 3 bottom right).
struct MosaicPlacement {
  cv::Rect canvas;   // destination
  cv::Point source;  // corner of the part of the tile that shows
  cv::Point offset() const { return canvas.tl() - source; }
};

MosaicPlacement place_tile(int position, cv::Size tile, const MosaicDraws& draws, int image_size);

/// Canvas of 2 x image_size squared, grey 114 where no tile reaches; labels clipped to the canvas.
Scene compose_mosaic(const std::array<Sample, 4>& tiles, const MosaicDraws& draws, int image_size);

}  // namespace gannet
