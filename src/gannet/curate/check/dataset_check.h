// Finds and explains what is wrong with a data set: one pass over all its images and labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/curate/check/findings.h"
#include "gannet/curate/check/summary.h"
#include "gannet/curate/check/survey.h"

namespace gannet {

struct CheckOptions {
  int img_size = 640;  // longer side of the images in training, px
  int num_threads = 2;
};

struct DatasetCheck {
  DatasetSurvey survey;
  int img_size = 640;
  std::vector<Finding> findings;
  std::vector<SplitSummary> splits;

  /// Findings that belong into a report.
  std::int64_t count(Severity severity) const;
  std::int64_t count(FindingKind kind) const;
  /// Whether something was found that would harm training: exit status 1 of `gannet data check`.
  bool would_harm_training() const { return count(Severity::kProblem) > 0; }
};

/// Decodes every image and reads every label row. What is wrong becomes a finding, not an Error.
DatasetCheck check_dataset(const DataDescription& data, const CheckOptions& options,
                           const SurveyProgress& progress = {});

/// From a survey that was made already.
DatasetCheck check_survey(DatasetSurvey survey, int img_size);

/// Everything as lines for a terminal. @param max_shown findings of a kind that are listed; at
/// least 20 classes are
std::string describe_check(const DatasetCheck& check, std::size_t max_shown);

/// "bccd: 2 problems (boxes without area: 2), 1 note, in 364 images and 4888 labels".
std::string summary_line(const DatasetCheck& check);

/// Images, labels, sizes of each split, then labels and images of each class (or of the most
/// frequent ones), as a table.
std::string describe_splits(const std::vector<SplitSummary>& splits,
                            const std::vector<std::string>& names, std::size_t max_classes);

/// Keys: docs/data-check.md.
std::string check_to_json(const DatasetCheck& check);
std::string splits_to_json(const DatasetSurvey& survey, const std::vector<SplitSummary>& splits,
                           int img_size);

}  // namespace gannet
