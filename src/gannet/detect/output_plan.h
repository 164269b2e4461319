// Where the results of each source image go, decided before the first one is read, so that no
// result takes the place of another one, of a source, or of a file of the user's.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gannet {

struct PlannedImage {
  std::string source;
  std::filesystem::path picture, labels;  // below the output folder
};

/// Results keep the folder structure of the sources below their common folder; videos become MP4.
/// Sources that differ by their suffix alone get distinct names, NAME_2 and so on; a source named
/// twice is planned once.
std::vector<PlannedImage> plan_outputs(const std::vector<std::string>& sources,
                                       const std::filesystem::path& output);

/// Videos of live streams: stream0.mp4 and so on, in the order given.
std::vector<PlannedImage> plan_stream_outputs(const std::vector<std::string>& addresses,
                                              const std::filesystem::path& output);

/// Throws Error (kUsage) if a result would replace a source or, unless `may_replace`, any other
/// file that is not a result of an earlier run there (kMarkerFile tells such a folder).
/// @param others names below the output folder that will be written as well
void check_outputs(const std::vector<PlannedImage>& plan, const std::filesystem::path& output,
                   bool with_labels, bool may_replace, const std::vector<std::string>& others = {});

/// Names below the output folder.
inline constexpr const char* kJsonFile = "predictions.json";
inline constexpr const char* kCsvFile = "predictions.csv";
inline constexpr const char* kCropFolder = "crops";
/// In a folder of results: the settings that they were made with.
inline constexpr const char* kMarkerFile = "detect.yaml";

}  // namespace gannet
