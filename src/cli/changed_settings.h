// Which settings of a run are not those of its recipe: what a user asked for, without the seventy
// lines of settings.yaml.
#pragma once

#include <string>
#include <vector>

#include "gannet/config/settings.h"

namespace gannet::cli {

/// "train.epochs: 50" for each, in the order of settings.yaml.
std::vector<std::string> changed_settings(const Settings& settings);

}  // namespace gannet::cli
