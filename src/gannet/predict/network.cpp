#include "gannet/predict/network.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <utility>

#include "gannet/core/numeric.h"

namespace gannet {
namespace {

constexpr double kPadValue = 0.447;  // mean of ImageNet, what the original pads scaled copies with

// Bilinear resize by a ratio, then padding right and below to a multiple of 32 of the exact size.
torch::Tensor scale_images(const torch::Tensor& images, double ratio) {
  if (ratio == 1) return images;
  const auto height = static_cast<double>(images.size(2)),
             width = static_cast<double>(images.size(3));
  const auto new_height = static_cast<std::int64_t>(height * ratio),
             new_width = static_cast<std::int64_t>(width * ratio);
  const auto resized = torch::upsample_bilinear2d(images, {new_height, new_width}, false);
  const std::int64_t padded_height = ceil_to_multiple(height * ratio, 32),
                     padded_width = ceil_to_multiple(width * ratio, 32);
  return torch::constant_pad_nd(
      resized, {0, padded_width - new_width, 0, padded_height - new_height}, kPadValue);
}

class ModelNetwork final : public Network {
 public:
  ModelNetwork(DetectionModel& model, const Placement& placement, bool augment)
      : model_(model), placement_(placement), augment_(augment) {}

  NetworkOutput forward(const torch::Tensor& images) const override {
    const torch::NoGradGuard no_grad;
    const AutocastScope autocast(placement_);
    if (augment_) return {{}, decode_augmented(images)};
    NetworkOutput output;
    output.raw = model_.forward(images);
    output.decoded_BNV = decode(output.raw, model_.head());
    return output;
  }

 private:
  torch::Tensor decode_augmented(const torch::Tensor& images) const {
    struct Pass {
      double ratio;
      bool flip;
    };
    constexpr Pass kPasses[] = {{1, false}, {0.83, true}, {0.67, false}};
    std::vector<torch::Tensor> rows;
    for (const Pass& pass : kPasses) {
      const auto view = scale_images(pass.flip ? images.flip(3) : images, pass.ratio)
                            .contiguous(placement_.memory_format);
      const auto decoded = decode(model_.forward(view), model_.head());
      auto boxes = decoded.slice(2, 0, 4) / pass.ratio;
      if (pass.flip) boxes.select(2, 0).neg_().add_(static_cast<double>(images.size(3)));
      rows.push_back(torch::cat({boxes, decoded.slice(2, 4)}, 2));
    }
    return torch::cat(rows, 1);
  }

  DetectionModel& model_;
  Placement placement_;
  bool augment_;
};

class Ensemble final : public Network {
 public:
  Ensemble(std::vector<std::unique_ptr<Network>> members, EnsembleRule rule)
      : members_(std::move(members)), rule_(rule) {}

  NetworkOutput forward(const torch::Tensor& images) const override {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> outputs;
    for (const auto& member : members_) outputs.push_back(member->forward(images).decoded_BNV);
    return {{},
            rule_ == EnsembleRule::kMean ? torch::stack(outputs).mean(0) : torch::cat(outputs, 1)};
  }

 private:
  std::vector<std::unique_ptr<Network>> members_;
  EnsembleRule rule_;
};

}  // namespace

std::unique_ptr<Network> make_network(DetectionModel& model, const Placement& placement,
                                      bool augment) {
  return std::make_unique<ModelNetwork>(model, placement, augment);
}

std::unique_ptr<Network> make_ensemble(std::vector<std::unique_ptr<Network>> members,
                                       EnsembleRule rule) {
  return std::make_unique<Ensemble>(std::move(members), rule);
}

}  // namespace gannet
