// Finds objects in images with a trained model: the embedding interface of inference.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/core/image_view.h"

namespace gannet {

/// Where to compute, and which boxes to keep.
struct DetectorOptions {
  std::string device = {};  // "cpu", "cuda:0"; empty chooses
  std::string precision = "auto";
  int image_size = 640;  // longer side of the network's input, px
  /// The least; kAuto: where F1 was best when the checkpoint was evaluated, else 0.25.
  double confidence = 0.4;
  double iou = 0.5;               // overlap at which the weaker box goes
  std::vector<int> classes = {};  // keep only these; empty keeps all
  bool agnostic = false;          // suppress across classes
  bool augment = false;           // test-time augmentation
  bool merge = false;             // average overlapping boxes
  int max_detections = 300;
};

/// What several images gave, and the time that it took.
struct BatchDetections {
  std::vector<std::vector<Detection>> images;
  double prepare_seconds = 0, inference_seconds = 0, nms_seconds = 0;
  int input_height = 0, input_width = 0;  // of the network's input
};

/// Trained models and the way from pictures to objects, from checkpoints or exported files (.onnx,
/// .torchscript). One of a fixed shape fits every image into that. Calls of one detector may
/// overlap.
class Detector {
 public:
  /// Throws Error for a file that is no model, or a device that is not there.
  static Detector load(const std::string& checkpoint, const DetectorOptions& options = {});
  /// Several models as one: the mean of what they say, or, where one is of release 7.0 or their
  /// heads differ, the best of all that they say. Throws Error (kUsage) where their classes differ.
  static Detector load_ensemble(const std::vector<std::string>& checkpoints,
                                const DetectorOptions& options = {});
  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;
  ~Detector();

  /// Objects in one image, descending score, in its pixels.
  std::vector<Detection> detect(const ImageView& image) const;
  /// Objects in several images that go through the network together. Images of unequal shapes are
  /// padded to a common one.
  BatchDetections detect_batch(const std::vector<ImageView>& images) const;

  /// Names of the classes, by number.
  const std::vector<std::string>& names() const;
  /// Longer side of the network's input, px: that of the options, as a multiple of the stride, or
  /// of the exported file's fixed shape.
  int image_size() const;

 private:
  struct Impl;
  explicit Detector(std::unique_ptr<Impl> impl);
  static void tell_image_size(const std::string& checkpoint, int wanted, const Impl& impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gannet
