#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <limits>

#include "gannet/core/class_match.h"
#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/core/run_directory.h"
#include "gannet/data/index/anchors.h"
#include "gannet/dist/agreement.h"
#include "gannet/eval/fingerprint.h"
#include "gannet/io/torch_file.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/observe/plots.h"
#include "gannet/observe/results_file.h"
#include "gannet/observe/upload.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_directory.h"
#include "gannet/train/shards.h"
#include "gannet/train/training_run.h"
#include "gannet/train/world.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

// Memory that a GPU reads by itself, while the step before is computed.
std::shared_ptr<std::uint8_t[]> page_locked(std::size_t bytes) {
  auto memory = torch::empty({static_cast<std::int64_t>(bytes)},
                             torch::dtype(torch::kUInt8).pinned_memory(true));
  auto* const data = memory.mutable_data_ptr<std::uint8_t>();
  return {data, [memory](std::uint8_t*) {}};
}

void make_weights_folder(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory / "weights", error);
  if (error)
    throw Error(ErrorKind::kIo, "cannot make the folder: " + error.message(),
                {(directory / "weights").string(), 0, {}}, "choose another --project");
}

/// A new run in the directory of an unfinished one does not take its state away.
void keep_unfinished(const fs::path& directory) {
  const fs::path last = directory / "weights/last.pt", kept = directory / "weights/replaced.pt";
  std::error_code ignored;
  if (!fs::exists(last, ignored)) return;
  const Value checkpoint = load_torch_file(last.string());
  if (!checkpoint.is_dict() || checkpoint.find("optimizer") == nullptr) return;
  fs::rename(last, kept, ignored);
  log_warning(
      "{}: holds an unfinished run of {} epochs so far, which this one replaces; its state "
      "is kept as {} (--resume auto goes on with such a run)",
      directory.string(), checkpoint.int_at("epoch") + 1, kept.string());
}

GradientCompression compression_of(const std::string& word) {
  if (word == "bf16") return GradientCompression::kBf16;
  return word == "fp16" ? GradientCompression::kFp16 : GradientCompression::kNone;
}

/// What a resumed run compares: content and order of the data decide its numbers.
DataFingerprint fingerprint_of(const RunData& data) {
  return {fingerprint(data.train_index()), fingerprint(data.val_index())};
}

}  // namespace

TrainingRun::TrainingRun(const Settings& given, std::shared_ptr<Communicator> ranks)
    : settings(given), comm(ranks ? std::move(ranks) : make_single_process()) {
  check_settings(settings);
}

void TrainingRun::prepare() {
  run_watch = Stopwatch();
  make_paths_absolute(settings.train, !checkpoint.is_none());
  if (comm->is_main() && !settings.train.bucket.empty())
    make_uploader(settings.train.bucket);  // a wrong address is told at once
  build_model_and_data();
  avoid_few_values();
  if (!settings.train.noautoanchor && checkpoint.is_none()) adapt_anchors();
  build_state();
  if (!checkpoint.is_none()) restore();
  mark_boundary(state);
  ScheduleOptions schedule_options = make_schedule_options(settings, state.batches_per_epoch);
  schedule_options.first_epoch = state.epoch;
  schedule.emplace(schedule_options);
  loss.emplace(make_loss_options(settings, data->description().num_classes));
  join_ranks();
  build_step();
  build_loaders();
}

void TrainingRun::build_model_and_data() {
  const TrainSettings& train = settings.train;
  if (train.exist_ok && !train.weights.empty() && resumed_from.empty()) {
    const fs::path own = fs::path(train.project) / (train.name.empty() ? "exp" : train.name);
    std::error_code ignored;
    if (fs::equivalent(fs::path(train.weights).parent_path(), own / "weights", ignored))
      throw Error(ErrorKind::kUsage, "would replace the weights that the run starts from",
                  {train.weights, 0, "--exist-ok"}, "give the new run another --name");
  }
  placement =
      resolve_placement(device_of_rank(train.device, *comm), train.precision, train.memory_format);
  DataDescription description = load_run_data_description(train);
  state.seed = static_cast<std::uint64_t>(train.seed);
  state.model = build_run_model(settings, description.names, checkpoint);
  fault_point("start", comm->rank());
  comm->one_first("the scan of the data set", [&] {
    fault_point("scan", comm->rank());
    data.emplace(settings, description, state.model->max_stride());
  });
}

