#include "gannet/core/rng.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace gannet {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {
        static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

std::uint32_t fnv1a32(std::string_view text) {
  std::uint32_t hash = 0x811C9DC5u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193u;
  return hash;
}

// The counter holds (block, index, epoch); the purpose is spread over the key so that streams of
// different purposes never meet.
Rng::Rng(const RngKey& key)
    : key_{static_cast<std::uint32_t>(key.seed) ^ (static_cast<std::uint32_t>(key.purpose) << 24),
           static_cast<std::uint32_t>(key.seed >> 32) ^ static_cast<std::uint32_t>(key.purpose)},
      counter_{0, static_cast<std::uint32_t>(key.index),
               static_cast<std::uint32_t>(key.index >> 32), static_cast<std::uint32_t>(key.epoch)} {
}

std::uint64_t Rng::bits64() {
  if (used_ >= 4) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  const auto low = static_cast<std::size_t>(used_);
  used_ += 2;
  return (std::uint64_t{block_[low + 1]} << 32) | block_[low];
}

double Rng::uniform() { return static_cast<double>(bits64() >> 11) * 0x1p-53; }

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

std::int64_t Rng::below(std::int64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int64_t>((Wide{bits64()} * static_cast<std::uint64_t>(bound)) >> 64);
}

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<std::int64_t> permutation(std::int64_t size, const RngKey& key) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  Rng rng(key);
  for (std::size_t i = order.size(); i > 1; --i) {
    const auto j = static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(i)));
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

}  // namespace gannet
