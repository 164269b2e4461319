#include "gannet/curate/check/findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {

const std::vector<FindingInfo>& finding_infos() {
  using enum FindingKind;
  constexpr Severity kProblem = Severity::kProblem, kNote = Severity::kNote;
  static const std::vector<FindingInfo> infos = {
      {kNoImages, "no_images", "splits without images or readable annotations", kProblem,
       Repair::kNone, "there is nothing to train or to validate on"},
      {kNoLabels, "no_labels", "splits without a single usable label", kProblem, Repair::kNone,
       "are the label files in the parallel 'labels' folder?"},
      {kUnreadableImage, "unreadable_image", "images that cannot be read", kProblem,
       Repair::kDropImage, "training leaves them out"},
      {kForeignImage, "foreign_image", "pictures in formats that are not read", kProblem,
       Repair::kNone, "training leaves them out; convert them to JPEG or PNG"},
      {kSmallImage, "small_image", "images of less than 10 pixels", kProblem, Repair::kDropImage,
       "training leaves them out"},
      {kUnreadableLabels, "unreadable_labels", "label files that cannot be read", kProblem,
       Repair::kDropImage, "their objects would be taught as background"},
      {kMalformedRow, "malformed_row", "malformed rows and annotations", kProblem, Repair::kDropRow,
       "training leaves them out, so their objects are taught as background"},
      {kClassOutOfRange, "class_out_of_range", "classes out of range", kProblem, Repair::kDropRow,
       "training stops at them; correct the label, or nc and names"},
      {kUnknownClass, "unknown_class", "images with class names that are not known", kProblem,
       Repair::kDropImage, "training stops at them; correct the name, or names"},
      {kClassOrder, "class_order", "lists of classes in another order", kProblem, Repair::kNone,
       "the objects would be taught under wrong names; correct names, or the labels"},
      {kCoordinateOutside, "coordinate_outside", "rows with coordinates outside 0..1", kProblem,
       Repair::kClipRow, "training leaves them out, so their objects are taught as background"},
      {kZeroSize, "zero_size", "boxes without area", kProblem, Repair::kDropRow,
       "they have no size to learn"},
      {kLeakedImage, "leaked_image", "training images that are in val or test too", kProblem,
       Repair::kDropImage, "scores on images that were trained on say nothing about new ones"},
      {kNoTestImages, "no_test_images", "test set without images", kNote, Repair::kNone,
       "training does not need it"},
      {kRepeatedImage, "repeated_image", "images that occur again within a split", kNote,
       Repair::kNone, "they count more than others"},
      {kSharedImage, "shared_image", "images that are in val and in test", kNote, Repair::kNone,
       "the two scores are not independent"},
      {kImageWithoutLabels, "image_without_labels", "images without a label file", kNote,
       Repair::kNone, "they are taught as background; an empty label file says that this is meant"},
      {kUnlistedImage, "unlisted_image", "images that the annotation file does not speak of", kNote,
       Repair::kDropImage, "training leaves them out"},
      {kLabelsWithoutImage, "labels_without_image", "label files without an image", kNote,
       Repair::kNone, "nothing reads them"},
      {kDuplicateRow, "duplicate_row", "repeated rows", kNote, Repair::kDropRow,
       "their objects count twice"},
      {kBeyondEdge, "beyond_edge", "boxes that reach over the image by more than a pixel", kNote,
       Repair::kClipRow, "what lies outside cannot be seen"},
      {kAnnotationRemark, "annotation_remark", "annotations that are not taken as they are", kNote,
       Repair::kNone, "boxes are clipped to the image"},
      {kTinyBox, "tiny_box", "tiny boxes", kNote, Repair::kNone,
       "under 2 pixels wide or high at the training size; augmentation drops such boxes"},
      {kExtremeAspect, "extreme_aspect", "boxes of extreme shape", kNote, Repair::kNone,
       "one side over 20 times the other; augmentation drops such boxes"},
      {kUnusedClass, "unused_class", "classes without an example in train", kNote, Repair::kNone,
       "they cannot be learned"},
      {kClassImbalance, "class_imbalance", "class imbalance", kNote, Repair::kNone,
       "the most frequent class has over 10 times the labels of the rarest in train"},
  };
  return infos;
}

const FindingInfo& info_of(FindingKind kind) {
  const auto& infos = finding_infos();
  const auto found = std::find_if(infos.begin(), infos.end(),
                                  [&](const FindingInfo& info) { return info.kind == kind; });
  GANNET_CHECK(found != infos.end(), "a kind of finding without a row in the table");
  return *found;
}

std::vector<FindingGroup> group_findings(const std::vector<Finding>& findings) {
  std::vector<FindingGroup> groups;
  for (const FindingInfo& info : finding_infos()) {
    FindingGroup group{&info, {}};
    for (const Finding& finding : findings) {
      if (finding.kind == info.kind && !finding.repeated) group.findings.push_back(&finding);
    }
    if (!group.findings.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

std::string finding_text(const Finding& finding) {
  std::string place = printable(finding.path);
  if (finding.line > 0) place += fmt::format(":{}", finding.line);
  if (place.empty() || finding.what.empty()) return place + printable(finding.what);
  return place + ": " + printable(finding.what);
}

}  // namespace gannet
