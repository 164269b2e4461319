// The model that a run trains.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gannet/config/settings.h"
#include "gannet/io/value.h"
#include "gannet/nn/model.h"

namespace gannet {

/// Model of the settings with initial or loaded weights, on the CPU.
/// @param checkpoint of a run that goes on: its own description, weights to be restored; none for a
/// new run
/// @param names of the data set's classes: rows of loaded weights go to the class of the same name
std::shared_ptr<DetectionModel> build_run_model(const Settings& settings,
                                                const std::vector<std::string>& names,
                                                const Value& checkpoint);

/// Rounds every weight and statistic to half precision, as release 7.0 does before it trains (R01;
/// the average keeps them as they were).
void round_to_half(const DetectionModel& model);

}  // namespace gannet
