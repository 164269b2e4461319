// Events of a run as JSON: one object each, for the observers that tell other programs.
#pragma once

#include <string>

#include "gannet/observe/events.h"

namespace gannet {

/// Each is one line without line break and has a member "event" that names it. Numbers that are not
/// finite are null; figures of an evaluation are left out where there was none.
std::string run_start_json(const RunInfo& info);
std::string step_json(const StepEvent& step);
std::string epoch_json(const EpochRow& row);
std::string checkpoint_json(const CheckpointEvent& checkpoint);
std::string run_end_json(const RunSummary& summary);
std::string run_failed_json(const RunFailure& failure);

}  // namespace gannet
