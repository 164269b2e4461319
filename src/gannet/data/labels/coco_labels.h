// COCO annotations as labels: classes by the order of category ids or by name, boxes and outlines
// divided by the image's size, images of the file found among those of the split.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gannet/core/image_shape.h"
#include "gannet/data/labels/annotations.h"
#include "gannet/data/labels/coco_file.h"

namespace gannet {

/// Paths of the images that a COCO file speaks of, sorted; they are looked for beside the file and
/// in the folders that COCO and common tools use (images/, images/train2017/ for
/// instances_train2017.json and the like). Throws Error (kData) when none is found.
std::vector<std::string> coco_image_paths(const std::string& json, const CocoFile& file);

/// Categories in the order of their ids, each id once.
std::vector<CocoCategory> sorted_categories(const CocoFile& file);

/// One outline out of the polygons of an object: each further one is inserted where it comes
/// nearest to what there is, going there and back on the same way. @param parts each with at least
/// a point
Polygon join_outlines(const std::vector<Polygon>& parts);

/// What a COCO file says about the images of a split.
class CocoLabels {
 public:
  /// @param images paths, sorted. Throws Error (kData) when the file speaks of none of them.
  CocoLabels(CocoFile file, const std::string& json, const std::vector<std::string>& images,
             const AnnotationRequest& request);

  const AnnotationSummary& summary() const { return summary_; }

  /// Labels of images()[i], which has the given shape; the file's own size of an image, if it says
  /// one, is what its boxes are divided by; where it is that of the stored picture, the boxes are
  /// turned with the picture. Crowd regions are kept apart from labels.
  ParsedLabels labels_of(std::size_t image, const ImageShape& shape) const;

 private:
  void number_classes(const AnnotationRequest& request);
  void match_images(const std::vector<std::string>& images);
  void group_objects();
  void add(const CocoObject& object, int width, int height, ParsedLabels& result) const;
  void problem(const std::string& text);

  CocoFile file_;
  std::string json_;
  AnnotationSummary summary_;
  bool single_class_ = false;
  std::map<std::int64_t, int> class_of_category_;  // -1: a name that the request does not know
  std::map<std::int64_t, std::string> name_of_category_;
  std::vector<std::int64_t> entry_of_image_;            // index into file_.images; -1: none
  std::vector<std::vector<std::uint32_t>> objects_of_;  // by index into file_.images
};

}  // namespace gannet
