// B images, N boxes, C classes, M that are kept.
#include "gannet/export/onnx_suppression.h"

#include <torch/types.h>

namespace gannet {
namespace {

using Sizes = std::vector<std::int64_t>;

constexpr std::int64_t kFloat = 1;  // TensorProto.FLOAT

/// (B, N, 4) centres and sizes to corners.
std::string to_corners(const std::string& boxes, OnnxBuilder& b) {
  const std::string centre = b.slice(boxes, 2, 0, 2);
  const std::string half =
      b.add("Mul", {b.slice(boxes, 2, 2, 4), b.constant(torch::tensor({0.5F}))});
  return b.add("Concat", {b.add("Sub", {centre, half}), b.add("Add", {centre, half})},
               {{"axis", std::int64_t{2}}});
}

}  // namespace

void append_suppression(const std::string& decoded, int num_classes, const ExportOptions& options,
                        const std::string& output, OnnxBuilder& b) {
  const std::string boxes = to_corners(b.slice(decoded, 2, 0, 4), b);
  const std::string products = b.add(
      "Mul", {b.slice(decoded, 2, 5, 5 + std::int64_t{num_classes}), b.slice(decoded, 2, 4, 5)});
  const std::string scores_BCN = b.add("Transpose", {products}, {{"perm", Sizes{0, 2, 1}}});
  const auto number = [&](double value) {
    return b.constant(torch::tensor({static_cast<float>(value)}));
  };
  const std::string kept_M3 =  // image, class, box
      b.add("NonMaxSuppression", {boxes, scores_BCN, b.integers({options.max_detections}),
                                  number(options.iou), number(options.confidence)});
  const std::string image = b.slice(kept_M3, 1, 0, 1), class_id = b.slice(kept_M3, 1, 1, 2);
  const std::string place =
      b.add("Concat", {image, b.slice(kept_M3, 1, 2, 3)}, {{"axis", std::int64_t{1}}});
  const std::string score =
      b.add("Reshape", {b.add("GatherND", {scores_BCN, kept_M3}), b.integers({-1, 1})});
  b.add("Concat",
        {b.add("Cast", {image}, {{"to", kFloat}}), b.add("GatherND", {boxes, place}), score,
         b.add("Cast", {class_id}, {{"to", kFloat}})},
        {{"axis", std::int64_t{1}}}, output);
}

}  // namespace gannet
