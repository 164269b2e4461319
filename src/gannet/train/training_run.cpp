#include "gannet/train/training_run.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/core/log.h"
#include "gannet/core/memory.h"
#include "gannet/eval/evaluator.h"
#include "gannet/eval/report_files.h"
#include "gannet/io/torch_file.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/ops/accelerator.h"
#include "gannet/train/equal_ranks.h"
#include "gannet/train/run_checkpoint.h"
#include "gannet/train/run_files.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// Batches of the run's start, and of each evaluation, that are drawn.
constexpr std::int64_t kPicturedBatches = 3;
/// Trying kernels took 12 s with yolov5s on an H100 (docs/gpu.md).
constexpr std::int64_t kStepsThatRepaySearch = 5000;
/// NMS of the evaluation in training (RB 7.1).
constexpr double kTrainingIou = 0.6;

}  // namespace

TrainingRun::TrainingRun(RunParts& parts, fs::path directory, RunSurroundings surroundings)
    : parts_(parts),
      settings_(parts.settings),
      state_(parts.state),
      comm_(*parts.comm),
      directory_(std::move(directory)),
      outside_(surroundings),
      saver_({settings_, parts.data.description().names, state_, comm_, outside_.observers,
              directory_ / "weights", parts.common_statistics(), [this] { step_.settle(); }}),
      step_(state_, parts.schedule, parts.loss, parts.placement, comm_, step_options()) {}

StepOptions TrainingRun::step_options() {
  StepOptions options;
  options.multi_scale = settings_.train.multi_scale;
  options.quad = settings_.train.quad;
  options.search_kernels = !settings_.train.multi_scale && !settings_.train.deterministic &&
                           steps_left() >= kStepsThatRepaySearch;
  options.image_size = parts_.data.image_size();
  options.reducer = parts_.links.reducer.get();
  options.norm_sync = parts_.links.norm_sync;
  options.loss_per_rank = settings_.compat_original();
  options.clip_gradients = settings_.hyp.clip_grad;
  options.max_bad_steps = settings_.train.max_bad_steps;
  options.learn_late = !parts_.placement.uses_host_threads() && settings_.train.optimizer == "sgd";
  // Synchronised norms exchange within the passes, and shards decide the bits.
  options.in_one_piece = settings_.train.deterministic ||
                         (parts_.links.norm_sync != nullptr && comm_.world_size() > 1);
  options.before_update = [this] { saver_.wait_until_copied(); };
  if (settings_.train.deterministic) {
    options.shard_threads = torch::get_num_threads();
    torch::set_num_threads(1);
  }
  return options;
}

TrainReport TrainingRun::train() {
  start();
  while (goes_on() && !out_of_time_) {
    train_epoch();
    if (out_of_time_) break;
    if (!stopped_) validate();
    if (stopped_) end_interrupted();
    end_epoch();
  }
  if (out_of_time_) end_in_time();
  if (parts_.links.reducer && comm_.is_main())
    log_info("gradient sums: {:.1f} s were not hidden behind the backward pass",
             parts_.links.reducer->exposed_seconds());
  return finish();
}

void TrainingRun::start() {
  if (settings_.train.max_bad_steps > 0 && state_.health.good.is_none()) keep_good(state_);
  if (!comm_.is_main()) return;
  std::vector<Label> labels;
  for (const IndexedImage& image : parts_.data.train_index().images)
    labels.insert(labels.end(), image.labels.begin(), image.labels.end());
  RunInfo info = describe(parts_);
  info.directory = directory_;
  info.train_labels = &labels;
  outside_.observers.on_run_start(info);
  log_info("training on {}{} into {}", parts_.placement.describe(),
           comm_.world_size() > 1 ? fmt::format(" by {} processes", comm_.world_size()) : "",
           directory_.string());
}

std::vector<BatchPlan> TrainingRun::plans_of_rank() const {
  std::vector<BatchPlan> plans = parts_.data.train_plans(state_.epoch, state_.class_map);
  for (BatchPlan& plan : plans)
    plan = settings_.train.deterministic ? share_of_shards(plan, comm_.rank(), comm_.world_size())
                                         : deal(plan, comm_.rank(), comm_.world_size());
  return plans;
}

