#include "gannet/viz/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/viz/palette.h"
#include "gannet/viz/text.h"

namespace gannet {
namespace {

constexpr int kMaxTiles = 16;
const cv::Scalar kWhite(255, 255, 255);

std::size_t index_of(int number) { return static_cast<std::size_t>(number); }

std::string name_of(int class_id, const std::vector<std::string>& names) {
  const auto slot = static_cast<std::size_t>(class_id);
  return class_id >= 0 && slot < names.size() ? names[slot] : fmt::format("{}", class_id);
}

/// Image number `slot` of the batch, as BGR.
cv::Mat tile_image(const Batch& batch, int slot, double scale) {
  const std::size_t offset = index_of(slot) * index_of(batch.height) * index_of(batch.width) * 3;
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

/// The file's name on a dark band in the upper left corner, which is returned.
cv::Rect draw_file_name(cv::Mat& tile, const std::string& path) {
  const TextStyle style{tile.cols / 45.0, {235, 235, 235}};
  const int pad = static_cast<int>(std::lround(style.height_px * 0.7));
  const std::string name = fit_text(std::filesystem::path(path).filename().string(), style,
                                    tile.cols - 4 * pad, TextCut::kMiddle);
  const int height = static_cast<int>(std::lround(style.height_px)) + 2 * pad;
  const cv::Rect band = cv::Rect(0, 0, text_width(name, style) + 2 * pad, height) &
                        cv::Rect(0, 0, tile.cols, tile.rows);
  cv::Mat under = tile(band);
  under.convertTo(under, -1, 0.35);
  draw_text(tile, name, {pad, height - pad}, style);
  return band;
}

cv::Mat draw_grid(const Batch& batch, const TileBoxes& boxes, int tile_px) {
  const int count = std::min(batch.images, kMaxTiles);
  if (count == 0 || batch.height == 0 || batch.width == 0) return {};
  const double scale = static_cast<double>(tile_px) / std::max(batch.height, batch.width);
  const int side = static_cast<int>(std::ceil(std::sqrt(count)));
  cv::Mat grid;
  for (int slot = 0; slot < count; ++slot) {
    cv::Mat tile = tile_image(batch, slot, scale);
    std::vector<CaptionedBox> moved = boxes[index_of(slot)];
    for (CaptionedBox& box : moved) box.box_px = scaled(box.box_px, scale);
    DrawOptions options;
    options.apart = true;
    cv::Mat file_name;
    if (index_of(slot) < batch.samples.size()) {
      options.keep_free = draw_file_name(tile, batch.samples[index_of(slot)].path);
      file_name = tile(options.keep_free).clone();
    }
    draw_boxes(tile, moved, options);
    if (!file_name.empty()) file_name.copyTo(tile(options.keep_free));  // over the lines of boxes
    cv::rectangle(tile, cv::Rect(0, 0, tile.cols, tile.rows), kWhite, 1);
    if (grid.empty()) {
      const int rows = std::min(side, count), columns = (count + side - 1) / side;
      grid.create(rows * tile.rows, columns * tile.cols, CV_8UC3);
      grid.setTo(kWhite);
    }
    const cv::Rect place(slot / side * tile.cols, slot % side * tile.rows, tile.cols, tile.rows);
    tile.copyTo(grid(place));
  }
  return grid;
}

/// A picture with a title above and a margin around it.
cv::Mat titled(const cv::Mat& picture, const std::string& title) {
  constexpr int kMargin = 12, kHead = 44;
  cv::Mat result;
  cv::copyMakeBorder(picture, result, kHead, kMargin, kMargin, kMargin, cv::BORDER_CONSTANT,
                     kWhite);
  const TextStyle style{14, {50, 42, 38}, true};
  draw_text(result, fit_text(title, style, picture.cols), {kMargin, 29}, style);
  return result;
}

}  // namespace

void draw_detections(cv::Mat& bgr, const std::vector<Detection>& detections,
                     const DrawOptions& options) {
  std::vector<const Detection*> order;
  for (const Detection& detection : detections) order.push_back(&detection);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->score < b->score; });
  std::vector<CaptionedBox> boxes;
  for (const Detection* d : order) {
    const std::string label = d->label.empty() ? fmt::format("{}", d->class_id) : d->label;
    boxes.push_back({d->box_px, d->class_id,
                     options.hide_conf ? label : fmt::format("{} {:.2f}", label, d->score)});
  }
  draw_boxes(bgr, boxes, options);
}

cv::Mat batch_mosaic(const Batch& batch, const std::vector<std::string>& names,
                     const MosaicOptions& options) {
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
  return draw_grid(batch, boxes, options.tile_px);
}

cv::Mat batch_mosaic(const Batch& batch, const std::vector<std::string>& names,
                     const std::vector<std::vector<ScoredBox>>& predictions,
                     const MosaicOptions& options) {
  TileBoxes boxes(static_cast<std::size_t>(batch.images));
  for (std::size_t slot = 0; slot < std::min(boxes.size(), predictions.size()); ++slot) {
    std::vector<ScoredBox> shown;
    std::copy_if(predictions[slot].begin(), predictions[slot].end(), std::back_inserter(shown),
                 [&](const ScoredBox& p) { return p.score > options.min_score; });
    std::stable_sort(shown.begin(), shown.end(),
                     [](const auto& a, const auto& b) { return a.score < b.score; });
    for (const ScoredBox& p : shown) {
      boxes[slot].push_back(
          {p.box, p.class_id, fmt::format("{} {:.1f}", name_of(p.class_id, names), p.score)});
    }
  }
  return draw_grid(batch, boxes, options.tile_px);
}

cv::Mat labels_and_predictions(const Batch& batch, const std::vector<std::string>& names,
                               const std::vector<std::vector<ScoredBox>>& predictions,
                               const MosaicOptions& options) {
  const cv::Mat truth = batch_mosaic(batch, names, options);
  if (truth.empty()) return {};
  cv::Mat both;
  cv::hconcat(titled(truth, "Labels"),
              titled(batch_mosaic(batch, names, predictions, options), "Predictions"), both);
  return both;
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
