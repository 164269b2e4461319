// Event files for TensorBoard (RB 8.7): figures of epochs and, in between, of steps; the pictures
// of the run; its settings.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "gannet/io/event_file.h"
#include "gannet/observe/events.h"
#include "gannet/observe/step_rows.h"

namespace gannet {

/// Pictures of batches are those of epochs 0, 1, 2, 4, 8, ... and the last one: TensorBoard shows
/// ten of a tag, and all of them would be most of a run's bytes.
///
/// Must come after the observer that draws the pictures: their files are what is shown. The figures
/// of steps count steps, not epochs, so they are a run of their own, in the folder "steps". What
/// cannot be written is told once, and the run goes on without.
class TensorBoardObserver : public RunObserver {
 public:
  explicit TensorBoardObserver(std::filesystem::path directory, StepRows rows = StepRows());

  void on_run_start(const RunInfo& info) override;
  void on_step(const StepEvent& step) override;
  void on_epoch_end(const EpochRow& row) override;
  void on_batch_picture(const BatchPicture& picture) override;
  void on_run_end(const RunSummary& summary) override;

 private:
  void write_picture(const std::string& file, std::int64_t step);
  void write(std::optional<EventFile>& file, const EventData& data);

  std::filesystem::path directory_;
  StepRows rows_;
  std::optional<EventFile> epochs_, steps_;
  bool failed_ = false;
  int last_epoch_ = 0, epochs_of_run_ = 0;
};

}  // namespace gannet
