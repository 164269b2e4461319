// What one browser is told of runs: server-sent events with whatever has changed in their files.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gannet/serve/followed_file.h"
#include "gannet/serve/run_folder.h"

namespace gannet {

/// Remembers positions in files and nothing else: a browser that reads slowly holds up nobody, and
/// costs no memory. Each event's data is one line of JSON:
///   runs      [{name, finished, changed}], whenever the list changes
///   results   {run, text}: results.csv whole
///   steps     {run, first, text}: lines of steps.jsonl; those before count no more where it is
///   first
/// and of the run that is looked at
///   settings  {run, text}: settings.yaml
///   log       {run, first, text}: log.txt, of what is there its last 64 KiB
///   pictures  {run, pictures: [{name, stamp}]}: those that there are
class RunStream {
 public:
  /// @param names of the runs whose figures are wanted; those that are not there are left out
  /// @param looked_at the one whose pictures, settings and log are wanted, too; may be empty
  RunStream(const RunFolder& folder, const std::vector<std::string>& names,
            const std::string& looked_at);

  /// Events with what has changed since the last call, about 1 MiB at most; empty: nothing.
  std::string next();

 private:
  struct Followed {
    std::string name;
    ReplacedFile results;
    GrowingFile steps;
  };

  void add_list(std::string& events);
  void add_figures(std::string& events);
  void add_looked_at(std::string& events);

  const RunFolder& folder_;
  std::string list_;
  std::vector<Followed> followed_;
  std::string looked_at_;
  std::filesystem::path directory_;  // of the one looked at
  ReplacedFile settings_;
  GrowingFile log_;
  std::string pictures_;
};

}  // namespace gannet
