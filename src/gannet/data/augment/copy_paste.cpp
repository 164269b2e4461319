#include "gannet/data/augment/copy_paste.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "gannet/core/numeric.h"

namespace gannet {
namespace {

constexpr double kMaxHidden = 0.30;

/// `count` of the numbers 0 ... size - 1, in random order.
std::vector<std::size_t> choose(std::size_t size, std::size_t count, Rng& rng) {
  std::vector<std::size_t> numbers(size);
  for (std::size_t i = 0; i < size; ++i) numbers[i] = i;
  for (std::size_t i = 0; i < count; ++i) {
    const auto rest = static_cast<std::int64_t>(size - i);
    std::swap(numbers[i], numbers[i + static_cast<std::size_t>(rng.below(rest))]);
  }
  numbers.resize(count);
  return numbers;
}

PixelLabel mirrored(const PixelLabel& label, float width) {
  const Box& box = label.box_px;
  PixelLabel result{label.class_id, {width - box.x2, box.y1, width - box.x1, box.y2}};
  for (const auto& [x, y] : label.outline_px) result.outline_px.push_back({width - x, y});
  return result;
}

/// Share of `box` that `cover` hides.
double hidden(const Box& box, const Box& cover) {
  const double width = std::min(box.x2, cover.x2) - std::max(box.x1, cover.x1);
  const double height = std::min(box.y2, cover.y2) - std::max(box.y1, cover.y1);
  constexpr double kEpsilon = 1e-16;
  return std::max(0.0, width) * std::max(0.0, height) / (double{box.area()} + kEpsilon);
}

void fill_outline(cv::Mat& mask, const Polygon& outline) {
  std::vector<cv::Point> points;
  for (const auto& [x, y] : outline) points.emplace_back(static_cast<int>(x), static_cast<int>(y));
  cv::drawContours(mask, std::vector<std::vector<cv::Point>>{points}, -1, cv::Scalar(255),
                   cv::FILLED);
}

}  // namespace

void copy_paste(Scene& scene, double probability, Rng& rng) {
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < scene.labels.size(); ++i) {
    if (!scene.labels[i].outline_px.empty()) candidates.push_back(i);
  }
  const double wanted = probability * static_cast<double>(candidates.size());
  const auto count = static_cast<std::size_t>(round_half_even(wanted));
  cv::Mat mask;
  for (const std::size_t chosen : choose(candidates.size(), count, rng)) {
    const PixelLabel& original = scene.labels[candidates[chosen]];
    PixelLabel copy = mirrored(original, static_cast<float>(scene.canvas.size().width));
    const auto is_hidden = [&](const PixelLabel& label) {
      return hidden(label.box_px, copy.box_px) >= kMaxHidden;
    };
    if (std::any_of(scene.labels.begin(), scene.labels.end(), is_hidden)) continue;
    if (mask.empty()) mask = cv::Mat::zeros(scene.canvas.size(), CV_8UC1);
    fill_outline(mask, original.outline_px);
    scene.labels.push_back(std::move(copy));
  }
  if (mask.empty()) return;
  cv::Mat image = scene.canvas.image(), copies;
  cv::flip(image, copies, 1);
  cv::flip(mask, mask, 1);
  copies.copyTo(image, mask);
  scene.canvas = Canvas(image);
}

}  // namespace gannet
