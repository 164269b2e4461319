// MixUp: two pictures laid over each other, with the objects of both (Zhang et al., "mixup: beyond
// empirical risk minimization", ICLR 2018).
#pragma once

#include <cstdint>

#include "gannet/core/rng.h"

namespace gannet {

struct MixUpDraws {
  bool mixes = false;
  std::int64_t partner = 0;
  double share = 1;  // of the first picture; distributed as Beta(32, 32), so about one half
};

MixUpDraws draw_mixup(double probability, std::int64_t num_images, Rng& rng);

/// `bytes` becomes share * bytes + (1 - share) * other, truncated.
void mix_bytes(std::uint8_t* bytes, const std::uint8_t* other, int size, double share);

}  // namespace gannet
