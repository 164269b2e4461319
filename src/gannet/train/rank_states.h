// The part of a training state that each rank has for itself in the middle of an epoch.
#pragma once

#include "gannet/dist/communicator.h"
#include "gannet/io/value.h"
#include "gannet/train/state.h"

namespace gannet {

/// Of all ranks, in their order, at the last boundary: running statistics, unless they are common,
/// and the part of the last batch in the loss. A collective; none in a world of one.
Value gather_rank_states(const TrainState& state, bool common_statistics, Communicator& comm);

/// Gives this rank its own part back where there are as many ranks as then, else the mean of all
/// statistics, and the losses to one rank. Throws Error (kCheckpoint) where the sizes do not fit.
void restore_rank_states(TrainState& state, const Value& rank_states, const Communicator& comm);

}  // namespace gannet
