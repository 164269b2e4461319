// One candidate of a study: its values, and what training with them gave. Written as JSON in the
// candidate's folder, which is the truth that all files of the study are made from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gannet/evolve/genes.h"

namespace gannet {

/// How a candidate ended.
enum class CandidateEnd {
  kDone,    // trained to its end
  kPruned,  // stopped early: hopeless
  kFailed,  // its loss was not finite; the fitness is 0
};
const char* name_of(CandidateEnd end);

/// Figures of an epoch, with the digits of results.csv.
struct EpochFigures {
  bool evaluated = false;  // all are 0 otherwise
  double precision = 0, recall = 0, map50 = 0, map = 0;
  double val_box = 0, val_obj = 0, val_cls = 0;  // losses
  double fitness = 0;
};

struct CandidateResult {
  int number = 0;  // from 0
  CandidateEnd end = CandidateEnd::kDone;
  GeneValues genes;
  EpochFigures best;                // of the epoch with the highest fitness
  int best_epoch = -1;              // from 0; -1 without an evaluation
  std::vector<double> best_so_far;  // highest fitness up to each epoch
  double seconds = 0;               // of the process that ended it
  std::string note;                 // why it was pruned, or failed
  double fitness() const { return best.fitness; }
};

/// The epochs of a run's results.csv; none where there is no such file. Throws Error (kIo, kData).
std::vector<EpochFigures> read_epoch_figures(const std::filesystem::path& results_csv);

/// The result of these epochs, without what they do not tell. A failed one has no figures.
CandidateResult result_of(const std::vector<EpochFigures>& epochs, CandidateEnd end);

std::string result_to_json(const CandidateResult& result);
/// Throws Error (kData). @param path named in errors
CandidateResult result_from_json(const std::string& text, const std::filesystem::path& path);

/// Values by their columns. Reading gives the start's value for a gene that is not named.
std::string genes_to_json(const GeneValues& values);
GeneValues genes_from_json(const std::string& text, const std::filesystem::path& path,
                           const GeneValues& start);

/// The candidate with the highest fitness, the first of equal ones; none if nothing is finished.
const CandidateResult* best_of(const std::vector<CandidateResult>& results);

/// What a candidate must reach to go on: the median over the candidates that are done of their
/// highest fitness up to the same epoch. None before a quarter of the epochs, and while fewer than
/// five are done.
/// @param epochs_done of the candidate   @param epochs of a whole run
std::optional<double> pruning_bar(const std::vector<CandidateResult>& results, int epochs_done,
                                  int epochs);

}  // namespace gannet
