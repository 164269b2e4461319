#include "gannet/observe/mlflow.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/text.h"
#include "gannet/core/threads.h"
#include "gannet/net/json_exchange.h"
#include "gannet/net/post.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxMessages = 1000;
constexpr double kFirstPause = 1, kLongestPause = 30;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::vector<MlflowMetric> metrics_of(const EpochRow& row) {
  std::vector<MlflowMetric> metrics = {{"train/box_loss", row.loss.box},
                                       {"train/obj_loss", row.loss.obj},
                                       {"train/cls_loss", row.loss.cls},
                                       {"train/total_loss", row.loss.total},
                                       {"x/lr0", row.lr[2]},  // as in results.csv
                                       {"x/lr1", row.lr[1]},
                                       {"x/lr2", row.lr[0]},
                                       {"epoch_seconds", row.seconds},
                                       {"images_per_second", row.images_per_second},
                                       {"data_wait_fraction", row.data_wait_fraction},
                                       {"memory_gib", row.memory_gib}};
  if (!row.evaluated) return metrics;
  const MeanMetrics& m = row.metrics;
  const std::initializer_list<MlflowMetric> figures = {
      {"metrics/precision", m.precision}, {"metrics/recall", m.recall},
      {"metrics/mAP_0.5", m.map50},       {"metrics/mAP_0.75", m.map75},
      {"metrics/mAP_0.5_0.95", m.map},    {"val/box_loss", row.val_loss.box},
      {"val/obj_loss", row.val_loss.obj}, {"val/cls_loss", row.val_loss.cls}};
  metrics.insert(metrics.end(), figures);
  return metrics;
}

/// The id that an earlier start of the run noted; empty without one.
std::string noted_run(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return {};
  return std::string(trim(read_file(file)));
}

}  // namespace

MlflowObserver::MlflowObserver(MlflowOptions options)
    : options_(std::move(options)), client_(options_.url) {
  check_post_address(options_.url, "--mlflow");
  thread_ = std::thread([this] { work(); });
}

MlflowObserver::~MlflowObserver() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
  if (messages_.size() + dropped_ > 0)
    log_warning("{}: the MLflow server was not told all of the run: {} messages are missing",
                host_of_address(options_.url), messages_.size() + dropped_);
}

void MlflowObserver::on_run_start(const RunInfo& info) {
  MlflowTexts params = options_.params;
  params.emplace_back("parameters", std::to_string(info.num_parameters));
  params.emplace_back("train_images", std::to_string(info.train_images));
  params.emplace_back("val_images", std::to_string(info.val_images));
  if (info.names != nullptr) params.emplace_back("classes", std::to_string(info.names->size()));
  started_ = true;
  post([this, directory = info.directory, goes_on = info.start_epoch > 0, now = now_ms(), params] {
    begin_run(directory, goes_on, now, params);
  });
}

/// Goes on with the run that an earlier start noted. @return whether the server knows it
bool MlflowObserver::continue_run(const fs::path& note) {
  const std::string noted = noted_run(note);
  if (noted.empty()) return false;
  try {
    client_.set_status(noted, "RUNNING", 0);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kData) return false;
    throw;
  }
  run_ = noted;
  return true;
}

// May be called again after a part of it failed.
void MlflowObserver::begin_run(const fs::path& directory, bool goes_on, std::int64_t now,
                               const MlflowTexts& params) {
  const fs::path note = directory / "mlflow.txt";
  if (run_.empty() && goes_on && continue_run(note)) return;
  if (run_.empty()) {
    run_ = client_.create_run(client_.experiment(options_.experiment),
                              directory.filename().string(), now);
    write_file_atomically(note, run_ + "\n");
  }
  client_.log_params(run_, params);
}

void MlflowObserver::on_epoch_end(const EpochRow& row) {
  post([this, metrics = metrics_of(row), epoch = row.epoch, now = now_ms()] {
    client_.log_metrics(run_, metrics, epoch, now);
  });
}

void MlflowObserver::on_checkpoint(const CheckpointEvent& checkpoint) {
  const std::string path = fs::absolute(checkpoint.path).string();
  if (!checkpoint.best || path == best_) return;
  best_ = path;
  post([this, path] { client_.set_tag(run_, "best_checkpoint", path); });
}

void MlflowObserver::on_run_end(const RunSummary& summary) {
  post([this, epoch = summary.best_epoch] {
    client_.set_tag(run_, "best_epoch", std::to_string(epoch));
  });
  end_run("FINISHED");
}

void MlflowObserver::on_run_failed(const RunFailure& failure) {
  if (failure.interrupted) return end_run("KILLED");
  if (started_) post([this, why = failure.error] { client_.set_tag(run_, "error", why); });
  end_run("FAILED");
}

void MlflowObserver::end_run(const std::string& status) noexcept {
  if (!started_) return;
  post([this, status, now = now_ms()] { client_.set_status(run_, status, now); });
  std::unique_lock lock(mutex_);
  pause_ = 0;  // once more, whatever was before
  changed_.notify_all();
  changed_.wait_for(lock, std::chrono::duration<double>(options_.end_wait),
                    [&] { return messages_.empty() || pause_ > 0; });
}

void MlflowObserver::post(Message message) {
  {
    const std::lock_guard lock(mutex_);
    if (messages_.size() >= kMaxMessages) {
      ++dropped_;
      return;
    }
    messages_.push_back(std::move(message));
  }
  changed_.notify_all();
}

void MlflowObserver::work() {
  block_signals();  // they are for the thread that trains
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !messages_.empty(); });
    if (ending_) return;
    send_first(lock);
    if (pause_ > 0)
      changed_.wait_for(lock, std::chrono::duration<double>(pause_),
                        [&] { return ending_ || pause_ == 0; });
  }
}

/// Takes it from the queue, unless there was no answer.
void MlflowObserver::send_first(std::unique_lock<std::mutex>& lock) {
  const Message message = messages_.front();
  lock.unlock();
  bool told = true;
  try {
    message();
  } catch (const Error& error) {
    told = error.kind() != ErrorKind::kIo;
    warn_once(
        told ? warned_of_refusal_ : warned_of_silence_,
        told ? fmt::format("MLflow: {}; the run goes on", error.what())
             : fmt::format("MLflow: {}; the run goes on, the server is tried again", error.what()));
  } catch (const std::exception& error) {
    warn_once(warned_of_refusal_, fmt::format("MLflow: {}; the run goes on", error.what()));
  }
  lock.lock();
  if (told) messages_.pop_front();
  pause_ = told ? 0 : std::clamp(2 * pause_, kFirstPause, kLongestPause);
  changed_.notify_all();
}

void MlflowObserver::warn_once(bool& warned, const std::string& text) {
  if (!std::exchange(warned, true)) log_warning("{}", text);
}

}  // namespace gannet
