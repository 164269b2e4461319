#include "gannet/train/recipe.h"

#include "gannet/config/model_description.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/train/run_options.h"

namespace gannet {
namespace {

// A file with tensors alone says nothing: it needs --cfg, as the run itself will say.
ModelDescription described_model(const TrainSettings& train) {
  if (train.cfg.empty() && !train.weights.empty()) {
    const std::string text = load_weights(train.weights).model_yaml;
    return text.empty() ? ModelDescription() : parse_model_description(text, train.weights);
  }
  return load_model_description(find_config(train.cfg.empty() ? kDefaultModel : train.cfg));
}

}  // namespace

std::string recipe_of_model(const TrainSettings& train) {
  return described_model(train).generation == Generation::kRelease7 ? "v7" : "july2020";
}

}  // namespace gannet
