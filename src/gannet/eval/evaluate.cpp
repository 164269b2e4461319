#include "gannet/eval/evaluate.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <filesystem>

#include "gannet/config/data_description.h"
#include "gannet/config/settings.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/data/datasets.h"
#include "gannet/eval/coco_results.h"
#include "gannet/eval/evaluator.h"
#include "gannet/nn/checkpoint.h"

namespace gannet {
namespace {

constexpr double kStandAlonePad = 0.5;  // half a stride around each batch (RB 3.4)

void check_split(const DataDescription& data, const std::string& split) {
  if (data.images_of(split).empty()) throw Error(ErrorKind::kUsage, fmt::format("names no {} images", split), {data.file, 0, split});
}

}  // namespace

EvalReport evaluate(const ValSettings& settings, const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const Placement placement = resolve_placement(settings.device, settings.precision);
  DataDescription data = load_data_description(find_config(settings.data));
  complete_names(data);
  check_split(data, settings.split);
  const LoadedModel loaded = load_model(settings.weights);
  if (!settings.single_cls && loaded.model->head().num_classes != data.num_classes)
    throw Error(ErrorKind::kData, fmt::format("the model has {} classes, the data set {}", loaded.model->head().num_classes, data.num_classes),
                {data.file, 0, "nc"}, "evaluate with the data that the model was trained for");
  loaded.model->fuse();
  place_model(*loaded.model, placement);

  IndexOptions index_options;
  index_options.single_class = settings.single_cls;
  const auto index = std::make_shared<ImageIndex>(build_split_index(data, settings.split, index_options));
  log_report(*index, settings.split);
  const int stride = loaded.model->max_stride();
  const auto image_size = static_cast<int>(ceil_to_multiple(settings.img_size, stride));
  if (image_size != settings.img_size) log_warning("image size {} is not a multiple of {}: using {}", settings.img_size, stride, image_size);

  LoaderOptions loader_options;
  loader_options.num_threads = settings.workers;
  Loader loader(make_evaluation_dataset(index, image_size), loader_options);
  EvaluatorOptions options;
  options.nms.conf_threshold = settings.conf_thres;
  options.nms.iou_threshold = settings.iou_thres;
  options.nms.merge = settings.merge;
  options.augment = settings.augment;
  options.single_class = settings.single_cls;
  EvaluatorEvents events;
  events.progress = progress;
  CocoResults results(index, data.num_classes);
  if (settings.save_json) events.image = [&](const ImageResult& image) { results.add(image); };
  const auto alone = make_single_process();
  EvalReport report =
      evaluate_batches(Predictor(*loaded.model, placement), loader,
                       plan_rectangular(aspect_ratios(*index), settings.batch_size, image_size, stride, kStandAlonePad), options, loaded.names, *alone, events);
  if (settings.save_json) {
    const auto stem = std::filesystem::path(settings.weights).stem().string();
    report.json_path = fmt::format("detections_{}_{}_results.json", settings.split, stem);
    results.write(report.json_path);
  }
  return report;
}

}  // namespace gannet
