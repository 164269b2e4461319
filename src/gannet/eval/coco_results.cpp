#include "gannet/eval/coco_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "gannet/core/atomic_file.h"
#include "gannet/core/class_match.h"
#include "gannet/core/error.h"
#include "gannet/data/labels/coco_file.h"
#include "gannet/data/labels/coco_truth.h"

namespace gannet {
namespace {

constexpr int kCocoClasses = 80;
/// Numbers from 1 to 90 that COCO never gave to a category.
constexpr std::array kUnusedIds{12, 26, 29, 30, 45, 66, 68, 69, 71, 83};

std::int64_t coco_category(std::int64_t class_id) {
  std::int64_t id = class_id + 1;
  for (const int unused : kUnusedIds) id += unused <= id ? 1 : 0;
  return id;
}

nlohmann::json image_id(const IndexedImage& image) {
  if (image.id >= 0) return image.id;
  const std::string stem = std::filesystem::path(image.path).stem().string();
  const bool is_number = !stem.empty() && stem.size() <= 18 &&
                         stem.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? nlohmann::json(std::stoll(stem)) : nlohmann::json(stem);
}

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

/// Of each image of the set in the file, -1 for one that the file does not list. Throws Error
/// (kData) where a name stands for several images.
std::vector<std::int64_t> image_ids(const CocoFile& file, const ImageIndex& index,
                                    const std::string& json) {
  const auto name_of = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  std::map<std::string, std::int64_t> by_name;
  std::set<std::string> repeated, used;
  for (const CocoImage& image : file.images)
    if (!by_name.emplace(name_of(image.file_name), image.id).second)
      repeated.insert(name_of(image.file_name));
  std::vector<std::int64_t> ids;
  for (const IndexedImage& image : index.images) {
    const std::string name = name_of(image.path);
    const auto found = by_name.find(name);
    const bool by_own_id = image.id >= 0;
    if (!by_own_id && found != by_name.end() &&
        (repeated.contains(name) || !used.insert(name).second))
      throw Error(ErrorKind::kData, fmt::format("'{}' is the name of several images", name),
                  {json, 0, "images"}, "name the json as annotations of the data set itself");
    ids.push_back(by_own_id ? image.id : found == by_name.end() ? -1 : found->second);
  }
  return ids;
}

std::vector<std::int64_t> categories_by_name(const CocoFile& file,
                                             const std::vector<std::string>& names) {
  std::map<std::string, std::int64_t> by_name;
  for (const CocoCategory& category : file.categories) by_name[category.name] = category.id;
  std::vector<std::int64_t> ids;
  for (const std::string& name : names) {
    const auto found = by_name.find(name);
    ids.push_back(found == by_name.end() ? -1 : found->second);
  }
  return ids;
}

bool knows_any(const std::vector<std::int64_t>& ids) {
  return std::any_of(ids.begin(), ids.end(), [](std::int64_t id) { return id >= 0; });
}

auto count_unknown(const std::vector<std::int64_t>& ids) {
  return std::count_if(ids.begin(), ids.end(), [](std::int64_t id) { return id < 0; });
}

}  // namespace

std::vector<std::int64_t> coco_categories(const ImageIndex& index, int num_classes,
                                          const std::vector<int>& numbers, int model_classes) {
  std::vector<std::int64_t> categories(static_cast<std::size_t>(model_classes), -1);
  for (std::size_t c = 0; c < static_cast<std::size_t>(num_classes); ++c) {
    const auto in_model = numbers.empty() ? c : static_cast<std::size_t>(numbers.at(c));
    if (in_model >= categories.size()) continue;
    const auto number = static_cast<std::int64_t>(c);
    categories[in_model] = !index.category_ids.empty()   ? index.category_ids.at(c)
                           : num_classes == kCocoClasses ? coco_category(number)
                                                         : number;
  }
  return categories;
}

CocoGround coco_ground(const std::string& json, const ImageIndex& index,
                       const std::vector<std::int64_t>& categories,
                       const std::vector<std::string>& names) {
  const CocoFile file = read_coco(json);
  CocoTruthSet set = coco_truth(file);
  CocoGround ground{std::move(set.objects), image_ids(file, index, json), categories, true};
  if (!knows_any(ground.image_ids))
    throw Error(ErrorKind::kData,
                fmt::format("lists none of the {} images by file name", index.images.size()),
                {json, 0, "images"}, "name the annotations of the images that are evaluated");
  if (index.category_ids.empty() && are_class_names(names)) {
    const auto by_name = categories_by_name(file, names);
    ground.category_ids = by_name;  // never by number where both sides have names
  }
  for (std::int64_t& id : ground.category_ids)
    if (!std::binary_search(set.category_ids.begin(), set.category_ids.end(), id)) id = -1;
  if (!knows_any(ground.category_ids))
    throw Error(ErrorKind::kData, "has none of the classes " + list_names(names),
                {json, 0, "categories"}, "name the annotations of this data set");
  if (const auto unlisted = count_unknown(ground.image_ids); unlisted > 0)
    ground.warnings.push_back(
        fmt::format("{}: does not list {} of the {} images: they do not count in COCO's numbers",
                    json, unlisted, index.images.size()));
  if (const auto unlisted = count_unknown(ground.category_ids); unlisted > 0)
    ground.warnings.push_back(
        fmt::format("{}: does not have {} of the {} classes: they do not count in COCO's numbers",
                    json, unlisted, names.size()));
  return ground;
}

void write_coco_results(const std::filesystem::path& path, const std::vector<ImageRecord>& images,
                        const ImageIndex& index, const std::vector<std::int64_t>& categories) {
  constexpr double kPixelSteps = 1e3, kScoreSteps = 1e5;
  std::string text;
  for (const ImageRecord& image : images) {
    const auto id = image_id(index.images.at(static_cast<std::size_t>(image.index)));
    for (const ScoredBox& d : image.detections) {
      const std::int64_t category = categories.at(static_cast<std::size_t>(d.class_id));
      if (category < 0) continue;
      const nlohmann::json row = {
          {"image_id", id},
          {"category_id", category},
          {"bbox",
           {rounded(d.box.x1, kPixelSteps), rounded(d.box.y1, kPixelSteps),
            rounded(d.box.width(), kPixelSteps), rounded(d.box.height(), kPixelSteps)}},
          {"score", rounded(d.score, kScoreSteps)}};
      text += (text.empty() ? "" : ",\n") + row.dump();
    }
  }
  write_file_atomically(path, "[" + text + "]\n");
}

}  // namespace gannet
