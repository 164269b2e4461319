#include "gannet/data/augment/mixup.h"

#include <algorithm>
#include <array>

#include "gannet/core/processor.h"

namespace gannet {
namespace {

/// The middle one of 2n - 1 uniform numbers is distributed as Beta(n, n).
double draw_beta32(Rng& rng) {
  std::array<double, 63> numbers;
  for (double& number : numbers) number = rng.uniform();
  const auto middle = numbers.begin() + 31;
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

GANNET_WIDE_LOOPS void mix(std::uint8_t* __restrict bytes, const std::uint8_t* __restrict other,
                           int size, float share) {
  for (int i = 0; i < size; ++i) {
    const auto a = static_cast<float>(bytes[i]), b = static_cast<float>(other[i]);
    bytes[i] = static_cast<std::uint8_t>(static_cast<int>(b + share * (a - b)));
  }
}

}  // namespace

MixUpDraws draw_mixup(double probability, std::int64_t num_images, Rng& rng) {
  MixUpDraws draws;
  draws.mixes = rng.uniform() < probability;
  draws.partner = rng.below(num_images);
  draws.share = draw_beta32(rng);
  return draws;
}

void mix_bytes(std::uint8_t* bytes, const std::uint8_t* other, int size, double share) {
  mix(bytes, other, size, static_cast<float>(share));
}

}  // namespace gannet
