// A data set's check and its counts as JSON; the keys are documented in docs/data-check.md.
#include <nlohmann/json.hpp>

#include "gannet/curate/check/dataset_check.h"

namespace gannet {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;  // of the keys

Json to_json(const Spread& spread) {
  return {{"min", spread.lowest}, {"median", spread.median}, {"max", spread.highest}};
}

Json to_json(const Histogram& histogram) {
  return {{"edges", histogram.edges}, {"counts", histogram.counts}};
}

Json to_json(const SplitSummary& split, const std::vector<std::string>& names) {
  Json json = {{"labels_from", split.source},
               {"images", split.images},
               {"usable_images", split.usable},
               {"labels", split.labels},
               {"background_images", split.background},
               {"images_without_label_file", split.without_label_file},
               {"image_width_px", to_json(split.image_width)},
               {"image_height_px", to_json(split.image_height)},
               {"box_side_px", to_json(split.box_side)},
               {"box_sides_px", to_json(split.box_sides)},
               {"aspect_ratios", to_json(split.aspect_ratios)}};
  json["classes"] = Json::array();
  for (std::size_t c = 0; c < split.classes.size(); ++c) {
    json["classes"].push_back({{"id", c},
                               {"name", names[c]},
                               {"labels", split.classes[c].labels},
                               {"images", split.classes[c].images}});
  }
  return json;
}

Json splits_json(const DatasetSurvey& survey, const std::vector<SplitSummary>& splits,
                 int img_size) {
  Json json = {{"version", kVersion}, {"data", survey.data.file}, {"img_size", img_size}};
  json["splits"] = Json::object();
  for (const SplitSummary& split : splits) {
    json["splits"][split.name] = to_json(split, survey.data.names);
  }
  return json;
}

Json to_json(const Finding& finding, const DatasetSurvey& survey) {
  Json json = Json::object();
  if (finding.split >= 0) {
    json["split"] = survey.splits[static_cast<std::size_t>(finding.split)].name;
  }
  if (!finding.path.empty()) json["path"] = finding.path;
  if (finding.line > 0) json["line"] = finding.line;
  json["what"] = finding.what;
  return json;
}

Json to_json(const FindingGroup& group, const DatasetSurvey& survey) {
  Json json = {{"kind", group.info->key},
               {"severity", group.info->severity == Severity::kProblem ? "problem" : "note"},
               {"count", group.findings.size()},
               {"title", group.info->title},
               {"explanation", group.info->explanation}};
  json["entries"] = Json::array();
  for (const Finding* finding : group.findings) {
    json["entries"].push_back(to_json(*finding, survey));
  }
  return json;
}

/// File names need not be UTF-8; what is not becomes a replacement character.
std::string dump(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string splits_to_json(const DatasetSurvey& survey, const std::vector<SplitSummary>& splits,
                           int img_size) {
  return dump(splits_json(survey, splits, img_size));
}

std::string check_to_json(const DatasetCheck& check) {
  Json json = splits_json(check.survey, check.splits, check.img_size);
  json["problems"] = check.count(Severity::kProblem);
  json["notes"] = check.count(Severity::kNote);
  json["findings"] = Json::array();
  for (const FindingGroup& group : group_findings(check.findings)) {
    json["findings"].push_back(to_json(group, check.survey));
  }
  return dump(json);
}

}  // namespace gannet
