// Batches and sums of the recorded training runs.
#pragma once

#include <cstring>
#include <memory>

#include "gannet/data/sample/batch.h"
#include "tests/parity/golden.h"

namespace gannet::golden {

inline Batch batch_of(const Vector& inputs, int number) {
  const auto pixels = inputs["images." + std::to_string(number)]
                          .permute({0, 2, 3, 1})
                          .to(torch::kCPU)
                          .contiguous();  // NCHW to NHWC
  Batch batch;
  batch.number = number;
  batch.images = static_cast<int>(pixels.size(0));
  batch.height = static_cast<int>(pixels.size(1));
  batch.width = static_cast<int>(pixels.size(2));
  batch.pixels = std::shared_ptr<std::uint8_t[]>(new std::uint8_t[batch.bytes()]);
  std::memcpy(batch.pixels.get(), pixels.data_ptr(), batch.bytes());
  const auto targets = inputs["targets." + std::to_string(number)].to(torch::kCPU);
  const auto rows = targets.accessor<float, 2>();
  for (std::int64_t i = 0; i < targets.size(0); ++i)
    batch.targets.push_back(
        {rows[i][0], rows[i][1], rows[i][2], rows[i][3], rows[i][4], rows[i][5]});
  return batch;
}

/// Sums and norms of all state entries after a step.
inline torch::Tensor sums_of(const StateDict& state) {
  std::vector<torch::Tensor> rows;
  for (const auto& [name, tensor] : state) {
    const auto x = tensor.detach().to(torch::kFloat64);
    rows.push_back(torch::stack({x.sum(), x.square().sum().sqrt()}));
  }
  return torch::stack(rows);
}

}  // namespace gannet::golden
