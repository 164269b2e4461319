// Detections of a data set in COCO's results form, for the official evaluator (RB 7.6).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gannet/data/index/image_index.h"
#include "gannet/eval/evaluator.h"

namespace gannet {

class Communicator;

/// Collects images in any order; the file lists them in the order of the data set.
class CocoResults {
 public:
  /// @param num_classes of the data set
  /// @param numbers of its classes among those of the detections; none: the same. Detections of
  /// other classes are left out
  CocoResults(std::shared_ptr<const ImageIndex> index, int num_classes,
              std::vector<int> numbers = {})
      : index_(std::move(index)), num_classes_(num_classes), numbers_(std::move(numbers)) {}

  void add(const ImageResult& image);
  /// The images of all ranks, on each of them.
  void gather(Communicator& comm);
  /// A list of {image_id, category_id, bbox, score}: ids of the annotation file where there is one,
  /// else the number in the file's name (or the name) and, for 80 classes, COCO's own ids. Boxes
  /// are corner, width and height in pixels of the original, to three decimals. Throws Error (kIo).
  void write(const std::filesystem::path& path) const;

 private:
  /// Nothing for a class that the data set does not have.
  std::optional<std::int64_t> category_of(int class_id) const;

  std::shared_ptr<const ImageIndex> index_;
  int num_classes_;
  std::vector<int> numbers_;
  std::map<std::int64_t, std::string> rows_;  // JSON objects, by position in the data set
};

}  // namespace gannet
