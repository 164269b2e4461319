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

/// What was learned until the last boundary, as entries of a checkpoint: the model's own, `ema`,
/// `optimizer` (`state`) and `scaler`. Copies.
Value learned_entries(const TrainState& state, const std::vector<std::string>& names);
/// The way back, into a state whose model, average and optimizer are built; marks no boundary.
/// Throws Error (kCheckpoint) where the entries do not fit.
void restore_learned(TrainState& state, const Value& entries);

/// Settings of a run from its checkpoint. Throws Error (kCheckpoint) for one that cannot be
/// resumed.
Settings settings_of_checkpoint(const Value& checkpoint, const std::string& path);

/// Fills a state whose model, EMA and optimizer are already built. A rank gets its own statistics
/// back where the number of ranks is that of the checkpoint, else the mean of all. Throws Error
/// (kCheckpoint) where the file does not fit.
void restore_state(TrainState& state, const Value& checkpoint, const Communicator& comm);

/// What it takes to extend a finished run beside its weights: settings, results, the best, how many
/// epochs there were and of which data.
Value history_of(const TrainState& state, const Settings& settings);

/// Fills a state that is built as for a new run with the weights of a stripped checkpoint and the
/// epochs, results and best of its run; everything else starts anew. Throws Error (kCheckpoint)
/// where they do not fit.
void restore_finished(TrainState& state, const Value& checkpoint, const Value& history);

/// Rewrites a checkpoint for use: the averaged weights in half precision, nothing of training.
/// @return size of the file in bytes
std::uintmax_t strip_checkpoint(const std::string& path);

}  // namespace gannet
