#include "gannet/train/trainer.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <optional>

#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/core/log.h"
#include "gannet/core/memory.h"
#include "gannet/data/anchors.h"
#include "gannet/data/loader.h"
#include "gannet/dist/agreement.h"
#include "gannet/eval/evaluator.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/observe/plots.h"
#include "gannet/observe/results_file.h"
#include "gannet/observe/upload.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/resume.h"
#include "gannet/train/run_directory.h"
#include "gannet/train/run_saver.h"
#include "gannet/train/run_setup.h"
#include "gannet/train/step.h"
#include "gannet/train/world.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// Batches of the run's start, and of each evaluation, that are drawn.
constexpr std::int64_t kPicturedBatches = 3;
/// NMS of the evaluation in training (RB 7.1).
constexpr double kTrainingIou = 0.6;

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Memory that a GPU reads by itself, while the step before is computed.
std::shared_ptr<std::uint8_t[]> page_locked(std::size_t bytes) {
  auto memory = torch::empty({static_cast<std::int64_t>(bytes)},
                             torch::dtype(torch::kUInt8).pinned_memory(true));
  auto* const data = memory.mutable_data_ptr<std::uint8_t>();
  return {data, [memory](std::uint8_t*) {}};
}

GradientCompression compression_of(const std::string& word) {
  if (word == "bf16") return GradientCompression::kBf16;
  return word == "fp16" ? GradientCompression::kFp16 : GradientCompression::kNone;
}

}  // namespace

struct Trainer::Impl {
  Impl(const Settings& given, std::shared_ptr<Communicator> ranks)
      : settings(given), comm(ranks ? std::move(ranks) : make_single_process()) {
    check_settings(settings);
  }

  void restore_or_start();
  void require_same_batches(const Value& saved) const;
  void join_ranks();
  void start_observers();
  void train_epoch();
  void report_step(std::int64_t step, std::int64_t done, std::int64_t steps, const Clock& clock,
                   std::int64_t images);
  void validate();
  void end_epoch();
  bool improves(double fitness);
  void end_interrupted();
  bool stop_wanted() const { return stop_requested; }
  std::shared_ptr<DetectionModel> best_model(const std::string& path);
  void strip(const std::string& path);
  TrainReport finish(double seconds);
  TrainReport train();
  EvalReport evaluate(DetectionModel& model, bool with_loss, bool final_epoch);
  bool out_of_patience() const {
    return settings.train.patience > 0 && state.epochs_without_gain >= settings.train.patience;
  }
  bool is_last_epoch() const {
    return state.epoch + 1 >= settings.train.epochs || out_of_patience();
  }

  Settings settings;
  std::string resumed_from;
  Value checkpoint;  // what to restore; none for a new run
  fs::path directory;

  std::shared_ptr<Communicator> comm;
  Placement placement;
  std::optional<RunData> data;
  std::optional<Loader> train_loader, val_loader;
  std::optional<Schedule> schedule;
  std::optional<DetectionLoss> loss;
  std::unique_ptr<GradientReducer> reducer;
  std::shared_ptr<NormSync> norm_sync;
  std::optional<TrainStep> step;
  TrainState state;
  EpochRow row;
  ObserverList observers;
  std::optional<RunSaver> saver;
  Clock run_clock, epoch_clock;
  bool stopped = false;
  int epochs_run = 0;
  std::atomic<bool> stop_requested{false};
};

