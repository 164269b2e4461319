// What the training augmentation does, and how much of it.
#pragma once

#include <cstdint>
#include <limits>

namespace gannet {

/// Ranges of the training augmentation (hyperparameters of RB 1.2 and of later releases).
struct AugmentOptions {
  double hsv_h = 0.014, hsv_s = 0.68, hsv_v = 0.36;
  double degrees = 0, translate = 0, scale = 0.5, shear = 0;
  double flip_left_right = 0.5;
  bool mosaic = true;  // off for rectangular training
  /// Decode JPEGs smaller where enough pixels stay, and only what is visible; off: as the original.
  bool reduced_decode = true;
  double perspective = 0;          // change of depth by pixel, plus or minus
  bool release7_geometry = false;  // order and limits of the warp (release-7.md 7.4)
  // Probabilities, of which zero draws nothing.
  double flip_up_down = 0;
  double mosaic_probability = 1;  // else the image alone
  double mosaic9 = 0;             // of the mosaics: that it has nine images instead of four
  double mixup = 0;               // of the mosaics: that another one is laid over it
  double copy_paste = 0;          // share of the outlined objects of a mosaic that are copied
  /// Epochs from here on have no mosaics.
  std::int64_t mosaic_epochs = std::numeric_limits<std::int64_t>::max();
};

}  // namespace gannet
