// Copy-paste of objects with outlines: mirrored copies appear on the other side of the picture
// (simple form of Ghiasi et al., "Simple copy-paste is a strong data augmentation method", 2021).
#pragma once

#include "gannet/core/rng.h"
#include "gannet/data/augment/canvas.h"

namespace gannet {

/// Copies the share `probability` of the objects that have outlines, chosen at random. A copy whose
/// box would hide 30 % or more of another object's box is left out. Does nothing without outlines;
/// images of the scene are not written to.
void copy_paste(Scene& scene, double probability, Rng& rng);

}  // namespace gannet
