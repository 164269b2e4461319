#include "gannet/curate/check/summary.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "gannet/curate/check/rules.h"

namespace gannet {
namespace {

// Sides in px: the strides 8, 16, 32 of the usual heads are edges.
const std::vector<double> kSideEdges = {2, 4, 8, 16, 32, 64, 128, 256, 512};
const std::vector<double> kAspectEdges = {0.05, 0.1, 0.2, 1 / 3.0, 0.5, 2 / 3.0, 1.0,
                                          1.5,  2,   3,   5,       10,  20};

Histogram empty_histogram(const std::vector<double>& edges) {
  return {edges, std::vector<std::int64_t>(edges.size() + 1)};
}

/// Adds the labels of one image; false if there are none.
bool add_labels(const SurveyedImage& image, int num_classes, int img_size, SplitSummary& summary,
                std::vector<double>& sides) {
  std::unordered_set<int> present;
  const double scale = static_cast<double>(img_size) / std::max(image.width, image.height);
  for (const LabelRow& row : image.rows) {
    if (!is_trained_on(row, num_classes)) continue;
    ++summary.labels;
    ++summary.classes[static_cast<std::size_t>(row.label.class_id)].labels;
    present.insert(row.label.class_id);
    const double width = static_cast<double>(row.label.width) * image.width;
    const double height = static_cast<double>(row.label.height) * image.height;
    if (!(width > 0 && height > 0)) continue;
    sides.push_back(std::sqrt(width * height) * scale);
    summary.box_sides.add(sides.back());
    summary.aspect_ratios.add(width / height);
  }
  for (const int c : present) ++summary.classes[static_cast<std::size_t>(c)].images;
  return !present.empty();
}

SplitSummary summarize_split(const SurveyedSplit& split, int num_classes, int img_size) {
  SplitSummary summary;
  summary.name = split.name;
  summary.source = split.source;
  summary.classes.resize(static_cast<std::size_t>(num_classes));
  summary.box_sides = empty_histogram(kSideEdges);
  summary.aspect_ratios = empty_histogram(kAspectEdges);
  std::vector<double> widths, heights, sides;
  for (const SurveyedImage& image : split.images) {
    ++summary.images;
    if (!is_usable(image)) continue;
    ++summary.usable;
    if (!image.has_labels) ++summary.without_label_file;
    widths.push_back(image.width);
    heights.push_back(image.height);
    if (!add_labels(image, num_classes, img_size, summary, sides)) ++summary.background;
  }
  summary.image_width = spread_of(std::move(widths));
  summary.image_height = spread_of(std::move(heights));
  summary.box_side = spread_of(std::move(sides));
  return summary;
}

}  // namespace

void Histogram::add(double value) {
  ++counts[static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), value) -
                                    edges.begin())];
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {values.front(), median, values.back()};
}

std::vector<SplitSummary> summarize(const DatasetSurvey& survey, int img_size) {
  std::vector<SplitSummary> summaries;
  for (const SurveyedSplit& split : survey.splits) {
    summaries.push_back(summarize_split(split, survey.data.num_classes, img_size));
  }
  return summaries;
}

std::vector<Label> labels_of(const SurveyedSplit& split, int num_classes) {
  std::vector<Label> labels;
  for (const SurveyedImage& image : split.images) {
    if (!is_usable(image)) continue;
    for (const LabelRow& row : image.rows) {
      if (!is_trained_on(row, num_classes)) continue;
      if (row.label.width > 0 && row.label.height > 0) labels.push_back(row.label);
    }
  }
  return labels;
}

}  // namespace gannet
