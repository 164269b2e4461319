// Loops over feature maps whose channels lie side by side (channels-last), for the norms of
// training on CPUs: each pass over memory does all that can be done in it. Numbers are computed in
// float32, sums in float64.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gannet/ops/activations.h"

namespace gannet {

/// What a value in memory is.
enum class ValueType { kFloat32, kBFloat16 };

/// Channels repeated until vectors of any width fit: every table of channels has `length` entries.
struct ChannelPattern {
  explicit ChannelPattern(std::int64_t num_channels);
  std::int64_t channels, length;
};

/// Values in memory in rows of equal distance.
struct Rows {
  const void* data = nullptr;
  std::int64_t stride = 0;  // values from row to row
};
struct WritableRows {
  void* data = nullptr;
  std::int64_t stride = 0;
};

/// What one pass takes: rows that begin with channel 0. Either whole patterns, the last one of a
/// map perhaps in part, or pixels whose channels are a multiple of 16.
struct ChannelRun {
  ValueType type = ValueType::kFloat32;
  std::int64_t first = 0, last = 0;  // rows
  std::int64_t width = 0;            // values of a row
  std::int64_t values = 0;           // of the whole map

  std::int64_t values_of(std::int64_t row) const { return std::min(width, values - row * width); }
};

/// Adds to sums (pattern) those of x and of x^2.
void add_moments(const ChannelRun& run, Rows x, double* sum, double* square_sum);

/// How y follows from x: act(x * scale + shift).
struct ScaledActivation {
  const float *scale = nullptr, *shift = nullptr;  // pattern
  Activation activation = Activation::kNone;
};

/// @param residual added to the result; its data may be null
void apply_activation(const ChannelRun& run, const ScaledActivation& how, Rows x, Rows residual,
                      WritableRows y);

/// Adds to sums (pattern) those of the gradient before the activation, and of its product with x.
void add_gradient_moments(const ChannelRun& run, const ScaledActivation& how, Rows x, Rows grad_y,
                          double* sum, double* product_sum);

/// grad_x = scale * gradient before the activation + slope * x + offset, by channel.
struct GradientLine {
  const float *slope = nullptr, *offset = nullptr;  // pattern
};
void apply_gradient(const ChannelRun& run, const ScaledActivation& how, const GradientLine& line,
                    Rows x, Rows grad_y, WritableRows grad_x);

}  // namespace gannet
