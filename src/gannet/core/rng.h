// Counted random numbers: every number is a pure function of (seed, epoch, index, purpose, draw),
// so results never depend on threads, prefetch or the number of processes (design rule a).
// Generator: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gannet {

/// What a stream of random numbers is for. Values are part of the results: append, never renumber.
enum class Purpose : std::uint32_t {
  kOrder = 1,
  kMosaic = 2,
  kAffine = 3,
  kColour = 4,
  kFlip = 5,
  kMultiScale = 6,
  kWeights = 7,
  kAnchors = 8,
  kDemo = 9,
  kMixUp = 10,
  kCopyPaste = 11,
  kReplacement = 12,
  kImageWeights = 13,
  kTorch = 14,
  kTest = 15,
  kMosaicChoice = 16,
  kMosaic9 = 17,
  kPerspective = 18,
  kFlipUpDown = 19,
  kQuad = 20,
  kEvolve = 21,
};

/// Identifies one stream. `index` is a sample, batch or name hash, as the purpose says.
struct RngKey {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  std::uint64_t index = 0;
  Purpose purpose = Purpose::kTest;
};

/// One block of Philox4x32 with 10 rounds.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// 32-bit FNV-1a hash, used to key streams by name.
std::uint32_t fnv1a32(std::string_view text);

/// A position in one stream. Copies continue independently with equal numbers.
class Rng {
 public:
  explicit Rng(const RngKey& key);

  std::uint64_t bits64();
  /// Uniform in [0, 1) with 53 bits.
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high);
  /// Uniform integer in [0, bound); bound must be positive.
  std::int64_t below(std::int64_t bound);
  /// Standard normal (Box-Muller, two uniforms a number).
  double normal();

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

/// Fisher-Yates permutation of 0..size-1.
std::vector<std::int64_t> permutation(std::int64_t size, const RngKey& key);

}  // namespace gannet
