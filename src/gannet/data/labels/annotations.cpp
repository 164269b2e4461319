#include "gannet/data/labels/annotations.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "gannet/config/data_description.h"
#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/text.h"
#include "gannet/data/labels/class_numbers.h"
#include "gannet/data/labels/label_path.h"
#include "gannet/data/labels/voc_file.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

class YoloReader : public AnnotationReader {
 public:
  std::string description() const override { return kYoloText; }
  std::string label_file(const std::string& image) const override { return label_path(image); }
  std::string other_label_file(const std::string& image) const override {
    const std::string beside = fs::path(image).replace_extension(".txt").string();
    return beside == label_path(image) ? std::string{} : beside;
  }
  ParsedLabels read(const std::string& image, const ImageShape&) const override {
    const std::string path = find_label_file(*this, image);
    return parse_labels(read_file(path), path);
  }
};

class VocReader : public AnnotationReader {
 public:
  VocReader(VocPlace place, const AnnotationRequest& request)
      : place_(std::move(place)), numbers_(request.names), single_class_(request.single_class) {}

  std::string description() const override {
    return place_.folder.empty() ? "Pascal VOC xml" : "Pascal VOC xml in " + place_.folder;
  }
  std::string label_file(const std::string& image) const override {
    return voc_path(image, place_);
  }
  ParsedLabels read(const std::string& image, const ImageShape& shape) const override {
    const std::string path = voc_path(image, place_);
    return parse_voc(read_file(path), path, {shape, single_class_ ? nullptr : &numbers_});
  }

 private:
  VocPlace place_;
  ClassNumbers numbers_;
  bool single_class_;
};

/// The json that exports put beside the images of a folder, if these have no YOLO text.
std::string json_of_folder(const std::string& folder) {
  const std::string json = coco_json_beside(folder);
  if (json.empty()) return {};
  const fs::path labels = fs::path(label_path(folder + "/x.jpg")).parent_path();
  std::error_code ignored;
  return labels != fs::path(folder) && fs::is_directory(labels, ignored) ? std::string{} : json;
}

bool any_yolo_text(const std::vector<std::string>& images) {
  return std::any_of(images.begin(), images.end(),
                     [](const std::string& image) { return is_file(label_path(image)); });
}

std::unique_ptr<AnnotationReader> find_voc(const AnnotationRequest& request,
                                           const std::vector<std::string>& images) {
  for (const VocPlace& place : voc_places(request.annotations)) {
    const auto has_file = [&](const std::string& image) {
      const std::string path = voc_path(image, place);
      return !path.empty() && is_file(path);
    };
    if (std::any_of(images.begin(), images.end(), has_file)) {
      return std::make_unique<VocReader>(place, request);
    }
  }
  return nullptr;
}

}  // namespace

std::string coco_path(const AnnotationRequest& request) {
  std::error_code ignored;
  if (!request.annotations.empty() && !fs::is_directory(request.annotations, ignored)) {
    return request.annotations;
  }
  for (const std::string& source : request.sources) {
    const std::string json = to_lower(source).ends_with(".json") ? source : json_of_folder(source);
    if (json.empty()) continue;
    if (request.sources.size() == 1) return json;
    throw Error(ErrorKind::kData, "a split of several parts cannot name a json", {json, 0, {}},
                "give folders, and the json under the key 'annotations'");
  }
  return {};
}

std::string find_label_file(const AnnotationReader& reader, const std::string& image) {
  const std::string first = reader.label_file(image);
  if (is_file(first)) return first;
  const std::string other = reader.other_label_file(image);
  return !other.empty() && is_file(other) ? other : first;
}

std::unique_ptr<AnnotationReader> make_annotation_reader(const AnnotationRequest& request,
                                                         const std::vector<std::string>& images) {
  if (const std::string json = coco_path(request); !json.empty()) {
    return make_coco_reader(json, request);
  }
  if (request.annotations.empty() && any_yolo_text(images)) return std::make_unique<YoloReader>();
  if (auto voc = find_voc(request, images)) return voc;
  if (request.annotations.empty()) return std::make_unique<YoloReader>();
  throw Error(ErrorKind::kData, fmt::format("no xml file for any of {} images", images.size()),
              {request.annotations, 0, {}},
              "name the folder with NAME.xml for NAME.jpg, or a COCO json");
}

}  // namespace gannet
