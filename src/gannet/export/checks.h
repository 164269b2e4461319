// Compares an exported file with the model that it was made from, by reading it again.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "gannet/export/export_model.h"
#include "gannet/export/formats.h"
#include "gannet/nn/checkpoint.h"

namespace gannet {

/// A picture without a random number in it, (B, 3, H, W) in 0..1.
torch::Tensor test_picture(int batch, int height, int width);

/// What a model gives for the picture: logits of each level, or decoded boxes.
std::vector<torch::Tensor> predictions(DetectionModel& model, const torch::Tensor& picture,
                                       const std::string& head);

/// Largest difference over the largest value, of boxes and of confidences by themselves where the
/// predictions are decoded.
double relative_difference(const std::vector<torch::Tensor>& actual,
                           const std::vector<torch::Tensor>& expected, const std::string& head);

/// Fills in the report's figures. Throws Error (kCheckpoint) where a tensor, the names or the
/// predictions differ. @return the file's predictions for the report's picture
std::vector<torch::Tensor> check_weights(const std::string& path, const LoadedModel& expected,
                                         ExportReport& report);

/// The same for a file that runs by itself. Of ONNX files that OpenCV cannot run (free sizes,
/// suppression inside, float16 weights) the same graph without these is compared, and the report's
/// remark says so.
std::vector<torch::Tensor> check_network(const std::string& path, const ExportFormat& format,
                                         const LoadedModel& expected, const ExportOptions& options,
                                         ExportReport& report);

}  // namespace gannet
