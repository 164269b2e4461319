// Uploads what a run makes: checkpoints of --save-period as they appear, everything else at the
// end.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gannet/net/upload.h"
#include "gannet/observe/events.h"
#include "gannet/observe/upload_queue.h"

namespace gannet {

/// How long the end of a run waits for its uploads.
struct UploadWait {
  double seconds = 600;           // at least; longer where there is much to upload
  double bytes_per_second = 1e6;  // the slowest network that is waited for
  double progress_seconds = 10;   // between lines that tell how far it is
  std::function<bool()> ended = [] { return false; };  // asked meanwhile: give up now?
};

/// Names, relative to `run`, of the files that a finished run leaves: weights first, then results,
/// settings and pictures. Files that are not a run's are left out.
std::vector<std::string> files_of_run(const std::filesystem::path& run);

/// Must come after the observers whose files it uploads. Nothing that goes wrong here ends a run:
/// each file that fails gives one warning. An interrupted run uploads nothing more, since its
/// continuation will.
class UploadObserver : public RunObserver {
 public:
  explicit UploadObserver(std::unique_ptr<Uploader> uploader, UploadWait wait = {});
  ~UploadObserver() override;

  void on_run_start(const RunInfo& info) override;
  void on_checkpoint(const CheckpointEvent& checkpoint) override;
  void on_run_end(const RunSummary& summary) override;
  void on_run_failed(const RunFailure& failure) override;

 private:
  void finish();
  void report() const;

  std::unique_ptr<Uploader> uploader_;  // until the run's directory is known
  UploadWait wait_;
  std::filesystem::path run_;
  std::optional<UploadQueue> queue_;
};

}  // namespace gannet
