// Writes results.txt (the original's 15 columns, RB 8.4) and results.csv (release 7.0's 14
// columns with a header line, and more) into the run directory.
#pragma once

#include <filesystem>
#include <vector>

#include "gannet/observe/events.h"

namespace gannet {

/// Both files hold exactly one line per row of the history at any moment: they are rewritten whole,
/// so a resumed run continues them from its checkpoint, whatever a crash had left behind.
class ResultsFileObserver : public RunObserver {
 public:
  /// @param history rows of the epochs before this run; empty for a fresh one
  explicit ResultsFileObserver(std::filesystem::path directory, std::vector<EpochRow> history = {});

  /// Throws Error (kIo) when a file cannot be written.
  void on_run_start(const RunInfo& info) override;
  void on_epoch_end(const EpochRow& row) override;

 private:
  void write() const;

  std::filesystem::path directory_;
  std::vector<EpochRow> history_;
};

}  // namespace gannet
