// A network ready for use from any file that holds one: a checkpoint or an exported network.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gannet/ops/placement.h"
#include "gannet/predict/exported_network.h"
#include "gannet/predict/network.h"

namespace gannet {

/// A network and what its file says about it.
struct LoadedNetwork {
  std::unique_ptr<Network> network;
  std::shared_ptr<const DetectionModel> model;  // that it computes with; null for exported files
  std::vector<std::string> names;
  int max_stride = 32;
  std::optional<InputShape> shape;  // the only one that it takes; none: any
  bool release7 = false;            // suppression is that of release 7.0
  double confidence = 0;            // where F1 was best in evaluation; 0: unknown
};

/// A checkpoint's model is fused and placed. @param augment see make_network
/// Throws Error: as load_model and load_exported_network; kUsage for an exported file with
/// `augment`.
LoadedNetwork load_network(const std::string& path, const Placement& placement, bool augment);

}  // namespace gannet
