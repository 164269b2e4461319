// Batch norm needs some values per channel: what is done where images are so small that it would
// have too few in the deepest maps.
#pragma once

#include "gannet/config/settings.h"
#include "gannet/dist/communicator.h"
#include "gannet/nn/model.h"
#include "gannet/train/run_data.h"

namespace gannet {

/// Where a share of a batch has too few values in the deepest maps, batch norm keeps its statistics
/// there, and a small last batch joins the one before it. That works for all shares or for none:
/// the statistics of a few larger ones would not fit the others. Throws Error (kUsage) where some
/// shares have enough and some have not.
void avoid_few_values(const Settings& settings, RunData& data, DetectionModel& model,
                      const Communicator& comm);

}  // namespace gannet
