// The annotation formats that a data set can come in: YOLO text, COCO json, Pascal VOC xml. One
// reader for each behind one interface; which of them a set has is found by looking.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gannet/core/image_shape.h"
#include "gannet/data/labels/label_file.h"

namespace gannet {

/// What the description of a COCO reader begins with; the file follows.
inline constexpr std::string_view kCocoSource = "COCO json ";

enum class AnnotationFormat { kYolo, kCoco, kVoc };

/// What YOLO text is called in messages.
inline constexpr const char* kYoloText = "YOLO text";

/// What a file that speaks of all images says about the set as a whole (COCO); empty for others.
struct AnnotationSummary {
  std::vector<std::int64_t> category_ids;  // for each class; -1: a class that the file lacks
  std::vector<std::string> names;          // for each class
  std::vector<std::string> problems;
  std::int64_t num_absent = 0;  // images of the file that the split does not have
};

/// Reads labels image by image. `read` may be called from several threads at once.
class AnnotationReader {
 public:
  virtual ~AnnotationReader() = default;
  virtual std::string description() const = 0;  // "COCO json FILE"
  /// The file that holds the labels of an image, whether it exists or not.
  virtual std::string label_file(const std::string& image) const = 0;
  /// Where labels are looked for when that file does not exist; empty: nowhere else.
  virtual std::string other_label_file(const std::string& /*image*/) const { return {}; }
  /// Called once before the first `read`. @param images all of the split, sorted
  virtual AnnotationSummary prepare(const std::vector<std::string>& /*images*/) { return {}; }
  /// Labels of an image whose label file exists. Throws Error (kData, kIo) when the whole file
  /// cannot be used; smaller things are named in the result.
  virtual ParsedLabels read(const std::string& image, const ImageShape& shape) const = 0;
};

struct AnnotationRequest {
  std::vector<std::string> sources;  // of images; a single .json names images and labels
  std::string annotations;           // COCO json or folder of VOC xml; empty: look for labels
  /// Class names of the data description; empty: those of the COCO file, in the order of their ids.
  std::vector<std::string> names;
  bool single_class = false;  // every object is of class 0, whatever its name
};

/// The COCO file of a request, if it names one: `annotations`, or a source that ends in ".json".
/// Throws Error (kData) when one of several sources is a .json.
std::string coco_path(const AnnotationRequest& request);

/// Whichever of the two exists, else the first.
std::string find_label_file(const AnnotationReader& reader, const std::string& image);

/// Chooses by looking: COCO or VOC if the request names one; else YOLO text if any image has some
/// in the parallel folder; else VOC xml if any image has some; else YOLO text, beside the images,
/// too. Throws Error (kData) if what the request names holds nothing for these images.
/// @param images sorted paths
std::unique_ptr<AnnotationReader> make_annotation_reader(const AnnotationRequest& request,
                                                         const std::vector<std::string>& images);

std::unique_ptr<AnnotationReader> make_coco_reader(const std::string& json,
                                                   const AnnotationRequest& request);

}  // namespace gannet
