// What --source stands for: image and video files, or live streams.
#pragma once

#include <string>
#include <vector>

namespace gannet {

struct SourceList {
  std::vector<std::string> files;    // images first, then videos; each kind sorted
  std::vector<std::string> streams;  // addresses and numbers of cameras; either these or files
  std::vector<std::string> notes;    // what there is beside them and is left out, in words
};

/// @param source an image, a video, a folder, a pattern, a list file; a camera's number; an address
///     (rtsp://, rtmp://, http://, https://); a file that lists such addresses, one a line
/// @param recursive folders stand for what their subfolders hold, too
/// Throws Error (kUsage) where there is nothing that can be read.
SourceList find_sources(const std::string& source, bool recursive);

}  // namespace gannet
