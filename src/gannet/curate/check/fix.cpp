#include "gannet/curate/check/fix.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/curate/check/rules.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// What the findings ask for; numbers as in Finding.
struct Repairs {
  std::map<std::pair<int, int>, FindingKind> images;  // to leave out, and why
  std::set<std::tuple<int, int, int>> dropped_rows, clipped_rows;
};

Repairs plan_repairs(const std::vector<Finding>& findings) {
  Repairs repairs;
  for (const Finding& finding : findings) {
    const Repair repair = info_of(finding.kind).repair;
    const std::tuple row(finding.split, finding.image, finding.row);
    if (repair == Repair::kDropImage) {
      repairs.images.emplace(std::pair(finding.split, finding.image), finding.kind);
    } else if (repair == Repair::kDropRow) {
      repairs.dropped_rows.insert(row);
    } else if (repair == Repair::kClipRow) {
      repairs.clipped_rows.insert(row);
    }
  }
  return repairs;
}

struct PlannedImage {
  std::string source, split, name;  // name: in images/<split>
  std::string rows;                 // text of the label file
  bool has_labels = false;
};

/// Decides everything before anything is written.
class Planner {
 public:
  Planner(const DatasetCheck& check, FixReport& report)
      : check_(check), report_(report), repairs_(plan_repairs(check.findings)) {}

  std::vector<PlannedImage> plan() {
    std::vector<PlannedImage> images;
    const auto& splits = check_.survey.splits;
    for (std::size_t s = 0; s < splits.size(); ++s) {
      const std::size_t before = images.size();
      plan_split(static_cast<int>(s), images);
      if (images.size() == before && splits[s].name != "test") refuse(splits[s]);
    }
    report_.images = static_cast<std::int64_t>(images.size());
    return images;
  }

 private:
  void plan_split(int number, std::vector<PlannedImage>& images) {
    const SurveyedSplit& split = check_.survey.splits[static_cast<std::size_t>(number)];
    std::set<std::string> stems;
    for (std::size_t i = 0; i < split.images.size(); ++i) {
      const SurveyedImage& image = split.images[i];
      const std::pair at(number, static_cast<int>(i));
      if (const auto dropped = repairs_.images.find(at); dropped != repairs_.images.end()) {
        const bool leaked = dropped->second == FindingKind::kLeakedImage;
        ++(leaked ? report_.images_unleaked : report_.images_left_out);
        continue;
      }
      images.push_back({image.path, split.name, free_name(image.path, stems), "", false});
      plan_rows(image, at, images.back());
    }
  }

  /// Images of several folders may share a name, and a.jpg and a.png their label file.
  static std::string free_name(const fs::path& path, std::set<std::string>& stems) {
    std::string stem = path.stem().string();
    for (int number = 2; !stems.insert(stem).second; ++number) {
      stem = fmt::format("{}_{}", path.stem().string(), number);
    }
    return stem + path.extension().string();
  }

  void plan_rows(const SurveyedImage& image, const std::pair<int, int>& at, PlannedImage& planned) {
    planned.has_labels = image.has_labels;
    bool changed = false;
    std::set<std::tuple<int, float, float, float, float>> written;
    for (std::size_t r = 0; r < image.rows.size(); ++r) {
      const std::tuple number(at.first, at.second, static_cast<int>(r));
      LabelRow row = image.rows[r];
      const bool clipped = repairs_.clipped_rows.contains(number);
      if (clipped) row = clip_row(row);
      const Label& l = row.label;
      const bool dropped = repairs_.dropped_rows.contains(number) || !(l.width > 0) ||
                           !(l.height > 0) ||
                           !written.emplace(l.class_id, l.cx, l.cy, l.width, l.height).second;
      if (dropped) {
        ++report_.rows_dropped;
      } else {
        report_.rows_clipped += clipped;
        ++report_.labels;
        planned.rows += row.text + '\n';
      }
      changed = changed || dropped || clipped;
    }
    report_.files_changed += changed;
  }

  [[noreturn]] void refuse(const SurveyedSplit& split) const {
    const bool leaked = split.name == "train" && report_.images_unleaked > 0;
    throw Error(ErrorKind::kData, fmt::format("the copy would have no images in {}", split.name),
                {check_.survey.data.file, 0, split.name},
                leaked ? "all usable training images are in val or test too; name other images "
                         "there first"
                       : "none of its images can be read");
  }

  const DatasetCheck& check_;
  FixReport& report_;
  Repairs repairs_;
};

