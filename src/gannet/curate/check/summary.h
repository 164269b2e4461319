// Counts of a surveyed data set: images, labels and classes of each split, and how large boxes are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/curate/check/survey.h"

namespace gannet {

/// counts[0]: below edges[0]; counts[i]: from edges[i - 1], below edges[i]; the last: from the last
/// edge.
struct Histogram {
  std::vector<double> edges;
  std::vector<std::int64_t> counts;
  void add(double value);
};

struct ClassCount {
  std::int64_t labels = 0, images = 0;
};

/// Of a list of numbers; zeros where it is empty.
struct Spread {
  double lowest = 0, median = 0, highest = 0;
};
Spread spread_of(std::vector<double> values);

struct SplitSummary {
  std::string name;
  std::string source;           // which annotation format, found where
  std::int64_t images = 0;      // listed
  std::int64_t usable = 0;      // readable and large enough
  std::int64_t labels = 0;      // that training uses, boxes without area included
  std::int64_t background = 0;  // usable images without such labels
  std::int64_t without_label_file = 0;
  std::vector<ClassCount> classes;   // one for each class of the description
  Spread image_width, image_height;  // px
  Spread box_side;                   // root of the area at the training size, px
  Histogram box_sides;               // the same
  Histogram aspect_ratios;           // width / height in pixels
};

/// One for each split. @param img_size longer side of the images in training, px
std::vector<SplitSummary> summarize(const DatasetSurvey& survey, int img_size);

/// The labels that training uses, boxes without area left out: what plot_labels draws.
std::vector<Label> labels_of(const SurveyedSplit& split, int num_classes);

}  // namespace gannet
