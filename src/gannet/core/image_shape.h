// Size of a picture as it is displayed, and how EXIF turns it to that.
#pragma once

#include <cstdint>

namespace gannet {

struct ImageShape {
  int width = 0, height = 0;      // upright, px
  std::uint32_t orientation = 1;  // EXIF; from 5 on the stored picture has the sides swapped
};

}  // namespace gannet
