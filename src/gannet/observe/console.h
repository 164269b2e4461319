// Shows a run on the terminal: a progress bar and the figures of each epoch (RB 7.4, 8.3). Where
// the output is no terminal it writes a plain line every ten seconds instead.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "gannet/observe/events.h"

namespace gannet {

/// Where the console observer writes and how; tests replace the parts.
struct ConsoleOptions {
  std::function<void(std::string_view)> write;
  std::function<double()> now;  // seconds of a steady clock
  bool terminal = false;        // redraw one line with carriage returns
  int columns = 0;              // width of the terminal; 0: unknown, lines are not shortened
};

/// Writes to stdout; finds out whether that is a terminal.
ConsoleOptions stdout_console();

class ConsoleObserver : public RunObserver {
 public:
  explicit ConsoleObserver(ConsoleOptions options = stdout_console());

  void on_epoch_start(const EpochStart& start) override;
  void on_step(const StepEvent& step) override;
  void on_epoch_end(const EpochRow& row) override;
  void on_run_end(const RunSummary& summary) override;
  void on_run_failed(const RunFailure& failure) override;

 private:
  void draw(const std::string& line);
  void close_line();

  ConsoleOptions options_;
  double last_drawn_ = 0;
  bool header_shown_ = false;
  bool line_open_ = false;  // a redrawn line waits for its newline
};

}  // namespace gannet
