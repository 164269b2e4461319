// What --debug tells of the numbers in a network: one line a layer, one a gradient.
#pragma once

#include <torch/types.h>

#include <string>

#include "gannet/nn/model.h"

namespace gannet {

/// Of the values of a tensor; mean, deviation and largest of those that are finite.
struct ValueStatistics {
  double mean = 0, deviation = 0, largest = 0;  // the largest absolute value
  double zeros = 0, not_finite = 0;             // shares, 0 to 1
};

/// All zero where there is no value.
ValueStatistics statistics_of(const torch::Tensor& values);

/// "mean 0.1, deviation 1, largest 4, 0.0% zeros, 0.0% not finite"
std::string describe(const ValueStatistics& statistics);

/// For a forward pass: logs (debug) the statistics of each layer's output. @param when names the
/// step
LayerTrace log_outputs(const DetectionModel& model, const std::string& when);

/// Logs (debug) the norm of each parameter's gradient.
void log_gradient_norms(const DetectionModel& model, const std::string& when);

}  // namespace gannet
