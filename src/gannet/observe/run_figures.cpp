#include "gannet/observe/run_figures.h"

#include <algorithm>

namespace gannet {

void RunFigures::on_epoch_start(const EpochStart& /*start*/) { epoch_ = Stopwatch(); }

void RunFigures::on_step(const StepEvent& step) {
  epoch_seconds_ = epoch_.seconds();
  epoch_wait_ = step.data_wait_fraction * epoch_seconds_;
}

void RunFigures::on_epoch_end(const EpochRow& row) {
  seconds_ += epoch_seconds_;
  wait_ += epoch_wait_;
  epoch_seconds_ = epoch_wait_ = 0;
  memory_gib_ = std::max(memory_gib_, row.memory_gib);
}

double RunFigures::data_wait_fraction() const {
  const double all = seconds_ + epoch_seconds_;
  return all > 0 ? (wait_ + epoch_wait_) / all : 0;
}

}  // namespace gannet
