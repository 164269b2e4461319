#include "gannet/train/trainer.h"

#include <fmt/format.h>

#include <atomic>
#include <utility>

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
  const RunParts parts = assemble_run(impl_->start, impl_->comm);
  const RunInfo info = describe(parts);
  return fmt::format(
      "{} parameters on {}; {} training and {} validation images; {} epochs of {} batches, {} px",
      info.num_parameters, parts.placement.describe(), info.train_images, info.val_images,
      info.epochs, parts.state.batches_per_epoch, info.image_size);
}

TrainReport Trainer::run() {
  const Stopwatch watch;
  TrainReport report;
  fail_together(*impl_->comm, [&] {
    RunStart start = std::exchange(impl_->start, RunStart{.settings = settings()});
    RunParts parts = assemble_run(std::move(start), impl_->comm);
    impl_->start.settings = parts.settings;
    const std::filesystem::path directory = open_run_directory(parts);
    if (parts.comm->is_main())
      add_run_observers(impl_->observers,
                        {directory, parts.state.results, parts.settings.train.bucket,
                         [this] { return impl_->stop_requested.load(); }});
    report =
        TrainingRun(parts, directory, {impl_->observers, impl_->stop_requested, watch}).train();
  });
  return report;
}

void Trainer::request_stop() { impl_->stop_requested = true; }

}  // namespace gannet
