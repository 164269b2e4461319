#include "gannet/ops/placement.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "gannet/core/error.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

TEST(Placement, CpuInFloat32ComputesWithoutAutocast) {
  const Placement placement = resolve_placement("cpu", "fp32");
  EXPECT_FALSE(placement.autocast());
  EXPECT_EQ(placement.memory_format, torch::MemoryFormat::ChannelsLast);
}

TEST(Placement, RefusesWhatIsNotThere) {
  EXPECT_ERROR(kUsage, "fp16 is for CUDA", resolve_placement("cpu", "fp16"));
  EXPECT_ERROR(kUsage, "'tpu' is not a device", resolve_placement("tpu", "fp32"));
  EXPECT_ERROR(kUsage, "99", resolve_placement("99", "fp32"));
}

TEST(AutocastScope, CastsOnlyInside) {
  const auto a = torch::ones({4, 4}), b = torch::ones({4, 4});
  Placement placement = resolve_placement("cpu", "bf16");
  {
    const AutocastScope scope(placement);
    EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kBFloat16);
  }
  EXPECT_EQ(torch::mm(a, b).scalar_type(), torch::kFloat32);
}

}  // namespace
}  // namespace gannet
