// The rules about a data set as a whole: copies of pictures, and classes.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "gannet/curate/check/rules.h"

namespace gannet {
namespace {

constexpr std::int64_t kMaxImbalance = 10;

struct Place {
  int split = 0, image = 0;
};

const SurveyedImage& image_at(const DatasetSurvey& survey, const Place& place) {
  return survey.splits[static_cast<std::size_t>(place.split)]
      .images[static_cast<std::size_t>(place.image)];
}

Finding copy_finding(const DatasetSurvey& survey, FindingKind kind, const Place& copy,
                     const Place& of) {
  const std::string& path = image_at(survey, copy).path;
  const std::string& other = image_at(survey, of).path;
  const std::string& split = survey.splits[static_cast<std::size_t>(of.split)].name;
  std::string what = fmt::format("the same picture as {} ({})", other, split);
  if (path == other) {
    what = copy.split == of.split ? "listed twice" : fmt::format("also in {}", split);
  }
  return {kind, copy.split, copy.image, -1, path, 0, std::move(what)};
}

/// @param places of one picture, in the order of the splits; at least two
void judge_copies(const DatasetSurvey& survey, const std::vector<Place>& places,
                  std::vector<Finding>& findings) {
  const auto in = [&](const Place& place, const char* split) {
    return survey.splits[static_cast<std::size_t>(place.split)].name == split;
  };
  const auto find = [&](const char* split) {
    return std::find_if(places.begin(), places.end(),
                        [&](const Place& place) { return in(place, split); });
  };
  const auto held_out = std::find_if(places.begin(), places.end(),
                                     [&](const Place& place) { return !in(place, "train"); });
  std::map<int, Place> first;  // of each split
  for (const Place& place : places) {
    const auto [at, is_first] = first.emplace(place.split, place);
    if (in(place, "train") && held_out != places.end()) {
      findings.push_back(copy_finding(survey, FindingKind::kLeakedImage, place, *held_out));
    } else if (!is_first) {
      findings.push_back(copy_finding(survey, FindingKind::kRepeatedImage, place, at->second));
    } else if (in(place, "test") && find("val") != places.end()) {
      findings.push_back(copy_finding(survey, FindingKind::kSharedImage, place, *find("val")));
    }
  }
}

std::vector<std::int64_t> labels_per_class(const SurveyedSplit& split, int num_classes) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(num_classes));
  for (const SurveyedImage& image : split.images) {
    if (!is_usable(image)) continue;
    for (const LabelRow& row : image.rows) {
      if (is_trained_on(row, num_classes)) ++counts[static_cast<std::size_t>(row.label.class_id)];
    }
  }
  return counts;
}

void judge_classes(const DatasetSurvey& survey, int split, const std::vector<std::int64_t>& counts,
                   std::vector<Finding>& findings) {
  const auto& names = survey.data.names;
  std::size_t most = 0, least = counts.size();
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) {
      findings.push_back({FindingKind::kUnusedClass, split, -1, -1, "", 0,
                          fmt::format("class {} '{}'", c, names[c])});
      continue;
    }
    if (counts[c] > counts[most]) most = c;
    if (least == counts.size() || counts[c] < counts[least]) least = c;
  }
  if (least == counts.size() || counts[most] <= kMaxImbalance * counts[least]) return;
  findings.push_back(
      {FindingKind::kClassImbalance, split, -1, -1, "", 0,
       fmt::format("{} labels of '{}', {} of '{}': {:.1f} to 1", counts[most], names[most],
                   counts[least], names[least],
                   static_cast<double>(counts[most]) / static_cast<double>(counts[least]))});
}

}  // namespace

std::vector<Finding> find_copies(const DatasetSurvey& survey) {
  std::unordered_map<std::uint64_t, std::vector<Place>> by_content;
  std::vector<std::uint64_t> order;
  for (std::size_t s = 0; s < survey.splits.size(); ++s) {
    const auto& images = survey.splits[s].images;
    for (std::size_t i = 0; i < images.size(); ++i) {
      if (!is_usable(images[i]) || images[i].content == 0) continue;
      auto& places = by_content[images[i].content];
      if (places.empty()) order.push_back(images[i].content);
      places.push_back({static_cast<int>(s), static_cast<int>(i)});
    }
  }
  std::vector<Finding> findings;
  for (const std::uint64_t content : order) {
    if (by_content[content].size() > 1) judge_copies(survey, by_content[content], findings);
  }
  return findings;
}

std::vector<Finding> find_in_classes(const DatasetSurvey& survey) {
  std::vector<Finding> findings;
  for (std::size_t s = 0; s < survey.splits.size(); ++s) {
    const SurveyedSplit& split = survey.splits[s];
    const int number = static_cast<int>(s);
    if (split.images.empty()) {
      const auto kind = split.name == "test" ? FindingKind::kNoTestImages : FindingKind::kNoImages;
      findings.push_back(
          {kind, number, -1, -1, "", 0, fmt::format("{}: {}", split.name, split.problem)});
      continue;
    }
    const auto counts = labels_per_class(split, survey.data.num_classes);
    const bool has_labels = std::any_of(counts.begin(), counts.end(), [](auto n) { return n > 0; });
    if (!has_labels && split.name != "test") {
      findings.push_back({FindingKind::kNoLabels, number, -1, -1, "", 0, split.name});
    } else if (split.name == "train") {
      judge_classes(survey, number, counts, findings);
    }
  }
  return findings;
}

}  // namespace gannet
