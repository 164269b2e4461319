// Writes a repaired copy of a checked data set; the source is never changed.
#pragma once

#include <cstdint>
#include <string>

#include "gannet/curate/check/dataset_check.h"

namespace gannet {

struct FixReport {
  std::string description;  // path of the new data YAML
  std::int64_t images = 0, labels = 0;
  std::int64_t images_left_out = 0;  // unreadable, too small, or with unreadable labels
  std::int64_t images_unleaked = 0;  // taken out of train, kept in val or test
  std::int64_t rows_dropped = 0;     // malformed, class out of range, no area, repeated
  std::int64_t rows_clipped = 0;     // coordinates moved into the image
  std::int64_t files_changed = 0;    // label files that differ from their source
  std::int64_t problems_left = 0;    // that no copy can repair: splits without a label
};

/// Copies what can be trained on to `folder`: images/<split>, labels/<split> (YOLO text) and
/// data.yaml, which is written last. Throws Error: kUsage if the folder is not empty or lies in a
/// folder of the source, kData if a split would be left without images, kIo.
/// @param progress counts images
FixReport write_fixed_copy(const DatasetCheck& check, const std::string& folder,
                           const SurveyProgress& progress = {});

/// "left out 1 image, ...": what was done, as one line.
std::string fix_text(const FixReport& report);

}  // namespace gannet
