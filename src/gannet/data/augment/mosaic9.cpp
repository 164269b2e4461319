#include "gannet/data/augment/mosaic9.h"

namespace gannet {

Mosaic9Draws draw_mosaic9(int image_size, std::int64_t num_images, Rng& rng) {
  Mosaic9Draws draws;
  for (std::int64_t& other : draws.others) other = rng.below(num_images);
  draws.offset_y = static_cast<int>(rng.uniform(0, image_size));
  draws.offset_x = static_cast<int>(rng.uniform(0, image_size));
  return draws;
}

std::array<cv::Point, 9> place_tiles9(const std::array<cv::Size, 9>& tiles,
                                      const Mosaic9Draws& draws, int image_size) {
  const int s = image_size;
  const int right = s + tiles[0].width, bottom = s + tiles[0].height;  // of the middle tile
  const auto w = [&](std::size_t i) { return tiles[i].width; };
  const auto h = [&](std::size_t i) { return tiles[i].height; };
  std::array<cv::Point, 9> corners = {cv::Point(s, s),
                                      {s, s - h(1)},                      // above
                                      {s + w(1), s - h(2)},               // right of it
                                      {right, s},                         // right
                                      {right, s + h(3)},                  // below it
                                      {right - w(5), bottom},             // below
                                      {right - w(5) - w(6), bottom},      // left of it
                                      {s - w(7), bottom - h(7)},          // left
                                      {s - w(8), bottom - h(7) - h(8)}};  // above it
  for (cv::Point& corner : corners) corner -= cv::Point(draws.offset_x, draws.offset_y);
  return corners;
}

Scene compose_mosaic9(const std::array<Sample, 9>& tiles, const Mosaic9Draws& draws,
                      int image_size) {
  std::array<cv::Size, 9> sizes;
  for (std::size_t i = 0; i < tiles.size(); ++i) sizes[i] = tiles[i].image.size();
  const auto corners = place_tiles9(sizes, draws, image_size);
  Scene scene{Canvas({2 * image_size, 2 * image_size})};
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    scene.add(tiles[i], corners[i], cv::Rect(corners[i], sizes[i]));
  }
  return scene;
}

}  // namespace gannet
