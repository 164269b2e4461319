#include "gannet/observe/run_figures.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace gannet {
namespace {

TEST(RunFigures, ShareOfWaitingIsThatOfTheWholeTime) {
  RunFigures figures;
  EXPECT_EQ(figures.data_wait_fraction(), 0);
  for (const double fraction : {0.5, 0.0}) {  // equally long epochs: a quarter
    figures.on_epoch_start({});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    StepEvent step;
    step.data_wait_fraction = fraction;
    figures.on_step(step);
    EpochRow row;
    row.memory_gib = 2 + fraction;
    figures.on_epoch_end(row);
  }
  EXPECT_NEAR(figures.data_wait_fraction(), 0.25, 0.15);
  EXPECT_EQ(figures.peak_memory_gib(), 2.5);
}

}  // namespace
}  // namespace gannet
