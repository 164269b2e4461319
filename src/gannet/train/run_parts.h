// Everything that a training run works with, built whole from its settings: nothing here is
// optional and nothing comes later. Nothing is written before a run is assembled.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gannet/config/settings.h"
#include "gannet/data/loading/loader.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/observe/events.h"
#include "gannet/ops/placement.h"
#include "gannet/train/resume.h"
#include "gannet/train/run_data.h"
#include "gannet/train/run_memory.h"
#include "gannet/train/schedule.h"
#include "gannet/train/state.h"

namespace gannet {

/// What ranks do together beside their sums.
struct RankLinks {
  std::shared_ptr<NormSync> norm_sync;       // null: each rank's norms for themselves
  std::unique_ptr<GradientReducer> reducer;  // null in a world of one, and where shards do it
};

struct RunParts {
  // What was asked for, with absolute paths.
  Settings settings;
  std::string resumed_from;         // checkpoint; empty for a new run
  std::filesystem::path directory;  // of an earlier start that saved nothing; mostly empty
  std::optional<RunMemory> memory;  // where it was planned

  // Who computes, and where.
  std::shared_ptr<Communicator> comm;
  Placement placement;
  RankLinks links;

  // What is learned from.
  RunData data;
  Loader train_loader, val_loader;

  // What learns, and how.
  TrainState state;
  Schedule schedule;
  DetectionLoss loss;

  /// Whether running statistics are the same on all ranks at any time.
  bool common_statistics() const {
    return links.norm_sync != nullptr || settings.train.deterministic;
  }
};

/// Builds a new run, or restores one from its checkpoint. Throws Error for whatever does not fit.
RunParts assemble_run(RunStart start, std::shared_ptr<Communicator> comm);

/// The run as observers are told of it; train_labels is left out.
RunInfo describe(const RunParts& parts);

}  // namespace gannet
