#include "gannet/curate/check/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace gannet {
namespace {

constexpr int kMinSide_px = 10;   // of an image that training takes
constexpr float kTinyBox_px = 2;  // as augmentation's filter (RB 3.8)
constexpr float kMaxAspect = 20;  // as augmentation's filter (RB 3.8)
constexpr float kMaxOverhang_px = 1;

FindingKind kind_of(const AnnotationRemark& remark) {
  return remark.left_out ? FindingKind::kMalformedRow : FindingKind::kAnnotationRemark;
}

/// Rules about one image, one after the other; collects findings.
class ImageRules {
 public:
  ImageRules(const DatasetSurvey& survey, int img_size, std::vector<Finding>& findings)
      : survey_(survey), img_size_(img_size), findings_(findings) {}

  void apply(int split, int image) {
    split_ = split, image_ = image;
    subject_ =
        &survey_.splits[static_cast<std::size_t>(split)].images[static_cast<std::size_t>(image)];
    repeated_ = !seen_.insert(subject_->path + '\n' + subject_->label_file).second;
    first_rows_.clear();
    if (!check_image()) return;
    for (std::size_t row = 0; row < subject_->rows.size(); ++row) check_row(static_cast<int>(row));
  }

 private:
  void add(FindingKind kind, const std::string& path, std::string what) {
    findings_.push_back({kind, split_, image_, -1, path, 0, std::move(what), repeated_});
  }
  void add_row(FindingKind kind, int row, std::string what) {
    findings_.push_back({kind, split_, image_, row, subject_->label_file,
                         subject_->rows[static_cast<std::size_t>(row)].line, std::move(what),
                         repeated_});
    // The image says more than one file with the annotations of all.
    const std::filesystem::path labels = subject_->label_file, picture = subject_->path;
    if (labels.stem() != picture.stem()) findings_.back().path = subject_->path;
  }

  /// False: the rows of this image do not matter, it is not used.
  bool check_image() {
    const SurveyedImage& image = *subject_;
    if (!image.readable()) {
      add(FindingKind::kUnreadableImage, image.path, image.problem);
      return false;
    }
    if (std::min(image.width, image.height) < kMinSide_px) {
      add(FindingKind::kSmallImage, image.path,
          fmt::format("{} x {} px", image.width, image.height));
      return false;
    }
    if (!image.listed) {
      add(FindingKind::kUnlistedImage, image.path, "");
      return false;
    }
    if (!image.unknown_class.empty()) add(FindingKind::kUnknownClass, "", image.unknown_class);
    for (const AnnotationRemark& remark : image.remarks) {
      add(kind_of(remark), "", remark.text);
    }
    if (!image.label_problem.empty()) {
      add(FindingKind::kUnreadableLabels, image.label_file, image.label_problem);
    } else if (!image.has_labels) {
      add(FindingKind::kImageWithoutLabels, image.path, "");
    }
    return true;
  }

  void check_row(int number) {
    const auto& rows = subject_->rows;
    const LabelRow& row = rows[static_cast<std::size_t>(number)];
    const int num_classes = survey_.data.num_classes;
    if (row.state == RowState::kMalformed) {
      add_row(FindingKind::kMalformedRow, number, row.problem);
    } else if (row.state == RowState::kNegativeClass) {
      add_row(FindingKind::kClassOutOfRange, number, row.problem);
    } else if (row.label.class_id >= num_classes) {
      add_row(FindingKind::kClassOutOfRange, number,
              fmt::format("class {} is not below nc = {}", row.label.class_id, num_classes));
    } else if (row.state == RowState::kOutside) {
      add_row(FindingKind::kCoordinateOutside, number, row.problem);
    } else if (const int first = first_equal(number); first < number) {
      const int line = rows[static_cast<std::size_t>(first)].line;
      add_row(FindingKind::kDuplicateRow, number,
              line > 0 ? fmt::format("repeats line {}", line) : "repeats an earlier object");
    } else {
      check_box(number, row.label);
    }
  }

