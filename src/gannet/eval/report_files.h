// What an evaluation leaves in its directory for people and programs to look at.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gannet/data/index/image_index.h"
#include "gannet/eval/eval_report.h"
#include "gannet/eval/records.h"

namespace gannet {

/// Curves (PR, F1, P and R over confidence), the confusion matrix, and the images with most missed
/// and most false boxes at the confidence of the best F1; and all figures as results.json. Of a
/// full evaluation. Throws Error (kIo).
void write_report(const std::filesystem::path& directory, const EvalReport& report,
                  const std::vector<ImageRecord>& images, const ImageIndex& index);

/// All figures as JSON (docs/evaluation.md).
std::string report_to_json(const EvalReport& report);

/// A text file for each image with detections: class, centre and size relative to the image, and
/// the confidence where it is wanted (RB 7.5). Images of equal names get a number.
/// @param numbers what is written for each class of the model; -1: nothing
void write_detection_labels(const std::filesystem::path& folder,
                            const std::vector<ImageRecord>& images, const ImageIndex& index,
                            const std::vector<int>& numbers, bool with_confidence);

}  // namespace gannet
