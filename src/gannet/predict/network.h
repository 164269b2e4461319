// A network in use, whatever it is made of: our own graph, several together, or an exported file.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "gannet/nn/model.h"
#include "gannet/ops/placement.h"

namespace gannet {

/// What a network says of images, before suppression.
struct NetworkOutput {
  std::vector<torch::Tensor> raw;  // per level; empty where only the decoded rows are known
  torch::Tensor decoded_BNV;       // cx, cy, w, h in px of the network's input, objectness, classes
};

/// Calls may overlap.
class Network {
 public:
  virtual ~Network() = default;
  /// @param images (B, 3, H, W) in 0..1, as of prepare_images
  virtual NetworkOutput forward(const torch::Tensor& images) const = 0;
};

/// @param model in evaluation mode on the placement's device; must outlive the network
/// @param augment three passes (original, flipped at 0.83, at 0.67), rows together (RB 2.7)
std::unique_ptr<Network> make_network(DetectionModel& model, const Placement& placement,
                                      bool augment);

/// How several networks answer as one: the mean of what they say (July 2020; equal rows), or all
/// that they say (7.0).
enum class EnsembleRule { kMean, kAll };
std::unique_ptr<Network> make_ensemble(std::vector<std::unique_ptr<Network>> members,
                                       EnsembleRule rule);

}  // namespace gannet
