// The bytes of the font that is part of the library: fonts/DejaVuSans.ttf.
#pragma once

#include <span>

namespace gannet {

std::span<const unsigned char> shipped_font();

}  // namespace gannet
