#include "gannet/evolve/evolve.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/evolve/candidate_run.h"
#include "gannet/evolve/claim.h"
#include "gannet/evolve/study.h"
#include "gannet/evolve/study_files.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void end_interrupted(const Study& study, const std::string& what) {
  throw Error(ErrorKind::kInterrupted, what, {},
              fmt::format("gannet evolve --study {} continues", study.folder().string()));
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Error(ErrorKind::kIo, "cannot make the folder: " + error.message(),
                {folder.string(), 0, {}});
}

/// A candidate that this process may train.
struct Work {
  int number = 0;
  std::unique_ptr<Claim> claim;  // null: there is none
  int unfinished = 0;            // before it, which others have
};

Work next_work(const Study& study, const EvolveOptions& options) {
  Work work;
  for (int number = 0; number < study.generations(); ++number) {
    if (study.is_finished(number)) continue;
    const fs::path folder = study.candidate_folder(number);
    make_folder(folder);
    work.number = number;
    work.claim = Claim::take(folder, options.dead_after);
    // It may have been finished between the two looks.
    if (work.claim && !study.is_finished(number)) return work;
    if (work.claim) work.claim->release();
    work.claim.reset();
    ++work.unfinished;
  }
  return work;
}

/// Waits for work that others may leave, as long as there is any.
Work wait_for_work(const Study& study, const EvolveOptions& options, const EvolveEvents& events) {
  constexpr std::chrono::milliseconds kMoment{200};
  bool told = false;
  while (true) {
    if (events.stop && events.stop()) end_interrupted(study, "interrupted between candidates");
    Work work = next_work(study, options);
    if (work.claim || work.unfinished == 0) return work;
    if (!told) log_info("waiting for {} candidates that others train", work.unfinished);
    told = true;
    std::this_thread::sleep_for(kMoment);
  }
}

void train(Study& study, const Work& work, const EvolveEvents& events) {
  log_info("candidate {} of {}", work.number, study.generations());
  std::optional<CandidateResult> result;
  try {
    result = train_candidate(study, work.number, *work.claim, events);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) throw;
    end_interrupted(study, fmt::format("candidate {}: {}", work.number, error.message()));
  }
  if (!result) return;
  if (result->end != CandidateEnd::kDone)
    log_warning("candidate {} {}: {}", work.number, name_of(result->end), result->note);
  study.finish(*result);
  write_study_files(study);
  if (events.candidate_ends) events.candidate_ends(*result, *best_of(study.results()));
}

EvolveReport report_of(Study& study) {
  EvolveReport report;
  const auto& results = study.results();
  report.study = study.folder();
  report.finished = static_cast<int>(results.size());
  for (const CandidateResult& result : results) {
    report.pruned += result.end == CandidateEnd::kPruned ? 1 : 0;
    report.failed += result.end == CandidateEnd::kFailed ? 1 : 0;
    if (result.number == 0) report.start = result;
  }
  report.best = *best_of(results);
  report.hyp_file = study.folder() / "hyp_evolved.yaml";
  const fs::path best = study.candidate_folder(report.best.number) / "weights/best.pt";
  std::error_code ignored;
  if (fs::exists(best, ignored)) report.best_checkpoint = best.string();
  return report;
}

}  // namespace

EvolveReport evolve(const Settings& settings, const EvolveOptions& options,
                    const EvolveEvents& events) {
  Study study(settings, options);
  if (events.starts) events.starts(study.settings());
  log_info("study {}: {} of {} candidates are finished", study.folder().string(),
           study.results().size(), study.generations());
  for (Work work = wait_for_work(study, options, events); work.claim;
       work = wait_for_work(study, options, events))
    train(study, work, events);
  write_study_files(study);
  return report_of(study);
}

}  // namespace gannet
