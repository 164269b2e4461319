// How a training run ended.
#pragma once

#include <filesystem>
#include <string>

#include "gannet/eval/eval_report.h"

namespace gannet {

struct TrainReport {
  std::filesystem::path directory;
  /// Stripped for use; best is last where nothing was evaluated.
  std::string best_checkpoint, last_checkpoint;
  int epochs_run = 0;
  int best_epoch = -1;
  double best_fitness = 0;
  double seconds = 0;
  bool time_is_up =
      false;              // ended by --time-limit: the last checkpoint is whole and can be resumed
  EvalReport evaluation;  // of the best checkpoint
};

}  // namespace gannet
