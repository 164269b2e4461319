#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <memory>

#include "commands.h"
#include "evolve_run.h"
#include "flags.h"
#include "gannet/core/error.h"
#include "gannet/observe/console.h"
#include "gannet/observe/rows.h"
#include "gannet/train/trainer.h"
#include "print.h"
#include "train_flags.h"
#include "train_output.h"

namespace gannet::cli {
namespace {

struct EvolveArguments {
  TrainFlags flags;
  EvolveOptions options;
  RankFlags ranks;
};

std::atomic<bool> stop_wanted{false};

// The first signal ends with a saved state, the second one at once.
extern "C" void stop_evolving(int signal) {
  std::signal(signal, SIG_DFL);
  stop_wanted = true;
}

void print_candidate(const CandidateResult& result, const CandidateResult& best) {
  const EpochFigures& f = result.best;
  print_line(
      "\ncandidate {}: fitness {:.4g}, mAP@.5 {:.3f}, mAP@.5:.95 {:.3f} in {}{}; best so far: "
      "candidate {} with {:.4g}\n",
      result.number, f.fitness, f.map50, f.map, format_duration(result.seconds),
      result.end == CandidateEnd::kDone ? "" : fmt::format(", {}", name_of(result.end)),
      best.number, best.fitness());
}

void print_evolution(const EvolveReport& report) {
  print_line("{} candidates, {} of them pruned, {} failed", report.finished, report.pruned,
             report.failed);
  print_line(
      "fitness: {:.4g} with the start values, {:.4g} with those of candidate {} (mAP@.5 {:.3f}, "
      "mAP@.5:.95 {:.3f})",
      report.start.fitness(), report.best.fitness(), report.best.number, report.best.best.map50,
      report.best.best.map);
  print_line("study in {}\nbest values in {}", report.study.string(), report.hyp_file.string());
  if (!report.best_checkpoint.empty()) print_line("best weights in {}", report.best_checkpoint);
}

}  // namespace

int run_evolve(const Settings& settings, const EvolveOptions& options, const RankFlags& ranks) {
  const auto world = world_from_environment();
  if (ranks.nproc > 1 || (world && world->size > 1))
    throw Error(ErrorKind::kUsage, "a candidate is trained by one process",
                {{}, 0, ranks.nproc > 1 ? "--nproc" : "WORLD_SIZE"},
                "start several gannet evolve with the same --study: they share its candidates");
  std::signal(SIGINT, stop_evolving);
  std::signal(SIGTERM, stop_evolving);
  EvolveEvents events;
  events.stop = [] { return stop_wanted.load(); };
  events.starts = print_settings;
  events.candidate_starts = [](int, Trainer& trainer) {
    trainer.add_observer(std::make_unique<ConsoleObserver>());
  };
  events.candidate_ends = print_candidate;
  print_evolution(evolve(settings, options, events));
  return 0;
}

void add_evolve(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("evolve", "search hyperparameters: train many candidates, keep the best");
  auto arguments = std::make_shared<EvolveArguments>();
  arguments->flags.add_to(*command);
  fields_of_evolve(FlagAdder{*command}, arguments->options);
  arguments->ranks.add_to(*command);
  command->callback([arguments, &action] {
    action = [arguments] {
      return run_evolve(arguments->flags.resolve(), arguments->options, arguments->ranks);
    };
  });
}

}  // namespace gannet::cli
