#include "gannet/detect/source_list.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/data/images/glob.h"
#include "gannet/data/images/image_list.h"
#include "gannet/data/video/stream_list.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// Of the paths that match a pattern; folders among them count as folders.
ImageList list_matches(const std::string& pattern, bool recursive) {
  ImageList list;
  for (const std::string& path : glob(pattern)) {
    if (has_image_suffix(path)) {
      list.paths.push_back(path);
    } else if (has_video_suffix(path)) {
      list.videos.push_back(path);
    } else if (has_foreign_image_suffix(path)) {
      list.foreign.push_back(path);
    } else if (recursive && fs::is_directory(path)) {
      const ImageList below = list_images({path}, {.recursive = true, .with_videos = true});
      list.paths.insert(list.paths.end(), below.paths.begin(), below.paths.end());
      list.videos.insert(list.videos.end(), below.videos.begin(), below.videos.end());
    } else if (fs::is_directory(path)) {
      ++list.num_subfolders;
    }
  }
  return list;
}

ImageList list_files(const std::string& source, bool recursive) {
  std::error_code ignored;
  if (fs::exists(source, ignored))
    return list_images({source}, {.recursive = recursive, .with_videos = true});
  if (is_glob(source)) return list_matches(source, recursive);
  throw Error(
      ErrorKind::kUsage, fmt::format("'{}' does not exist", source), {{}, 0, "--source"},
      "give an image, a video, a folder, a glob, a list file, a camera's number or an address");
}

std::vector<std::string> stream_list_of(const std::string& source) {
  constexpr std::uintmax_t kLongest = 1 << 20;
  std::error_code error;
  const bool could_be = fs::is_regular_file(source, error) && !has_image_suffix(source) &&
                        !has_video_suffix(source) && fs::file_size(source, error) < kLongest;
  return could_be ? parse_stream_list(read_file(source), source) : std::vector<std::string>();
}

}  // namespace

SourceList find_sources(const std::string& source, bool recursive) {
  const Where where{{}, 0, "--source"};
  std::error_code ignored;
  SourceList found;
  if (is_stream_address(source) || (is_camera(source) && !fs::exists(source, ignored))) {
    found.streams = {source};
    return found;
  }
  if (fs::is_regular_file(source, ignored)) {
    if (has_image_suffix(source) || has_video_suffix(source)) {
      found.files = {source};
      return found;
    }
    if (has_foreign_image_suffix(source))
      throw Error(ErrorKind::kUsage, fmt::format("'{}' is of a format that is not read", source),
                  where, "convert it to JPEG or PNG");
  }
  ImageList list;
  try {
    found.streams = stream_list_of(source);
    if (!found.streams.empty()) return found;
    list = list_files(source, recursive);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kUsage) throw;
    throw Error(ErrorKind::kUsage, fmt::format("'{}': {}", source, error.message()), where,
                error.advice());
  }
  if (!list.foreign.empty())
    found.notes.push_back(
        fmt::format("{}: {} pictures are of formats that are not read, left out: {}", source,
                    list.foreign.size(), name_some(list.foreign)));
  if (list.num_subfolders > 0)
    found.notes.push_back(fmt::format("{}: subfolders that are not searched: {} (--recursive does)",
                                      source, list.num_subfolders));
  found.files = std::move(list.paths);
  found.files.insert(found.files.end(), list.videos.begin(), list.videos.end());
  if (found.files.empty())
    throw Error(ErrorKind::kUsage,
                fmt::format("'{}' holds no images or videos that can be read", source), where);
  return found;
}

}  // namespace gannet
