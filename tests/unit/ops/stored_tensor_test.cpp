#include "gannet/ops/stored_tensor.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace gannet {
namespace {

TEST(TensorDataOfTorch, RoundTripOfEveryDtype) {
  const auto values = torch::tensor({{0.0, 1.0, 2.0}, {3.0, 100.0, 5.0}});
  for (const auto dtype :
       {torch::kFloat16, torch::kBFloat16, torch::kFloat32, torch::kFloat64, torch::kInt8,
        torch::kUInt8, torch::kInt16, torch::kInt32, torch::kInt64, torch::kBool}) {
    const auto tensor = values.to(dtype);
    const auto back = to_tensor(to_tensor_data(tensor));
    EXPECT_EQ(back.scalar_type(), dtype);
    EXPECT_TRUE(torch::equal(back, tensor)) << dtype;
  }
}

TEST(TensorDataOfTorch, ViewsBecomeRowMajor) {
  const auto tensor = torch::arange(6).reshape({2, 3}).t();
  const TensorData data = to_tensor_data(tensor);
  EXPECT_TRUE(data.is_contiguous());
  EXPECT_EQ(data.to_doubles(), (std::vector<double>{0, 3, 1, 4, 2, 5}));
}

TEST(TensorDataOfTorch, ScalarsAndEmptyOnes) {
  EXPECT_EQ(to_tensor(to_tensor_data(torch::tensor(3.5))).item<double>(), 3.5);
  EXPECT_EQ(to_tensor(to_tensor_data(torch::zeros({2, 0}))).sizes(), (torch::IntArrayRef{2, 0}));
}

TEST(TensorDataOfTorch, TensorHasItsOwnMemoryAndDataKeepsItsAlive) {
  TensorData data;
  {
    auto source = torch::ones({2}, torch::kFloat64);
    data = to_tensor_data(source);
  }
  auto tensor = to_tensor(data);
  tensor.fill_(9);
  EXPECT_EQ(data.to_doubles(), (std::vector<double>{1, 1}));
}

}  // namespace
}  // namespace gannet