// Builds everything; fails before anything is written.
void Trainer::Impl::restore_or_start() {
  const TrainSettings& train = settings.train;
  if (comm->is_main() && !train.bucket.empty())
    make_uploader(train.bucket);  // a wrong address is told at once
  placement =
      resolve_placement(device_of_rank(train.device, *comm), train.precision, train.memory_format);
  DataDescription description = load_run_data_description(train);
  state.seed = static_cast<std::uint64_t>(train.seed);
  state.model = build_run_model(settings, description.num_classes, checkpoint);
  fault_point("start", comm->rank());
  comm->one_first("the scan of the data set", [&] {
    fault_point("scan", comm->rank());
    data.emplace(settings, description, state.model->max_stride());
  });
  const bool resumes = !checkpoint.is_none();
  if (!train.noautoanchor && !resumes) {
    const AnchorCheck check = check_anchors(data->train_index(), state.model->head(),
                                            data->image_size(), settings.hyp.anchor_t, state.seed);
    log_info("anchors: best possible recall {:.4f}{}", check.recall_before,
             check.replaced ? fmt::format(", new anchors reach {:.4f}", check.recall_after) : "");
    if (check.replaced) state.model->detect().set_anchors(check.head);
  }
  place_model(*state.model, placement);
  state.ema = std::make_unique<Ema>(*state.model);
  state.optimizer = make_optimizer(
      *state.model,
      {train.optimizer, settings.hyp.lr0, settings.hyp.momentum, scaled_weight_decay(settings)});
  state.scaler.enabled = placement.compute == torch::kFloat16;
  if (state.scaler.enabled) state.scaler.scale = 65536;
  state.batches_per_epoch = data->batches_per_epoch();
  if (resumes) {
    restore_state(state, checkpoint, *comm);
    require_same_batches(checkpoint);
    if (comm->is_main() && state.epoch >= settings.train.epochs)
      log_info("all {} epochs are done; the end of the run is left", state.epoch);
    else if (comm->is_main())
      log_info("goes on in epoch {} after {} of {} steps", state.epoch,
               state.iteration - state.epoch * state.batches_per_epoch, state.batches_per_epoch);
  }
  checkpoint = Value();
  mark_boundary(state);
  ScheduleOptions schedule_options = make_schedule_options(settings, state.batches_per_epoch);
  schedule_options.first_epoch = state.epoch;
  schedule.emplace(schedule_options);
  loss.emplace(make_loss_options(settings, data->description().num_classes));
  join_ranks();
  StepOptions step_options;
  step_options.multi_scale = train.multi_scale;
  step_options.image_size = data->image_size();
  step_options.reducer = reducer.get();
  step_options.norm_sync = norm_sync;
  step_options.loss_per_rank = settings.compat_original();
  step_options.before_update = [this] { saver->wait_until_copied(); };
  if (train.deterministic) {
    step_options.shard_threads = torch::get_num_threads();
    torch::set_num_threads(1);
  }
  step.emplace(state, *schedule, *loss, placement, *comm, step_options);
  LoaderOptions loader_options;
  loader_options.num_threads = train.workers;
  loader_options.seed = state.seed;
  if (placement.device.is_cuda()) loader_options.allocate = page_locked;
  train_loader.emplace(data->train_set(), loader_options);
  val_loader.emplace(data->val_set(), loader_options);
}

void Trainer::Impl::require_same_batches(const Value& saved) const {
  const Value* then = saved.at("sampler").find("batches");
  if (then == nullptr || then->as_int() == state.batches_per_epoch) return;
  throw Error(ErrorKind::kUsage,
              fmt::format("an epoch had {} batches and now has {}", then->as_int(),
                          state.batches_per_epoch),
              {resumed_from, 0, {}},
              "resume with the same images, or start a new run with --weights");
}

