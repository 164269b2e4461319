#include "gannet/detect/output_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "gannet/core/error.h"
#include "gannet/core/text.h"
#include "gannet/data/images/image_list.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

fs::path absolute(const fs::path& path) {
  std::error_code ignored;
  return fs::absolute(path, ignored).lexically_normal();
}

/// The deepest folder that all files lie below.
fs::path common_folder(const std::vector<fs::path>& files) {
  fs::path common = files.front().parent_path();
  for (const fs::path& file : files) {
    const fs::path folder = file.parent_path();
    fs::path shared;
    for (auto a = common.begin(), b = folder.begin();
         a != common.end() && b != folder.end() && *a == *b; ++a, ++b) {
      shared /= *a;
    }
    common = shared;
  }
  return common;
}

/// Whether the name is that of a frame's labels: `stem`, an underscore and a number.
bool names_a_frame(const std::string& name, const std::string& stem) {
  if (!name.starts_with(stem + "_") || name.size() == stem.size() + 1) return false;
  return name.find_first_not_of("0123456789", stem.size() + 1) == std::string::npos;
}

/// What labels of this source would replace: its own file, or those of its frames.
std::vector<fs::path> present_labels(const PlannedImage& image) {
  std::error_code ignored;
  if (!has_video_suffix(image.picture.string()))
    return fs::exists(image.labels, ignored) ? std::vector{image.labels} : std::vector<fs::path>();
  std::vector<fs::path> present;
  for (const auto& entry : fs::directory_iterator(image.labels.parent_path(), ignored))
    if (entry.path().extension() == ".txt" &&
        names_a_frame(entry.path().stem().string(), image.labels.stem().string()))
      present.push_back(entry.path());
  return present;
}

/// Formats that are read but not written become JPEG, videos MP4.
std::string written_suffix(const fs::path& path) {
  if (has_video_suffix(path.string())) return ".mp4";
  constexpr std::array<std::string_view, 7> kWritten = {".jpg", ".jpeg", ".png", ".bmp",
                                                        ".tif", ".tiff", ".webp"};
  const std::string suffix = path.extension().string();
  const bool is_written =
      std::find(kWritten.begin(), kWritten.end(), to_lower(suffix)) != kWritten.end();
  return is_written ? suffix : ".jpg";
}

}  // namespace

std::vector<PlannedImage> plan_outputs(const std::vector<std::string>& sources,
                                       const fs::path& output) {
  std::vector<fs::path> files;
  std::vector<std::string> given;
  std::set<fs::path> seen, natural, taken;
  for (const std::string& source : sources) {
    const fs::path file = absolute(source);
    if (!seen.insert(file).second) continue;
    files.push_back(file);
    given.push_back(source);
    natural.insert(fs::path(file).replace_extension());
  }
  if (files.empty()) return {};
  const fs::path root = common_folder(files);
  std::vector<PlannedImage> plan;
  for (std::size_t i = 0; i < files.size(); ++i) {
    fs::path stem = fs::path(files[i]).replace_extension();
    // Labels of a video's frames are named like those of a picture "NAME_7".
    const bool like_frames =
        has_video_suffix(files[i].string()) &&
        std::any_of(natural.begin(), natural.end(), [&](const fs::path& other) {
          return names_a_frame(other.string(), stem.string());
        });
    if (like_frames) stem += "_video";
    const std::string wanted = stem.string();
    for (int number = 2; !taken.insert(stem).second; ++number) {
      const fs::path other = fmt::format("{}_{}", wanted, number);
      if (!natural.contains(other)) stem = other;
    }
    const std::string place = (output / stem.lexically_relative(root)).string();
    plan.push_back({given[i], place + written_suffix(files[i]), place + ".txt"});
  }
  return plan;
}

std::vector<PlannedImage> plan_stream_outputs(const std::vector<std::string>& addresses,
                                              const fs::path& output) {
  std::vector<PlannedImage> plan;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const std::string place = (output / fmt::format("stream{}", i)).string();
    plan.push_back({addresses[i], place + ".mp4", place + ".txt"});
  }
  return plan;
}

void check_outputs(const std::vector<PlannedImage>& plan, const fs::path& output, bool with_labels,
                   bool may_replace, const std::vector<std::string>& others) {
  std::error_code ignored;
  const bool is_ours = fs::exists(output / kMarkerFile, ignored);
  std::set<fs::path> sources;
  for (const PlannedImage& image : plan) {
    sources.insert(fs::weakly_canonical(image.source, ignored));
    const fs::path labels = fs::path(image.source).replace_extension(".txt");
    if (fs::exists(labels, ignored)) sources.insert(fs::weakly_canonical(labels, ignored));
  }
  std::vector<fs::path> present;
  for (const PlannedImage& image : plan) {
    if (fs::exists(image.picture, ignored)) present.push_back(image.picture);
    if (!with_labels) continue;
    const std::vector<fs::path> labels = present_labels(image);
    present.insert(present.end(), labels.begin(), labels.end());
  }
  for (const std::string& other : others)
    if (fs::exists(output / other, ignored)) present.push_back(output / other);
  for (const fs::path& result : present) {
    if (sources.contains(fs::weakly_canonical(result, ignored)))
      throw Error(ErrorKind::kUsage, "a source would be replaced by its result",
                  {result.string(), 0, {}}, "choose another --output");
    if (!is_ours && !may_replace)
      throw Error(ErrorKind::kUsage, "exists and is no result of an earlier run",
                  {result.string(), 0, {}}, "choose another --output, or say --exist-ok");
  }
}

}  // namespace gannet
