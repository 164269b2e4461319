// Which recipe a run follows.
#pragma once

#include <string>

#include "gannet/config/settings.h"

namespace gannet {

/// The recipe of the release whose model the settings name: "july2020" or "v7". Throws Error where
/// there is no such file.
std::string recipe_of_model(const TrainSettings& train);

}  // namespace gannet
