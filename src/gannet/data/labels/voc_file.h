// Pascal VOC annotations: one xml per image with its objects as corners in pixels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gannet/core/image_shape.h"
#include "gannet/data/labels/class_numbers.h"
#include "gannet/data/labels/label_file.h"

namespace gannet {

/// Where the xml files of a set are, relative to its images.
struct VocPlace {
  enum class Kind {
    kBeside,    // a/x.jpg -> a/x.xml
    kParallel,  // a/images/b/x.jpg -> a/FOLDER/b/x.xml; JPEGImages as well
    kAbove,     // a/images/b/x.jpg -> a/FOLDER/x.xml
    kSibling,   // a/b/x.jpg -> a/FOLDER/x.xml
    kGiven,     // a/b/x.jpg -> FOLDER/x.xml
    kGivenSub,  // a/b/x.jpg -> FOLDER/b/x.xml
  };
  Kind kind = Kind::kBeside;
  std::string folder;
};

/// The places to look at, in this order. @param given a folder that the user named, or empty
std::vector<VocPlace> voc_places(const std::string& given);

/// The xml of an image; empty where the image's path has no part that the place speaks of.
std::string voc_path(const std::string& image, const VocPlace& place);

struct VocContext {
  ImageShape shape;                       // of the image: its size is used when the file says none
  const ClassNumbers* numbers = nullptr;  // nullptr: every object is of class 0
};

/// Boxes are xmin..xmax and ymin..ymax in pixels without any offset, divided by the size that the
/// file says (else the image's). Objects marked difficult are kept as labels and remembered. A box
/// that reaches out of the image is clipped and named; an object without box is named and left out;
/// the first unknown class name goes to `unknown_class`.
/// Entities of the text's own making and external ones are never expanded. Throws Error (kData)
/// with the line for what is no xml, is above 64 MiB, is nested more than 64 deep or has no
/// <annotation>.
/// @param path only for messages
ParsedLabels parse_voc(std::string_view text, const std::string& path, const VocContext& context);

}  // namespace gannet
