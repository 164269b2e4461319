#include "gannet/predict/load_network.h"

#include <torch/types.h>

#include <utility>

#include "gannet/core/error.h"
#include "gannet/nn/checkpoint.h"

namespace gannet {
namespace {

/// A network together with the model that it computes with.
class OwningNetwork final : public Network {
 public:
  OwningNetwork(std::shared_ptr<DetectionModel> model, const Placement& placement, bool augment)
      : model_(std::move(model)), network_(make_network(*model_, placement, augment)) {}
  NetworkOutput forward(const torch::Tensor& images) const override {
    return network_->forward(images);
  }

 private:
  std::shared_ptr<DetectionModel> model_;
  std::unique_ptr<Network> network_;
};

LoadedNetwork load_exported(const std::string& path, const Placement& placement, bool augment) {
  if (augment)
    throw Error(ErrorKind::kUsage, "an exported network has no test-time augmentation",
                {path, 0, {}}, "leave --augment out, or give the checkpoint");
  auto [info, network] = load_exported_network(path, placement);
  return {.network = std::move(network),
          .model = nullptr,
          .names = info.names,
          .max_stride = info.max_stride,
          .shape = info.shape,
          .release7 = info.release7,
          .confidence = info.confidence};
}

}  // namespace

LoadedNetwork load_network(const std::string& path, const Placement& placement, bool augment) {
  if (is_exported_network(path)) return load_exported(path, placement, augment);
  LoadedModel loaded = load_model(path);
  prepare_for_inference(*loaded.model, placement);
  LoadedNetwork network;
  network.model = loaded.model;
  network.names = std::move(loaded.names);
  network.max_stride = loaded.model->max_stride();
  network.release7 = loaded.model->plan().generation == Generation::kRelease7;
  network.confidence = loaded.confidence;
  network.network = std::make_unique<OwningNetwork>(loaded.model, placement, augment);
  return network;
}

}  // namespace gannet
