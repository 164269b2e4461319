// What a study shows of its candidates: evolve.csv, hyp_evolved.yaml, evolve.png. All are made anew
// from the candidates' results, whoever finished them, and replaced as a whole.
#pragma once

#include <string>
#include <vector>

#include "gannet/evolve/study.h"

namespace gannet {

/// The table in release 7.0's form: a header line, seven figures of the best epoch, then the genes;
/// behind them, which is new, number, end, epochs and best epoch of the candidate.
std::string evolve_csv(const std::vector<CandidateResult>& results);

/// Hyperparameters and optimizer of the best candidate as a file for --hyp, its figures in
/// comments.
std::string evolved_hyp(const Settings& settings, const CandidateResult& best,
                        const CandidateResult* start);

/// Writes the three files, deletes the weights and pictures of all finished candidates but the
/// best, and uploads where the settings have a bucket. Any number of processes may do so at once.
/// A picture or upload that fails is warned about. Throws Error (kIo).
void write_study_files(Study& study);

}  // namespace gannet
