// The layer table: from a planned layer to the block that computes it.
#pragma once

#include <memory>
#include <string>

#include "gannet/config/model_description.h"
#include "gannet/nn/blocks.h"

namespace gannet {

/// Builds one layer (repeats become a chain). Detect is built by the model.
/// @param file named in errors, which also give the layer's line
std::shared_ptr<Block> make_layer(const LayerPlan& layer, Generation generation,
                                  const std::string& file);

/// Whether make_layer knows a module. It must know all of module_names() but Detect.
bool has_layer(const std::string& module);

}  // namespace gannet
