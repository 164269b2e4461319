#include "gannet/detect/detector.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <utility>

#include "gannet/config/fields.h"
#include "gannet/core/class_match.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/data/images/letterbox.h"
#include "gannet/predict/load_network.h"
#include "gannet/predict/predictor.h"

namespace gannet {
namespace {

/// Where F1 was best when the checkpoint was evaluated.
double best_confidence(const LoadedNetwork& loaded, const std::string& checkpoint) {
  if (loaded.confidence > 0) return loaded.confidence;
  constexpr double kUsual = 0.25;
  log_warning("{}: does not say at which confidence its F1 was best: using {}", checkpoint, kUsual);
  return kUsual;
}

/// Networks that work together need one input and one list of classes.
void require_equal_terms(const std::vector<LoadedNetwork>& models,
                         const std::vector<std::string>& checkpoints) {
  for (std::size_t i = 1; i < models.size(); ++i) {
    if (models[i].shape != models[0].shape)
      throw Error(
          ErrorKind::kUsage,
          fmt::format("takes other images than {}: one of them has a fixed shape", checkpoints[0]),
          {checkpoints[i], 0, "--weights"}, "export it with --dynamic");
    if (models[i].names == models[0].names) continue;
    throw Error(ErrorKind::kUsage,
                fmt::format("has the classes {}, {} has {}", list_names(models[i].names),
                            checkpoints[0], list_names(models[0].names)),
                {checkpoints[i], 0, "--weights"}, "models that work together need equal classes");
  }
}

/// Whether the mean over models makes sense: models of July 2020 with as many boxes each (Q63).
bool have_equal_rows(const std::vector<LoadedNetwork>& models) {
  return std::all_of(models.begin(), models.end(), [&](const LoadedNetwork& loaded) {
    if (loaded.release7 || !loaded.model || !models.front().model) return false;
    const HeadSpec &head = loaded.model->head(), &first = models.front().model->head();
    return head.strides == first.strides && head.anchors_per_level() == first.anchors_per_level();
  });
}

PredictOptions predict_options(const DetectorOptions& options, bool release7) {
  PredictOptions predict;
  predict.augment = options.augment;
  predict.nms = {.conf_threshold = options.confidence,
                 .iou_threshold = options.iou,
                 .merge = options.merge,
                 .agnostic = options.agnostic,
                 .best_class = release7,
                 .class_shift_px = release7 ? kClassShiftRelease7 : NmsOptions().class_shift_px,
                 .classes = options.classes,
                 .max_detections = options.max_detections};
  return predict;
}

cv::Mat matrix_of(const ImageView& image) {
  GANNET_CHECK(image.data != nullptr && image.width > 0 && image.height > 0,
               "detect needs an image");
  const auto step = image.row_bytes > 0 ? static_cast<std::size_t>(image.row_bytes)
                                        : std::size_t{cv::Mat::AUTO_STEP};
  return {image.height, image.width, image.order == ChannelOrder::kGrey ? CV_8UC1 : CV_8UC3,
          const_cast<std::uint8_t*>(image.data), step};
}

/// Copies into the batch as RGB.
void write_rgb(const cv::Mat& from, ChannelOrder order, cv::Mat to) {
  switch (order) {
    case ChannelOrder::kBgr:
      return cv::cvtColor(from, to, cv::COLOR_BGR2RGB);
    case ChannelOrder::kGrey:
      return cv::cvtColor(from, to, cv::COLOR_GRAY2RGB);
    default:
      from.copyTo(to);
  }
}

}  // namespace

struct Detector::Impl {
  std::vector<std::string> names;
  int image_size = 640, max_stride = 1;
  std::optional<InputShape> shape;  // the only one that the network takes
  /// One image keeps all threads busy; several are computed side by side.
  std::unique_ptr<Predictor> single, batched;

  /// The least shape that holds all images at the gain that each would have by itself.
  LetterboxOptions common_fit(const std::vector<ImageView>& images) const {
    LetterboxOptions own;
    if (shape) {
      own.height = static_cast<int>(shape->height);
      own.width = static_cast<int>(shape->width);
      return own;
    }
    own.height = own.width = image_size;
    own.minimal = true;
    own.multiple = std::max(own.multiple, max_stride);
    cv::Size common;
    bool equal = true;
    for (const ImageView& image : images) {
      const cv::Size outer = letterbox_geometry({image.width, image.height}, own).outer;
      equal = equal && (common.empty() || outer == common);
      common = {std::max(common.width, outer.width), std::max(common.height, outer.height)};
    }
    if (equal) return own;
    LetterboxOptions joint = own;
    joint.minimal = false;
    joint.height = common.height;
    joint.width = common.width;
    return joint;
  }

