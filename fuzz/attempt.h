// What all fuzz targets share: an Error is how bad input is answered; anything else is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gannet/core/error.h"

namespace gannet::fuzz {

template <class Read>
void attempt(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInternal) throw;
  }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the process where a condition does not hold, so that the input is kept.
inline void require(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace gannet::fuzz
