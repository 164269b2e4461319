#include "gannet/detect/detector.h"

#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <opencv2/imgproc.hpp>

#include "gannet/config/fields.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/data/images/letterbox.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/predict/predictor.h"

namespace gannet {
namespace {

/// Where F1 was best when the checkpoint was evaluated.
double best_confidence(const LoadedModel& loaded, const std::string& checkpoint) {
  if (loaded.confidence > 0) return loaded.confidence;
  constexpr double kUsual = 0.25;
  log_warning("{}: does not say at which confidence its F1 was best: using {}", checkpoint, kUsual);
  return kUsual;
}

}  // namespace

struct Detector::Impl {
  LoadedModel loaded;
  Placement placement;
  DetectorOptions options;
  int image_size = 640;
  DetectorTiming timing;

  PredictOptions predict_options() const {
    const bool is_release7 = loaded.model->plan().generation == Generation::kRelease7;
    PredictOptions predict;
    predict.augment = options.augment;
    predict.nms = {
        .conf_threshold = options.confidence,
        .iou_threshold = options.iou,
        .merge = options.merge,
        .agnostic = options.agnostic,
        .best_class = is_release7,
        .class_shift_px = is_release7 ? kClassShiftRelease7 : NmsOptions().class_shift_px,
        .classes = options.classes,
        .max_detections = options.max_detections};
    return predict;
  }

  Batch prepare(const ImageView& image) const {
    const auto step = image.row_bytes > 0 ? static_cast<std::size_t>(image.row_bytes)
                                          : std::size_t{cv::Mat::AUTO_STEP};
    const cv::Mat source(image.height, image.width, CV_8UC3, const_cast<std::uint8_t*>(image.data),
                         step);
    LetterboxOptions fit;
    fit.height = fit.width = image_size;
    fit.minimal = true;
    fit.multiple = std::max(fit.multiple, loaded.model->max_stride());
    const LetterboxGeometry geometry = letterbox_geometry(source.size(), fit);
    cv::Mat fitted = letterbox(source, geometry);
    if (image.order == ChannelOrder::kBgr) {
      cv::Mat rgb;
      cv::cvtColor(fitted, rgb, cv::COLOR_BGR2RGB);
      fitted = rgb;
    }
    Batch batch;
    batch.images = 1;
    batch.height = fitted.rows;
    batch.width = fitted.cols;
    batch.pixels = std::shared_ptr<std::uint8_t[]>(new std::uint8_t[batch.bytes()]);
    cv::Mat target(fitted.rows, fitted.cols, CV_8UC3, batch.pixels.get());
    fitted.copyTo(target);
    SampleInfo sample;
    sample.letterbox = {image.height,  image.width,    geometry.gain,
                        geometry.gain, geometry.pad_w, geometry.pad_h};
    batch.samples.push_back(sample);
    return batch;
  }
};

Detector::Detector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

Detector Detector::load(const std::string& checkpoint, const DetectorOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->placement = resolve_placement(options.device, options.precision);
  impl->loaded = load_model(checkpoint);
  if (options.confidence == kAuto)
    impl->options.confidence = best_confidence(impl->loaded, checkpoint);
  impl->loaded.model->fuse();
  place_model(*impl->loaded.model, impl->placement);
  impl->image_size =
      static_cast<int>(ceil_to_multiple(options.image_size, impl->loaded.model->max_stride()));
  return Detector(std::move(impl));
}

std::vector<Detection> Detector::detect(const ImageView& image) {
  GANNET_CHECK(image.data != nullptr && image.width > 0 && image.height > 0,
               "detect needs an image");
  const Batch batch = impl_->prepare(image);
  const Predictor predictor(*impl_->loaded.model, impl_->placement, impl_->predict_options());
  const Prediction prediction = predictor.predict(batch);
  impl_->timing = {prediction.inference_seconds, prediction.nms_seconds, batch.height, batch.width};
  return to_detections(prediction.boxes.front(), batch.samples.front().letterbox,
                       impl_->loaded.names);
}

const std::vector<std::string>& Detector::names() const { return impl_->loaded.names; }
const DetectorTiming& Detector::timing() const { return impl_->timing; }

}  // namespace gannet
