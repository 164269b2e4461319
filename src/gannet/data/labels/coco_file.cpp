#include "gannet/data/labels/coco_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxProblems = 1000;  // more than anyone reads
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{4} << 30;
constexpr double kMaxSide_px = 1e6;

// Depths of what is read: root map, list, entry, box or segmentation, polygon of a segmentation.
constexpr int kRoot = 1, kEntry = 3, kValue = 4, kPart = 5;

enum class Section { kOther, kImages, kCategories, kAnnotations };
enum class Field {
  kOther,
  kId,
  kImageId,
  kCategoryId,
  kName,
  kFileName,
  kWidth,
  kHeight,
  kBox,
  kArea,
  kCrowd,
  kDifficult,
  kSegmentation,
};

int line_of(std::string_view text, std::size_t position) {
  const std::string_view before = text.substr(0, std::min(position, text.size()));
  return 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
}

Section section_of(const std::string& key) {
  if (key == "images") return Section::kImages;
  if (key == "categories") return Section::kCategories;
  return key == "annotations" ? Section::kAnnotations : Section::kOther;
}

Field field_of(const std::string& key) {
  static constexpr std::array<std::pair<std::string_view, Field>, 12> kFields = {{
      {"id", Field::kId},
      {"image_id", Field::kImageId},
      {"category_id", Field::kCategoryId},
      {"name", Field::kName},
      {"file_name", Field::kFileName},
      {"width", Field::kWidth},
      {"height", Field::kHeight},
      {"bbox", Field::kBox},
      {"area", Field::kArea},
      {"iscrowd", Field::kCrowd},
      {"difficult", Field::kDifficult},
      {"segmentation", Field::kSegmentation},
  }};
  for (const auto& [name, field] : kFields) {
    if (name == key) return field;
  }
  return Field::kOther;
}

/// One entry of any of the three lists, as far as it was read.
struct Entry {
  std::optional<double> id, image_id, category_id, width, height, area;
  std::optional<std::string> name, file_name;
  std::vector<double> box;
  std::vector<std::vector<double>> parts;
  bool is_crowd = false, is_difficult = false;
};

