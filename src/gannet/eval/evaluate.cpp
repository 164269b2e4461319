#include "gannet/eval/evaluate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <utility>

#include "gannet/config/data_description.h"
#include "gannet/config/settings.h"
#include "gannet/core/atomic_file.h"
#include "gannet/core/class_match.h"
#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/core/hash.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/core/parallel.h"
#include "gannet/core/run_directory.h"
#include "gannet/data/index/fingerprint.h"
#include "gannet/data/loading/datasets.h"
#include "gannet/dist/agreement.h"
#include "gannet/dist/communicator.h"
#include "gannet/eval/coco_results.h"
#include "gannet/eval/evaluator.h"
#include "gannet/eval/report_files.h"
#include "gannet/nn/fingerprint.h"
#include "gannet/predict/load_network.h"
#include "gannet/viz/draw.h"
#include "gannet/viz/evaluation_plots.h"

namespace gannet {
namespace {

constexpr double kStandAlonePad = 0.5;  // half a stride around each batch (RB 3.4)

std::string split_of(const ValSettings& settings) {
  if (!settings.split.empty()) return settings.split;
  return settings.task == "test" || settings.task == "train" ? settings.task : "val";
}

void check(const ValSettings& settings) {
  const auto require_one_of = [](const char* flag, const std::string& value,
                                 std::initializer_list<const char*> words) {
    if (std::find(words.begin(), words.end(), value) != words.end()) return;
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not known", value), {{}, 0, flag},
                fmt::format("one of {}", fmt::join(words, ", ")));
  };
  require_one_of("--task", settings.task, {"val", "test", "train", "study", "speed"});
  require_one_of("--compat", settings.compat, {"fixed", "original"});
  require_one_of("--protocol", settings.protocol, {"auto", "july2020", "v7", "coco"});
  if (settings.single_cls && !settings.coco_json.empty())
    throw Error(ErrorKind::kUsage, "the file has classes, --single-cls has none",
                {{}, 0, "--coco-json"}, "leave one of the two out");
}

DataDescription load_data(const ValSettings& settings) {
  DataDescription data = load_data_description(find_config(settings.data));
  complete_names(data);
  if (data.images_of(split_of(settings)).empty())
    throw Error(ErrorKind::kUsage, fmt::format("names no {} images", split_of(settings)),
                {data.file, 0, split_of(settings)});
  return data;
}

/// For each class of the data set its number in the model; equal numbers where a side has no names.
/// Throws Error (kData) where that cannot be said.
std::vector<int> class_numbers(const DataDescription& data, const LoadedNetwork& loaded,
                               const ValSettings& settings, bool is_main) {
  std::vector<int> numbers(static_cast<std::size_t>(data.num_classes));
  std::iota(numbers.begin(), numbers.end(), 0);
  if (settings.single_cls) return numbers;
  const int num_classes = static_cast<int>(loaded.names.size());
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
    *index = build_split_index(data, split_of(settings), options);
  });
  if (comm.is_main()) log_report(*index, split_of(settings));
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

/// Of the weights, or of the bytes of an exported file.
std::string network_fingerprint(const LoadedNetwork& loaded, const std::string& path) {
  if (loaded.model) return fingerprint(*loaded.model);
  const std::string bytes = read_file(path);
  Fingerprint hash;
  hash.add(bytes.data(), bytes.size());
  return hash.text();
}

// Lines "name: value". What may differ between ranks is left out.
std::string lines_to_compare(const ValSettings& settings, const Placement& placement,
                             const ImageIndex& index, const std::string& network) {
  ValSettings shared = settings;
  shared.weights = shared.data = shared.device = shared.project = shared.coco_json = "";
  shared.workers = 0;
  std::string text = fmt::format("version: {}\n", GANNET_VERSION);
  fields_of_val(LineWriter{text}, shared);
  return text + fmt::format("computed in: {}\nimages: {}\nmodel: {}\n",
                            c10::toString(placement.compute), fingerprint(index), network);
}