// Cells of the deepest map in the smallest batch.
std::int64_t TrainingRun::least_cells() const {
  const int stride = state.model->max_stride();
  const auto cells_of = [&](int side) {
    return static_cast<std::int64_t>(
        ceil_to_multiple(settings.train.multi_scale ? side / 2 : side, stride) / stride);
  };
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const BatchPlan& batch : data->train_plans(0))
    least = std::min(least, cells_of(batch.height) * cells_of(batch.width));
  return least;
}

// Batch norm needs some values per channel. Where images are so small that a share of a batch has
// fewer in the deepest maps, it keeps its statistics there. That works for all shares or for none:
// the statistics of a few larger ones would not fit the others.
void TrainingRun::avoid_few_values() {
  constexpr std::int64_t kLeastValues = 4;
  const TrainSettings& train = settings.train;
  const std::int64_t cells = least_cells(), needed = (kLeastValues + cells - 1) / cells;
  if (needed == 1) return;
  if (!settings.compat_original()) state.model->require_norm_values(kLeastValues);
  const int shares = train.sync_bn ? 1 : train.deterministic ? kNumShards : comm->world_size();
  const std::string what =
      fmt::format("the deepest map of images of {} px{} has {} cell{}", data->image_size(),
                  train.multi_scale ? " with --multi-scale" : "", cells, cells == 1 ? "" : "s");
  const std::int64_t most = (train.batch_size + shares - 1) / shares;
  const bool all_fit = train.batch_size / shares >= needed;
  if (most >= needed && !all_fit)
    throw Error(ErrorKind::kUsage,
                fmt::format("{}, and {} images over {} shares give some of them less than the {} "
                            "that batch norm needs",
                            what, train.batch_size, shares, needed),
                {{}, 0, "--batch-size"}, "take a larger --img-size or --batch-size");
  const std::int64_t batches = data->batches_per_epoch();
  if (all_fit) data->merge_batches_below(static_cast<std::size_t>(needed * shares));
  if (!comm->is_main()) return;
  if (!all_fit)
    log_warning(
        "{}, too few for batch norm with {} images a share: it keeps its statistics there "
        "(a larger --img-size, or {} images a share, learn better)",
        what, most, needed);
  if (data->batches_per_epoch() < batches)
    log_info("{}: the last batch has too few images for batch norm and joins the one before it",
             what);
}

void TrainingRun::adapt_anchors() {
  const AnchorCheck check = check_anchors(data->train_index(), state.model->head(),
                                          data->image_size(), settings.hyp.anchor_t, state.seed);
  log_info("anchors: best possible recall {:.4f}{}", check.recall_before,
           check.replaced ? fmt::format(", new anchors reach {:.4f}", check.recall_after) : "");
  if (check.replaced) state.model->detect().set_anchors(check.head);
}

void TrainingRun::build_state() {
  place_model(*state.model, placement);
  state.ema = std::make_unique<Ema>(*state.model);
  state.optimizer =
      make_optimizer(*state.model, {settings.train.optimizer, settings.hyp.lr0,
                                    settings.hyp.momentum, scaled_weight_decay(settings)});
  state.scaler.enabled = placement.compute == torch::kFloat16;
  if (state.scaler.enabled) state.scaler.scale = 65536;
  state.batches_per_epoch = data->batches_per_epoch();
  state.data = fingerprint_of(*data);
}

void TrainingRun::restore() {
  require_same_data();
  restore_state(state, checkpoint, *comm);
  require_same_batches();
  checkpoint = Value();  // its memory is needed
  if (!comm->is_main()) return;
  const std::int64_t done = state.iteration - state.epoch * state.batches_per_epoch;
  if (state.epoch >= settings.train.epochs)
    log_info("all {} epochs are done; the end of the run is left", state.epoch);
  else
    log_info("goes on in epoch {} after {} of {} steps", state.epoch, done,
             state.batches_per_epoch);
}

void TrainingRun::require_same_data() const {
  const Value* then = checkpoint.find("data");
  if (then == nullptr) return;  // of an earlier version
  const auto refuse = [&](const std::string& had, const std::string& has) {
    throw Error(ErrorKind::kUsage,
                fmt::format("the run was made with {}, {} has {}", had, settings.train.data, has),
                {resumed_from, 0, "--data"},
                "resume with the same data set, or start a new run with --weights");
  };
  std::vector<std::string> names;
  for (const Value& name : checkpoint.list_at("names")) names.push_back(name.as_string());
  const auto& now_names = data->description().names;
  if (names != now_names)
    refuse("the classes " + list_names(names), "the classes " + list_names(now_names));
  const DataFingerprint now = fingerprint_of(*data);
  if (then->string_at("train") != now.train)
    refuse("train: " + then->string_at("train"), now.train);
  if (then->string_at("val") != now.val) refuse("val: " + then->string_at("val"), now.val);
}

