#include "gannet/train/trainer.h"

#include <fmt/format.h>

#include <atomic>
#include <optional>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/stopwatch.h"
#include "gannet/dist/agreement.h"
#include "gannet/observe/run_observers.h"
#include "gannet/train/resume.h"
#include "gannet/train/run_files.h"
#include "gannet/train/run_parts.h"
#include "gannet/train/training_run.h"

namespace gannet {

struct Trainer::Impl {
  RunStart start;
  std::shared_ptr<Communicator> comm;
  ObserverList observers;
  std::atomic<bool> stop_requested{false};
  std::optional<Stopwatch> process_watch;

  void train(TrainReport& report, RunSummary& so_far);
};

Trainer::Trainer(RunStart start, std::shared_ptr<Communicator> comm)
    : impl_(std::make_unique<Impl>()) {
  check_settings(start.settings);
  impl_->start = std::move(start);
  impl_->comm = std::move(comm);
}
Trainer::Trainer(const Settings& settings, std::shared_ptr<Communicator> comm)
    : Trainer(RunStart{.settings = settings}, comm ? std::move(comm) : make_single_process()) {}
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer::~Trainer() = default;

Trainer Trainer::resume(const ResumeOptions& options, std::shared_ptr<Communicator> comm) {
  if (!comm) comm = make_single_process();
  RunStart start = load_resumed_run(options, *comm);
  return {std::move(start), std::move(comm)};
}

Trainer Trainer::resume_or_start(const Settings& settings, std::shared_ptr<Communicator> comm) {
  if (!comm) comm = make_single_process();
  RunStart start;
  fail_together(*comm, [&] { start = find_earlier_run(settings, *comm); });
  return {std::move(start), std::move(comm)};
}

const Settings& Trainer::settings() const { return impl_->start.settings; }

void Trainer::add_observer(std::unique_ptr<RunObserver> observer) {
  impl_->observers.add(std::move(observer));
}

std::string Trainer::describe_plan() {
  RunStart start = impl_->start;
  start.plans_memory = true;
  const RunParts parts = assemble_run(std::move(start), impl_->comm);
  const RunInfo info = describe(parts);
  return fmt::format(
      "{} parameters on {}; {} training and {} validation images; {} epochs of {} batches of {}, "
      "{} "
      "px\n{}",
      info.num_parameters, parts.placement.describe(), info.train_images, info.val_images,
      info.epochs, parts.state.batches_per_epoch, info.batch_size, info.image_size,
      parts.memory->describe());
}

// @param so_far of a run that fails: what it has come to
void Trainer::Impl::train(TrainReport& report, RunSummary& so_far) {
  const Stopwatch watch;
  RunParts parts = assemble_run(std::exchange(start, RunStart{.settings = start.settings}), comm);
  start.settings = parts.settings;
  const std::filesystem::path directory = open_run_directory(parts);
  if (comm->is_main())
    add_run_observers(observers, {directory, parts.state.results, parts.settings.train.bucket,
                                  [this] { return stop_requested.load(); }});
  TrainingRun run(parts, directory,
                  {observers, stop_requested, watch, process_watch.value_or(watch)});
  try {
    report = run.train();
  } catch (...) {
    so_far = run.summary();
    throw;
  }
}

TrainReport Trainer::run() {
  TrainReport report;
  RunSummary so_far;
  try {
    fail_together(*impl_->comm, [&] { impl_->train(report, so_far); });
  } catch (const std::exception& error) {
    const auto* own = dynamic_cast<const Error*>(&error);
    impl_->observers.on_run_failed(
        {so_far, error.what(), own != nullptr && own->kind() == ErrorKind::kInterrupted});
    throw;
  }
  return report;
}

void Trainer::count_time_from(const Stopwatch& watch) { impl_->process_watch = watch; }

void Trainer::request_stop() { impl_->stop_requested = true; }

}  // namespace gannet
