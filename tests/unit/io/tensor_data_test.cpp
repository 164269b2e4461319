#include "gannet/io/tensor_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "gannet/core/error.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;

StoragePtr floats(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return make_storage(std::move(bytes));
}

TEST(TensorDataTest, ReadsViewsRowMajor) {
  const StoragePtr storage = floats({0, 1, 2, 3, 4, 5});
  const TensorData transposed{DType::kF32, {3, 2}, {1, 3}, 0, storage};
  EXPECT_THAT(transposed.to_doubles(), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_FALSE(transposed.is_contiguous());
  const TensorData column{DType::kF32, {2}, {3}, 1, storage};
  EXPECT_THAT(column.to_doubles(), ElementsAre(1, 4));
  const TensorData expanded{DType::kF32, {2, 2}, {0, 0}, 5, storage};
  EXPECT_THAT(expanded.to_doubles(), ElementsAre(5, 5, 5, 5));
  EXPECT_EQ(expanded.contiguous_bytes().size(), 16U);
}

TEST(TensorDataTest, ScalarsAndEmptyOnes) {
  const TensorData scalar{DType::kF32, {}, {}, 1, floats({7, 8})};
  EXPECT_EQ(scalar.num_elements(), 1);
  EXPECT_THAT(scalar.to_doubles(), ElementsAre(8));
  const TensorData empty{DType::kF32, {0, 3}, {3, 1}, 0, make_storage(std::string())};
  EXPECT_NO_THROW(empty.validate());
  EXPECT_TRUE(empty.contiguous_bytes().empty());
  EXPECT_TRUE(empty.to_doubles().empty());
}

TEST(TensorDataTest, BooleansBecomeZeroOrOne) {
  const TensorData tensor =
      contiguous_tensor(DType::kBool, {2}, make_storage(std::string("\0\x07", 2)));
  EXPECT_THAT(tensor.contiguous_bytes(), ElementsAre(std::byte{0}, std::byte{1}));
}

TEST(TensorDataTest, StridesAsTorchGivesThem) {
  EXPECT_THAT(contiguous_strides({2, 3, 4}), ElementsAre(12, 4, 1));
  EXPECT_THAT(contiguous_strides({0, 3}), ElementsAre(3, 1));
  EXPECT_THAT(contiguous_strides({3, 0}), ElementsAre(1, 1));
  EXPECT_TRUE(contiguous_strides({}).empty());
}

TEST(TensorDataTest, RefusesWhatLeavesTheStorage) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 31;
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  const StoragePtr storage = floats({0, 1, 2, 3});
  const TensorData bad[] = {
      {DType::kF32, {5}, {1}, 0, storage},
      {DType::kF32, {4}, {1}, 1, storage},
      {DType::kF32, {2, 2}, {3, 1}, 0, storage},
      {DType::kF32, {-4}, {1}, 0, storage},
      {DType::kF32, {4}, {-1}, 3, storage},
      {DType::kF32, {4}, {1}, -1, storage},
      {DType::kF32, {0}, {1}, 5, storage},
      {DType::kF32, {4}, {1, 1}, 0, storage},
      {DType::kF32, {kHuge, kHuge, kHuge}, {0, 0, 0}, 0, storage},
      {DType::kF32, {2}, {kMax}, 3, storage},
      {DType::kF64, {4}, {1}, 0, storage},
      {DType::kF32, {1}, {1}, 0, nullptr},
  };
  for (const TensorData& tensor : bad) EXPECT_ERROR(kCheckpoint, "a tensor", tensor.validate());
  EXPECT_ERROR(kCheckpoint, "needs 12 bytes and has 16",
               contiguous_tensor(DType::kF32, {3}, storage));
}

TEST(TensorDataTest, HalfAndBrainFloats) {
  EXPECT_EQ(half_to_float(0x3E00), 1.5F);
  EXPECT_EQ(half_to_float(0xB400), -0.25F);
  EXPECT_EQ(half_to_float(0x0001), std::ldexp(1.0F, -24));
  EXPECT_EQ(half_to_float(0x7BFF), 65504.0F);
  EXPECT_EQ(half_to_float(0xFC00), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(half_to_float(0x7E00)));
  EXPECT_EQ(bfloat16_to_float(0x3FC0), 1.5F);
}

}  // namespace
}  // namespace gannet
