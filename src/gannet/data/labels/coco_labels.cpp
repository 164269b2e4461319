#include "gannet/data/labels/coco_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <unordered_map>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/text.h"
#include "gannet/data/labels/annotations_pixels.h"
#include "gannet/data/labels/class_numbers.h"
#include "gannet/data/labels/turned_labels.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxProblems = 1000;
constexpr std::size_t kMinPolygonNumbers = 6;
constexpr std::size_t kMaxPointPairs =
    4'000'000;  // beyond, polygons are joined at their first points

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// Whether `path` is `file_name` below some folder.
bool is_below(std::string_view path, std::string_view file_name) {
  if (!path.ends_with(file_name)) return false;
  return path.size() == file_name.size() || path[path.size() - file_name.size() - 1] == '/';
}

float clamp_to_unit(double value) { return static_cast<float>(std::clamp(value, 0.0, 1.0)); }

Polygon outline_of(const std::vector<double>& numbers_px, int width, int height) {
  Polygon outline;
  outline.reserve(numbers_px.size() / 2);
  for (std::size_t i = 0; i + 1 < numbers_px.size(); i += 2) {
    outline.push_back(
        {clamp_to_unit(numbers_px[i] / width), clamp_to_unit(numbers_px[i + 1] / height)});
  }
  return outline;
}

/// Indices of the points of a and b that lie nearest to each other.
std::pair<std::size_t, std::size_t> nearest_points(const Polygon& a, const Polygon& b) {
  if (a.size() > kMaxPointPairs / b.size()) return {0, 0};
  std::pair<std::size_t, std::size_t> best;
  float least = std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      const float dx = a[i][0] - b[j][0], dy = a[i][1] - b[j][1];
      const float distance = dx * dx + dy * dy;
      if (distance < least) {
        least = distance;
        best = {i, j};
      }
    }
  }
  return best;
}

/// Folders in which the images of a COCO file may be, most likely first.
std::vector<fs::path> image_folders(const fs::path& json) {
  const fs::path beside = json.parent_path(), above = beside / "..";
  const std::string stem = json.stem().string();
  const std::string split = stem.substr(stem.rfind('_') + 1);  // instances_train2017: train2017
  return {beside,        beside / "images", beside / split, above / "images" / split,
          above / split, above / "images",  above};
}

}  // namespace

