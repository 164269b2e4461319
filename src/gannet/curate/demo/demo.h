// A small detection data set made from nothing: road signs in painted scenes. For the first minutes
// with the program, for tests and for demonstrations without a download.
#pragma once

#include <cstdint>
#include <filesystem>

namespace gannet {

inline constexpr int kDemoTrainImages = 200;
inline constexpr int kDemoValImages = 50;
inline constexpr int kDemoUnseenImages = 12;

/// Writes images/{train,val,unseen}, labels/{train,val} and demo.yaml below `dir`, which is made if
/// need be: 5 classes, 2 to 5 objects an image, images of 320x256 to 480x360 px. The same seed
/// gives the same bytes. A demo set that is already there is written again; throws Error (kUsage)
/// for any other folder that is not empty, Error (kIo) when a file cannot be written.
void make_demo_dataset(const std::filesystem::path& dir, std::uint64_t seed = 0);

}  // namespace gannet
