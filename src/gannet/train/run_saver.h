// Which files a run writes of its state, and when. All ranks take part; rank 0 writes, beside the
// training.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gannet/config/settings.h"
#include "gannet/dist/communicator.h"
#include "gannet/observe/events.h"
#include "gannet/train/checkpoint_writer.h"
#include "gannet/train/state.h"

namespace gannet {

/// What a run saves, and whom it tells; all of it outlives the saver.
struct SavedRun {
  const Settings& settings;
  const std::vector<std::string>& names;
  const TrainState& state;
  Communicator& comm;
  ObserverList& observers;
  std::filesystem::path weights;           // folder
  bool common_statistics = false;          // all ranks have the same running statistics
  std::function<void()> before_copy = {};  // on all ranks; may be empty
};

class RunSaver {
 public:
  explicit RunSaver(SavedRun run);

  /// Whether the minutes of --save-every are over: this rank's wish, for all to agree on.
  bool wants_save() const;
  /// Saves within an epoch where the ranks agreed, or after the steps of --save-every. Left out
  /// while an earlier save is still being written.
  void after_step(bool agreed);
  /// Saves the state at the end of an epoch, as the settings want it.
  void after_epoch(bool best, bool last);
  /// Saves now, for a run that ends before its end, and waits. Throws Error (kIo) where that cannot
  /// be done.
  void save_and_wait();
  /// To be called before the state changes.
  void wait_until_copied() { writer_.wait_until_copied(); }
  /// Waits for what is under way, and tries once more what failed. Throws Error (kIo) where the end
  /// of the run could not be saved.
  void finish();

  std::filesystem::path last() const { return run_.weights / "last.pt"; }

 private:
  CheckpointFile last_file() const { return {last(), run_.state.epoch - 1}; }
  void save(std::vector<CheckpointFile> files, bool may_be_left_out);
  void tell();

  SavedRun run_;
  SaveInterval interval_;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
  CheckpointWriter writer_;
  std::vector<std::string> unsaved_;  // why files could not be written the last time
};

}  // namespace gannet
