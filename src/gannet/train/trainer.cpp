#include "gannet/train/trainer.h"

#include <fmt/format.h>
#include <torch/types.h>

#include "gannet/dist/agreement.h"
#include "gannet/train/resume.h"
#include "gannet/train/training_run.h"

namespace gannet {

Trainer::Trainer(const Settings& settings, std::shared_ptr<Communicator> comm)
    : run_(std::make_unique<TrainingRun>(settings, std::move(comm))) {}
Trainer::Trainer(std::unique_ptr<TrainingRun> run) : run_(std::move(run)) {}
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer::~Trainer() = default;

Trainer Trainer::resume(const ResumeOptions& options, std::shared_ptr<Communicator> comm) {
  if (!comm) comm = make_single_process();
  ResumedRun resumed = load_resumed_run(options, *comm);
  auto run = std::make_unique<TrainingRun>(resumed.settings, std::move(comm));
  run->checkpoint = std::move(resumed.checkpoint);
  run->resumed_from = resumed.path;
  return Trainer(std::move(run));
}

Trainer Trainer::resume_or_start(const Settings& settings, std::shared_ptr<Communicator> comm) {
  if (!comm) comm = make_single_process();
  EarlierRun earlier;
  fail_together(*comm, [&] { earlier = find_earlier_run(settings, *comm); });
  const bool resumes = !earlier.resumed.path.empty();
  auto run =
      std::make_unique<TrainingRun>(resumes ? earlier.resumed.settings : settings, std::move(comm));
  run->checkpoint = std::move(earlier.resumed.checkpoint);
  run->resumed_from = earlier.resumed.path;
  run->directory = earlier.directory;
  return Trainer(std::move(run));
}

const Settings& Trainer::settings() const { return run_->settings; }

void Trainer::add_observer(std::unique_ptr<RunObserver> observer) {
  run_->observers.add(std::move(observer));
}

std::string Trainer::describe_plan() {
  run_->prepare();
  const RunInfo info = run_->describe();
  return fmt::format(
      "{} parameters on {}; {} training and {} validation images; {} epochs of {} batches, {} px",
      info.num_parameters, run_->placement.describe(), info.train_images, info.val_images,
      info.epochs, run_->state.batches_per_epoch, info.image_size);
}

TrainReport Trainer::run() {
  TrainReport report;
  fail_together(*run_->comm, [&] {
    run_->prepare();
    report = run_->train();
  });
  return report;
}

void Trainer::request_stop() { run_->stop_requested = true; }

}  // namespace gannet
