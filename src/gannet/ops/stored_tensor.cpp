#include "gannet/ops/stored_tensor.h"

#include <torch/types.h>

#include <span>

#include "gannet/core/error.h"

namespace gannet {
namespace {

struct DTypeRow {
  DType plain;
  torch::Dtype torch;
};

constexpr DTypeRow kDTypes[] = {{DType::kF16, torch::kFloat16}, {DType::kBF16, torch::kBFloat16},
                                {DType::kF32, torch::kFloat32}, {DType::kF64, torch::kFloat64},
                                {DType::kI8, torch::kInt8},     {DType::kU8, torch::kUInt8},
                                {DType::kI16, torch::kInt16},   {DType::kI32, torch::kInt32},
                                {DType::kI64, torch::kInt64},   {DType::kBool, torch::kBool}};

}  // namespace

torch::Tensor to_tensor(const TensorData& data) {
  for (const DTypeRow& row : kDTypes) {
    if (row.plain != data.dtype) continue;
    auto tensor = torch::empty(data.shape, row.torch);
    data.copy_to({static_cast<std::byte*>(tensor.data_ptr()), data.num_bytes()});
    return tensor;
  }
  throw Error(ErrorKind::kInternal, "unknown plain dtype");
}

TensorData to_tensor_data(const torch::Tensor& tensor) {
  for (const DTypeRow& row : kDTypes) {
    if (row.torch != tensor.scalar_type()) continue;
    const auto owner = std::make_shared<const torch::Tensor>(
        tensor.detach().to(torch::kCPU, tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true,
                           torch::MemoryFormat::Contiguous));
    const auto bytes = static_cast<std::size_t>(owner->numel()) * owner->element_size();
    return contiguous_tensor(row.plain, owner->sizes().vec(),
                             make_storage(owner, owner->const_data_ptr(), bytes));
  }
  throw Error(ErrorKind::kInternal, "no plain dtype for this tensor");
}

}  // namespace gannet
