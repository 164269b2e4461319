// The detector network: a graph of layers from a model description, ending in a detection head.
#pragma once

#include <c10/util/Exception.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gannet/config/model_description.h"
#include "gannet/core/head_spec.h"
#include "gannet/nn/detect.h"
#include "gannet/nn/norm.h"
#include "gannet/ops/placement.h"

namespace gannet {

/// What a description leaves open.
struct ModelOptions {
  int num_classes = 0;  // replaces the description's when positive
  int in_channels = 3;
  std::uint64_t seed = 0;    // initial weights, counted by parameter name
  bool draw_weights = true;  // false: they are about to be replaced, all of them
  /// Repeat Q44: the original's dry run leaves running variance 0.9 and batch counter 1.
  bool dry_run_statistics = false;
};

/// Called after each layer with its index and outputs; for tests and tracing.
using LayerTrace = std::function<void(int, const std::vector<torch::Tensor>&)>;

/// A detector as a graph of blocks (RB 2): backbone, neck and the head that predicts on each level.
class DetectionModel final : public torch::nn::Module {
 public:
  DetectionModel(const ModelDescription& description, const ModelOptions& options);

  /// @param images (B, C, H, W) in 0..1, sides multiples of max_stride()
  /// @return raw predictions per level, (B, A, H', W', classes + 5)
  std::vector<torch::Tensor> forward(const torch::Tensor& images, const LayerTrace& trace = {});

  /// Folds every norm into its convolution; for inference only.
  void fuse();
  /// After `fuse`, for inference on a CPU in a dtype: weights are laid out once, activations are
  /// applied by the convolutions. The weights stay as they are; changing them no longer counts.
  void pack(torch::Dtype dtype);
  /// Batch statistics over all ranks in training; null: each rank for itself.
  void synchronise_norms(std::shared_ptr<const NormSync> sync);
  /// See NormImpl::require_values.
  void require_norm_values(std::int64_t least);

  const HeadSpec& head() const { return detect_->spec(); }
  Detect& detect() { return *detect_; }
  const ModelDescription& description() const { return description_; }
  const ModelPlan& plan() const { return plan_; }
  int max_stride() const;
  /// Parameters of one layer of the graph.
  std::int64_t num_parameters(int layer) const;

 private:
  [[noreturn]] void rethrow_of_layer(const c10::Error& error, const LayerPlan& layer) const;
  void initialise(const ModelOptions& options);

  ModelDescription description_;
  ModelPlan plan_;
  torch::nn::ModuleList list_;
  std::vector<std::shared_ptr<Block>> layers_;
  std::shared_ptr<Detect> detect_;
};

/// Constants added to the random biases of a level's output convolution (RB 2.5,
/// release-7.md 4).
struct BiasOffsets {
  double objectness = 0, classes = 0;
};
BiasOffsets head_bias_offsets(double stride, int num_classes,
                              Generation generation = Generation::kJuly2020);

/// Parameters and buffers by name, in the order of Python's state_dict. The tensors are the live
/// ones.
using StateDict = std::vector<std::pair<std::string, torch::Tensor>>;
StateDict state_dict(const torch::nn::Module& module);
StateDict named_parameters_in_order(const torch::nn::Module& module);

/// What copying weights by name did.
struct TransferReport {
  std::int64_t transferred = 0, total = 0;  // tensors of the model
  std::vector<std::string> missing;         // in the model only
  std::vector<std::string> unused;          // in the source only
  std::vector<std::string> mismatched;      // same name, other shape (both given)
  std::vector<std::string> kept;            // the model's own anchors
  int source_classes = 0, classes = 0;  // where they differ and so the head keeps its fresh weights
  std::int64_t body_transferred = 0, body_total = 0;  // without output convolutions and anchors
  /// One line with the first names of each list and how many more there are.
  std::string summary() const;
};

/// Copies tensors whose name and shape agree. @param keep_anchors leaves the model's own anchors
/// (Q8)
TransferReport load_state(DetectionModel& model, const StateDict& source, bool keep_anchors);

/// Lets output convolutions fit a model with other classes: rows of boxes and objectness as they
/// are, rows of classes where `from` (for each class of the model its number in the source, -1 for
/// none) has one, else as the model has them. Other tensors, and sources of another form, are left
/// as they are.
StateDict match_head_classes(const DetectionModel& model, StateDict source,
                             const std::vector<int>& from);

/// Parameters and buffers to the placement's device, dtype and memory format.
void place_model(DetectionModel& model, const Placement& placement);

/// Fused, placed and, on a CPU, packed: what detection and evaluation run.
void prepare_for_inference(DetectionModel& model, const Placement& placement);

/// Multiply-accumulates of the convolutions for one image of height x width, in units of one.
double count_macs(DetectionModel& model, int height, int width);

}  // namespace gannet