  /// The first usable row of the image with the same box and class, perhaps this one.
  int first_equal(int number) {
    const Label& label = subject_->rows[static_cast<std::size_t>(number)].label;
    return first_rows_
        .emplace(std::tuple(label.class_id, label.cx, label.cy, label.width, label.height), number)
        .first->second;
  }

  void check_box(int number, const Label& label) {
    const auto image_width = static_cast<float>(subject_->width);
    const auto image_height = static_cast<float>(subject_->height);
    const float width = label.width * image_width, height = label.height * image_height;
    const std::string& name = survey_.data.names[static_cast<std::size_t>(label.class_id)];
    if (!(width > 0 && height > 0)) {
      add_row(FindingKind::kZeroSize, number,
              fmt::format("{} of {:g} x {:g} px", name, width, height));
      return;
    }
    const float over = overhang_px(label, subject_->width, subject_->height);
    if (over > kMaxOverhang_px) {
      add_row(FindingKind::kBeyondEdge, number, fmt::format("{} by {:.1f} px", name, over));
    }
    const float scale = static_cast<float>(img_size_) / std::max(image_width, image_height);
    if (std::min(width, height) * scale < kTinyBox_px) {
      add_row(FindingKind::kTinyBox, number,
              fmt::format("{} of {:.1f} x {:.1f} px at {} px", name, width * scale, height * scale,
                          img_size_));
    }
    const float aspect = std::max(width / height, height / width);
    if (aspect > kMaxAspect) {
      add_row(FindingKind::kExtremeAspect, number,
              fmt::format("{} of {:.1f} x {:.1f} px", name, width, height));
    }
  }

  const DatasetSurvey& survey_;
  int img_size_;
  std::vector<Finding>& findings_;
  std::unordered_set<std::string> seen_;
  int split_ = 0, image_ = 0;
  const SurveyedImage* subject_ = nullptr;
  bool repeated_ = false;
  std::map<std::tuple<int, float, float, float, float>, int> first_rows_;
};

}  // namespace

bool is_usable(const SurveyedImage& image) {
  return image.readable() && image.listed && std::min(image.width, image.height) >= kMinSide_px;
}

bool is_trained_on(const LabelRow& row, int num_classes) {
  return row.state == RowState::kUsable && row.label.class_id < num_classes;
}

std::vector<Finding> find_in_images(const DatasetSurvey& survey, int img_size) {
  std::vector<Finding> findings;
  ImageRules rules(survey, img_size, findings);
  std::set<std::string> seen_stray, seen_remarks;
  for (std::size_t s = 0; s < survey.splits.size(); ++s) {
    const SurveyedSplit& split = survey.splits[s];
    for (std::size_t i = 0; i < split.images.size(); ++i) {
      rules.apply(static_cast<int>(s), static_cast<int>(i));
    }
    for (const AnnotationRemark& remark : split.remarks) {
      const bool repeated = !seen_remarks.insert(remark.text).second;
      findings.push_back(
          {kind_of(remark), static_cast<int>(s), -1, -1, "", 0, remark.text, repeated});
    }
    for (const std::string& text : split.class_lists) {
      const bool repeated = !seen_remarks.insert(text).second;
      findings.push_back(
          {FindingKind::kClassOrder, static_cast<int>(s), -1, -1, "", 0, text, repeated});
    }
    for (const std::string& file : split.foreign) {
      findings.push_back({FindingKind::kForeignImage, static_cast<int>(s), -1, -1, file, 0, ""});
    }
    for (const std::string& file : split.stray_labels) {
      const bool repeated = !seen_stray.insert(file).second;
      findings.push_back(
          {FindingKind::kLabelsWithoutImage, static_cast<int>(s), -1, -1, file, 0, "", repeated});
    }
  }
  return findings;
}

}  // namespace gannet
