// Models in files: our checkpoints, plain state dictionaries, safetensors, and the original's own
// pickled files, read as data (interface: docs/checkpoints.md).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gannet/io/value.h"
#include "gannet/nn/model.h"

namespace gannet {

inline constexpr int kCheckpointVersion = 1;

/// A network ready for use and what its file says about it.
struct LoadedModel {
  std::shared_ptr<DetectionModel> model;  // float32, evaluation mode
  std::vector<std::string> names;
  int epoch = -1;         // last finished epoch, -1 where training is over or unknown
  double confidence = 0;  // where F1 was best in evaluation; 0: unknown
};

/// The averaged weights where the file has them. Throws Error (kCheckpoint) for files without a
/// model description (plain state dictionaries, safetensors without our metadata).
LoadedModel load_model(const std::string& path);

/// Of a file that has both: the moving average, which is what evaluates best, or what was trained.
enum class WeightsChoice { kAveraged, kRaw };

/// What a file has for a transfer into a model.
struct LoadedWeights {
  StateDict state;
  std::vector<std::string> names;  // of its classes; none where it does not say them
  std::string model_yaml;          // its model description; empty where it has none
};

/// Tensors by name, from any of the known kinds of file. Where a file has only one kind of weights,
/// that one.
LoadedWeights load_weights(const std::string& path,
                           WeightsChoice choice = WeightsChoice::kAveraged);

/// A state dict as an ordered dict of plain tensors, and back.
Value to_value(const StateDict& state);
StateDict to_state_dict(const Value& value);

/// The entries that every checkpoint of ours has: format, version, model, model_yaml, names,
/// stride, anchors. @param half stores floating tensors as float16
Value model_entries(const DetectionModel& model, const std::vector<std::string>& names, bool half);

/// The same without the weights as texts, lists in JSON: the metadata that make a safetensors file
/// a model for load_model.
std::map<std::string, std::string> model_metadata(const DetectionModel& model,
                                                  const std::vector<std::string>& names);

}  // namespace gannet
