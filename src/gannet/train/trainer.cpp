#include "gannet/train/trainer.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <optional>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/memory.h"
#include "gannet/data/anchors.h"
#include "gannet/data/loader.h"
#include "gannet/eval/evaluator.h"
#include "gannet/io/torch_file.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/observe/plots.h"
#include "gannet/observe/results_file.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_directory.h"
#include "gannet/train/run_setup.h"
#include "gannet/train/step.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// Batches of the run's start, and of each evaluation, that are drawn.
constexpr std::int64_t kPicturedBatches = 3;
/// NMS of the evaluation in training (RB 7.1).
constexpr double kTrainingIou = 0.6;

class Clock {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

struct Trainer::Impl {
  explicit Impl(const Settings& given) : settings(given) { check_settings(settings); }

  void restore_or_start();
  void start_observers();
  void train_epoch();
  void report_step(const Batch& batch, std::int64_t step, std::int64_t steps, const Clock& clock, std::int64_t images);
  void validate();
  void end_epoch();
  bool improves(double fitness);
  void save(const fs::path& path, bool best);
  TrainReport finish(double seconds);
  EvalReport evaluate(DetectionModel& model, bool with_loss, bool final_epoch);
  bool is_last_epoch() const { return state.epoch + 1 >= settings.train.epochs || stop_early; }

  Settings settings;
  std::string resumed_from;
  Value checkpoint;  // what to restore; none for a new run
  fs::path directory;