/// Whether `inner` is `outer` or lies in it.
bool lies_in(const fs::path& inner, const fs::path& outer) {
  const fs::path a = fs::weakly_canonical(inner), b = fs::weakly_canonical(outer);
  const auto [end_of_b, unused] = std::mismatch(b.begin(), b.end(), a.begin(), a.end());
  return end_of_b == b.end();
}

void check_target(const DatasetCheck& check, const fs::path& folder) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::kUsage, what, {folder.string(), 0, {}}, "name a new or empty folder");
  };
  std::error_code ignored;
  if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored)) refuse("not a folder");
  if (fs::exists(folder, ignored) && !fs::is_empty(folder, ignored)) refuse("folder is not empty");
  std::set<fs::path> source_folders;
  for (const SurveyedSplit& split : check.survey.splits) {
    for (const SurveyedImage& image : split.images) {
      source_folders.insert(fs::path(image.path).parent_path());
      const fs::path labels = image.label_file;  // of this image alone, or of all
      if (labels.stem() == fs::path(image.path).stem()) source_folders.insert(labels.parent_path());
    }
  }
  for (const fs::path& source : source_folders) {
    if (!source.empty() && lies_in(folder, source)) {
      refuse(fmt::format("folder lies in {} of the source", source.string()));
    }
  }
}

void write_image(const PlannedImage& image, const fs::path& folder) {
  std::error_code failure;
  const fs::path target = folder / "images" / image.split / image.name;
  fs::copy_file(image.source, target, failure);
  if (failure) {
    throw Error(ErrorKind::kIo, fmt::format("cannot be copied: {}", failure.message()),
                {image.source, 0, {}}, fmt::format("the copy goes to {}", target.string()));
  }
  if (!image.has_labels) return;
  const fs::path labels =
      folder / "labels" / image.split / fs::path(image.name).replace_extension(".txt");
  std::ofstream stream(labels, std::ios::binary);  // data.yaml, written last, says all is there
  if (!(stream << image.rows).flush()) {
    throw Error(ErrorKind::kIo, "cannot be written", {labels.string(), 0, {}}, "is the disk full?");
  }
}

void write_description(const DatasetCheck& check, const std::vector<PlannedImage>& images,
                       const fs::path& file) {
  std::set<std::string> splits;
  for (const PlannedImage& image : images) splits.insert(image.split);
  std::string text;
  for (const char* split : {"train", "val", "test"}) {
    if (splits.contains(split)) text += fmt::format("{0}: images/{0}\n", split);
  }
  // JSON's strings are YAML's: names with any characters stay what they are.
  const nlohmann::json names = check.survey.data.names;
  text += fmt::format("nc: {}\nnames: {}\n", check.survey.data.num_classes,
                      names.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  write_file_atomically(file, text);
}

void make_folders(const fs::path& folder, const std::vector<PlannedImage>& images) {
  for (const PlannedImage& image : images) {
    for (const char* kind : {"images", "labels"}) {
      std::error_code failure;
      fs::create_directories(folder / kind / image.split, failure);
      if (failure) {
        throw Error(ErrorKind::kIo, fmt::format("cannot be made: {}", failure.message()),
                    {(folder / kind / image.split).string(), 0, {}}, "name another folder");
      }
    }
  }
}

}  // namespace

FixReport write_fixed_copy(const DatasetCheck& check, const std::string& folder,
                           const SurveyProgress& progress) {
  check_target(check, folder);
  FixReport report;
  const std::vector<PlannedImage> images = Planner(check, report).plan();
  make_folders(folder, images);
  std::int64_t done = 0;
  for (const PlannedImage& image : images) {
    write_image(image, folder);
    if (progress) progress(++done, report.images);
  }
  const fs::path description = fs::path(folder) / "data.yaml";
  write_description(check, images, description);
  report.description = description.string();
  report.problems_left =
      std::count_if(check.findings.begin(), check.findings.end(), [](const Finding& finding) {
        const FindingInfo& info = info_of(finding.kind);
        return info.severity == Severity::kProblem && info.repair == Repair::kNone;
      });
  return report;
}

std::string fix_text(const FixReport& report) {
  std::string text = fmt::format(
      "{} images and {} labels; left out: {} images that cannot be used, {} training images that "
      "are in val or test too, {} rows; {} rows clipped; {} label files changed",
      report.images, report.labels, report.images_left_out, report.images_unleaked,
      report.rows_dropped, report.rows_clipped, report.files_changed);
  if (report.problems_left > 0) {
    text += fmt::format("; {} problems cannot be repaired", report.problems_left);
  }
  return text;
}

}  // namespace gannet
