// What `train` shows and tells: settings at the start, observers, one summary at the end.
#pragma once

#include <string>

#include "gannet/observe/run_figures.h"
#include "gannet/train/trainer.h"

namespace gannet::cli {

/// Flags that change no number of a run.
struct TrainOutput {
  bool verbose = false;
  std::string log_json, webhook;
  std::string mlflow;  // address of a server; empty: none
  std::string mlflow_experiment = "gannet";
  int dashboard = -1;  // its port; below 0: none
  std::string dashboard_host = "127.0.0.1";
};

/// Those that differ from the defaults.
void print_settings(const Settings& settings);

/// @return one of them; like all, the trainer's
const RunFigures* add_observers(Trainer& trainer, const TrainOutput& output);

/// Figures, and the summary. @param verbose figures of each class also where there are more than 20
void print_report(const TrainReport& report, const RunFigures& figures, bool verbose);

/// The lines that end a run, also one that was interrupted.
void print_summary(const RunFigures& figures);

}  // namespace gannet::cli
