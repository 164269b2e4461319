// What a model file or checkpoint describes: layers, parameters, strides, work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/core/head_spec.h"

namespace gannet {

struct LayerInfo {
  int index = 0;
  std::string from;  // "-1" or "[-1, 6]"
  int repeats = 1;
  std::int64_t parameters = 0;
  std::string module, arguments;
};

struct ModelInfo {
  std::vector<LayerInfo> layers;
  std::int64_t parameters = 0, parameter_tensors = 0, modules = 0;
  HeadSpec head;
  double gflops = 0;  // of one image of `image_size`: two per multiply-accumulate of a convolution
  int image_size = 640;
  std::vector<std::string> names;  // of a checkpoint
};

/// @param path a model YAML or a checkpoint
ModelInfo describe_model(const std::string& path, int image_size = 640);

}  // namespace gannet