  std::shared_ptr<Communicator> comm = make_single_process();
  Placement placement;
  std::optional<RunData> data;
  std::optional<Loader> train_loader, val_loader;
  std::optional<Schedule> schedule;
  std::optional<DetectionLoss> loss;
  std::optional<TrainStep> step;
  TrainState state;
  EpochRow row;
  ObserverList observers;
  Clock epoch_clock;
  bool stop_early = false;
  int epochs_run = 0;
  std::atomic<bool> stop_requested{false};
};

// Builds everything; fails before anything is written.
void Trainer::Impl::restore_or_start() {
  const TrainSettings& train = settings.train;
  placement = resolve_placement(train.device, train.precision, train.memory_format);
  DataDescription description = load_run_data_description(train);
  state.seed = static_cast<std::uint64_t>(train.seed);
  state.model = build_run_model(settings, description.num_classes);
  data.emplace(settings, std::move(description), state.model->max_stride());
  const bool resumes = !checkpoint.is_none();
  if (!train.noautoanchor && !resumes) {
    const AnchorCheck check = check_anchors(data->train_index(), state.model->head(), data->image_size(), settings.hyp.anchor_t, state.seed);
    log_info("anchors: best possible recall {:.4f}{}", check.recall_before,
             check.replaced ? fmt::format(", new anchors reach {:.4f}", check.recall_after) : "");
    if (check.replaced) state.model->detect().set_anchors(check.head);
  }
  place_model(*state.model, placement);
  state.ema = std::make_unique<Ema>(*state.model);
  state.optimizer = make_optimizer(*state.model, {train.optimizer, settings.hyp.lr0, settings.hyp.momentum, scaled_weight_decay(settings)});
  state.scaler.enabled = placement.compute == torch::kFloat16;
  if (state.scaler.enabled) state.scaler.scale = 65536;
  if (resumes) restore_state(state, checkpoint);
  checkpoint = Value();
  ScheduleOptions schedule_options = make_schedule_options(settings, data->batches_per_epoch());
  schedule_options.first_epoch = state.epoch;
  schedule.emplace(schedule_options);
  loss.emplace(make_loss_options(settings, data->description().num_classes));
  step.emplace(state, *schedule, *loss, placement, *comm, StepOptions{train.multi_scale, data->image_size()});
  LoaderOptions loader_options;
  loader_options.num_threads = train.workers;
  loader_options.seed = state.seed;
  train_loader.emplace(data->train_set(), loader_options);
  val_loader.emplace(data->val_set(), loader_options);
}

void Trainer::Impl::start_observers() {
  directory = resumed_from.empty() ? create_run_directory(settings.train.project, settings.train.name, settings.train.exist_ok)
                                   : fs::path(resumed_from).parent_path().parent_path();
  fs::create_directories(directory / "weights");
  add_log_file(directory / "log.txt");
  write_settings_files(directory, settings, data->description(), state.model->description().text);
  observers.add(std::make_unique<ResultsFileObserver>(directory, state.results));
  observers.add(std::make_unique<PlotsObserver>(directory, state.results));
  std::vector<Label> labels;
  for (const IndexedImage& image : data->train_index().images) labels.insert(labels.end(), image.labels.begin(), image.labels.end());
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
  auto plans = data->train_plans(state.epoch);
  const auto steps = static_cast<std::int64_t>(plans.size());
  observers.on_epoch_start({state.epoch, settings.train.epochs, steps});
  state.model->train();
  step->begin_epoch();
  train_loader->start(std::move(plans), static_cast<std::uint64_t>(state.epoch));
  const Clock clock;
  std::int64_t images = 0;
  for (std::int64_t i = 0; const auto batch = train_loader->next(); ++i) {
    if (state.iteration < kPicturedBatches)
      observers.on_batch_picture({&*batch, &data->description().names, fmt::format("train_batch{}", state.iteration), nullptr, state.epoch});
    step->run(*batch);
    images += batch->images;
    report_step(*batch, i, steps, clock, images);
    if (stop_requested) return;
  }
  for (const FailedImage& failed : train_loader->failures()) log_warning("{}: cannot be read: {}", failed.path, failed.reason);
  if (train_loader->num_replaced() > 0) log_warning("epoch {}: {} samples were replaced by others", state.epoch, train_loader->num_replaced());
  row.lr = step->last_plan().lr;
}

void Trainer::Impl::report_step(const Batch& batch, std::int64_t index, std::int64_t steps, const Clock& clock, std::int64_t images) {
  const double seconds = clock.seconds();
  const auto means = step->mean_items();
  StepEvent event;
  event.epoch = state.epoch;
  event.epochs = settings.train.epochs;
  event.memory_gib = peak_memory_gib();
  event.loss = {means[0], means[1], means[2], means[3]};
  event.targets = static_cast<std::int64_t>(batch.targets.size());
  event.image_size = batch.width;
  event.images_per_second = static_cast<double>(images) / seconds;
  event.data_wait_fraction = train_loader->wait_seconds() / seconds;
  event.step = index;
  event.steps = steps;
  event.seconds_left = seconds / static_cast<double>(index + 1) * static_cast<double>(steps - index - 1);
  static_cast<TrainProgress&>(row) = event;
  observers.on_step(event);
}

EvalReport Trainer::Impl::evaluate(DetectionModel& model, bool with_loss, bool final_epoch) {
  EvaluatorOptions options;
  options.nms.iou_threshold = kTrainingIou;
  options.single_class = settings.train.single_cls;
  options.loss = with_loss ? &*loss : nullptr;
  EvaluatorEvents events;
  const auto& names = data->description().names;
  events.batch = [&](const Batch& batch, const std::vector<std::vector<ScoredBox>>& boxes) {
    if (batch.number >= (final_epoch ? kPicturedBatches : 1)) return;
    observers.on_batch_picture({&batch, &names, fmt::format("val_batch{}_labels", batch.number), nullptr, state.epoch});
    observers.on_batch_picture({&batch, &names, fmt::format("val_batch{}_pred", batch.number), &boxes, state.epoch});
  };
  return evaluate_batches(Predictor(model, placement), *val_loader, data->val_plans(), options, names, *comm, events);
}

void Trainer::Impl::validate() {
  if (settings.train.notest && !is_last_epoch()) return;
  const EvalReport report = evaluate(state.ema->model(), true, is_last_epoch());
  row.evaluated = true;
  row.metrics = report.mean;
  row.val_loss = {report.box_loss, report.objectness_loss, report.class_loss, report.box_loss + report.objectness_loss + report.class_loss};
  row.val_images = report.num_images;
  row.val_targets = report.num_labels;
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
  row.seconds = epoch_clock.seconds();
  row.memory_gib = peak_memory_gib();
  const bool best = row.evaluated && improves(fitness(row.metrics));
  if (settings.train.patience > 0 && state.epochs_without_gain >= settings.train.patience) {
    log_info("no gain for {} epochs: stopping early", settings.train.patience);
    stop_early = true;
  }
  const bool last = is_last_epoch();
  state.results.push_back(row);
  observers.on_epoch_end(row);
  const int finished = state.epoch++;
  ++epochs_run;
  if (settings.train.nosave && !last) return;
  save(directory / "weights" / "last.pt", false);
  if (best) save(directory / "weights" / "best.pt", true);
  if (settings.train.save_period > 0 && (finished + 1) % settings.train.save_period == 0)
    save(directory / "weights" / fmt::format("epoch{}.pt", finished), false);
}

void Trainer::Impl::save(const fs::path& path, bool best) {
  save_torch_file(path, checkpoint_of(state, settings, data->description().names));
  observers.on_checkpoint({path, state.epoch - 1, best});
}

TrainReport Trainer::Impl::finish(double seconds) {
  TrainReport report;
  report.directory = directory;
  report.last_checkpoint = (directory / "weights" / "last.pt").string();
  const fs::path best = directory / "weights" / "best.pt";
  report.best_checkpoint = fs::exists(best) ? best.string() : report.last_checkpoint;
  for (const std::string& path : {report.last_checkpoint, best.string()})
    if (fs::exists(path)) log_info("{}: stripped to {:.1f} MB", path, static_cast<double>(strip_checkpoint(path)) / 1e6);
  const LoadedModel model = load_model(report.best_checkpoint);
  place_model(*model.model, placement);
  report.evaluation = evaluate(*model.model, false, false);
  report.epochs_run = epochs_run;
  report.best_epoch = state.best_epoch;
  report.best_fitness = state.best_fitness;
  report.seconds = seconds;
  observers.on_run_end({directory, epochs_run, seconds, state.best_epoch, state.best_fitness, false});
  return report;
}

Trainer::Trainer(const Settings& settings) : impl_(std::make_unique<Impl>(settings)) {}
Trainer::Trainer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer::~Trainer() = default;

Trainer Trainer::resume(const std::string& path, int epochs) {
  Value checkpoint = load_torch_file(path);
  Settings settings = settings_of_checkpoint(checkpoint, path);
  if (epochs > 0) settings.train.epochs = epochs;
  auto impl = std::make_unique<Impl>(settings);
  const int next_epoch = static_cast<int>(checkpoint.int_at("epoch")) + 1;
  if (next_epoch >= settings.train.epochs)
    throw Error(ErrorKind::kUsage, fmt::format("all {} epochs are done", settings.train.epochs), {path, 0, {}}, "give more --epochs");
  impl->checkpoint = std::move(checkpoint);
  impl->resumed_from = path;
  return Trainer(std::move(impl));
}

void Trainer::add_observer(std::unique_ptr<RunObserver> observer) { impl_->observers.add(std::move(observer)); }

std::string Trainer::describe_plan() {
  impl_->restore_or_start();
  std::int64_t parameters = 0;
  for (const auto& p : impl_->state.model->parameters()) parameters += p.numel();
  const TrainSettings& train = impl_->settings.train;
  return fmt::format("{} parameters on {}; {} training and {} validation images; {} epochs of {} batches, {} px",
                     parameters, impl_->placement.describe(), impl_->data->train_index().images.size(),
                     impl_->data->val_index().images.size(), train.epochs, impl_->data->batches_per_epoch(),
                     impl_->data->image_size());
}

TrainReport Trainer::run() {
  Impl& run = *impl_;
  const Clock clock;
  run.restore_or_start();
  run.start_observers();
  log_info("training on {} into {}", run.placement.describe(), run.directory.string());
  while (run.state.epoch < run.settings.train.epochs && !run.stop_early) {
    run.train_epoch();
    if (run.stop_requested)
      throw Error(ErrorKind::kInterrupted, fmt::format("interrupted in epoch {}", run.state.epoch), {},
                  run.state.results.empty() ? "nothing was saved yet"
                                            : fmt::format("gannet train --resume {} continues", (run.directory / "weights" / "last.pt").string()));
    run.validate();
    run.end_epoch();
  }
  return run.finish(clock.seconds());
}

void Trainer::request_stop() { impl_->stop_requested = true; }

}  // namespace gannet
