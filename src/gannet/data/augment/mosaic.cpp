#include "gannet/data/augment/mosaic.h"

#include <algorithm>

namespace gannet {

MosaicDraws draw_mosaic(int image_size, std::int64_t num_images, Rng& rng) {
  MosaicDraws draws;
  draws.center_y = static_cast<int>(rng.uniform(image_size / 2.0, image_size * 1.5));
  draws.center_x = static_cast<int>(rng.uniform(image_size / 2.0, image_size * 1.5));
  for (std::int64_t& other : draws.others) other = rng.below(num_images);
  return draws;
}

MosaicPlacement place_tile(int position, cv::Size tile, const MosaicDraws& draws, int image_size) {
  const bool is_left = position % 2 == 0, is_top = position < 2;
  const int side = 2 * image_size;
  const int x1 = is_left ? std::max(draws.center_x - tile.width, 0) : draws.center_x;
  const int x2 = is_left ? draws.center_x : std::min(draws.center_x + tile.width, side);
  const int y1 = is_top ? std::max(draws.center_y - tile.height, 0) : draws.center_y;
  const int y2 = is_top ? draws.center_y : std::min(draws.center_y + tile.height, side);
  const cv::Point source(is_left ? tile.width - (x2 - x1) : 0,
                         is_top ? tile.height - (y2 - y1) : 0);
  return {cv::Rect(x1, y1, x2 - x1, y2 - y1), source};
}

Scene compose_mosaic(const std::array<Sample, 4>& tiles, const MosaicDraws& draws, int image_size) {
  Scene scene{Canvas({2 * image_size, 2 * image_size}), {}};
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const MosaicPlacement place =
        place_tile(static_cast<int>(i), tiles[i].image.size(), draws, image_size);
    scene.add(tiles[i], place.offset(), place.canvas);
  }
  return scene;
}

}  // namespace gannet
