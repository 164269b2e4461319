#include "gannet/observe/bucket_upload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "gannet/core/log.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNames[] = {
    "results.txt", "results.csv", "settings.yaml", "data.yaml",           "model.yaml",
    "hyp.yaml",    "log.txt",     "steps.jsonl",   "labels.jpg",          "labels_correlogram.jpg",
    "anchors.png", "LR.png",      "results.png",   "confusion_matrix.png"};
constexpr const char* kFamilies[] = {"train_batch", "val_batch", "events.out.tfevents."};

/// epochN.pt: what --save-period keeps.
bool is_periodic(const fs::path& file) {
  const std::string stem = file.stem().string();
  return file.extension() == ".pt" && stem.size() > 5 && stem.starts_with("epoch") &&
         stem.find_first_not_of("0123456789", 5) == std::string::npos;
}

bool is_of_run(const std::string& name) {
  if (std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames)) return true;
  if (name.ends_with("_curve.png")) return true;
  return std::any_of(std::begin(kFamilies), std::end(kFamilies),
                     [&](const char* family) { return name.starts_with(family); }) &&
         name.find(".tmp") == std::string::npos;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator();
       it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string amount(std::size_t files, std::uint64_t bytes) {
  return fmt::format("{} file{}, {:.1f} MB", files, files == 1 ? "" : "s",
                     static_cast<double>(bytes) / 1e6);
}

}  // namespace

std::vector<std::string> files_of_run(const fs::path& run) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const char* name : {"best.pt", "last.pt"}) {
    if (fs::exists(run / "weights" / name, ignored))
      files.push_back(std::string("weights/") + name);
  }
  for (const std::string& name : names_in(run))
    if (is_of_run(name)) files.push_back(name);
  for (const std::string& name : names_in(run / "steps"))
    if (is_of_run(name)) files.push_back("steps/" + name);
  for (const std::string& name : names_in(run / "weights"))
    if (is_periodic(name)) files.push_back("weights/" + name);
  return files;
}

UploadObserver::UploadObserver(std::unique_ptr<Uploader> uploader, UploadWait wait)
    : uploader_(std::move(uploader)), wait_(std::move(wait)) {}

UploadObserver::~UploadObserver() {
  if (queue_) report();  // nobody told how the run ended
}

void UploadObserver::on_run_start(const RunInfo& info) {
  run_ = info.directory;
  if (uploader_) queue_.emplace(std::move(uploader_), run_);
}

void UploadObserver::on_checkpoint(const CheckpointEvent& checkpoint) {
  if (queue_ && is_periodic(checkpoint.path))
    queue_->add("weights/" + checkpoint.path.filename().string());
}

void UploadObserver::on_run_end(const RunSummary& /*summary*/) {
  if (!queue_) return;
  finish();
  report();
  queue_.reset();
}

void UploadObserver::on_run_failed(const RunFailure& /*failure*/) {
  if (!queue_) return;
  report();
  queue_.reset();
}

void UploadObserver::finish() {
  std::uint64_t bytes = queue_->progress().waiting_bytes;
  for (const std::string& name : files_of_run(run_)) bytes += queue_->add(name);
  const double limit = wait_.seconds + static_cast<double>(bytes) / wait_.bytes_per_second;
  log_info("uploading the run to {}", queue_->address());
  const auto start = std::chrono::steady_clock::now();
  while (!wait_.ended()) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    queue_->wait(std::min(wait_.progress_seconds, limit - spent.count()), wait_.ended);
    const UploadProgress now = queue_->progress();
    if (now.waiting.empty() || spent.count() >= limit) return;
    log_info("still uploading {}; {} left", now.waiting.front(),
             amount(now.waiting.size(), now.waiting_bytes));
  }
}

/// What was and what was not uploaded in this run.
void UploadObserver::report() const {
  const UploadProgress now = queue_->progress();
  if (now.uploaded > 0)
    log_info("uploaded {} to {}", amount(now.uploaded, now.uploaded_bytes), queue_->address());
  if (!now.waiting.empty())
    log_warning("the run ended before these were uploaded: {}; its files are in {}",
                fmt::join(now.waiting, ", "), run_.string());
  if (!now.failed.empty())
    log_warning("not uploaded to {}: {}; the run's files are in {}", queue_->address(),
                fmt::join(now.failed, ", "), run_.string());
}

}  // namespace gannet