void TrainingRun::train_epoch() {
  epoch_watch_ = Stopwatch();
  row_ = EpochRow();
  row_.epoch = state_.epoch;
  row_.epochs = settings_.train.epochs;
  std::vector<BatchPlan> plans = plans_of_rank();
  const std::int64_t first = state_.iteration - state_.epoch * state_.batches_per_epoch;
  Pace pace{first, static_cast<std::int64_t>(plans.size()), 0, {}};
  outside_.observers.on_epoch_start({state_.epoch, settings_.train.epochs, pace.steps});
  state_.model->train();
  parts_.train_loader.start(std::move(plans), static_cast<std::uint64_t>(state_.epoch),
                            static_cast<std::size_t>(first));
  pace.watch = Stopwatch();
  for (std::int64_t i = first; const auto batch = parts_.train_loader.next(); ++i) {
    train_step(*batch, i, pace);
    if (stopped_ || out_of_time_) return;
    if (i + 1 < pace.steps)
      saver_.after_step(step_.agreed().save);  // the end of the epoch has its own save
  }
  close_epoch();
}

void TrainingRun::train_step(const Batch& batch, std::int64_t index, Pace& pace) {
  if (state_.iteration < kPicturedBatches && batch.images > 0)
    outside_.observers.on_batch_picture({&batch, &parts_.data.description().names,
                                         fmt::format("train_batch{}", state_.iteration), nullptr,
                                         state_.epoch});
  step_.request(
      {.stop = stop_wanted(), .save = saver_.wants_save(), .end = comm_.is_main() && is_time_up()});
  state_.progress.targets = static_cast<std::int64_t>(batch.targets.size());
  state_.progress.image_size = batch.width;
  step_.run(batch);
  pace.images += batch.global_images;
  if (index == pace.first && epochs_run_ == 0)
    log_info("first step done {:.1f} s after the start", outside_.watch.seconds());
  report_step(index, pace);
  stopped_ = step_.agreed().stop || (comm_.world_size() == 1 && stop_wanted());
  out_of_time_ = !stopped_ && step_.agreed().end;
}

std::int64_t TrainingRun::steps_left() const {
  return settings_.train.epochs * state_.batches_per_epoch - state_.iteration;
}

// What was trained becomes the epoch's row.
void TrainingRun::close_epoch() {
  step_.count_last_step();
  saver_.wait_until_copied();
  mark_boundary(state_);
  const auto means = step_.mean_items();
  row_.loss = {means[0], means[1], means[2], means[3]};
  row_.targets = state_.progress.targets;
  row_.image_size = state_.progress.image_size;
  for (const FailedImage& failed : parts_.train_loader.failures())
    log_warning("{}: cannot be read: {}", failed.path, failed.reason);
  if (parts_.train_loader.num_replaced() > 0)
    log_warning("epoch {}: {} samples were replaced by others", state_.epoch,
                parts_.train_loader.num_replaced());
  row_.lr = parts_.schedule.at(state_.iteration - 1).lr;
  for (double& lr : row_.lr) lr *= state_.health.lr_factor;
}

// Of the device; of the process where it computes on the CPU.
double TrainingRun::memory_gib() const {
  const torch::Device device = parts_.placement.device;
  return device.is_cpu() ? peak_memory_gib() : peak_device_memory_gib(device);
}

void TrainingRun::report_step(std::int64_t index, const Pace& pace) {
  const double seconds = pace.watch.seconds();
  const auto means = step_.mean_items();
  const auto done = static_cast<double>(index - pace.first + 1);
  StepEvent event;
  event.epoch = state_.epoch;
  event.epochs = settings_.train.epochs;
  event.memory_gib = memory_gib();
  event.loss = {means[0], means[1], means[2], means[3]};
  event.targets = state_.progress.targets;
  event.image_size = state_.progress.image_size;
  event.images_per_second = static_cast<double>(pace.images) / seconds;
  event.data_wait_fraction = parts_.train_loader.wait_seconds() / seconds;
  event.step = index;
  event.steps = pace.steps;
  event.seconds_left = seconds / done * static_cast<double>(pace.steps - index - 1);
  event.rank_seconds = step_.rank_seconds();
  static_cast<TrainProgress&>(row_) = event;
  outside_.observers.on_step(event);
}

