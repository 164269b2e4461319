// Which image files a data description's path, or list of paths, stands for (RB 3.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gannet {

struct ImageList {
  std::vector<std::string> paths = {};    // sorted
  std::vector<std::string> foreign = {};  // pictures in formats that are not read (gif, heic, ...)
  std::vector<std::string> videos = {};   // sorted; only where they are asked for
  std::int64_t num_subfolders = 0;        // of the folders, not searched
};

struct ImageListOptions {
  std::vector<std::string> roots = {};  // where entries of list files are looked for as well
  bool recursive = false;               // folders stand for what their subfolders hold, too
  bool with_videos = false;             // videos are wanted as well
};

/// Files of folders (no hidden ones) and lines of list files that have an image's suffix. In list
/// files blank lines are skipped, a leading "./" stands for the list's folder, and other entries
/// are looked for as they are, in the list's folder and in `roots`; backslashes may stand for
/// slashes. Throws Error (kData) naming a source that does not exist, or all of them when there is
/// no image.
ImageList list_images(const std::vector<std::string>& sources,
                      const ImageListOptions& options = {});

/// The lines of a list file that name pictures. @param folder of the file, what "./" stands for
std::vector<std::string> parse_image_list(std::string_view text, const std::string& folder);

/// bmp, jpg, jpeg and its other names, png, tif, tiff, dng, webp, mpo, in any case.
bool has_image_suffix(std::string_view path);

/// mov, avi, mp4, mpg, mpeg, m4v, wmv, mkv, webm, ts, in any case (RB 3.8).
bool has_video_suffix(std::string_view path);

/// Pictures of other kinds, which are not read but must not vanish without a word.
bool has_foreign_image_suffix(std::string_view path);

/// "a.gif, b.heic and 3 more"
std::string name_some(const std::vector<std::string>& paths);

}  // namespace gannet