std::optional<std::int64_t> whole(const std::optional<double>& value) {
  constexpr double kLargest = 9e15;  // doubles count without gaps up to here
  if (!value || std::abs(*value) > kLargest || std::trunc(*value) != *value) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

int side_of(const std::optional<double>& value) {
  return value && *value >= 1 && *value <= kMaxSide_px ? static_cast<int>(*value) : 0;
}

double area_of(const std::optional<double>& value) {
  return value && std::isfinite(*value) && *value >= 0 ? *value : -1;
}

/// Follows the parser through the text and keeps the current entry only.
class Handler : public nlohmann::json_sax<Json> {
 public:
  Handler(CocoFile& file, std::string_view text, const std::string& path)
      : file_(file), text_(text), path_(path) {}

  bool null() override { return true; }
  bool boolean(bool value) override { return number(value ? 1 : 0); }
  bool number_integer(number_integer_t value) override {
    return number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }
  bool string(string_t& value) override {
    if (depth_ != kEntry || section_ == Section::kOther) return true;
    if (field_ == Field::kName) {
      entry_.name = std::move(value);
    } else if (field_ == Field::kFileName) {
      std::replace(value.begin(), value.end(), '\\', '/');  // of Windows
      entry_.file_name = std::move(value);
    } else if (is_id(field_)) {
      set_field(number_of_id(value));
    }
    return true;
  }
  bool binary(binary_t&) override { return true; }
  bool key(string_t& value) override {
    if (depth_ == kRoot) section_ = section_of(value);
    if (depth_ == kRoot && section_ == Section::kImages) has_images_ = true;
    if (depth_ == kEntry) field_ = field_of(value);
    return true;
  }
  bool start_object(std::size_t) override {
    go_deeper();
    if (depth_ == kEntry) entry_ = {};
    if (depth_ == kValue) in_list_ = false;
    return true;
  }
  bool end_object() override {
    if (depth_ == kEntry) add_entry();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    go_deeper();
    if (depth_ == kValue) in_list_ = true;
    if (depth_ == kPart && in_polygons()) entry_.parts.emplace_back();
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    const std::string_view before = text_.substr(0, std::min(position, text_.size()));
    const std::size_t column = before.size() - (before.rfind('\n') + 1);
    const std::string_view near =
        before.substr(before.size() - std::min<std::size_t>(before.size(), 20));
    const bool is_nan = near.ends_with("NaN") || near.ends_with("Na") || near.ends_with("N") ||
                        near.ends_with("I") || near.ends_with("-I");
    throw Error(ErrorKind::kData,
                fmt::format("{} at column {}, behind '{}'",
                            is_nan ? "NaN and Infinity are no JSON numbers" : "not valid JSON",
                            column, printable(near)),
                {path_, line_of(text_, position), {}}, "correct the annotation file");
  }

  bool has_images() const { return has_images_; }

 private:
  bool in_annotation(Field field) const {
    return section_ == Section::kAnnotations && field_ == field;
  }

  /// Not in a run-length mask, which is a map with lists of its own.
  bool in_polygons() const { return in_list_ && in_annotation(Field::kSegmentation); }

  void go_deeper() {
    if (++depth_ <= kMaxDepth) return;
    throw Error(ErrorKind::kData, fmt::format("nested more than {} deep", kMaxDepth),
                {path_, 0, {}}, "this is no COCO annotation file");
  }

  bool number(double value) {
    if (section_ == Section::kOther) return true;
    if (depth_ == kEntry) set_field(value);
    if (depth_ == kValue && in_annotation(Field::kBox)) entry_.box.push_back(value);
    if (depth_ == kPart && in_polygons() && !entry_.parts.empty()) {
      entry_.parts.back().push_back(value);
    }
    return true;
  }

  static bool is_id(Field field) {
    return field == Field::kId || field == Field::kImageId || field == Field::kCategoryId;
  }

  /// Ids should be numbers; some tools write them as text. Words get numbers beyond all others.
  double number_of_id(const std::string& text) {
    constexpr std::int64_t kFirst = std::int64_t{1} << 50;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size() && std::abs(number) < kFirst)
      return static_cast<double>(number);
    const auto next = kFirst + static_cast<std::int64_t>(worded_ids_.size());
    return static_cast<double>(worded_ids_.emplace(text, next).first->second);
  }

  void set_field(double value) {
    switch (field_) {
      case Field::kId:
        entry_.id = value;
        break;
      case Field::kImageId:
        entry_.image_id = value;
        break;
      case Field::kCategoryId:
        entry_.category_id = value;
        break;
      case Field::kWidth:
        entry_.width = value;
        break;
      case Field::kHeight:
        entry_.height = value;
        break;
      case Field::kArea:
        entry_.area = value;
        break;
      case Field::kCrowd:
        entry_.is_crowd = value != 0;
        break;
      case Field::kDifficult:
        entry_.is_difficult = value != 0;
        break;
      default:
        break;
    }
  }

  void add_entry() {
    if (section_ == Section::kImages) add_image();
    if (section_ == Section::kCategories) add_category();
    if (section_ == Section::kAnnotations) add_object();
  }

  void add_image() {
    const auto id = whole(entry_.id);
    if (!id) return leave_out("image", file_.images.size(), "without a whole number as id");
    if (!entry_.file_name || entry_.file_name->empty())
      return leave_out("image", *id, "without file_name");
    file_.images.push_back(
        {*id, std::move(*entry_.file_name), side_of(entry_.width), side_of(entry_.height)});
  }

  void add_category() {
    const auto id = whole(entry_.id);
    if (!id) return leave_out("category", file_.categories.size(), "without a whole number as id");
    if (!entry_.name) return leave_out("category", *id, "without name");
    file_.categories.push_back({*id, std::move(*entry_.name)});
  }

  void add_object() {
    const std::int64_t id = whole(entry_.id).value_or(-1);
    const auto image_id = whole(entry_.image_id), category_id = whole(entry_.category_id);
    const auto& box = entry_.box;
    if (!image_id) return leave_out("annotation", id, "without image_id");
    if (!category_id) return leave_out("annotation", id, "without category_id");
    if (box.size() != 4 || !std::all_of(box.begin(), box.end(), [](double v) {
          return std::isfinite(v) && std::abs(v) <= kMaxSide_px;
        }))
      return leave_out("annotation", id, "without a bbox of four numbers");
    if (box[2] < 0 || box[3] < 0) return leave_out("annotation", id, "with a negative size");
    file_.objects.push_back({id,
                             *image_id,
                             *category_id,
                             {box[0], box[1], box[2], box[3]},
                             std::move(entry_.parts),
                             entry_.is_crowd,
                             entry_.is_difficult,
                             area_of(entry_.area)});
  }

  template <class Number>
  void leave_out(const char* kind, Number id, const char* why) {
    if (file_.problems.size() < kMaxProblems)
      file_.problems.push_back(fmt::format("{}: {} {}: {}, left out", path_, kind, id, why));
  }

  CocoFile& file_;
  std::string_view text_;
  const std::string& path_;
  int depth_ = 0;
  Section section_ = Section::kOther;
  Field field_ = Field::kOther;
  Entry entry_;
  bool in_list_ = false;  // the value at depth kValue is a list
  bool has_images_ = false;
  std::unordered_map<std::string, std::int64_t> worded_ids_;
};

std::string read_bounded(const std::string& path) {
  std::error_code ignored;
  const std::uintmax_t size = std::filesystem::file_size(path, ignored);
  if (!ignored && size > kMaxFileBytes) {
    throw Error(ErrorKind::kData,
                fmt::format("{} bytes are more than the {} that are read", size, kMaxFileBytes),
                {path, 0, {}}, "split the annotation file");
  }
  return read_file(path);
}

}  // namespace

CocoFile parse_coco(std::string_view text, const std::string& path) {
  CocoFile file;
  Handler handler(file, text, path);
  Json::sax_parse(without_byte_order_mark(text), &handler);
  if (!handler.has_images()) {
    throw Error(ErrorKind::kData, "no list 'images'", {path, 0, {}},
                "name a COCO annotation file with images, annotations and categories");
  }
  return file;
}

CocoFile read_coco(const std::string& path) { return parse_coco(read_bounded(path), path); }

}  // namespace gannet