Evaluation TrainingRun::evaluate(DetectionModel& model, bool with_loss, bool draws, bool is_last) {
  fault_point("evaluation", comm_.rank());
  EvaluatorOptions options;
  options.predict.nms.iou_threshold = kTrainingIou;
  options.single_class = settings_.train.single_cls;
  options.score.protocol = settings_.hyp.protocol != "auto" ? protocol_named(settings_.hyp.protocol)
                           : model.plan().generation == Generation::kRelease7
                               ? MetricProtocol::kV7
                               : MetricProtocol::kJuly2020;
  options.score.original = settings_.compat_original();
  options.score.full = is_last;
  options.loss = with_loss ? &parts_.loss : nullptr;
  options.main_batches = draws ? kPicturedBatches : 1;
  EvaluatorEvents events;
  events.stop = [this] { return stop_wanted(); };
  const auto& names = parts_.data.description().names;
  events.batch = [&](const Batch& batch, const std::vector<std::vector<ScoredBox>>& boxes) {
    if (batch.number >= options.main_batches) return;
    outside_.observers.on_batch_picture(
        {&batch, &names, fmt::format("val_batch{}_labels", batch.number), nullptr, state_.epoch});
    outside_.observers.on_batch_picture(
        {&batch, &names, fmt::format("val_batch{}_pred", batch.number), &boxes, state_.epoch});
  };
  return evaluate_batches(model, parts_.placement, parts_.val_loader, parts_.data.val_plans(),
                          options, names, comm_, events);
}

void TrainingRun::validate() {
  if (settings_.train.notest && !is_last_epoch()) return;
  saver_.wait_until_copied();
  if (!parts_.common_statistics()) {
    average_buffers(*state_.model, comm_);
    average_buffers(state_.ema->model(), comm_);
  }
  const EvalReport report = evaluate(state_.ema->model(), true, is_last_epoch(), false).report;
  if (report.stopped) {
    stopped_ = true;
    return;
  }
  row_.evaluated = true;
  row_.metrics = report.mean;
  row_.val_loss = {report.box_loss, report.objectness_loss, report.class_loss,
                   report.box_loss + report.objectness_loss + report.class_loss};
  row_.val_images = report.num_images;
  row_.val_targets = report.num_labels;
  state_.class_map.assign(static_cast<std::size_t>(parts_.data.description().num_classes), 0);
  for (const ClassMetrics& c : report.classes)
    state_.class_map[static_cast<std::size_t>(c.class_id)] = c.mean_ap();
}

// Strictly better than all before (Q15).
bool TrainingRun::improves(double value) {
  if (value > state_.best_fitness || (state_.best_epoch < 0 && value >= state_.best_fitness)) {
    state_.best_fitness = value;
    state_.best_epoch = state_.epoch;
    state_.epochs_without_gain = 0;
    return true;
  }
  // As good as the best is no loss of patience (release-7.md 6.8).
  state_.epochs_without_gain = value == state_.best_fitness ? 0 : state_.epochs_without_gain + 1;
  return false;
}

bool TrainingRun::out_of_patience() const {
  return settings_.train.patience > 0 && state_.epochs_without_gain >= settings_.train.patience;
}

bool TrainingRun::is_last_epoch() const {
  return state_.epoch + 1 >= settings_.train.epochs || out_of_patience();
}

void TrainingRun::end_epoch() {
  saver_.wait_until_copied();
  row_.seconds = epoch_watch_.seconds();
  row_.memory_gib = memory_gib();
  const bool best = row_.evaluated && improves(fitness(row_.metrics));
  if (out_of_patience())
    log_info("no gain for {} epochs: stopping early", settings_.train.patience);
  const bool last = is_last_epoch();
  state_.results.push_back(row_);
  outside_.observers.on_epoch_end(row_);
  ++state_.epoch;
  ++epochs_run_;
  step_.begin_epoch();
  mark_boundary(state_);
  if (settings_.train.max_bad_steps > 0) {
    recover_rate(state_);
    keep_good(state_);
  }
  saver_.after_epoch(best, last);
  // Not left to the next step: an epoch's end is the better place to end at.
  if (settings_.train.time_limit > 0 && goes_on())
    out_of_time_ = comm_.broadcast("time limit", is_time_up() ? "up" : "") == "up";
}