std::vector<std::string> coco_image_paths(const std::string& json, const CocoFile& file) {
  for (const fs::path& folder : image_folders(json)) {
    std::error_code ignored;
    const bool found =
        std::any_of(file.images.begin(), file.images.end(), [&](const CocoImage& image) {
          return fs::is_regular_file(folder / image.file_name, ignored);
        });
    if (!found) continue;
    std::vector<std::string> paths;
    for (const CocoImage& image : file.images) {
      paths.push_back((folder / image.file_name).lexically_normal().string());
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
  }
  if (file.images.empty()) {
    throw Error(ErrorKind::kData, "its list 'images' has no entry that can be used", {json, 0, {}},
                file.problems.empty() ? "is it the right file?"
                                      : "the first problem: " + file.problems.front());
  }
  throw Error(
      ErrorKind::kData,
      fmt::format("none of its {} images is found beside it, in images/ or in ../images/",
                  file.images.size()),
      {json, 0, {}},
      "name the folder of images in the data description and this file under 'annotations'");
}

std::vector<CocoCategory> sorted_categories(const CocoFile& file) {
  std::vector<CocoCategory> categories = file.categories;
  std::stable_sort(categories.begin(), categories.end(),
                   [](const auto& a, const auto& b) { return a.id < b.id; });
  const auto same = [](const auto& a, const auto& b) { return a.id == b.id; };
  categories.erase(std::unique(categories.begin(), categories.end(), same), categories.end());
  return categories;
}

Polygon join_outlines(const std::vector<Polygon>& parts) {
  Polygon joined;
  for (const Polygon& part : parts) {
    if (joined.empty()) {
      joined = part;
      continue;
    }
    const auto [at, from] = nearest_points(joined, part);
    Polygon inserted(part.begin() + static_cast<std::ptrdiff_t>(from), part.end());
    inserted.insert(inserted.end(), part.begin(),
                    part.begin() + static_cast<std::ptrdiff_t>(from) + 1);
    inserted.push_back(joined[at]);
    joined.insert(joined.begin() + static_cast<std::ptrdiff_t>(at) + 1, inserted.begin(),
                  inserted.end());
  }
  return joined;
}

CocoLabels::CocoLabels(CocoFile file, const std::string& json,
                       const std::vector<std::string>& images, const AnnotationRequest& request)
    : file_(std::move(file)), json_(json), single_class_(request.single_class) {
  summary_.problems = std::move(file_.problems);
  number_classes(request);
  match_images(images);
  group_objects();
}

void CocoLabels::problem(const std::string& text) {
  if (summary_.problems.size() < kMaxProblems) summary_.problems.push_back(json_ + ": " + text);
}

void CocoLabels::number_classes(const AnnotationRequest& request) {
  const std::vector<CocoCategory> categories = sorted_categories(file_);
  if (categories.size() != file_.categories.size()) problem("category ids that repeat, left out");
  summary_.names = request.names;
  if (request.names.empty()) {
    for (const CocoCategory& category : categories) summary_.names.push_back(category.name);
  }
  const ClassNumbers numbers(request.names);
  if (!single_class_) summary_.category_ids.assign(summary_.names.size(), -1);
  int next = 0;
  for (const CocoCategory& category : categories) {
    int number = request.names.empty() ? next++ : numbers.find(category.name);
    if (single_class_) number = 0;
    class_of_category_[category.id] = number;
    name_of_category_[category.id] = category.name;
    if (single_class_ || number < 0) continue;
    std::int64_t& id = summary_.category_ids[static_cast<std::size_t>(number)];
    if (id < 0) id = category.id;
  }
}

void CocoLabels::match_images(const std::vector<std::string>& images) {
  std::unordered_multimap<std::string_view, std::int64_t> entries;
  for (std::size_t i = 0; i < file_.images.size(); ++i) {
    entries.emplace(base_name(file_.images[i].file_name), static_cast<std::int64_t>(i));
  }
  std::vector<bool> is_used(file_.images.size());
  for (const std::string& path : images) {
    const auto [first, last] = entries.equal_range(base_name(path));
    std::int64_t found = -1;
    std::size_t length = 0, candidates = 0;
    for (auto it = first; it != last; ++it, ++candidates) {
      const std::string& name = file_.images[static_cast<std::size_t>(it->second)].file_name;
      if (is_below(path, name) && name.size() > length) {
        found = it->second;
        length = name.size();
      }
    }
    // A file that names other folders than these is believed if the name is the only one.
    if (found < 0 && candidates == 1) found = first->second;
    entry_of_image_.push_back(found);
    if (found >= 0) is_used[static_cast<std::size_t>(found)] = true;
  }
  const auto used = std::count(is_used.begin(), is_used.end(), true);
  summary_.num_absent = static_cast<std::int64_t>(is_used.size()) - used;
  if (used == 0) {
    throw Error(
        ErrorKind::kData,
        fmt::format("speaks of {} images and of none of the {} that the data description names",
                    file_.images.size(), images.size()),
        {json_, 0, {}}, "correct the folder of images or the annotation file");
  }
}

void CocoLabels::group_objects() {
  std::unordered_map<std::int64_t, std::size_t> index_of_id;
  for (std::size_t i = 0; i < file_.images.size(); ++i) {
    if (!index_of_id.emplace(file_.images[i].id, i).second) {
      problem(fmt::format("image {}: the number is that of an earlier image, without labels",
                          file_.images[i].id));
    }
  }
  objects_of_.resize(file_.images.size());
  for (std::size_t i = 0; i < file_.objects.size(); ++i) {
    const CocoObject& object = file_.objects[i];
    const auto image = index_of_id.find(object.image_id);
    if (image == index_of_id.end()) {
      problem(fmt::format("annotation {}: image {} does not exist, left out", object.id,
                          object.image_id));
    } else if (!class_of_category_.contains(object.category_id)) {
      problem(fmt::format("annotation {}: category {} does not exist, left out", object.id,
                          object.category_id));
    } else {
      objects_of_[image->second].push_back(static_cast<std::uint32_t>(i));
    }
  }
}

void CocoLabels::add(const CocoObject& object, int width, int height, ParsedLabels& result) const {
  const auto note = [&](const char* what) {
    result.problems.push_back(fmt::format("{}: annotation {}: {}", json_, object.id, what));
  };
  const auto& [left, top, box_width, box_height] = object.box_px;
  const int class_id = class_of_category_.at(object.category_id);
  const PlacedLabel placed = place_label(std::max(class_id, 0), PixelRun{left, box_width},
                                         PixelRun{top, box_height}, width, height);
  if (!placed.label) return note("box outside of the image, left out");
  if (placed.clipped) note("box reaches out of the image, clipped");
  if (class_id < 0 && !object.is_crowd && result.unknown_class_path.empty()) {
    result.unknown_class = name_of_category_.at(object.category_id);
    result.unknown_class_path = json_;
  }
  if (object.is_crowd) {
    result.crowd.push_back(*placed.label);
    return;
  }
  std::vector<Polygon> parts;
  for (const std::vector<double>& part : object.parts) {
    if (part.size() >= kMinPolygonNumbers) parts.push_back(outline_of(part, width, height));
  }
  add_object(result, *placed.label, join_outlines(parts), object.is_difficult);
}

ParsedLabels CocoLabels::labels_of(std::size_t image, const ImageShape& shape) const {
  ParsedLabels result;
  result.listed = entry_of_image_[image] >= 0;
  if (!result.listed) return result;
  const auto entry = static_cast<std::size_t>(entry_of_image_[image]);
  const CocoImage& said = file_.images[entry];
  result.image_id = said.id;
  const std::uint32_t turn = turn_from(said.width, said.height, shape);
  int width = shape.width, height = shape.height;
  if (turn != 1) std::swap(width, height);
  if (said.width > 0 && said.height > 0 && (said.width != width || said.height != height)) {
    result.problems.push_back(fmt::format("{}: image {}: says {} x {} pixels, {} has {} x {}",
                                          json_, said.id, said.width, said.height, said.file_name,
                                          width, height));
    width = said.width;
    height = said.height;
  }
  for (const std::uint32_t object : objects_of_[entry]) {
    add(file_.objects[object], width, height, result);
  }
  turn_labels(result, turn);
  result.duplicate_rows = count_duplicates(result.labels);
  return result;
}

namespace {

class CocoReader : public AnnotationReader {
 public:
  CocoReader(std::string json, AnnotationRequest request)
      : json_(std::move(json)), request_(std::move(request)) {}

  std::string description() const override { return std::string(kCocoSource) + json_; }
  std::string label_file(const std::string&) const override { return json_; }
  AnnotationSummary prepare(const std::vector<std::string>& images) override {
    images_ = &images;
    labels_ = std::make_unique<CocoLabels>(read_coco(json_), json_, images, request_);
    return labels_->summary();
  }
  ParsedLabels read(const std::string& image, const ImageShape& shape) const override {
    const auto found = std::lower_bound(images_->begin(), images_->end(), image);
    return labels_->labels_of(static_cast<std::size_t>(found - images_->begin()), shape);
  }

 private:
  std::string json_;
  AnnotationRequest request_;
  const std::vector<std::string>* images_ = nullptr;
  std::unique_ptr<CocoLabels> labels_;
};

}  // namespace

std::unique_ptr<AnnotationReader> make_coco_reader(const std::string& json,
                                                   const AnnotationRequest& request) {
  return std::make_unique<CocoReader>(json, request);
}

}  // namespace gannet
