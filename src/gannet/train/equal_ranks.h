// What the ranks of a run do together outside of its steps: check that they run the same thing, and
// keep their states equal.
#pragma once

#include <string>

#include "gannet/config/settings.h"
#include "gannet/data/index/image_index.h"
#include "gannet/dist/communicator.h"
#include "gannet/nn/model.h"

namespace gannet {

/// Throws Error (kDistributed) on every rank, naming the first thing in which a rank differs from
/// rank 0: a setting, the program's version, a data set or the model.
void require_equal_ranks(const Settings& settings, const ImageIndex& train, const ImageIndex& val,
                         const DetectionModel& model, Communicator& comm);

/// Running statistics become the mean over all ranks.
void average_buffers(DetectionModel& model, Communicator& comm);

/// Rank 0's parameters and buffers on every rank.
void broadcast_state(DetectionModel& model, const std::string& name, Communicator& comm);

}  // namespace gannet