bool TrainingRun::is_time_up() const {
  constexpr double kSecondsPerHour = 3600;
  const double limit = settings_.train.time_limit * kSecondsPerHour;
  return limit > 0 && outside_.process_watch.seconds() >= limit;
}

void TrainingRun::end_in_time() {
  saver_.save_and_wait();
  log_info("the time is up in epoch {} after {} of {} steps; the state is saved", state_.epoch,
           state_.boundary.iteration - state_.epoch * state_.batches_per_epoch,
           state_.batches_per_epoch);
}

void TrainingRun::end_interrupted() {
  saver_.save_and_wait();
  // srun and mpirun end all ranks when one has ended: none may before rank 0 has written.
  comm_.broadcast("state saved", "");
  throw Error(ErrorKind::kInterrupted,
              fmt::format("interrupted in epoch {} after {} of {} steps", state_.epoch,
                          state_.boundary.iteration - state_.epoch * state_.batches_per_epoch,
                          state_.batches_per_epoch),
              {}, fmt::format("gannet train --resume {} continues", saver_.last().string()));
}

// Only rank 0's machine needs to have the file.
std::shared_ptr<DetectionModel> TrainingRun::best_model(const std::string& path) {
  auto model = comm_.is_main() ? load_model(path).model
                               : std::make_shared<DetectionModel>(
                                     state_.model->description(),
                                     ModelOptions{.num_classes = state_.model->head().num_classes});
  broadcast_state(*model, "best model", comm_);
  model->detect().read_anchors_from_buffers();
  model->eval();
  place_model(*model, parts_.placement);
  return model;
}

void TrainingRun::strip(const std::string& path) {
  if (comm_.is_main())
    log_info("{}: stripped to {:.1f} MB", path, static_cast<double>(strip_checkpoint(path)) / 1e6);
}

RunSummary TrainingRun::summary() const {
  RunSummary summary{directory_, epochs_run_, outside_.watch.seconds(), state_.best_epoch,
                     state_.best_fitness};
  for (const EpochRow& row : state_.results)
    if (row.epoch == state_.best_epoch) summary.best = row.metrics;
  std::error_code ignored;
  for (const char* name : {"last.pt", "best.pt"})
    if (const auto path = directory_ / "weights" / name; fs::exists(path, ignored))
      summary.checkpoint = path;
  summary.time_is_up = out_of_time_;
  return summary;
}

TrainReport TrainingRun::finish() {
  const double seconds = outside_.watch.seconds();
  TrainReport report;
  report.directory = directory_;
  report.last_checkpoint = saver_.last().string();
  report.time_is_up = out_of_time_;
  const std::string best = (directory_ / "weights" / "best.pt").string();
  saver_.finish();
  report.best_checkpoint = fs::exists(best) ? best : report.last_checkpoint;
  const bool is_both = report.best_checkpoint == report.last_checkpoint;
  if (!is_both || !out_of_time_) strip(report.best_checkpoint);
  Evaluation last = evaluate(*best_model(report.best_checkpoint), false, true, true);
  report.evaluation = last.report;
  if (report.evaluation.stopped)
    throw Error(ErrorKind::kInterrupted,
                out_of_time_ ? "interrupted in the evaluation after the time was up"
                             : "interrupted in the last evaluation; the training is done",
                {report.best_checkpoint, 0, {}},
                fmt::format("gannet train --resume {} does the rest", report.last_checkpoint));
  if (comm_.is_main()) write_report(directory_, last.report, last.images, parts_.data.val_index());
  if (comm_.is_main() && !out_of_time_)
    save_torch_file(history_file(directory_ / "weights").string(), history_of(state_, settings_));
  // Last of all: until then a run that is killed here can be resumed.
  if (!is_both && !out_of_time_) strip(report.last_checkpoint);
  report.epochs_run = epochs_run_;
  report.best_epoch = state_.best_epoch;
  report.best_fitness = state_.best_fitness;
  report.seconds = seconds;
  RunSummary told = summary();
  told.seconds = seconds;
  told.best = report.evaluation.mean;
  outside_.observers.on_run_end(told);
  return report;
}

}  // namespace gannet