MetricProtocol protocol_of(const ValSettings& settings, const LoadedNetwork& loaded) {
  if (settings.protocol != "auto") return protocol_named(settings.protocol);
  return loaded.release7 ? MetricProtocol::kV7 : MetricProtocol::kJuly2020;
}

EvaluatorOptions evaluator_options(const ValSettings& settings, MetricProtocol protocol) {
  constexpr double kIouJuly2020 = 0.65, kIouRelease7 = 0.6;
  constexpr std::int64_t kPicturedBatches = 3;
  EvaluatorOptions options;
  options.predict.nms.conf_threshold = settings.conf_thres;
  options.predict.nms.iou_threshold = settings.iou_thres != kAuto       ? settings.iou_thres
                                      : protocol == MetricProtocol::kV7 ? kIouRelease7
                                                                        : kIouJuly2020;
  if (protocol == MetricProtocol::kV7) options.predict.nms.class_shift_px = kClassShiftRelease7;
  options.predict.nms.merge = settings.merge;
  options.predict.nms.max_detections = settings.max_det;
  options.predict.augment = settings.augment;
  options.predict.with_labels = settings.save_hybrid;
  options.single_class = settings.single_cls;
  options.score.protocol = protocol;
  options.score.original = settings.compat == "original";
  options.score.full = true;
  options.main_batches = kPicturedBatches;
  return options;
}

/// Everything that one evaluation is made of.
struct Prepared {
  DataDescription data;
  LoadedNetwork loaded;  // its network is the next member
  std::shared_ptr<const Network> network;
  Placement placement;
  std::vector<int> numbers;  // of the data set's classes in the model
  std::shared_ptr<const ImageIndex> index;
};

Prepared prepare(const ValSettings& settings, Communicator& comm) {
  check(settings);
  Prepared p;
  p.placement = resolve_placement(device_of_rank(settings.device, comm), settings.precision);
  p.data = load_data(settings);
  p.loaded = load_network(settings.weights, p.placement, settings.augment);
  p.network = std::move(p.loaded.network);
  p.numbers = class_numbers(p.data, p.loaded, settings, comm.is_main());
  fault_point("start", comm.rank());
  p.index = scan(p.data, settings, p.numbers, comm);
  if (comm.world_size() > 1)
    require_equal_lines(lines_to_compare(settings, p.placement, *p.index,
                                         network_fingerprint(p.loaded, settings.weights)),
                        comm);
  return p;
}

int checked_image_size(const ValSettings& settings, const LoadedNetwork& loaded, bool is_main) {
  if (const auto& shape = loaded.shape) {
    if (is_main)
      log_info("{}: takes images of {}x{} px only", settings.weights, shape->width, shape->height);
    return static_cast<int>(std::max(shape->height, shape->width));
  }
  const int stride = loaded.max_stride;
  const auto size = static_cast<int>(ceil_to_multiple(settings.img_size, stride));
  if (size != settings.img_size && is_main)
    log_warning("image size {} is not a multiple of {}: using {}", settings.img_size, stride, size);
  return size;
}

/// Rectangles that follow the images; squares where only time is measured; the network's shape
/// where it takes no other.
std::vector<BatchPlan> plan_batches(const ValSettings& settings, const ImageIndex& index,
                                    int image_size, const LoadedNetwork& loaded) {
  if (settings.task != "speed" && !loaded.shape)
    return plan_rectangular(aspect_ratios(index), settings.batch_size, image_size,
                            loaded.max_stride, kStandAlonePad);
  SamplerOptions options;
  options.num_images = static_cast<std::int64_t>(index.images.size());
  options.batch_size = settings.batch_size;
  options.image_size = image_size;
  options.shuffle = false;
  std::vector<BatchPlan> plans = plan_epoch(options, 0);
  if (!loaded.shape) return plans;
  for (BatchPlan& plan : plans) {
    plan.height = static_cast<int>(loaded.shape->height);
    plan.width = static_cast<int>(loaded.shape->width);
  }
  return plans;
}

