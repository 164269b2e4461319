// Event files of TensorBoard: what it shows of a run, as plain structs. The protobuf messages that
// they are written as stay behind this header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "gannet/io/record_file.h"

namespace gannet {

struct EventImage {
  std::string tag;
  std::string file;  // bytes of a PNG or JPEG, RGB
  std::int64_t width = 0, height = 0;
};

/// How often each whole number from 0 on occurs.
struct EventCounts {
  std::string tag;
  std::vector<std::int64_t> counts;
};

/// What belongs to one step; tags name what is shown together.
struct EventData {
  std::int64_t step = 0;
  std::vector<std::pair<std::string, double>> scalars;
  std::vector<EventImage> images;
  std::vector<EventCounts> histograms;
  std::vector<std::pair<std::string, std::string>> texts;  // Markdown
};

/// One file of a run's folder; TensorBoard reads all of them as one, in the order of their names.
class EventFile {
 public:
  /// A new file behind those that the folder has; makes the folder. Throws Error (kIo).
  /// @param first_step nothing that older files say of this step or later ones is shown any more
  EventFile(const std::filesystem::path& folder, std::int64_t first_step);

  /// One record: it is in the file or not, nothing between. Throws Error (kIo).
  void write(const EventData& data);

 private:
  RecordFile file_;
};

}  // namespace gannet
