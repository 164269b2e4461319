// An image in somebody else's memory: what embedders hand to the Detector.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gannet {

enum class ChannelOrder { kBgr, kRgb, kGrey };

/// 8 bits a channel, channels interleaved (one of grey, else three), rows `row_bytes` apart (0:
/// without gaps).
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0, height = 0;
  std::ptrdiff_t row_bytes = 0;
  ChannelOrder order = ChannelOrder::kBgr;
};

}  // namespace gannet
