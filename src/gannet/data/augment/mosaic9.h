// Nine images around the requested one, as release 4.0 of the original added them: a canvas of
// three times the image size, of which a random part of twice the size is taken.
#pragma once

#include <array>
#include <cstdint>

#include "gannet/core/rng.h"
#include "gannet/data/augment/canvas.h"
#include "gannet/data/sample/sample.h"

namespace gannet {

struct Mosaic9Draws {
  std::array<std::int64_t, 8> others{};  // images beside the requested one; may repeat
  int offset_y = 0, offset_x = 0;        // corner of the part that is taken, px
};

Mosaic9Draws draw_mosaic9(int image_size, std::int64_t num_images, Rng& rng);

/// Corners of the tiles on the part that is taken: the middle one, then clockwise from above. Tiles
/// may overlap; later ones cover earlier ones.
std::array<cv::Point, 9> place_tiles9(const std::array<cv::Size, 9>& tiles,
                                      const Mosaic9Draws& draws, int image_size);

/// Canvas of 2 x image_size squared, grey 114 where no tile reaches; labels clipped to the canvas.
Scene compose_mosaic9(const std::array<Sample, 9>& tiles, const Mosaic9Draws& draws,
                      int image_size);

}  // namespace gannet
