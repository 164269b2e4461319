#include "gannet/evolve/candidate_run.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/stopwatch.h"
#include "gannet/train/trainer.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// Ends a run from within: what an observer throws does.
struct Pruned : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct TakenOver : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Looks at every step whether the claim holds, and before every epoch whether to go on.
class CandidateWatch final : public RunObserver {
 public:
  CandidateWatch(Study& study, fs::path folder, const Claim& claim)
      : study_(study), folder_(std::move(folder)), claim_(claim) {}

  // By now results.csv has all epochs before this one, those of an earlier process included.
  void on_epoch_start(const EpochStart& start) override {
    if (!study_.prunes()) return;
    const CandidateResult so_far =
        result_of(read_epoch_figures(folder_ / "results.csv"), CandidateEnd::kPruned);
    const auto bar = pruning_bar(study_.results(), start.epoch, start.epochs);
    if (!bar || so_far.best_epoch < 0 || so_far.fitness() >= *bar) return;
    throw Pruned(fmt::format("fitness {:.4g} after {} of {} epochs, the median is {:.4g}",
                             so_far.fitness(), start.epoch, start.epochs, *bar));
  }
  void on_step(const StepEvent& /*step*/) override {
    if (claim_.lost()) throw TakenOver("another process has this candidate");
  }

 private:
  Study& study_;
  fs::path folder_;
  const Claim& claim_;
};

/// What a run leaves changed in the process.
class RunScope {
 public:
  RunScope() : threads_(at::get_num_threads()) {}
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;
  ~RunScope() {
    at::set_num_threads(threads_);  // --deterministic has one
    close_log_files();
  }

 private:
  int threads_;
};

Trainer trainer_of(const Settings& settings, const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "weights/last.pt", ignored) ? Trainer::resume_or_start(settings)
                                                         : Trainer(settings);
}

/// How the run ended, with a note.
std::pair<CandidateEnd, std::string> run(Trainer& trainer, const EvolveEvents& events) {
  constexpr std::chrono::milliseconds kLookEvery{100};
  const RunScope scope;
  const Ticker watch(kLookEvery, [&] {
    if (events.stop && events.stop()) trainer.request_stop();
  });
  try {
    trainer.run();
    return {CandidateEnd::kDone, ""};
  } catch (const Pruned& reason) {
    return {CandidateEnd::kPruned, reason.what()};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNumeric) throw;
    return {CandidateEnd::kFailed, error.what()};
  }
}

}  // namespace

std::optional<CandidateResult> train_candidate(Study& study, int number, Claim& claim,
                                               const EvolveEvents& events) {
  const Stopwatch watch;
  const fs::path folder = study.candidate_folder(number);
  const GeneValues genes = study.genes_of_candidate(number);
  Trainer trainer = trainer_of(study.settings_of_candidate(number, genes), folder);
  trainer.add_observer(std::make_unique<CandidateWatch>(study, folder, claim));
  if (events.candidate_starts) events.candidate_starts(number, trainer);
  try {
    const auto [end, note] = run(trainer, events);
    CandidateResult result = result_of(read_epoch_figures(folder / "results.csv"), end);
    result.number = number;
    result.genes = genes;
    result.seconds = watch.seconds();
    result.note = note;
    return result;
  } catch (const TakenOver&) {
    log_warning("candidate {}: another process has taken it over", number);
    return std::nullopt;
  } catch (const std::exception&) {
    claim.release();
    throw;
  }
}

}  // namespace gannet
