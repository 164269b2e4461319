#include "gannet/data/augment/canvas.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "gannet/core/error.h"

namespace gannet {
namespace {

/// What is left of a rectangle when `hole`, which lies inside it, is cut out: above, below, beside.
std::array<cv::Rect, 4> cut(const cv::Rect& whole, const cv::Rect& hole) {
  const int below = hole.y + hole.height, beside = hole.x + hole.width;
  return {cv::Rect(whole.x, whole.y, whole.width, hole.y - whole.y),
          cv::Rect(whole.x, below, whole.width, whole.y + whole.height - below),
          cv::Rect(whole.x, hole.y, hole.x - whole.x, hole.height),
          cv::Rect(beside, hole.y, whole.x + whole.width - beside, hole.height)};
}

}  // namespace

Canvas::Canvas(const cv::Mat& image) : size_(image.size()) { add(image, {0, 0}); }

void Canvas::add(const cv::Mat& image, cv::Point corner) {
  add(image, corner, cv::Rect(corner, image.size()));
}

void Canvas::add(const cv::Mat& image, cv::Point corner, const cv::Rect& area) {
  GANNET_CHECK(image.type() == CV_8UC3, "three channels of 8 bits");
  const cv::Rect shown = area & cv::Rect(corner, image.size()) & cv::Rect({0, 0}, size_);
  if (shown.empty()) return;
  uncover(shown);
  tiles_.push_back({image, shown, shown.tl() - corner});
}

void Canvas::uncover(const cv::Rect& area) {
  std::vector<Tile> left;
  for (const Tile& tile : tiles_) {
    const cv::Rect hole = tile.area & area;
    if (hole.empty()) {
      left.push_back(tile);
      continue;
    }
    for (const cv::Rect& rest : cut(tile.area, hole)) {
      if (rest.empty()) continue;
      left.push_back({tile.image, rest, tile.source + rest.tl() - tile.area.tl()});
    }
  }
  tiles_ = std::move(left);
}

const Tile* Canvas::find(int x, int y) const {
  for (const Tile& tile : tiles_) {
    if (tile.area.contains({x, y})) return &tile;
  }
  return nullptr;
}

void Canvas::read_row(int y, int first, int width, std::uint8_t* bgr) const {
  std::memset(bgr, kGrey, 3 * static_cast<std::size_t>(width));
  for (const Tile& tile : tiles_) {
    if (y < tile.area.y || y >= tile.area.y + tile.area.height) continue;
    const int begin = std::max(first, tile.area.x);
    const int end = std::min(first + width, tile.area.x + tile.area.width);
    if (begin >= end) continue;
    std::memcpy(bgr + 3 * (begin - first), tile.at(begin, y),
                3 * static_cast<std::size_t>(end - begin));
  }
}

cv::Mat Canvas::image() const {
  cv::Mat result(size_, CV_8UC3);
  for (int y = 0; y < size_.height; ++y) read_row(y, 0, size_.width, result.ptr(y));
  return result;
}

void Scene::add(const Sample& sample, cv::Point corner, const cv::Rect& area) {
  canvas.add(sample.image, corner, area);
  const PixelFrame frame{double(sample.image.cols), double(sample.image.rows), double(corner.x),
                         double(corner.y)};
  for (PixelLabel& label : to_pixels(sample.labels, frame, sample.polygons)) {
    labels.push_back(clip(std::move(label), canvas.size().width, canvas.size().height));
  }
}

}  // namespace gannet
