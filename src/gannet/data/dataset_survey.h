// One pass over a data set that reads everything and judges nothing: each image with its size, its
// content's fingerprint and every row of its label file. Training's index keeps only what is
// usable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gannet/config/data_description.h"
#include "gannet/data/image_index.h"
#include "gannet/data/label_rows.h"

namespace gannet {

struct SurveyedImage {
  std::string path;
  std::string label_file;     // where its rows are, or should be
  bool has_labels = false;    // the label file is there, or the annotation file lists the image
  int width = 0, height = 0;  // upright; 0 when the image cannot be read
  std::string problem;        // why it cannot be read; empty if it can
  std::string label_problem;  // why the label file cannot be read
  std::uint64_t content = 0;  // fingerprint of the file's bytes; 0: not taken
  std::vector<LabelRow> rows;

  bool readable() const { return problem.empty() && width > 0; }
};

struct SurveyedSplit {
  std::string name;  // train, val or test
  std::vector<SurveyedImage> images;
  std::string problem;                    // why there are no images
  std::vector<std::string> stray_labels;  // label files without an image
};

struct DatasetSurvey {
  DataDescription data;
  std::vector<SurveyedSplit> splits;
};

struct SurveyOptions {
  bool decode = true;  // whole pictures and fingerprints; false: sizes from the files' headers
  int num_threads = 2;
};

/// Called from one thread at a time; both count images.
using SurveyProgress = std::function<void(std::int64_t done, std::int64_t total)>;

/// Surveys all splits that the description names; an image named by several is read once. Throws
/// nothing for what the files contain.
DatasetSurvey survey_dataset(const DataDescription& data, const SurveyOptions& options,
                             const SurveyProgress& progress = {});

/// A split of a set whose labels come from an annotation file: rows without lines and text. Pixels
/// are still to be surveyed.
/// @param annotations the file that a finding names
SurveyedSplit split_from_index(const std::string& name, const ImageIndex& index,
                               const std::string& annotations);

}  // namespace gannet
