// What a check of a data set can find: every kind with its weight, its explanation and its repair
// in one table, and single findings with their place.
#pragma once

#include <string>
#include <vector>

namespace gannet {

enum class FindingKind {
  kNoImages,
  kNoLabels,
  kUnreadableImage,
  kForeignImage,
  kSmallImage,
  kUnreadableLabels,
  kMalformedRow,
  kClassOutOfRange,
  kUnknownClass,
  kClassOrder,
  kCoordinateOutside,
  kZeroSize,
  kLeakedImage,
  kNoTestImages,
  kRepeatedImage,
  kSharedImage,
  kImageWithoutLabels,
  kUnlistedImage,
  kLabelsWithoutImage,
  kDuplicateRow,
  kBeyondEdge,
  kAnnotationRemark,
  kTinyBox,
  kExtremeAspect,
  kUnusedClass,
  kClassImbalance,
};

enum class Severity {
  kProblem,  // would harm training or make its scores worthless
  kNote,     // worth a look
};

/// What a repaired copy does about it.
enum class Repair { kNone, kDropImage, kDropRow, kClipRow };

struct FindingInfo {
  FindingKind kind;
  const char* key;    // in JSON; stable
  const char* title;  // as in "<title>: 3"
  Severity severity;
  Repair repair;
  const char* explanation;
};

/// In the order of reports: problems first.
const std::vector<FindingInfo>& finding_infos();
const FindingInfo& info_of(FindingKind kind);

/// Numbers count in the survey; -1 where the finding is not about one split, image or row.
struct Finding {
  FindingKind kind;
  int split = -1, image = -1, row = -1;
  std::string path;
  int line = 0;  // from 1; 0: unknown, or the whole file
  std::string what;
  /// The same file was reported for an earlier split; needed for repairs, left out of reports.
  bool repeated = false;
};

/// The findings of one kind that belong into a report; never empty.
struct FindingGroup {
  const FindingInfo* info = nullptr;
  std::vector<const Finding*> findings;
};

/// In the table's order, within a group in the order found. Points into `findings`.
std::vector<FindingGroup> group_findings(const std::vector<Finding>& findings);

/// "path:12: what", without the parts that are not known.
std::string finding_text(const Finding& finding);

}  // namespace gannet
