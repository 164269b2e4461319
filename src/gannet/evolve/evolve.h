// The genetic search over hyperparameters: many whole training runs, each with values that come
// from the best ones before (release-7.md 11). What `gannet evolve` does, for embedders.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "gannet/config/fields.h"
#include "gannet/config/settings.h"
#include "gannet/evolve/candidate.h"

namespace gannet {

class Trainer;

/// Settings of `evolve` beside those of `train`; the names are those of the flags.
struct EvolveOptions {
  /// Empty: a new run directory of the settings' project and name.
  std::string study = {};
  /// Candidates in all, those of earlier calls included; 0: what the study was last asked for, 300
  /// for a new one.
  int generations = 0;
  /// Parents; 0: as the study has it, 5 for a new one.
  int population = 0;
  /// "single" or "weighted"; empty: as the study has it, single for a new one.
  std::string parents = {};
  /// Also where the study was made so.
  bool no_prune = false;
  /// Seconds without a sign of life after which another machine's candidate is taken over.
  double dead_after = 120;
};

template <class Visitor, class S>
void fields_of_evolve(Visitor&& visit, S& s) {
  visit("study", s.study,
        "folder of the search: a new one, or one to go on with, also beside other processes and "
        "machines; empty: a new run directory",
        Range{});
  visit(
      "generations", s.generations,
      "candidates in all, those of earlier starts included; if left out as many as the study has, "
      "300 in a new one",
      Range{1, 1e6});
  visit("population", s.population,
        "so many of the best are parents; 0: as in the study, 5 in a new one", Range{0, 1e6});
  visit("parents", s.parents,
        "single: a candidate comes from one of the best, weighted: from their mean; empty: as in "
        "the study, single in a new one",
        Range{});
  visit("no_prune", s.no_prune, "train hopeless candidates to their end, too", Range{});
  visit("dead_after", s.dead_after,
        "seconds without a sign of life after which another machine's candidate is taken over",
        Range{1, 1e6});
}

/// What listens; any member may be empty.
struct EvolveEvents {
  std::function<bool()> stop = {};  // asked ten times a second, from a thread; true: save and end
  std::function<void(const Settings&)> starts = {};                 // those of the study
  std::function<void(int number, Trainer&)> candidate_starts = {};  // to add observers
  /// @param best so far, this one included
  std::function<void(const CandidateResult&, const CandidateResult& best)> candidate_ends = {};
};

struct EvolveReport {
  std::filesystem::path study;
  int finished = 0, pruned = 0, failed = 0;  // candidates; finished counts all
  CandidateResult start, best;               // the candidate with the start values, and the best
  std::filesystem::path hyp_file;            // values of the best, for --hyp
  std::string best_checkpoint;               // empty where it has gone
};

/// Trains candidates until the study has `generations` of them, together with all other processes
/// that were given the same folder; waits for those that others train. A study is made from the
/// settings; one that exists is gone on with, and what is set here (settings.chosen, and what
/// differs from the recipe) must be as there but for device, workers, memory and places. Each
/// candidate is a run of Trainer into STUDY/candidates/NNNN; one that was killed goes on.
/// Throws Error: kUsage for what does not fit, kInterrupted when asked to stop (the study goes on
/// when it is called again), and what ends a training run but for a loss that is not finite, which
/// counts as fitness 0.
EvolveReport evolve(const Settings& settings, const EvolveOptions& options,
                    const EvolveEvents& events = {});

}  // namespace gannet
