// A picture put together from parts of others without copying them: a mosaic of twice the size is
// only ever looked at through the warp that follows.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "gannet/data/sample/pixel_label.h"
#include "gannet/data/sample/sample.h"

namespace gannet {

/// Grey of everything that no image covers.
inline constexpr std::uint8_t kGrey = 114;

/// A rectangle of an image and where it shows.
struct Tile {
  cv::Mat image;     // 8 bits, three channels
  cv::Rect area;     // px of the canvas
  cv::Point source;  // corner of the part of the image that shows

  /// Pixel of the canvas at (x, y), which lies in `area`.
  const std::uint8_t* at(int x, int y) const {
    return image.ptr(y - area.y + source.y) + 3 * (x - area.x + source.x);
  }
};

class Canvas {
 public:
  explicit Canvas(cv::Size size) : size_(size) {}
  /// A canvas that shows one whole image.
  explicit Canvas(const cv::Mat& image);

  /// Puts an image with its corner at `corner`, which may lie outside; covers what was there.
  void add(const cv::Mat& image, cv::Point corner);
  /// The same for the part of an image that comes to lie in `area`.
  void add(const cv::Mat& image, cv::Point corner, const cv::Rect& area);

  cv::Size size() const { return size_; }
  /// What shows, as rectangles that do not overlap.
  const std::vector<Tile>& tiles() const { return tiles_; }
  /// The tile at a pixel, or null.
  const Tile* find(int x, int y) const;
  /// Columns first ... first + width - 1 of row `y` as BGR; grey beyond the canvas.
  void read_row(int y, int first, int width, std::uint8_t* bgr) const;
  /// The canvas as an image of its own.
  cv::Mat image() const;

 private:
  void uncover(const cv::Rect& area);

  cv::Size size_;
  std::vector<Tile> tiles_;
};

/// What augmentation works on before the warp.
struct Scene {
  Canvas canvas;
  std::vector<PixelLabel> labels = {};  // in pixels of the canvas

  /// Puts a sample with its corner at `corner`, of which `area` shows, and all its labels, clipped
  /// to the canvas.
  void add(const Sample& sample, cv::Point corner, const cv::Rect& area);
};

}  // namespace gannet
