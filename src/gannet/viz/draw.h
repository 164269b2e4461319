// Draws boxes into images, and batches as one picture (RB 8.6).
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/data/sample/batch.h"
#include "gannet/metrics/matching.h"

namespace gannet {

/// One box with its caption. Parts outside the image are cut off.
struct CaptionedBox {
  Box box_px;
  int class_id = 0;
  std::string caption;                              // none if empty
  std::optional<cv::Scalar> colour = std::nullopt;  // that of the class if empty
  bool dashed = false;
};

struct DrawOptions {
  int line_thickness = 0;    // px; text follows it. 0: follows the image size, as in release 7.0
  bool hide_labels = false;  // no captions
  bool hide_conf = false;    // captions of detections without the score
  cv::Rect keep_free = {};   // captions stay out of it if they can
  bool apart = false;  // a caption that would cover another one, or what is kept free, is left out
};

/// Draws boxes into 8-bit BGR, the last one on top. Captions stay inside the image, beside each
/// other where there is room; those wider than half of it lose their middle.
void draw_boxes(cv::Mat& bgr, const std::vector<CaptionedBox>& boxes,
                const DrawOptions& options = {});

/// The same for detections, captioned "label 0.87"; the most certain one comes on top.
void draw_detections(cv::Mat& bgr, const std::vector<Detection>& detections,
                     const DrawOptions& options = {});

struct MosaicOptions {
  int tile_px = 320;       // longer side of an image
  float min_score = 0.3f;  // of the predictions shown
};

/// Up to 16 images of a batch with their targets and file names in a grid, filled by columns;
/// classes without a name show their index. In crowded images captions without room are left out.
/// An empty batch gives an empty image.
cv::Mat batch_mosaic(const Batch& batch, const std::vector<std::string>& names,
                     const MosaicOptions& options = {});

/// The same with predictions instead of targets: those above `min_score`, with one decimal, the
/// most certain on top and the first to get a caption.
/// @param predictions per image of the batch, in its pixels
cv::Mat batch_mosaic(const Batch& batch, const std::vector<std::string>& names,
                     const std::vector<std::vector<ScoredBox>>& predictions,
                     const MosaicOptions& options = {});

/// Both side by side under titles: labels left, predictions right.
cv::Mat labels_and_predictions(const Batch& batch, const std::vector<std::string>& names,
                               const std::vector<std::vector<ScoredBox>>& predictions,
                               const MosaicOptions& options = {});

/// Writes 8-bit BGR in the format that the name's suffix says; throws Error (kIo).
void save_picture(const std::filesystem::path& path, const cv::Mat& bgr);

}  // namespace gannet
