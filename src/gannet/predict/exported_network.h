// Files that hold a whole network, graph and weights: TorchScript, run by LibTorch, and ONNX, run
// by OpenCV. Ours (docs/export.md) and those that other tools export from such models.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gannet/ops/placement.h"
#include "gannet/predict/network.h"

namespace gannet {

/// The only shape of images that a network takes: (batch, 3, height, width).
struct InputShape {
  std::int64_t batch = 1, height = 0, width = 0;
  bool operator==(const InputShape&) const = default;
};

/// What an exported file says about itself.
struct ExportedInfo {
  std::vector<std::string> names;
  int max_stride = 32;
  std::optional<InputShape> shape;  // none: any multiple of the stride, any number of images
  std::string head = "decoded";     // raw, decoded, nms
  bool release7 = true;             // of the model's generation; files of other tools are newer
  double confidence = 0;            // where F1 was best in evaluation; 0: unknown
};

/// A file opened to run. Calls may overlap.
class ExportedGraph {
 public:
  virtual ~ExportedGraph() = default;
  /// @param images (B, 3, H, W) float32 in 0..1, of the shape in the file
  /// @return the outputs in their order
  virtual std::vector<torch::Tensor> run(const torch::Tensor& images) const = 0;
};

/// Whether a path is one of those files, by its name: .torchscript, .onnx.
bool is_exported_network(const std::string& path);

/// Throws Error (kCheckpoint) where the file is damaged or does not say names and stride.
ExportedInfo read_exported_info(const std::string& path);

/// Throws Error: kCheckpoint for a file that cannot be read or that OpenCV has no operators for,
/// kUsage for an ONNX file on another device than the CPU.
std::unique_ptr<ExportedGraph> open_exported_graph(const std::string& path,
                                                   const Placement& placement);

/// A file as a network, and what it says about itself.
struct ExportedNetworkFile {
  ExportedInfo info;
  std::unique_ptr<Network> network;
};

/// Reads a file once. Of a fixed shape, batches are cut and filled up to it. Computes in the file's
/// own precision. Throws Error as the two above, and (kUsage) for a file without a decoded head.
ExportedNetworkFile load_exported_network(const std::string& path, const Placement& placement);

}  // namespace gannet
