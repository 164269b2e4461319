// A cv::Mat over memory that something else owns, which lives as long as any copy of the Mat does.
#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>

namespace gannet {

/// rows x cols BGR bytes at `pixels`, not copied. They must not be written to. Copies of the Mat
/// and parts of it share `owner`, which goes with the last of them.
cv::Mat mapped_image(const std::uint8_t* pixels, int rows, int cols,
                     std::shared_ptr<const void> owner);

}  // namespace gannet
