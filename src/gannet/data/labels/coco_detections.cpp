#include "gannet/data/labels/coco_detections.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

using Json = nlohmann::json;

// Depths of what is read: list, detection, box.
constexpr int kList = 1, kEntry = 2, kBoxNumbers = 3;
constexpr int kMaxDepth = 64;

enum class Field { kOther, kImageId, kCategoryId, kBox, kScore };

Field field_of(std::string_view key) {
  if (key == "image_id") return Field::kImageId;
  if (key == "category_id") return Field::kCategoryId;
  if (key == "bbox") return Field::kBox;
  return key == "score" ? Field::kScore : Field::kOther;
}

struct Entry {
  std::optional<std::int64_t> image_id, category_id;
  std::optional<double> score;
  std::array<double, 4> box_px{};
  std::size_t num_box = 0;  // numbers that were in it
};

/// Follows the parser through the text and keeps the current detection only.
class Handler : public nlohmann::json_sax<Json> {
 public:
  Handler(std::vector<CocoDetection>& detections, std::string_view text, const std::string& path)
      : detections_(detections), text_(text), path_(path) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t value) override {
    set_id(value);
    return number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (std::in_range<std::int64_t>(value)) set_id(static_cast<std::int64_t>(value));
    return number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    constexpr double kLargest = 9e15;  // doubles count without gaps up to here
    if (std::trunc(value) == value && std::abs(value) < kLargest)
      set_id(static_cast<std::int64_t>(value));
    return number(value);
  }
  bool string(string_t& value) override {
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), id);
    if (error == std::errc{} && end == value.data() + value.size()) set_id(id);
    return true;
  }
  bool binary(binary_t&) override { return true; }
  bool key(string_t& value) override {
    if (depth_ == kEntry) field_ = field_of(value);
    return true;
  }
  bool start_object(std::size_t) override {
    go_deeper();
    if (depth_ == kList) refuse("a map where a list of detections is expected");
    if (depth_ == kEntry) entry_ = {};
    return true;
  }
  bool end_object() override {
    if (depth_ == kEntry) add_entry();
    leave();
    return true;
  }
  bool start_array(std::size_t) override {
    go_deeper();
    if (depth_ == kList) is_list_ = true;
    if (depth_ == kEntry) refuse("a list where a detection is expected");
    return true;
  }
  bool end_array() override {
    leave();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    const std::string_view before = text_.substr(0, std::min(position, text_.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    throw Error(ErrorKind::kData, "not valid JSON", {path_, static_cast<int>(line), {}},
                "name a list of {image_id, category_id, bbox, score}");
  }

  void finish() const {
    if (!is_list_) refuse("a single value where a list of detections is expected");
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::kData, what, {path_, 0, {}},
                "name a list of {image_id, category_id, bbox, score}");
  }

  void go_deeper() {
    if (++depth_ > kMaxDepth) refuse(fmt::format("nested more than {} deep", kMaxDepth));
  }

  void leave() {
    if (--depth_ == kEntry) field_ = Field::kOther;
  }

  void set_id(std::int64_t value) {
    if (depth_ != kEntry) return;
    if (field_ == Field::kImageId) entry_.image_id = value;
    if (field_ == Field::kCategoryId) entry_.category_id = value;
  }

  bool number(double value) {
    if (depth_ == kList) refuse("a number where a detection is expected");
    if (depth_ == kEntry && field_ == Field::kScore) entry_.score = value;
    if (depth_ != kBoxNumbers || field_ != Field::kBox) return true;
    if (entry_.num_box < entry_.box_px.size()) entry_.box_px[entry_.num_box] = value;
    ++entry_.num_box;
    return true;
  }

  void require(bool holds, const char* what) const {
    if (!holds) refuse(fmt::format("detection {} (from 0) {}", detections_.size(), what));
  }

  void add_entry() {
    const auto& box = entry_.box_px;
    require(entry_.image_id.has_value(), "has no whole number as image_id");
    require(entry_.category_id.has_value(), "has no whole number as category_id");
    require(entry_.score && std::isfinite(*entry_.score), "has no score");
    require(entry_.num_box == box.size() &&
                std::all_of(box.begin(), box.end(), [](double v) { return std::isfinite(v); }),
            "has no bbox of four numbers");
    require(box[2] >= 0 && box[3] >= 0, "has a negative size");
    detections_.push_back({*entry_.image_id, *entry_.category_id, box, *entry_.score});
  }

  std::vector<CocoDetection>& detections_;
  std::string_view text_;
  const std::string& path_;
  bool is_list_ = false;
  int depth_ = 0;
  Field field_ = Field::kOther;
  Entry entry_;
};

}  // namespace

std::vector<CocoDetection> parse_coco_detections(std::string_view text, const std::string& path) {
  std::vector<CocoDetection> detections;
  Handler handler(detections, text, path);
  Json::sax_parse(without_byte_order_mark(text), &handler);
  handler.finish();
  return detections;
}

std::vector<CocoDetection> read_coco_detections(const std::string& path) {
  return parse_coco_detections(read_file(path), path);
}

void write_coco_detections(const std::filesystem::path& path,
                           const std::vector<CocoDetection>& detections) {
  constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
  write_file_atomically(path, [&](const WriteBytes& write) {
    std::string text = "[";
    const char* separator = "";
    for (const CocoDetection& d : detections) {
      const auto& b = d.box_px;
      fmt::format_to(std::back_inserter(text),
                     "{}{{\"image_id\":{},\"category_id\":{},\"bbox\":[{},{},{},{}],\"score\":{}}}",
                     separator, d.image_id, d.category_id, b[0], b[1], b[2], b[3], d.score);
      separator = ",\n";
      if (text.size() < kPieceBytes) continue;
      write(text.data(), text.size());
      text.clear();
    }
    text += "]\n";
    write(text.data(), text.size());
  });
}

}  // namespace gannet