  Batch prepare(const std::vector<ImageView>& images) const {
    const LetterboxOptions fit = common_fit(images);
    Batch batch;
    batch.images = static_cast<int>(images.size());
    for (const ImageView& image : images) {
      const cv::Mat source = matrix_of(image);
      const LetterboxGeometry geometry = letterbox_geometry(source.size(), fit);
      const cv::Mat fitted = letterbox(source, geometry);
      if (!batch.pixels) {
        batch.height = fitted.rows;
        batch.width = fitted.cols;
        batch.pixels = std::shared_ptr<std::uint8_t[]>(new std::uint8_t[batch.bytes()]);
      }
      const std::size_t bytes = batch.bytes() / images.size();
      write_rgb(
          fitted, image.order,
          {batch.height, batch.width, CV_8UC3, batch.pixels.get() + batch.samples.size() * bytes});
      SampleInfo sample;
      sample.letterbox = {image.height,  image.width,    geometry.gain,
                          geometry.gain, geometry.pad_w, geometry.pad_h};
      batch.samples.push_back(sample);
    }
    return batch;
  }
};

void Detector::tell_image_size(const std::string& checkpoint, int wanted, const Impl& impl) {
  if (impl.shape)
    log_info("{}: takes images of {}x{} px only", checkpoint, impl.shape->width,
             impl.shape->height);
  else if (impl.image_size != wanted)
    log_warning("image size {} is not a multiple of {}: using {}", wanted, impl.max_stride,
                impl.image_size);
}

Detector::Detector(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Detector::Detector(Detector&&) noexcept = default;
Detector& Detector::operator=(Detector&&) noexcept = default;
Detector::~Detector() = default;

Detector Detector::load(const std::string& checkpoint, const DetectorOptions& options) {
  return load_ensemble({checkpoint}, options);
}

Detector Detector::load_ensemble(const std::vector<std::string>& checkpoints,
                                 const DetectorOptions& options) {
  GANNET_CHECK(!checkpoints.empty(), "a detector needs a checkpoint");
  const Placement placement = resolve_placement(options.device, options.precision);
  std::vector<LoadedNetwork> models;
  for (const std::string& checkpoint : checkpoints)
    models.push_back(load_network(checkpoint, placement, options.augment));
  require_equal_terms(models, checkpoints);
  DetectorOptions used = options;
  if (options.confidence == kAuto)
    used.confidence = best_confidence(models.front(), checkpoints.front());

  auto impl = std::make_unique<Impl>();
  impl->names = models.front().names;
  impl->shape = models.front().shape;
  std::vector<std::unique_ptr<Network>> networks;
  bool any_release7 = false;
  for (LoadedNetwork& model : models) {
    impl->max_stride = std::max(impl->max_stride, model.max_stride);
    any_release7 = any_release7 || model.release7;
    networks.push_back(std::move(model.network));
  }
  impl->image_size =
      static_cast<int>(impl->shape ? std::max(impl->shape->height, impl->shape->width)
                                   : ceil_to_multiple(options.image_size, impl->max_stride));
  tell_image_size(checkpoints.front(), options.image_size, *impl);
  const std::shared_ptr<const Network> network =
      networks.size() == 1
          ? std::move(networks.front())
          : make_ensemble(std::move(networks),
                          have_equal_rows(models) ? EnsembleRule::kMean : EnsembleRule::kAll);
  PredictOptions predict = predict_options(used, any_release7);
  impl->single = std::make_unique<Predictor>(network, placement, predict);
  predict.side_by_side = true;
  impl->batched = std::make_unique<Predictor>(network, placement, predict);
  return Detector(std::move(impl));
}

std::vector<Detection> Detector::detect(const ImageView& image) const {
  return std::move(detect_batch({image}).images.front());
}

BatchDetections Detector::detect_batch(const std::vector<ImageView>& images) const {
  BatchDetections result;
  if (images.empty()) return result;
  const Batch batch = impl_->prepare(images);
  const Prediction prediction =
      (images.size() == 1 ? impl_->single : impl_->batched)->predict(batch);
  for (std::size_t i = 0; i < images.size(); ++i)
    result.images.push_back(
        to_detections(prediction.boxes[i], batch.samples[i].letterbox, names()));
  result.prepare_seconds = prediction.prepare_seconds;
  result.inference_seconds = prediction.inference_seconds;
  result.nms_seconds = prediction.nms_seconds;
  result.input_height = batch.height;
  result.input_width = batch.width;
  return result;
}

const std::vector<std::string>& Detector::names() const { return impl_->names; }
int Detector::image_size() const { return impl_->image_size; }

}  // namespace gannet
