// Non-maximum suppression inside an ONNX graph.
#pragma once

#include <string>

#include "gannet/export/export_model.h"
#include "gannet/export/onnx_builder.h"

namespace gannet {

/// Appends the operators from decoded boxes (B, N, classes + 5) to what is kept, (M, 7): number of
/// the image, x1, y1, x2, y2 px, score (objectness times class), class. Each class by itself, as
/// the operator NonMaxSuppression does it; ordered by image, then class, then descending score.
void append_suppression(const std::string& decoded, int num_classes, const ExportOptions& options,
                        const std::string& output, OnnxBuilder& builder);

}  // namespace gannet
