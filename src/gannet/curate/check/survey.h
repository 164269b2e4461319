// One pass over a data set that reads everything and judges nothing: each image with its size, its
// content's fingerprint and every row of its label file. Training's index keeps only what is
// usable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gannet/config/data_description.h"
#include "gannet/data/labels/label_rows.h"

namespace gannet {

/// Something that a reader of annotations says about one image.
struct AnnotationRemark {
  std::string text;       // "file:line: what"
  bool left_out = false;  // an object that training does not see; else it is taken, but changed
};

struct SurveyedImage {
  std::string path;
  std::string label_file;     // where its rows are, or should be
  bool has_labels = false;    // the file is there
  bool listed = true;         // false: an annotation file for all images does not speak of this one
  int width = 0, height = 0;  // upright; 0 when the image cannot be read
  std::uint32_t orientation = 1;  // EXIF
  std::string problem;            // why it cannot be read; empty if it can
  std::string label_problem;      // why the label file cannot be read
  std::string unknown_class;      // "file:line: what" about the first class name that is not known
  std::uint64_t content = 0;      // fingerprint of the file's bytes; 0: not taken
  std::vector<LabelRow> rows;
  std::vector<AnnotationRemark> remarks;

  bool readable() const { return problem.empty() && width > 0; }
};

struct SurveyedSplit {
  std::string name;    // train, val or test
  std::string source;  // which annotation format, found where
  std::vector<SurveyedImage> images;
  std::string problem;                    // why there are no images
  std::vector<AnnotationRemark> remarks;  // about the annotations as a whole
  std::vector<std::string> stray_labels;  // label files without an image
  std::vector<std::string> class_lists;   // what is wrong with lists of class names beside labels
  std::vector<std::string> foreign;       // pictures in formats that are not read
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

/// Surveys all splits that the description names; an image named by several is decoded once. Rows
/// of COCO and VOC sets have no line and no text of their own. Throws Error only where the
/// description leaves class names to a COCO file that has none; what files contain is part of the
/// survey.
DatasetSurvey survey_dataset(const DataDescription& data, const SurveyOptions& options,
                             const SurveyProgress& progress = {});

}  // namespace gannet
