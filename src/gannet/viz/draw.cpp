#include "gannet/viz/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/viz/palette.h"
#include "gannet/viz/text.h"

namespace gannet {
namespace {

constexpr int kMaxTiles = 16;
constexpr int kDrawnSide = 640;  // tiles are drawn at this size and saved at half of it
constexpr float kMinScore = 0.3f;
constexpr std::size_t kMaxNameLength = 40;

/// How boxes look on an image of some size.
struct BoxStyle {
  int line = 2;
  TextStyle text;
};

BoxStyle style_for(const cv::Mat& image) {
  const double side = std::sqrt(static_cast<double>(image.rows) * image.cols);
  BoxStyle style;
  style.line = std::clamp(static_cast<int>(std::lround(side * 0.0035)), 1, 12);
  style.text.height_px = std::clamp(side * 0.016, 7.0, 48.0);
  style.text.thickness = std::max(1, static_cast<int>(std::lround(style.text.height_px / 8)));
  return style;
}

/// For the tiles of a mosaic, which lose half of their size later.
BoxStyle tile_style() { return {.line = 3, .text = {.height_px = 13, .thickness = 2}}; }

int round_to_pixel(float value, int limit) {
  return static_cast<int>(std::lround(std::clamp(value, 0.0f, static_cast<float>(limit))));
}

cv::Rect pixels_of(const Box& box, const cv::Mat& image) {
  const cv::Point low(round_to_pixel(box.x1, image.cols - 1),
                      round_to_pixel(box.y1, image.rows - 1));
  const cv::Point high(round_to_pixel(box.x2, image.cols - 1),
                       round_to_pixel(box.y2, image.rows - 1));
  return {low.x, low.y, std::max(1, high.x - low.x), std::max(1, high.y - low.y)};
}

/// A filled tag on top of the box, or inside it where there is no room above.
void draw_caption(cv::Mat& bgr, const std::string& caption, const cv::Rect& box,
                  const cv::Scalar& colour, BoxStyle style) {
  const int pad = std::max(2, static_cast<int>(style.text.height_px * 0.45));
  const int height = static_cast<int>(std::ceil(style.text.height_px)) + 2 * pad;
  const int width = text_width(caption, style.text) + 2 * pad;
  const int outset = style.line / 2;
  const int left = std::clamp(box.x - outset, 0, std::max(0, bgr.cols - width));
  const int top = box.y - outset - height >= 0 ? box.y - outset - height : box.y - outset;
  cv::rectangle(bgr, cv::Rect(left, std::max(0, top), width, height), colour, cv::FILLED);
  style.text.colour = text_colour_on(colour);
  draw_text(bgr, caption, {left + pad, std::max(0, top) + height - pad}, style.text);
}

void draw_styled(cv::Mat& bgr, const std::vector<CaptionedBox>& boxes, const BoxStyle& style) {
  for (const CaptionedBox& box : boxes) {
    cv::rectangle(bgr, pixels_of(box.box_px, bgr), class_colour(box.class_id), style.line,
                  cv::LINE_AA);
  }
  for (const CaptionedBox& box : boxes) {
    if (box.caption.empty()) continue;
    draw_caption(bgr, box.caption, pixels_of(box.box_px, bgr), class_colour(box.class_id), style);
  }
}

std::string name_of(int class_id, const std::vector<std::string>& names) {
  const auto slot = static_cast<std::size_t>(class_id);
  return class_id >= 0 && slot < names.size() ? names[slot] : fmt::format("{}", class_id);
}

/// Image number `slot` of the batch, as BGR, with its longer side at kDrawnSide.
cv::Mat tile_image(const Batch& batch, int slot, double scale) {
  const auto offset = static_cast<std::size_t>(slot) * static_cast<std::size_t>(batch.height) *
                      static_cast<std::size_t>(batch.width) * 3;
  const cv::Mat rgb(batch.height, batch.width, CV_8UC3, batch.pixels.get() + offset);
  cv::Mat bgr, resized;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  const cv::Size size(static_cast<int>(std::ceil(batch.width * scale)),
                      static_cast<int>(std::ceil(batch.height * scale)));
  cv::resize(bgr, resized, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
  return resized;
}

Box scaled(const Box& box, double scale) {
  const auto factor = static_cast<float>(scale);
  return {box.x1 * factor, box.y1 * factor, box.x2 * factor, box.y2 * factor};
}

using TileBoxes = std::vector<std::vector<CaptionedBox>>;  // per image, in the batch's pixels

void draw_file_name(cv::Mat& tile, const std::string& path) {
  const std::string name =
      std::filesystem::path(path).filename().string().substr(0, kMaxNameLength);
  TextStyle style{.height_px = 15, .colour = {30, 30, 30}, .thickness = 4};
  draw_text(tile, name, {10, 26}, style);  // a dark rim makes it readable on any background
  style.colour = {225, 225, 225};
  style.thickness = 2;
  draw_text(tile, name, {10, 26}, style);
}

cv::Mat draw_grid(const Batch& batch, const TileBoxes& boxes) {
  const int count = std::min(batch.images, kMaxTiles);
  if (count == 0 || batch.height == 0 || batch.width == 0) return {};
  const double scale = static_cast<double>(kDrawnSide) / std::max(batch.height, batch.width);
  const int side = static_cast<int>(std::ceil(std::sqrt(count)));
  cv::Mat grid;
  for (int slot = 0; slot < count; ++slot) {
    cv::Mat tile = tile_image(batch, slot, scale);
    const auto index = static_cast<std::size_t>(slot);
    std::vector<CaptionedBox> moved = boxes[index];
    for (CaptionedBox& box : moved) box.box_px = scaled(box.box_px, scale);
    draw_styled(tile, moved, tile_style());
    if (index < batch.samples.size()) draw_file_name(tile, batch.samples[index].path);
    cv::rectangle(tile, cv::Rect(0, 0, tile.cols, tile.rows), {255, 255, 255}, 3);
    if (grid.empty()) {
      const int rows = std::min(side, count), columns = (count + side - 1) / side;
      grid.create(rows * tile.rows, columns * tile.cols, CV_8UC3);
      grid.setTo(cv::Scalar(255, 255, 255));
    }
    const cv::Rect place(slot / side * tile.cols, slot % side * tile.rows, tile.cols, tile.rows);
    tile.copyTo(grid(place));
  }
  cv::Mat half;
  cv::resize(grid, half, {}, 0.5, 0.5, cv::INTER_AREA);
  return half;
}

}  // namespace

void draw_boxes(cv::Mat& bgr, const std::vector<CaptionedBox>& boxes) {
  if (!bgr.empty()) draw_styled(bgr, boxes, style_for(bgr));
}

void draw_detections(cv::Mat& bgr, const std::vector<Detection>& detections) {
  std::vector<const Detection*> order;
  for (const Detection& detection : detections) order.push_back(&detection);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->score < b->score; });
  std::vector<CaptionedBox> boxes;
  for (const Detection* d : order) {
    const std::string label = d->label.empty() ? fmt::format("{}", d->class_id) : d->label;
    boxes.push_back({d->box_px, d->class_id, fmt::format("{} {:.2f}", label, d->score)});
  }
  draw_boxes(bgr, boxes);
}