/// The truth that COCO's evaluation compares with, where there is an annotation file.
std::optional<CocoGround> official_ground(const ValSettings& settings, const Prepared& p,
                                          const std::vector<std::int64_t>& categories,
                                          bool is_main) {
  if (settings.single_cls) return std::nullopt;
  const std::string json = settings.coco_json.empty() ? coco_json_of(*p.index) : settings.coco_json;
  if (json.empty()) return std::nullopt;
  CocoGround ground = coco_ground(json, *p.index, categories, p.loaded.names);
  if (is_main)
    for (const std::string& warning : ground.warnings) log_warning("{}", warning);
  return ground;
}

/// Pictures of the first batches: labels, predictions.
void draw_batch(const std::filesystem::path& directory, const Batch& batch,
                const std::vector<std::vector<ScoredBox>>& boxes,
                const std::vector<std::string>& names) {
  const MosaicOptions large{.tile_px = 480};
  const auto path = [&](const char* kind) {
    return directory / fmt::format("val_batch{}_{}.jpg", batch.number, kind);
  };
  parallel_for(2, 2, [&](std::size_t i) {
    i == 0 ? save_picture(path("labels"), batch_mosaic(batch, names, large))
           : save_picture(path("pred"), batch_mosaic(batch, names, boxes, large));
  });
}

/// For each class of the model its number in the data set, -1 for none.
std::vector<int> numbers_in_data(const Prepared& p) {
  std::vector<int> numbers(p.loaded.names.size(), -1);
  for (std::size_t c = 0; c < p.numbers.size(); ++c)
    if (const auto number = static_cast<std::size_t>(p.numbers[c]); number < numbers.size())
      numbers[number] = static_cast<int>(c);
  return numbers;
}

void write_files(const std::filesystem::path& directory, const ValSettings& settings,
                 const Prepared& p, const Evaluation& evaluation,
                 const std::vector<std::int64_t>& categories) {
  write_report(directory, evaluation.report, evaluation.images, *p.index);
  if (!evaluation.report.json_path.empty())
    write_coco_results(evaluation.report.json_path, evaluation.images, *p.index, categories);
  if (settings.save_txt || settings.save_hybrid)
    write_detection_labels(directory / "labels", evaluation.images, *p.index, numbers_in_data(p),
                           settings.save_conf);
}

/// @param directory of the run; empty: nothing is written
EvalReport evaluate_share(const ValSettings& settings, const Prepared& p,
                          const std::filesystem::path& directory, const EvalProgress& progress,
                          Communicator& comm) {
  const int num_classes = static_cast<int>(p.loaded.names.size());
  const int image_size = checked_image_size(settings, p.loaded, comm.is_main());
  LoaderOptions loading;
  loading.num_threads = settings.workers;
  Loader loader(make_evaluation_dataset(p.index, image_size), loading);
  EvaluatorOptions options = evaluator_options(settings, protocol_of(settings, p.loaded));
  const auto categories =
      coco_categories(*p.index, settings.single_cls ? 1 : p.data.num_classes,
                      settings.single_cls ? std::vector<int>{} : p.numbers, num_classes);
  const auto ground = official_ground(settings, p, categories, comm.is_main());
  if (ground) options.ground = &*ground;
  EvaluatorEvents events;
  events.progress = [&](std::int64_t done, std::int64_t total) {
    fault_point("evaluation", comm.rank());
    if (progress) progress(done, total);
  };
  if (!directory.empty())
    events.batch = [&](const Batch& batch, const std::vector<std::vector<ScoredBox>>& boxes) {
      if (batch.number < options.main_batches) draw_batch(directory, batch, boxes, p.loaded.names);
    };
  Evaluation evaluation = evaluate_batches({p.network, num_classes}, p.placement, loader,
                                           plan_batches(settings, *p.index, image_size, p.loaded),
                                           options, p.loaded.names, comm, events);
  if (directory.empty()) return evaluation.report;
  evaluation.report.directory = directory.string();
  if (settings.save_json || (ground && settings.coco_json.empty()))
    evaluation.report.json_path = (directory / "predictions.json").string();
  if (comm.is_main()) write_files(directory, settings, p, evaluation, categories);
  return evaluation.report;
}

