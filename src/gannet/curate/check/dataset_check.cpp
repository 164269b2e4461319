#include "gannet/curate/check/dataset_check.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gannet/curate/check/rules.h"

namespace gannet {

std::int64_t DatasetCheck::count(Severity severity) const {
  return std::count_if(findings.begin(), findings.end(), [&](const Finding& finding) {
    return !finding.repeated && info_of(finding.kind).severity == severity;
  });
}

std::int64_t DatasetCheck::count(FindingKind kind) const {
  return std::count_if(findings.begin(), findings.end(), [&](const Finding& finding) {
    return !finding.repeated && finding.kind == kind;
  });
}

DatasetCheck check_survey(DatasetSurvey survey, int img_size) {
  DatasetCheck check;
  check.img_size = img_size;
  for (std::vector<Finding> found :
       {find_in_classes(survey), find_in_images(survey, img_size), find_copies(survey)}) {
    std::move(found.begin(), found.end(), std::back_inserter(check.findings));
  }
  check.splits = summarize(survey, img_size);
  check.survey = std::move(survey);
  return check;
}

DatasetCheck check_dataset(const DataDescription& data, const CheckOptions& options,
                           const SurveyProgress& progress) {
  SurveyOptions survey_options;
  survey_options.num_threads = options.num_threads;
  return check_survey(survey_dataset(data, survey_options, progress), options.img_size);
}

}  // namespace gannet
