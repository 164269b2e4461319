#include "gannet/data/labels/voc_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <pugixml.hpp>

#include "gannet/core/error.h"
#include "gannet/core/text.h"
#include "gannet/data/labels/annotations_pixels.h"
#include "gannet/data/labels/turned_labels.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
constexpr int kMaxDepth = 64;
constexpr int kMaxSide_px = 1'000'000;

/// Where the last component of the path that is called "images" or "JPEGImages" begins and ends.
std::optional<std::pair<std::size_t, std::size_t>> images_component(const std::string& path) {
  for (std::size_t end = path.rfind('/'); end != std::string::npos && end > 0;) {
    const std::size_t slash = path.rfind('/', end - 1);
    const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
    const std::string_view name = std::string_view(path).substr(begin, end - begin);
    if (name == "images" || name == "JPEGImages") return std::pair(begin, end);
    end = slash;
  }
  return std::nullopt;
}

[[noreturn]] void fail(const std::string& path, int line, const std::string& what) {
  throw Error(ErrorKind::kData, what, {path, line, {}}, "correct or remove the file");
}

class DepthLimit : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node&) override { return depth() <= kMaxDepth; }
};

std::optional<double> number_of(const pugi::xml_node& node) {
  const std::string_view text = trim(node.child_value());
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) ||
      std::abs(value) > kMaxSide_px) {
    return std::nullopt;
  }
  return value;
}

/// One xml file on its way to labels.
class Parser {
 public:
  Parser(std::string_view text, const std::string& path, const VocContext& context)
      : text_(text), path_(path), context_(context) {}

  ParsedLabels parse() {
    if (text_.size() > kMaxBytes)
      fail(path_, 0, fmt::format("{} bytes are too many for one image", text_.size()));
    const auto status =
        document_.load_buffer(text_.data(), text_.size(), pugi::parse_default, pugi::encoding_auto);
    if (!status)
      fail(path_, line_at(status.offset), std::string("no xml: ") + status.description());
    DepthLimit depth_limit;
    if (!document_.traverse(depth_limit))
      fail(path_, 0, fmt::format("nested more than {} deep", kMaxDepth));
    const pugi::xml_node root = document_.child("annotation");
    if (!root) fail(path_, 1, "no <annotation>");
    find_size(root.child("size"));
    for (const pugi::xml_node& object : root.children("object")) add(object);
    turn_labels(result_, turn_);
    result_.duplicate_rows = count_duplicates(result_.labels);
    return std::move(result_);
  }

 private:
  int line_at(std::ptrdiff_t offset) {
    const auto end = static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0));
    if (end < counted_to_) counted_to_ = 0, line_ = 1;
    const std::string_view part = text_.substr(counted_to_, end - counted_to_);
    line_ += static_cast<int>(std::count(part.begin(), part.end(), '\n'));
    counted_to_ = std::min(end, text_.size());
    return line_;
  }
  int line_of(const pugi::xml_node& node) { return line_at(node.offset_debug()); }

  void note(const pugi::xml_node& node, const std::string& what) {
    result_.problems.push_back(fmt::format("{}:{}: {}", path_, line_of(node), what));
  }

  void find_size(const pugi::xml_node& size) {
    const double width = number_of(size.child("width")).value_or(0);
    const double height = number_of(size.child("height")).value_or(0);
    width_ = context_.shape.width;
    height_ = context_.shape.height;
    if (width < 1 || height < 1) return;
    const int said_width = static_cast<int>(width), said_height = static_cast<int>(height);
    turn_ = turn_from(said_width, said_height, context_.shape);
    if (turn_ == 1 && (said_width != width_ || said_height != height_)) {
      note(size, fmt::format("says {} x {} pixels, the image has {} x {}", said_width, said_height,
                             width_, height_));
    }
    width_ = said_width;
    height_ = said_height;
  }

  int class_of(const pugi::xml_node& object) {
    if (context_.numbers == nullptr) return 0;
    const std::string name(trim(object.child("name").child_value()));
    const int number = context_.numbers->find(name);
    if (number < 0 && result_.unknown_class_path.empty()) {
      result_.unknown_class = name;
      result_.unknown_class_path = path_;
      result_.unknown_class_line = line_of(object);
    }
    return std::max(number, 0);
  }

  void add(const pugi::xml_node& object) {
    const pugi::xml_node box = object.child("bndbox");
    std::array<double, 4> corners{};
    constexpr std::array<const char*, 4> kNames = {"xmin", "ymin", "xmax", "ymax"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const auto value = number_of(box.child(kNames[i]));
      if (!value) return note(object, fmt::format("object without {}, left out", kNames[i]));
      corners[i] = *value;
    }
    const auto [x1, y1, x2, y2] = corners;
    if (x2 < x1 || y2 < y1) return note(object, "box with a negative size, left out");
    const int class_id = class_of(object);
    const bool is_difficult = number_of(object.child("difficult")).value_or(0) != 0;
    const PlacedLabel placed =
        place_label(class_id, PixelEnds{x1, x2}, PixelEnds{y1, y2}, width_, height_);
    if (!placed.label) return note(object, "box outside of the image, left out");
    if (placed.clipped) note(object, "box reaches out of the image, clipped");
    add_object(result_, *placed.label, {}, is_difficult);
  }

  std::string_view text_;
  const std::string& path_;
  const VocContext& context_;
  pugi::xml_document document_;
  ParsedLabels result_;
  int width_ = 0, height_ = 0;
  std::uint32_t turn_ = 1;
  std::size_t counted_to_ = 0;  // `line_` is that of this place in the text
  int line_ = 1;
};

}  // namespace

std::vector<VocPlace> voc_places(const std::string& given) {
  using Kind = VocPlace::Kind;
  if (!given.empty()) return {{Kind::kGiven, given}, {Kind::kGivenSub, given}};
  std::vector<VocPlace> places = {{Kind::kBeside, ""}};
  for (const Kind kind : {Kind::kParallel, Kind::kAbove, Kind::kSibling}) {
    for (const char* folder : {"Annotations", "annotations"}) places.push_back({kind, folder});
  }
  return places;
}

std::string voc_path(const std::string& image, const VocPlace& place) {
  using Kind = VocPlace::Kind;
  const fs::path path(image);
  const std::string name = path.stem().string() + ".xml";
  const fs::path parent = path.parent_path();
  switch (place.kind) {
    case Kind::kBeside:
      return (parent / name).string();
    case Kind::kSibling:
      return (parent.parent_path() / place.folder / name).string();
    case Kind::kGiven:
      return (fs::path(place.folder) / name).string();
    case Kind::kGivenSub:
      return (fs::path(place.folder) / parent.filename() / name).string();
    default:
      break;
  }
  const auto component = images_component(image);
  if (!component) return {};
  const std::string above = image.substr(0, component->first) + place.folder + "/";
  if (place.kind == Kind::kAbove) return above + name;
  return (fs::path(above + image.substr(component->second + 1)).parent_path() / name).string();
}

ParsedLabels parse_voc(std::string_view text, const std::string& path, const VocContext& context) {
  return Parser(text, path, context).parse();
}

}  // namespace gannet
