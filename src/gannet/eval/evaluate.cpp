#include "gannet/eval/evaluate.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <utility>

#include "gannet/config/data_description.h"
#include "gannet/config/settings.h"
#include "gannet/core/class_match.h"
#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/data/index/fingerprint.h"
#include "gannet/data/loading/datasets.h"
#include "gannet/dist/agreement.h"
#include "gannet/dist/communicator.h"
#include "gannet/eval/coco_results.h"
#include "gannet/eval/evaluator.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/nn/fingerprint.h"

namespace gannet {
namespace {

constexpr double kStandAlonePad = 0.5;  // half a stride around each batch (RB 3.4)

DataDescription load_data(const ValSettings& settings) {
  DataDescription data = load_data_description(find_config(settings.data));
  complete_names(data);
  if (data.images_of(settings.split).empty())
    throw Error(ErrorKind::kUsage, fmt::format("names no {} images", settings.split),
                {data.file, 0, settings.split});
  return data;
}

/// For each class of the data set its number in the model; equal numbers where a side has no names.
/// Throws Error (kData) where that cannot be said.
std::vector<int> class_numbers(const DataDescription& data, const LoadedModel& loaded,
                               const ValSettings& settings, bool is_main) {
  std::vector<int> numbers(static_cast<std::size_t>(data.num_classes));
  std::iota(numbers.begin(), numbers.end(), 0);
  if (settings.single_cls) return numbers;
  const int num_classes = loaded.model->head().num_classes;
  if (!are_class_names(data.names) || !are_class_names(loaded.names)) {
    if (num_classes == data.num_classes) return numbers;
    throw Error(
        ErrorKind::kData,
        fmt::format("the model has {} classes, the data set {}", num_classes, data.num_classes),
        {data.file, 0, "nc"}, "evaluate with the data that the model was trained for");
  }
  const ClassMatch match = match_classes(data.names, loaded.names);
  if (!match.unknown.empty() || !match.ambiguous.empty()) {
    const bool unknown = !match.unknown.empty();
    throw Error(ErrorKind::kData,
                unknown ? fmt::format("the model does not know {}", list_names(match.unknown))
                        : fmt::format("the names {} repeat", list_names(match.ambiguous)),
                {data.file, 0, "names"},
                fmt::format("its classes are {}; rename those that are the same",
                            list_names(loaded.names)));
  }
  if (is_main && !match.is_identity())
    log_info("classes are matched by name: the model has {}, the data set {}",
             list_names(loaded.names), list_names(data.names));
  return match.to;
}

/// @param numbers of the data set's classes in the model
std::shared_ptr<const ImageIndex> scan(const DataDescription& data, const ValSettings& settings,
                                       const std::vector<int>& numbers, Communicator& comm) {
  IndexOptions options;
  options.single_class = settings.single_cls;
  auto index = std::make_shared<ImageIndex>();
  comm.one_first("the scan of the data set", [&] {
    fault_point("scan", comm.rank());
    *index = build_split_index(data, settings.split, options);
  });
  if (comm.is_main()) log_report(*index, settings.split);
  if (settings.single_cls) return index;
  const auto renumber = [&](Label& label) {
    label.class_id = numbers.at(static_cast<std::size_t>(label.class_id));
  };
  for (IndexedImage& image : index->images) {
    std::for_each(image.labels.begin(), image.labels.end(), renumber);
    std::for_each(image.crowd.begin(), image.crowd.end(), renumber);
  }
  return index;
}

struct LineWriter {
  std::string& text;
  template <class T>
  void operator()(const char* name, const T& value, const char*, Range) const {
    text += fmt::format("{}: {}\n", name, value);
  }
};

// Lines "name: value". What may differ between ranks is left out.
std::string lines_to_compare(const ValSettings& settings, const Placement& placement,
                             const ImageIndex& index, const DetectionModel& model) {
  ValSettings shared = settings;
  shared.weights = shared.data = shared.device = "";
  shared.workers = 0;
  std::string text = fmt::format("version: {}\n", GANNET_VERSION);
  fields_of_val(LineWriter{text}, shared);
  return text + fmt::format("computed in: {}\nimages: {}\nmodel: {}\n",
                            c10::toString(placement.compute), fingerprint(index),
                            fingerprint(model));
}

EvaluatorOptions evaluator_options(const ValSettings& settings) {
  EvaluatorOptions options;
  options.predict.nms.conf_threshold = settings.conf_thres;
  options.predict.nms.iou_threshold = settings.iou_thres;
  options.predict.nms.merge = settings.merge;
  options.predict.augment = settings.augment;
  options.single_class = settings.single_cls;
  return options;
}

EvalReport evaluate_share(const ValSettings& settings,
                          const std::function<void(std::int64_t, std::int64_t)>& progress,
                          Communicator& comm) {
  const Placement placement =
      resolve_placement(device_of_rank(settings.device, comm), settings.precision);
  const DataDescription data = load_data(settings);
  const LoadedModel loaded = load_model(settings.weights);
  const auto numbers = class_numbers(data, loaded, settings, comm.is_main());
  fault_point("start", comm.rank());
  const auto index = scan(data, settings, numbers, comm);
  require_equal_lines(lines_to_compare(settings, placement, *index, *loaded.model), comm);
  loaded.model->fuse();
  place_model(*loaded.model, placement);
  const int stride = loaded.model->max_stride();
  const auto image_size = static_cast<int>(ceil_to_multiple(settings.img_size, stride));
  if (image_size != settings.img_size && comm.is_main())
    log_warning("image size {} is not a multiple of {}: using {}", settings.img_size, stride,
                image_size);

  LoaderOptions loader_options;
  loader_options.num_threads = settings.workers;
  Loader loader(make_evaluation_dataset(index, image_size), loader_options);
  EvaluatorEvents events;
  events.progress = [&](std::int64_t done, std::int64_t total) {
    fault_point("evaluation", comm.rank());
    if (progress) progress(done, total);
  };
  CocoResults results(index, data.num_classes, settings.single_cls ? std::vector<int>{} : numbers);
  if (settings.save_json) events.image = [&](const ImageResult& image) { results.add(image); };
  const auto plans = plan_rectangular(aspect_ratios(*index), settings.batch_size, image_size,
                                      stride, kStandAlonePad);
  EvalReport report = evaluate_batches(*loaded.model, placement, loader, plans,
                                       evaluator_options(settings), loaded.names, comm, events);
  if (!settings.save_json) return report;
  results.gather(comm);
  report.json_path = fmt::format("detections_{}_{}_results.json", settings.split,
                                 std::filesystem::path(settings.weights).stem().string());
  if (comm.is_main()) results.write(report.json_path);
  return report;
}

}  // namespace

EvalReport evaluate(const ValSettings& settings,
                    const std::function<void(std::int64_t, std::int64_t)>& progress,
                    std::shared_ptr<Communicator> ranks) {
  const auto comm = ranks ? std::move(ranks) : make_single_process();
  EvalReport report;
  fail_together(*comm, [&] { report = evaluate_share(settings, progress, *comm); });
  return report;
}

}  // namespace gannet
