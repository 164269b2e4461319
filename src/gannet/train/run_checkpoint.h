// The state of a run as a checkpoint, and back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/config/settings.h"
#include "gannet/dist/communicator.h"
#include "gannet/io/value.h"
#include "gannet/train/state.h"

namespace gannet {

/// A full checkpoint: copies of the state at its last boundary, and the settings; it can be resumed
/// by any number of ranks and workers. @param rank_states of gather_rank_states; none in a world of
/// one
Value checkpoint_of(const TrainState& state, const Settings& settings,
                    const std::vector<std::string>& names, const Value& rank_states = {});

/// Settings of a run from its checkpoint. Throws Error (kCheckpoint) for one that cannot be
/// resumed.
Settings settings_of_checkpoint(const Value& checkpoint, const std::string& path);

/// Fills a state whose model, EMA and optimizer are already built. A rank gets its own statistics
/// back where the number of ranks is that of the checkpoint, else the mean of all. Throws Error
/// (kCheckpoint) where the file does not fit.
void restore_state(TrainState& state, const Value& checkpoint, const Communicator& comm);

/// Rewrites a checkpoint for use: the averaged weights in half precision, nothing of training.
/// @return size of the file in bytes
std::uintmax_t strip_checkpoint(const std::string& path);

}  // namespace gannet
