// COCO's evaluation of boxes: the twelve official numbers, and what they are made of per class.
// The rules are those of the COCO API (Lin et al., "Microsoft COCO: Common objects in context",
// ECCV 2014, and https://cocodataset.org/#detection-eval).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gannet/core/coco_boxes.h"
#include "gannet/metrics/average_precision.h"

namespace gannet {

/// Ranges of an object's area in square pixels, ends included: up to 32^2, up to 96^2, beyond.
enum class CocoArea { kAll, kSmall, kMedium, kLarge };
inline constexpr std::size_t kNumCocoAreas = 4;
/// How many of the surest detections of a class count in an image.
inline constexpr std::array<int, 3> kCocoLimits = {1, 10, 100};

/// Figures of a class in one range of areas with one limit, by IoU threshold; -1 where no object
/// counts.
struct CocoFigures {
  std::array<double, kNumIouThresholds> ap{}, recall{};
};

struct CocoClass {
  std::int64_t category_id = 0;
  std::int64_t num_objects = 0;  // of any size, without crowd regions
  std::array<std::array<CocoFigures, kCocoLimits.size()>, kNumCocoAreas> figures{};
  /// By IoU threshold, at the recalls 0, 0.01, ... 1; all sizes, 100 detections. -1 as above.
  std::array<std::array<double, kNumRecalls>, kNumIouThresholds> precision{};
  ClassCurves curves;  // at IoU 0.5, of the detections that count

  const CocoFigures& of(CocoArea area, std::size_t limit = kCocoLimits.size() - 1) const {
    return figures[static_cast<std::size_t>(area)][limit];
  }
  /// Mean over the thresholds; -1 where no object counts.
  double mean_ap(CocoArea area = CocoArea::kAll) const;
};

/// The official numbers, in their order.
enum class CocoNumber {
  kAp,
  kAp50,
  kAp75,
  kApSmall,
  kApMedium,
  kApLarge,
  kAr1,
  kAr10,
  kAr100,
  kArSmall,
  kArMedium,
  kArLarge,
};
inline constexpr std::size_t kNumCocoNumbers = 12;

struct CocoReport {
  std::vector<CocoClass> classes;                 // those asked for, in their order
  std::array<double, kNumCocoNumbers> numbers{};  // -1 where no object counts
  double operator[](CocoNumber number) const { return numbers[static_cast<std::size_t>(number)]; }
};

/// Evaluates detections of images that are all in the set; time and memory grow with detections
/// and objects only. An image need not have either. Detections of equal score count in the order of
/// image ids, within an image as given.
/// @param category_ids of the classes that count; the rest of truth and detections is left out
/// @param num_threads 0: one for each processor. The result is the same for any number
CocoReport evaluate_coco(const std::vector<CocoTruth>& truth,
                         const std::vector<CocoDetection>& detections,
                         const std::vector<std::int64_t>& category_ids, int num_threads = 0);

/// The classes that have objects, in the form of the other protocols: AP as COCO counts it, P, R
/// and F1 at the best F1. `class_id` is the place in `category_ids`.
std::vector<ClassMetrics> class_metrics(const CocoReport& report, bool keep_curves = false);

/// The twelve lines that COCO's own program prints.
std::vector<std::string> summary_lines(const CocoReport& report);

}  // namespace gannet