std::filesystem::path make_directory(const ValSettings& settings, Communicator& comm) {
  return comm.broadcast(
      "run directory",
      comm.is_main()
          ? create_run_directory(settings.project, settings.name, settings.exist_ok).string()
          : "");
}

void write_study(const std::filesystem::path& directory, const ValSettings& settings,
                 const std::vector<StudyRow>& rows) {
  const auto stem = [](const std::string& path) {
    return std::filesystem::path(path).stem().string();
  };
  StudyCurve curve{stem(settings.weights), {}, {}, {}};
  std::string table;
  for (const StudyRow& row : rows) {
    const EvalReport& r = row.report;
    const double total_ms = r.prepare_ms + r.inference_ms + r.nms_ms;
    table += fmt::format("{:10} {:10.4g} {:10.4g} {:10.4g} {:10.4g} {:10.4g} {:10.4g} {:10.4g}\n",
                         row.image_size, r.mean.precision, r.mean.recall, r.mean.map50, r.mean.map,
                         r.inference_ms, r.nms_ms, total_ms);
    curve.image_sizes.push_back(row.image_size);
    curve.ms_per_image.push_back(total_ms);
    curve.map.push_back(r.mean.map);
  }
  write_file_atomically(
      directory / fmt::format("study_{}_{}.txt", stem(settings.data), stem(settings.weights)),
      table);
  plot_study({curve}, directory / "study.png");
}

}  // namespace

EvalReport evaluate(const ValSettings& settings, const EvalProgress& progress,
                    std::shared_ptr<Communicator> ranks) {
  const auto comm = ranks ? std::move(ranks) : make_single_process();
  EvalReport report;
  fail_together(*comm, [&] {
    const Prepared prepared = prepare(settings, *comm);
    const auto directory =
        settings.task == "speed" ? std::filesystem::path() : make_directory(settings, *comm);
    report = evaluate_share(settings, prepared, directory, progress, *comm);
  });
  return report;
}

std::vector<StudyRow> evaluate_sizes(const ValSettings& settings,
                                     const std::function<void(const StudyRow&)>& on_row,
                                     std::shared_ptr<Communicator> ranks) {
  constexpr int kFirst = 256, kStep = 128, kLargest = 1536;
  const auto comm = ranks ? std::move(ranks) : make_single_process();
  std::vector<StudyRow> rows;
  fail_together(*comm, [&] {
    const Prepared prepared = prepare(settings, *comm);
    if (prepared.loaded.shape)
      throw Error(ErrorKind::kUsage, "takes images of one size only",
                  {settings.weights, 0, "--task study"}, "export it with --dynamic");
    const auto directory = make_directory(settings, *comm);
    ValSettings of_size = settings;
    for (int size = kFirst; size <= std::min(kLargest, 2 * settings.img_size); size += kStep) {
      of_size.img_size = size;
      rows.push_back({size, evaluate_share(of_size, prepared, {}, {}, *comm)});
      if (on_row) on_row(rows.back());
    }
    if (rows.empty())
      throw Error(ErrorKind::kUsage,
                  fmt::format("twice {} px is below {}", settings.img_size, kFirst),
                  {{}, 0, "--img-size"}, "take a larger --img-size");
    rows.back().report.directory = directory.string();
    if (comm->is_main()) write_study(directory, settings, rows);
  });
  return rows;
}

}  // namespace gannet
