// Which images a model did worst on, and what it missed and made up there.
#pragma once

#include <cstdint>
#include <vector>

#include "gannet/eval/records.h"

namespace gannet {

/// Boxes of an image by what became of them, as numbers into the record.
struct JudgedRecord {
  const ImageRecord* image = nullptr;
  std::vector<std::size_t> found, missed;     // of its labels
  std::vector<std::size_t> false_detections;  // of its detections
};

/// Detections of at least this confidence, the surest first, take the free label of their class
/// that they overlap most, by more than 0.5.
JudgedRecord judge(const ImageRecord& image, double confidence);

/// The images with most missed labels and false detections together; perfect ones are left out.
/// Equal ones in the order given.
std::vector<JudgedRecord> worst_images(const std::vector<ImageRecord>& images, double confidence,
                                       std::size_t count);

}  // namespace gannet
