// A study: the folder in which a search lives, and what its processes share there (docs/evolve.md).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "gannet/evolve/candidate.h"
#include "gannet/evolve/evolve.h"

namespace gannet {

class Study {
 public:
  /// Makes the study, or joins the one that is there. See `evolve` for what it throws.
  Study(const Settings& settings, const EvolveOptions& options);

  const std::filesystem::path& folder() const { return folder_; }
  /// What all candidates have; genes as in the first one.
  const Settings& settings() const { return settings_; }
  const SearchOptions& search() const { return search_; }
  bool prunes() const { return prunes_; }
  int generations() const { return generations_; }

  std::filesystem::path candidate_folder(int number) const;
  bool is_finished(int number) const;
  /// Finished candidates by number; those that others have finished are read from their files.
  const std::vector<CandidateResult>& results();

  /// The values of a candidate, which whoever first begins it decides from what is finished.
  GeneValues genes_of_candidate(int number);
  Settings settings_of_candidate(int number, const GeneValues& genes) const;
  /// Writes what a candidate gave, once for all.
  void finish(const CandidateResult& result);

 private:
  void create(const Settings& settings, const EvolveOptions& options);
  void join(const Settings& settings, const EvolveOptions& options);
  void join_search(const EvolveOptions& options);

  std::filesystem::path folder_;
  Settings settings_;
  GeneValues start_;
  SearchOptions search_;
  bool prunes_ = true;
  int generations_ = 0;
  std::map<int, CandidateResult> read_;
  std::vector<CandidateResult> results_;
};

}  // namespace gannet
