// Tells an MLflow server of a run: settings, figures of each epoch, the best checkpoint, how it
// ended.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "gannet/observe/mlflow_client.h"
#include "gannet/observe/told_programs.h"

namespace gannet {

struct MlflowOptions {
  std::string url;  // of the server, http or https
  std::string experiment = "gannet";
  MlflowTexts params;    // of the run, beside those that the observer knows
  double end_wait = 10;  // how long the end of a run waits for what is not told yet, s
};

/// Talks in a thread of its own: training never waits for the server. What gets no answer is told
/// again later, up to 1000 messages, with one warning; what the server refuses is left out, with
/// one warning. A run that goes on from a later epoch goes on there, too (mlflow.txt in its
/// directory).
class MlflowObserver : public RunObserver {
 public:
  /// Throws Error (kUsage) for what is no http or https address.
  explicit MlflowObserver(MlflowOptions options);
  MlflowObserver(const MlflowObserver&) = delete;
  MlflowObserver& operator=(const MlflowObserver&) = delete;
  ~MlflowObserver() override;

  void on_run_start(const RunInfo& info) override;
  void on_epoch_end(const EpochRow& row) override;
  void on_checkpoint(const CheckpointEvent& checkpoint) override;
  void on_run_end(const RunSummary& summary) override;
  void on_run_failed(const RunFailure& failure) override;

 private:
  using Message = std::function<void()>;

  bool continue_run(const std::filesystem::path& note);
  void begin_run(const std::filesystem::path& directory, bool goes_on, std::int64_t now_ms,
                 const MlflowTexts& params);
  void end_run(const std::string& status) noexcept;
  void post(Message message);
  void work();
  void send_first(std::unique_lock<std::mutex>& lock);
  void warn_once(bool& warned, const std::string& text);

  MlflowOptions options_;
  MlflowClient client_;
  std::string run_;   // its id; used by the thread alone
  std::string best_;  // checkpoint that was told
  bool started_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> messages_;  // the one under way is the first
  std::size_t dropped_ = 0;
  double pause_ = 0;  // before what failed is tried again, s
  bool warned_of_silence_ = false, warned_of_refusal_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace gannet