cv::Mat batch_mosaic(const Batch& batch, const std::vector<std::string>& names) {
  TileBoxes boxes(static_cast<std::size_t>(batch.images));
  const auto width = static_cast<float>(batch.width), height = static_cast<float>(batch.height);
  for (const auto& [slot, class_id, cx, cy, w, h] : batch.targets) {
    const auto index = static_cast<std::size_t>(slot);
    if (index >= boxes.size()) continue;
    const Box box{(cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width,
                  (cy + h / 2) * height};
    const int id = static_cast<int>(class_id);
    boxes[index].push_back({box, id, name_of(id, names)});
  }
  return draw_grid(batch, boxes);
}

cv::Mat batch_mosaic(const Batch& batch, const std::vector<std::string>& names,
                     const std::vector<std::vector<ScoredBox>>& predictions) {
  TileBoxes boxes(static_cast<std::size_t>(batch.images));
  for (std::size_t slot = 0; slot < std::min(boxes.size(), predictions.size()); ++slot) {
    for (const ScoredBox& p : predictions[slot]) {
      if (!(p.score > kMinScore)) continue;
      boxes[slot].push_back(
          {p.box, p.class_id, fmt::format("{} {:.1f}", name_of(p.class_id, names), p.score)});
    }
  }
  return draw_grid(batch, boxes);
}

void save_picture(const std::filesystem::path& path, const cv::Mat& bgr) {
  std::vector<unsigned char> bytes;
  try {
    const std::vector<int> quality = {cv::IMWRITE_JPEG_QUALITY, 92};
    const bool jpeg = path.extension() == ".jpg" || path.extension() == ".jpeg";
    if (bgr.empty() ||
        !cv::imencode(path.extension().string(), bgr, bytes, jpeg ? quality : std::vector<int>())) {
      throw Error(ErrorKind::kIo, "cannot encode the picture", {path.string(), 0, {}});
    }
  } catch (const cv::Exception& error) {
    throw Error(ErrorKind::kIo, "cannot encode the picture: " + error.err, {path.string(), 0, {}},
                "use .jpg or .png");
  }
  write_file_atomically(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace gannet