// From here on the ranks have equal states, and gradients are summed.
void Trainer::Impl::join_ranks() {
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

// Rank 0 owns the run directory; the others only learn where it is.
void Trainer::Impl::start_observers() {
  if (comm->is_main()) {
    directory = resumed_from.empty()
                    ? create_run_directory(settings.train.project, settings.train.name,
                                           settings.train.exist_ok)
                    : fs::path(resumed_from).parent_path().parent_path();
  }
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
  info.train_labels = &labels;
  observers.on_run_start(info);
}

void Trainer::Impl::train_epoch() {
  epoch_clock = Clock();
  row = EpochRow();
  row.epoch = state.epoch;
  row.epochs = settings.train.epochs;
  std::vector<BatchPlan> plans = data->train_plans(state.epoch, state.class_map);
  const auto steps = static_cast<std::int64_t>(plans.size());
  for (BatchPlan& plan : plans) {
    plan = settings.train.deterministic ? share_of_shards(plan, comm->rank(), comm->world_size())
                                        : deal(plan, comm->rank(), comm->world_size());
  }
  observers.on_epoch_start({state.epoch, settings.train.epochs, steps});
  state.model->train();
  const std::int64_t first =
      state.iteration - state.epoch * state.batches_per_epoch;  // above 0 where a run goes on
  train_loader->start(std::move(plans), static_cast<std::uint64_t>(state.epoch),
                      static_cast<std::size_t>(first));
  const Clock clock;
  std::int64_t images = 0;
  for (std::int64_t i = first; const auto next = train_loader->next(); ++i) {
    const Batch& batch = *next;
    if (state.iteration < kPicturedBatches && batch.images > 0)
      observers.on_batch_picture({&batch, &data->description().names,
                                  fmt::format("train_batch{}", state.iteration), nullptr,
                                  state.epoch});
    step->request({.stop = stop_wanted(), .save = saver->wants_save()});
    state.progress.targets = static_cast<std::int64_t>(batch.targets.size());
    state.progress.image_size = batch.width;
    step->run(batch);
    images += batch.global_images;
    if (i == first && epochs_run == 0)
      log_info("first step done {:.1f} s after the start", run_clock.seconds());
    report_step(i, i - first + 1, steps, clock, images);
    if (step->agreed().stop || (comm->world_size() == 1 && stop_wanted())) {
      stopped = true;
      return;
    }
    if (i + 1 < steps)
      saver->after_step(step->agreed().save);  // the end of the epoch has its own save
  }
  step->count_last_step();
  saver->wait_until_copied();
  mark_boundary(state);
  const auto means = step->mean_items();
  row.loss = {means[0], means[1], means[2], means[3]};
  row.targets = state.progress.targets;
  row.image_size = state.progress.image_size;
  for (const FailedImage& failed : train_loader->failures())
    log_warning("{}: cannot be read: {}", failed.path, failed.reason);
  if (train_loader->num_replaced() > 0)
    log_warning("epoch {}: {} samples were replaced by others", state.epoch,
                train_loader->num_replaced());
  row.lr = schedule->at(state.iteration - 1).lr;
}

// @param done steps in which `images` were trained
void Trainer::Impl::report_step(std::int64_t index, std::int64_t done, std::int64_t steps,
                                const Clock& clock, std::int64_t images) {
  const double seconds = clock.seconds();
  const auto means = step->mean_items();
  StepEvent event;
  event.epoch = state.epoch;
  event.epochs = settings.train.epochs;
  event.memory_gib = peak_memory_gib();
  event.loss = {means[0], means[1], means[2], means[3]};
  event.targets = state.progress.targets;
  event.image_size = state.progress.image_size;
  event.images_per_second = static_cast<double>(images) / seconds;
  event.data_wait_fraction = train_loader->wait_seconds() / seconds;
  event.step = index;
  event.steps = steps;
  event.seconds_left = seconds / static_cast<double>(done) * static_cast<double>(steps - index - 1);
  static_cast<TrainProgress&>(row) = event;
  observers.on_step(event);
}

EvalReport Trainer::Impl::evaluate(DetectionModel& model, bool with_loss, bool final_epoch) {
  fault_point("evaluation", comm->rank());
  EvaluatorOptions options;
  options.nms.iou_threshold = kTrainingIou;
  options.single_class = settings.train.single_cls;
  options.loss = with_loss ? &*loss : nullptr;
  options.main_batches = final_epoch ? kPicturedBatches : 1;
  EvaluatorEvents events;
  events.stop = [this] { return stop_wanted(); };
  const auto& names = data->description().names;
  events.batch = [&](const Batch& batch, const std::vector<std::vector<ScoredBox>>& boxes) {
    if (batch.number >= options.main_batches) return;
    observers.on_batch_picture(
        {&batch, &names, fmt::format("val_batch{}_labels", batch.number), nullptr, state.epoch});
    observers.on_batch_picture(
        {&batch, &names, fmt::format("val_batch{}_pred", batch.number), &boxes, state.epoch});
  };
  return evaluate_batches(Predictor(model, placement), *val_loader, data->val_plans(), options,
                          names, *comm, events);
}

void Trainer::Impl::validate() {
  if (settings.train.notest && !is_last_epoch()) return;
  saver->wait_until_copied();
  if (!norm_sync && !settings.train.deterministic) {
    average_buffers(*state.model, *comm);
    average_buffers(state.ema->model(), *comm);
  }
  const EvalReport report = evaluate(state.ema->model(), true, is_last_epoch());
  if (report.stopped) {
    stopped = true;
    return;
  }
  row.evaluated = true;
  row.metrics = report.mean;
  row.val_loss = {report.box_loss, report.objectness_loss, report.class_loss,
                  report.box_loss + report.objectness_loss + report.class_loss};
  row.val_images = report.num_images;
  row.val_targets = report.num_labels;
  state.class_map.assign(static_cast<std::size_t>(data->description().num_classes), 0);
  for (const ClassMetrics& c : report.classes)
    state.class_map[static_cast<std::size_t>(c.class_id)] = c.mean_ap();
}

// Strictly better than all before (Q15).
bool Trainer::Impl::improves(double value) {
  if (value > state.best_fitness || (state.best_epoch < 0 && value >= state.best_fitness)) {
    state.best_fitness = value;
    state.best_epoch = state.epoch;
    state.epochs_without_gain = 0;
    return true;
  }
  ++state.epochs_without_gain;
  return false;
}

void Trainer::Impl::end_epoch() {
  saver->wait_until_copied();
  row.seconds = epoch_clock.seconds();
  row.memory_gib = peak_memory_gib();
  const bool best = row.evaluated && improves(fitness(row.metrics));
  if (out_of_patience()) log_info("no gain for {} epochs: stopping early", settings.train.patience);
  const bool last = is_last_epoch();
  state.results.push_back(row);
  observers.on_epoch_end(row);
  ++state.epoch;
  ++epochs_run;
  step->begin_epoch();
  mark_boundary(state);
  saver->after_epoch(best, last);
}

void Trainer::Impl::end_interrupted() {
  saver->save_and_wait();
  throw Error(ErrorKind::kInterrupted,
              fmt::format("interrupted in epoch {} after {} of {} steps", state.epoch,
                          state.boundary.iteration - state.epoch * state.batches_per_epoch,
                          state.batches_per_epoch),
              {}, fmt::format("gannet train --resume {} continues", saver->last().string()));
}

// Only rank 0's machine needs to have the file.
std::shared_ptr<DetectionModel> Trainer::Impl::best_model(const std::string& path) {
  auto model = comm->is_main() ? load_model(path).model
                               : std::make_shared<DetectionModel>(
                                     state.model->description(),
                                     ModelOptions{.num_classes = state.model->head().num_classes});
  broadcast_state(*model, "best model", *comm);
  model->detect().read_anchors_from_buffers();
  model->eval();
  place_model(*model, placement);
  return model;
}

void Trainer::Impl::strip(const std::string& path) {
  if (comm->is_main())
    log_info("{}: stripped to {:.1f} MB", path, static_cast<double>(strip_checkpoint(path)) / 1e6);
}

TrainReport Trainer::Impl::finish(double seconds) {
  TrainReport report;
  report.directory = directory;
  report.last_checkpoint = (directory / "weights" / "last.pt").string();
  const std::string best = (directory / "weights" / "best.pt").string();
  saver->finish();
  report.best_checkpoint = fs::exists(best) ? best : report.last_checkpoint;
  strip(report.best_checkpoint);
  report.evaluation = evaluate(*best_model(report.best_checkpoint), false, true);
  if (report.evaluation.stopped)
    throw Error(ErrorKind::kInterrupted, "interrupted in the last evaluation; the training is done",
                {report.best_checkpoint, 0, {}},
                fmt::format("gannet train --resume {} does the rest", report.last_checkpoint));
  // Last of all: until then a run that is killed here can be resumed.
  if (report.best_checkpoint != report.last_checkpoint) strip(report.last_checkpoint);
  report.epochs_run = epochs_run;
  report.best_epoch = state.best_epoch;
  report.best_fitness = state.best_fitness;
  report.seconds = seconds;
  observers.on_run_end(
      {directory, epochs_run, seconds, state.best_epoch, state.best_fitness, false});
  return report;
}

Trainer::Trainer(const Settings& settings, std::shared_ptr<Communicator> comm)
    : impl_(std::make_unique<Impl>(settings, std::move(comm))) {}
Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer::~Trainer() = default;

Trainer Trainer::resume(const ResumeOptions& options, std::shared_ptr<Communicator> comm) {
  if (!comm) comm = make_single_process();
  ResumedRun run = load_resumed_run(options, *comm);
  auto impl = std::make_unique<Impl>(run.settings, std::move(comm));
  impl->checkpoint = std::move(run.checkpoint);
  impl->resumed_from = run.path;
  return Trainer(std::move(impl));
}

const Settings& Trainer::settings() const { return impl_->settings; }

void Trainer::add_observer(std::unique_ptr<RunObserver> observer) {
  impl_->observers.add(std::move(observer));
}

std::string Trainer::describe_plan() {
  impl_->restore_or_start();
  std::int64_t parameters = 0;
  for (const auto& p : impl_->state.model->parameters()) parameters += p.numel();
  const TrainSettings& train = impl_->settings.train;
  return fmt::format(
      "{} parameters on {}; {} training and {} validation images; {} epochs of {} batches, {} px",
      parameters, impl_->placement.describe(), impl_->data->train_index().images.size(),
      impl_->data->val_index().images.size(), train.epochs, impl_->data->batches_per_epoch(),
      impl_->data->image_size());
}

TrainReport Trainer::Impl::train() {
  run_clock = Clock();
  restore_or_start();
  start_observers();
  if (comm->is_main())
    log_info("training on {}{} into {}", placement.describe(),
             comm->world_size() > 1 ? fmt::format(" by {} processes", comm->world_size()) : "",
             directory.string());
  while (state.epoch < settings.train.epochs && !out_of_patience()) {
    train_epoch();
    if (!stopped) validate();
    if (stopped) end_interrupted();
    end_epoch();
  }
  if (reducer && comm->is_main())
    log_info("gradient sums: {:.1f} s were not hidden behind the backward pass",
             reducer->exposed_seconds());
  return finish(run_clock.seconds());
}

TrainReport Trainer::run() {
  TrainReport report;
  fail_together(*impl_->comm, [&] { report = impl_->train(); });
  return report;
}

void Trainer::request_stop() { impl_->stop_requested = true; }

}  // namespace gannet
