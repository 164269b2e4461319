// Draws the pictures of a run into its directory: labels.jpg, labels_correlogram.jpg, anchors.png,
// LR.png, batches, results.png (RB 8.6).
#pragma once

#include <filesystem>
#include <vector>

#include "gannet/core/stopwatch.h"
#include "gannet/observe/events.h"

namespace gannet {

/// The ten panels of RB 8.6 over the epochs, with smoothed lines and the epoch of the highest
/// fitness marked; only what was evaluated counts. Throws Error (kIo).
void plot_results(const std::vector<EpochRow>& rows, const std::filesystem::path& path);

/// results.png is drawn again after each epoch, but where epochs are so short that this would take
/// more than a fiftieth of the time, only as often as stays below it. A picture that cannot be
/// written gives a warning, not an error: it is no reason to lose a run.
class PlotsObserver : public RunObserver {
 public:
  /// @param history rows of the epochs before this run; empty for a fresh one
  explicit PlotsObserver(std::filesystem::path directory, std::vector<EpochRow> history = {});

  void on_run_start(const RunInfo& info) override;
  void on_epoch_end(const EpochRow& row) override;
  void on_batch_picture(const BatchPicture& picture) override;
  void on_run_end(const RunSummary& summary) override;
  void on_run_failed(const RunFailure& failure) override;

 private:
  void draw_results();

  std::filesystem::path directory_;
  std::vector<EpochRow> history_;
  Stopwatch since_drawn_;
  double drawing_seconds_ = 0;  // the last results.png took
};

}  // namespace gannet
