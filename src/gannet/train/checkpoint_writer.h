// Writes checkpoints beside the training: a thread copies the state while nothing changes it, then
// writes the files while training goes on. A failed write loses neither old files nor the state.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gannet/io/value.h"

namespace gannet {

/// A file to write.
struct CheckpointFile {
  std::filesystem::path path;
  int epoch = -1;  // last finished one
  bool best = false;
  /// Written again at the next save if it could not be written now; the others are outdated by
  /// then.
  bool keep_trying = false;
};

/// How the writing of a file ended.
struct WrittenCheckpoint {
  CheckpointFile file;
  std::string failure;  // empty: it is complete on the disk
};

class CheckpointWriter {
 public:
  CheckpointWriter();
  ~CheckpointWriter();  // waits for the write under way

  /// Begins to write one state into several files; waits for an earlier write first.
  /// @param copy_state makes the checkpoint; called by the writer's thread, while the caller keeps
  ///        the state as it is until wait_until_copied
  void write(std::function<Value()> copy_state, std::vector<CheckpointFile> files);
  bool busy() const;
  /// After this the state may change.
  void wait_until_copied();
  void wait();
  /// What has ended since the last call.
  std::vector<WrittenCheckpoint> take_finished();
  /// Longest time that the caller was kept waiting for one save.
  double longest_pause_seconds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gannet
