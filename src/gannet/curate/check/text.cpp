// A data set's check and its counts as text for a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "gannet/curate/check/dataset_check.h"

namespace gannet {
namespace {

constexpr std::size_t kWidestName = 24;

std::string plural(std::int64_t count, const char* singular) {
  return fmt::format("{} {}{}", count, singular, count == 1 ? "" : "s");
}

std::string describe_group(const FindingGroup& group, std::size_t max_shown) {
  std::string text = fmt::format("  {}: {} ({})\n", group.info->title, group.findings.size(),
                                 group.info->explanation);
  const std::size_t shown = std::min(group.findings.size(), max_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    text += fmt::format("    {}\n", finding_text(*group.findings[i]));
  }
  if (shown < group.findings.size()) {
    text += fmt::format("    ... and {} more\n", group.findings.size() - shown);
  }
  return text;
}

std::string describe_severity(const std::vector<FindingGroup>& groups, Severity severity,
                              const char* title, std::size_t max_shown) {
  std::string text;
  for (const FindingGroup& group : groups) {
    if (group.info->severity != severity) continue;
    text += describe_group(group, max_shown);
  }
  return text.empty() ? text : fmt::format("{}\n{}", title, text);
}

/// "256..512 px", "under 2 px", "from 512 px".
std::string range_text(const Histogram& histogram, std::size_t slot) {
  if (slot == 0) return fmt::format("under {:.3g}", histogram.edges.front());
  const double low = histogram.edges[slot - 1];
  if (slot == histogram.edges.size()) return fmt::format("from {:.3g}", low);
  return fmt::format("{:.3g}..{:.3g}", low, histogram.edges[slot]);
}

/// Rows of a histogram over all splits, from the first to the last that is not empty.
std::string describe_histogram(const std::vector<SplitSummary>& splits, Histogram SplitSummary::*of,
                               const char* title) {
  if (splits.empty()) return "";
  Histogram sum = splits.front().*of;
  for (std::size_t s = 1; s < splits.size(); ++s) {
    const Histogram& more = splits[s].*of;
    for (std::size_t i = 0; i < sum.counts.size(); ++i) sum.counts[i] += more.counts[i];
  }
  const auto filled = [](std::int64_t count) { return count > 0; };
  const auto first = std::find_if(sum.counts.begin(), sum.counts.end(), filled);
  const auto last = std::find_if(sum.counts.rbegin(), sum.counts.rend(), filled).base();
  if (first >= last) return "";
  const double most = static_cast<double>(*std::max_element(sum.counts.begin(), sum.counts.end()));
  std::string text = fmt::format("{}\n", title);
  for (auto at = first; at != last; ++at) {
    constexpr double kWidest = 40;
    const auto slot = static_cast<std::size_t>(at - sum.counts.begin());
    const auto bar =
        static_cast<std::size_t>(std::lround(kWidest * static_cast<double>(*at) / most));
    text += fmt::format("  {:>12} {:>8}  {}\n", range_text(sum, slot), *at, std::string(bar, '#'));
  }
  return text;
}

std::string size_text(const Spread& width, const Spread& height) {
  if (width.highest == 0) return "-";
  if (width.lowest == width.highest && height.lowest == height.highest) {
    return fmt::format("{:g}x{:g}", width.lowest, height.lowest);
  }
  return fmt::format("{:g}x{:g} .. {:g}x{:g}", width.lowest, height.lowest, width.highest,
                     height.highest);
}

/// The classes with most labels in all splits, in the order of their numbers.
std::vector<std::size_t> frequent_classes(const std::vector<SplitSummary>& splits,
                                          std::size_t num_classes, std::size_t max) {
  std::vector<std::int64_t> counts(num_classes);
  for (const SplitSummary& split : splits) {
    for (std::size_t c = 0; c < num_classes; ++c) counts[c] += split.classes[c].labels;
  }
  std::vector<std::size_t> order(num_classes);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (num_classes <= max) return order;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
  order.resize(max);
  std::sort(order.begin(), order.end());
  return order;
}

/// "labels: YOLO text", or a line for each split where they differ.
std::string describe_sources(const std::vector<SplitSummary>& splits) {
  const auto is_same = [&](const SplitSummary& split) {
    return split.source == splits.front().source;
  };
  if (splits.empty()) return "";
  if (std::all_of(splits.begin(), splits.end(), is_same)) {
    if (splits.front().source.empty()) return "";
    return fmt::format("labels: {}\n", splits.front().source);
  }
  std::string text;
  for (const SplitSummary& split : splits) {
    text += fmt::format("labels of {}: {}\n", split.name, split.source);
  }
  return text;
}

std::string describe_classes(const std::vector<SplitSummary>& splits,
                             const std::vector<std::string>& names, std::size_t max_classes) {
  std::string text = fmt::format("{:<5} {:<{}}", "class", "", kWidestName);
  for (const SplitSummary& split : splits) text += fmt::format(" {:>18}", split.name);
  text += "   (labels / images)\n";
  const std::vector<std::size_t> shown = frequent_classes(splits, names.size(), max_classes);
  for (const std::size_t c : shown) {
    text += fmt::format("{:>5} {:<{}}", c, names[c].substr(0, kWidestName), kWidestName);
    for (const SplitSummary& split : splits) {
      text += fmt::format(" {:>9} / {:>6}", split.classes[c].labels, split.classes[c].images);
    }
    text += '\n';
  }
  if (shown.size() < names.size()) {
    text += fmt::format("      ... the {} classes with most labels of {}\n", shown.size(),
                        names.size());
  }
  return text;
}

}  // namespace

std::string describe_splits(const std::vector<SplitSummary>& splits,
                            const std::vector<std::string>& names, std::size_t max_classes) {
  std::string text =
      fmt::format("{:<6} {:>8} {:>9} {:>11} {:>11}   {:<26} {}\n", "split", "images", "labels",
                  "background", "unlabelled", "image size px", "box side px (least, median, most)");
  for (const SplitSummary& split : splits) {
    text += fmt::format("{:<6} {:>8} {:>9} {:>11} {:>11}   {:<26} {:.1f}, {:.1f}, {:.1f}\n",
                        split.name, split.images, split.labels, split.background,
                        split.without_label_file, size_text(split.image_width, split.image_height),
                        split.box_side.lowest, split.box_side.median, split.box_side.highest);
  }
  return text + describe_sources(splits) + '\n' + describe_classes(splits, names, max_classes);
}

std::string describe_check(const DatasetCheck& check, std::size_t max_shown) {
  constexpr std::size_t kMaxClasses = 20;
  std::string text =
      describe_splits(check.splits, check.survey.data.names, std::max(kMaxClasses, max_shown)) +
      '\n';
  text += describe_histogram(
      check.splits, &SplitSummary::box_sides,
      fmt::format("box side (root of the area) in px, images at {} px", check.img_size).c_str());
  text += describe_histogram(check.splits, &SplitSummary::aspect_ratios, "box width / height");
  const std::vector<FindingGroup> groups = group_findings(check.findings);
  text += describe_severity(groups, Severity::kProblem, "\nproblems", max_shown);
  text += describe_severity(groups, Severity::kNote, "\nnotes", max_shown);
  return text;
}

std::string summary_line(const DatasetCheck& check) {
  std::string kinds;
  for (const FindingGroup& group : group_findings(check.findings)) {
    if (group.info->severity != Severity::kProblem) continue;
    kinds += fmt::format("{}{}: {}", kinds.empty() ? "" : ", ", group.info->title,
                         group.findings.size());
  }
  std::int64_t images = 0, labels = 0;
  for (const SplitSummary& split : check.splits) images += split.images, labels += split.labels;
  const std::int64_t problems = check.count(Severity::kProblem);
  const std::string found =
      problems == 0 ? "no problems" : fmt::format("{} ({})", plural(problems, "problem"), kinds);
  return fmt::format("{}: {}, {}, in {} and {}",
                     std::filesystem::path(check.survey.data.file).stem().string(), found,
                     plural(check.count(Severity::kNote), "note"), plural(images, "image"),
                     plural(labels, "label"));
}

}  // namespace gannet
