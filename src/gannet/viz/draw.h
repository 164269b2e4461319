// Draws boxes into images, and batches as one picture (RB 8.6).
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/data/sample/batch.h"
#include "gannet/metrics/matching.h"

namespace gannet {

/// One box with its caption in the colour of its class. Parts outside the image are cut off.
struct CaptionedBox {
  Box box_px;
  int class_id = 0;
  std::string caption;  // none if empty
};

/// Draws boxes into 8-bit BGR; line width and text follow the size of the image.
void draw_boxes(cv::Mat& bgr, const std::vector<CaptionedBox>& boxes);

/// The same for detections, captioned "label 0.87"; the most certain one comes on top.
void draw_detections(cv::Mat& bgr, const std::vector<Detection>& detections);

/// Up to 16 images of a batch with their targets and file names in a grid, filled by columns; each
/// fits 320 x 320 px. Classes without a name show their index. An empty batch gives an empty image.
cv::Mat batch_mosaic(const Batch& batch, const std::vector<std::string>& names);

/// The same with predictions instead of targets: those above confidence 0.3, with one decimal.
/// @param predictions per image of the batch, in its pixels
cv::Mat batch_mosaic(const Batch& batch, const std::vector<std::string>& names,
                     const std::vector<std::vector<ScoredBox>>& predictions);

/// Writes 8-bit BGR in the format that the name's suffix says; throws Error (kIo).
void save_picture(const std::filesystem::path& path, const cv::Mat& bgr);

}  // namespace gannet