void TrainingRun::require_same_batches() const {
  const Value* then = checkpoint.at("sampler").find("batches");
  if (then == nullptr || then->as_int() == state.batches_per_epoch) return;
  throw Error(ErrorKind::kUsage,
              fmt::format("an epoch had {} batches and now has {}", then->as_int(),
                          state.batches_per_epoch),
              {resumed_from, 0, {}},
              "resume with the same images, or start a new run with --weights");
}

// From here on the ranks have equal states, and gradients are summed.
void TrainingRun::join_ranks() {
  const TrainSettings& train = settings.train;
  if (train.sync_bn) {  // in a world of one too: the same arithmetic for every number of ranks
    norm_sync = std::make_shared<NormSync>(NormSync{*comm});
    state.model->synchronise_norms(norm_sync);
  }
  if (comm->world_size() == 1) return;
  if (train.compat == "original" && train.batch_size % comm->world_size() != 0)
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{} is not a multiple of {} processes", train.batch_size, comm->world_size()),
        {{}, 0, "--batch-size"}, "without --compat original any batch size goes");
  require_equal_ranks(settings, data->train_index(), data->val_index(), *state.model, *comm);
  if (train.deterministic) return;  // shards exchange their gradients themselves
  std::vector<torch::Tensor> parameters;
  for (const auto& p : state.model->parameters())
    if (p.requires_grad()) parameters.push_back(p);
  reducer = comm->reduce_gradients(std::move(parameters), compression_of(train.grad_compress));
}

void TrainingRun::build_step() {
  StepOptions options;
  options.multi_scale = settings.train.multi_scale;
  options.image_size = data->image_size();
  options.reducer = reducer.get();
  options.norm_sync = norm_sync;
  options.loss_per_rank = settings.compat_original();
  options.before_update = [this] { saver->wait_until_copied(); };
  if (settings.train.deterministic) {
    options.shard_threads = torch::get_num_threads();
    torch::set_num_threads(1);
  }
  step.emplace(state, *schedule, *loss, placement, *comm, options);
}

void TrainingRun::build_loaders() {
  LoaderOptions options;
  options.num_threads = settings.train.workers;
  options.seed = state.seed;
  if (placement.device.is_cuda()) options.allocate = page_locked;
  train_loader.emplace(data->train_set(), options);
  val_loader.emplace(data->val_set(), options);
}

RunInfo TrainingRun::describe() const {
  RunInfo info;
  info.directory = directory;
  info.start_epoch = state.epoch;
  info.epochs = settings.train.epochs;
  info.batch_size = settings.train.batch_size;
  info.image_size = data->image_size();
  for (const auto& p : state.model->parameters()) info.num_parameters += p.numel();
  info.train_images = static_cast<std::int64_t>(data->train_index().images.size());
  info.val_images = static_cast<std::int64_t>(data->val_index().images.size());
  info.names = &data->description().names;
  return info;
}

// Rank 0 owns the run directory; the others only learn where it is.
void TrainingRun::start_observers() {
  if (comm->is_main()) {
    if (!resumed_from.empty()) {
      directory = fs::path(resumed_from).parent_path().parent_path();
    } else if (directory.empty()) {
      directory = create_run_directory(settings.train.project, settings.train.name,
                                       settings.train.exist_ok);
    }
    if (resumed_from.empty()) keep_unfinished(directory);
  }
  if (comm->is_main()) make_weights_folder(directory);
  directory = comm->broadcast("run directory", directory.string());
  saver.emplace(SavedRun{settings, data->description().names, state, *comm, observers,
                         directory / "weights", norm_sync || settings.train.deterministic});
  if (!comm->is_main()) return;
  add_log_file(directory / "log.txt");
  write_settings_files(directory, settings, data->description(), state.model->description().text);
  observers.add(std::make_unique<ResultsFileObserver>(directory, state.results));
  observers.add(std::make_unique<PlotsObserver>(directory, state.results));
  if (!settings.train.bucket.empty())  // after those whose files it uploads
    observers.add(std::make_unique<UploadObserver>(
        make_uploader(settings.train.bucket),
        UploadWait{.ended = [this] { return stop_requested.load(); }}));
  std::vector<Label> labels;
  for (const IndexedImage& image : data->train_index().images)
    labels.insert(labels.end(), image.labels.begin(), image.labels.end());
  RunInfo info = describe();
  info.train_labels = &labels;
  observers.on_run_start(info);
}

}  // namespace gannet
