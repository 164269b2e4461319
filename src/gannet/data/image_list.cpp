#include "gannet/data/image_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

void add_folder(const fs::path& folder, std::vector<std::string>& paths) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') || !has_image_suffix(name)) continue;
    paths.push_back((folder.lexically_normal() / name).string());
  }
}

void add_list(const fs::path& file, std::vector<std::string>& paths) {
  for (const std::string& row : split(read_file(file), '\n')) {
    std::string_view line = trim(row);
    if (!has_image_suffix(std::string(line))) continue;
    if (line.starts_with("./")) {
      line.remove_prefix(2);
      paths.push_back((file.parent_path() / line).string());
    } else {
      paths.emplace_back(line);
    }
  }
}

}  // namespace

bool has_image_suffix(const std::string& path) {
  constexpr std::array<std::string_view, 8> kSuffixes = {".bmp", ".jpg",  ".jpeg", ".png",
                                                         ".tif", ".tiff", ".dng",  ".webp"};
  const std::string suffix = to_lower(fs::path(path).extension().string());
  return std::find(kSuffixes.begin(), kSuffixes.end(), suffix) != kSuffixes.end();
}

std::vector<std::string> list_images(const std::vector<std::string>& sources) {
  std::vector<std::string> paths;
  for (const std::string& source : sources) {
    std::error_code ignored;
    if (fs::is_directory(source, ignored)) {
      try {
        add_folder(source, paths);
      } catch (const fs::filesystem_error& error) {
        throw Error(ErrorKind::kData, fmt::format("cannot be read: {}", error.code().message()),
                    {source, 0, {}}, "check its permissions");
      }
    } else if (fs::is_regular_file(source, ignored)) {
      add_list(source, paths);
    } else {
      throw Error(ErrorKind::kData, "neither a folder nor a list of images", {source, 0, {}},
                  "correct the path in the data description");
    }
  }
  if (paths.empty()) {
    throw Error(ErrorKind::kData, "no images", {fmt::format("{}", fmt::join(sources, ", ")), 0, {}},
                "name a folder or a list of bmp, jpg, png, tif, dng or webp files");
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace gannet
