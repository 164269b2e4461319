// Which image files a data description's path, or list of paths, stands for (RB 3.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gannet {

/// Files of folders (direct entries, no hidden ones) and lines of list files that have an image's
/// suffix (bmp, jpg, jpeg, png, tif, tiff, dng, webp in any case), sorted. In list files blank
/// lines are skipped and a leading "./" stands for the list's folder. Throws Error (kData) naming a
/// source that does not exist, or all of them when there is no image.
std::vector<std::string> list_images(const std::vector<std::string>& sources);

/// The lines of a list file that name images. @param folder of the file, what "./" stands for
std::vector<std::string> parse_image_list(std::string_view text, const std::string& folder);

bool has_image_suffix(std::string_view path);

}  // namespace gannet
