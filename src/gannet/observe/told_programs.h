// Tells other programs how a run gets on: as lines of a file, and by a message at its end.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "gannet/observe/events.h"
#include "gannet/observe/step_rows.h"

namespace gannet {

/// Appends a line of JSON for each event to a file (see run_json.h); of steps one every ten seconds
/// and the last of each epoch. Each line is written at once, as a whole. Where that fails, it is
/// told once, and the run goes on without.
class JsonLinesObserver : public RunObserver {
 public:
  /// Throws Error (kIo) where the file cannot be opened.
  explicit JsonLinesObserver(const std::filesystem::path& path, StepRows rows = StepRows());
  JsonLinesObserver(const JsonLinesObserver&) = delete;
  JsonLinesObserver& operator=(const JsonLinesObserver&) = delete;
  ~JsonLinesObserver() override;

  void on_run_start(const RunInfo& info) override;
  void on_step(const StepEvent& step) override;
  void on_epoch_end(const EpochRow& row) override;
  void on_checkpoint(const CheckpointEvent& checkpoint) override;
  void on_run_end(const RunSummary& summary) override;
  void on_run_failed(const RunFailure& failure) override;

 private:
  void write(std::string line);

  std::filesystem::path path_;
  int descriptor_;
  bool failed_ = false;
  StepRows rows_;
};

/// Lines of JSON as above in the file steps.jsonl of the run's directory, with as many steps as
/// curves need: what a dashboard shows between two epochs. A run that goes on adds to the file;
/// where steps are repeated then, the later ones count.
class StepLogObserver : public RunObserver {
 public:
  void on_run_start(const RunInfo& info) override;
  void on_step(const StepEvent& step) override;
  void on_run_end(const RunSummary& summary) override;
  void on_run_failed(const RunFailure& failure) override;

 private:
  std::optional<JsonLinesObserver> file_;
};

/// Posts the end of a run, or its failure, as JSON (run_json.h) to a web address. A message that
/// does not arrive within five seconds gives a warning and nothing else.
class WebhookObserver : public RunObserver {
 public:
  /// Throws Error (kUsage) for what is no http or https address.
  explicit WebhookObserver(std::string url);

  void on_run_end(const RunSummary& summary) override;
  void on_run_failed(const RunFailure& failure) override;

 private:
  std::string url_;
};

}  // namespace gannet
