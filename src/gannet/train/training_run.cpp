#include "gannet/train/training_run.h"

#include <fmt/format.h>
#include <torch/types.h>

#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/core/log.h"
#include "gannet/core/memory.h"
#include "gannet/eval/evaluator.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/train/world.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// Batches of the run's start, and of each evaluation, that are drawn.
constexpr std::int64_t kPicturedBatches = 3;
/// NMS of the evaluation in training (RB 7.1).
constexpr double kTrainingIou = 0.6;

}  // namespace

void TrainingRun::train_epoch() {
  epoch_watch = Stopwatch();
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
  const Stopwatch watch;
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
      log_info("first step done {:.1f} s after the start", run_watch.seconds());
    report_step(i, i - first + 1, steps, watch, images);
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
void TrainingRun::report_step(std::int64_t index, std::int64_t done, std::int64_t steps,
                              const Stopwatch& watch, std::int64_t images) {
  const double seconds = watch.seconds();
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

EvalReport TrainingRun::evaluate(DetectionModel& model, bool with_loss, bool final_epoch) {
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

void TrainingRun::validate() {
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
bool TrainingRun::improves(double value) {
  if (value > state.best_fitness || (state.best_epoch < 0 && value >= state.best_fitness)) {
    state.best_fitness = value;
    state.best_epoch = state.epoch;
    state.epochs_without_gain = 0;
    return true;
  }
  ++state.epochs_without_gain;
  return false;
}

void TrainingRun::end_epoch() {
  saver->wait_until_copied();
  row.seconds = epoch_watch.seconds();
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

void TrainingRun::end_interrupted() {
  saver->save_and_wait();
  // srun and mpirun end all ranks when one has ended: none may before rank 0 has written.
  comm->broadcast("state saved", "");
  throw Error(ErrorKind::kInterrupted,
              fmt::format("interrupted in epoch {} after {} of {} steps", state.epoch,
                          state.boundary.iteration - state.epoch * state.batches_per_epoch,
                          state.batches_per_epoch),
              {}, fmt::format("gannet train --resume {} continues", saver->last().string()));
}

// Only rank 0's machine needs to have the file.
std::shared_ptr<DetectionModel> TrainingRun::best_model(const std::string& path) {
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

void TrainingRun::strip(const std::string& path) {
  if (comm->is_main())
    log_info("{}: stripped to {:.1f} MB", path, static_cast<double>(strip_checkpoint(path)) / 1e6);
}

TrainReport TrainingRun::finish() {
  const double seconds = run_watch.seconds();
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

TrainReport TrainingRun::train() {
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
  return finish();
}

}  // namespace gannet
