#include "gannet/data/images/image_list.h"

#include <dirent.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

bool has_suffix(std::string_view path, std::span<const std::string_view> suffixes) {
  constexpr std::size_t kLongest = 6;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || name.size() - dot > kLongest) return false;
  const std::string suffix = to_lower(name.substr(dot));
  return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end();
}

/// Collects what sources stand for.
class Lister {
 public:
  explicit Lister(const ImageListOptions& options) : options_(options) {}

  // The C library's way: an iterator of paths takes three times as long for large folders.
  void add_folder(const std::string& folder) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), &::closedir);
    if (!directory) {
      throw Error(ErrorKind::kData, fmt::format("cannot be read: {}", std::strerror(errno)),
                  {folder, 0, {}}, "check its permissions");
    }
    struct stat status {};
    if (options_.recursive && ::fstat(::dirfd(directory.get()), &status) == 0 &&
        !visited_.emplace(status.st_dev, status.st_ino).second) {
      return;  // a link to a folder above
    }
    const std::string prefix = (fs::path(folder).lexically_normal() / "").string();
    std::vector<std::string> subfolders;
    while (const dirent* entry = ::readdir(directory.get())) {
      const std::string_view name = entry->d_name;
      if (name.starts_with('.')) continue;
      const std::string path = prefix + entry->d_name;
      if (is_folder(*entry, path)) {
        subfolders.push_back(path);
      } else {
        add_file(path);
      }
    }
    if (!options_.recursive) {
      list_.num_subfolders += static_cast<std::int64_t>(subfolders.size());
      return;
    }
    for (const std::string& subfolder : subfolders) add_folder(subfolder);
  }

  void add_list(const fs::path& file) {
    const std::string folder = file.parent_path().string();
    for (const std::string& entry : parse_image_list(read_file(file), folder)) {
      add_file(find_entry(entry, folder));
    }
  }

  ImageList take() {
    std::sort(list_.paths.begin(), list_.paths.end());
    std::sort(list_.videos.begin(), list_.videos.end());
    std::sort(list_.foreign.begin(), list_.foreign.end());
    return std::move(list_);
  }

 private:
  static bool is_folder(const dirent& entry, const std::string& path) {
    if (entry.d_type == DT_DIR) return true;
    if (entry.d_type != DT_LNK && entry.d_type != DT_UNKNOWN) return false;
    if (has_image_suffix(path)) return false;  // spares a call for each of many links to images
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  }

  void add_file(const std::string& path) {
    if (has_image_suffix(path)) {
      list_.paths.push_back(path);
    } else if (options_.with_videos && has_video_suffix(path)) {
      list_.videos.push_back(path);
    } else if (has_foreign_image_suffix(path)) {
      list_.foreign.push_back(path);
    }
  }

  /// Where an entry of a list file lies; as it is if nowhere.
  std::string find_entry(const std::string& entry, const std::string& folder) const {
    if (exists(entry)) return entry;
    std::vector<std::string> names = {entry};
    if (entry.find('\\') != std::string::npos) {  // of Windows
      std::string turned = entry;
      std::replace(turned.begin(), turned.end(), '\\', '/');
      if (exists(turned)) return turned;
      names.push_back(std::move(turned));
    }
    for (const std::string& name : names) {
      if (const std::string path = (fs::path(folder) / name).string(); exists(path)) return path;
      for (const std::string& root : options_.roots) {
        if (const std::string path = (fs::path(root) / name).string(); exists(path)) return path;
      }
    }
    return entry;
  }

  const ImageListOptions& options_;
  ImageList list_;
  std::set<std::pair<dev_t, ino_t>> visited_;
};

std::string advice_without_images(const ImageList& list) {
  if (!list.foreign.empty())
    return fmt::format("{} are of formats that are not read ({}): convert them to JPEG or PNG",
                       list.foreign.size(), name_some(list.foreign));
  if (list.num_subfolders > 0)
    return fmt::format("its {} subfolders are not searched: name them", list.num_subfolders);
  return "name a folder or a list of bmp, jpg, png, tif, dng or webp files";
}

}  // namespace

bool has_image_suffix(std::string_view path) {
  static constexpr std::array<std::string_view, 13> kSuffixes = {
      ".jpg",  ".png",  ".jpeg", ".bmp", ".tif",   ".tiff", ".dng",
      ".webp", ".jfif", ".jpe",  ".jif", ".pjpeg", ".mpo"};
  return has_suffix(path, kSuffixes);
}

bool has_video_suffix(std::string_view path) {
  static constexpr std::array<std::string_view, 10> kSuffixes = {
      ".mov", ".avi", ".mp4", ".mpg", ".mpeg", ".m4v", ".wmv", ".mkv", ".webm", ".ts"};
  return has_suffix(path, kSuffixes);
}

bool has_foreign_image_suffix(std::string_view path) {
  static constexpr std::array<std::string_view, 32> kSuffixes = {
      ".gif", ".avif", ".avifs", ".heic", ".heif", ".hif", ".jp2", ".j2k", ".jpx", ".jpf", ".jxl",
      ".jxr", ".apng", ".tga",   ".ico",  ".exr",  ".hdr", ".ppm", ".pgm", ".pbm", ".pnm", ".svg",
      ".psd", ".eps",  ".raw",   ".cr2",  ".cr3",  ".nef", ".arw", ".orf", ".rw2", ".dcm"};
  return has_suffix(path, kSuffixes);
}

std::string name_some(const std::vector<std::string>& paths) {
  constexpr std::size_t kNamed = 3;
  const std::size_t count = std::min(paths.size(), kNamed);
  std::string text = fmt::format(
      "{}", fmt::join(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(count), ", "));
  if (paths.size() > count) text += fmt::format(" and {} more", paths.size() - count);
  return text;
}

std::vector<std::string> parse_image_list(std::string_view text, const std::string& folder) {
  std::vector<std::string> paths;
  text = without_byte_order_mark(text);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!has_image_suffix(line) && !has_foreign_image_suffix(line) && !has_video_suffix(line))
      continue;
    if (line.starts_with("./") || line.starts_with(".\\")) {
      line.remove_prefix(2);
      paths.push_back((fs::path(folder) / line).string());
    } else {
      paths.emplace_back(line);
    }
  }
  return paths;
}

ImageList list_images(const std::vector<std::string>& sources, const ImageListOptions& options) {
  Lister lister(options);
  for (const std::string& source : sources) {
    std::error_code ignored;
    if (fs::is_directory(source, ignored)) {
      lister.add_folder(source);
    } else if (fs::is_regular_file(source, ignored)) {
      lister.add_list(source);
    } else {
      throw Error(ErrorKind::kData, "neither a folder nor a list of images", {source, 0, {}},
                  "correct the path in the data description");
    }
  }
  ImageList list = lister.take();
  if (list.paths.empty() && list.videos.empty()) {
    throw Error(ErrorKind::kData, "no images that can be read",
                {fmt::format("{}", fmt::join(sources, ", ")), 0, {}}, advice_without_images(list));
  }
  return list;
}

}  // namespace gannet
