#include "gannet/ops/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <set>

namespace gannet {
namespace {

torch::Tensor bytes(std::int64_t count) { return torch::empty({count}, torch::kUInt8); }

TEST(TensorMemory, GivesAFreedBlockToTheNextOfItsSize) {
  keep_tensor_memory();
  constexpr std::int64_t kLarge = 48 << 20;
  auto first = bytes(kLarge);
  const void* block = first.const_data_ptr();
  first = torch::Tensor();
  auto second = bytes(kLarge - 1000);
  EXPECT_EQ(second.const_data_ptr(), block);
  const auto third = bytes(kLarge);
  EXPECT_NE(third.const_data_ptr(), block);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(third.const_data_ptr()) % 64, 0);
}

TEST(TensorMemory, BlocksAreWholeAndApart) {
  keep_tensor_memory();
  std::vector<torch::Tensor> tensors;
  for (std::int64_t i = 0; i < 40; ++i) tensors.push_back(torch::full({100000 + 7919 * i}, i));
  for (std::int64_t i = 0; i < 40; i += 2) tensors[static_cast<std::size_t>(i)] = torch::Tensor();
  for (std::int64_t i = 0; i < 40; i += 2)
    tensors[static_cast<std::size_t>(i)] = torch::full({100000 + 7919 * (39 - i)}, i);
  for (std::int64_t i = 0; i < 40; ++i) {
    const auto& t = tensors[static_cast<std::size_t>(i)];
    EXPECT_TRUE((t == i).all().item<bool>()) << i;
  }
}

TEST(TensorMemory, IsCountedForAWhile) {
  keep_tensor_memory();
  constexpr std::int64_t kLarge = 8 << 20;
  const auto before = bytes(kLarge);
  const auto* allocator = c10::GetCPUAllocator();
  {
    const TensorMemoryCount count;
    EXPECT_EQ(count.most_held(), 0U);
    { const auto first = bytes(kLarge), second = bytes(kLarge); }
    const auto third = bytes(kLarge);
    EXPECT_EQ(count.most_held(), 2U * kLarge);
  }
  EXPECT_EQ(c10::GetCPUAllocator(), allocator);
}

TEST(TensorMemory, EmptyTensorsTakeNone) {
  keep_tensor_memory();
  EXPECT_EQ(bytes(0).numel(), 0);
  EXPECT_THROW(bytes(std::int64_t{1} << 60), c10::Error);
}

}  // namespace
}  // namespace gannet
