#include "gannet/observe/told_programs.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/net/post.h"
#include "gannet/observe/run_json.h"

namespace gannet {
namespace {

constexpr double kPostSeconds = 5;

}  // namespace

JsonLinesObserver::JsonLinesObserver(const std::filesystem::path& path, StepRows rows)
    : path_(path),
      descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)),
      rows_(std::move(rows)) {
  if (descriptor_ < 0) throw_io_error(path_, "write");
}

JsonLinesObserver::~JsonLinesObserver() { ::close(descriptor_); }

void JsonLinesObserver::on_run_start(const RunInfo& info) { write(run_start_json(info)); }

void JsonLinesObserver::on_step(const StepEvent& step) {
  if (rows_.wants(step)) write(step_json(step));
}

void JsonLinesObserver::on_epoch_end(const EpochRow& row) { write(epoch_json(row)); }

void JsonLinesObserver::on_checkpoint(const CheckpointEvent& checkpoint) {
  write(checkpoint_json(checkpoint));
}

void JsonLinesObserver::on_run_end(const RunSummary& summary) { write(run_end_json(summary)); }

void JsonLinesObserver::on_run_failed(const RunFailure& failure) {
  write(run_failed_json(failure));
}

void JsonLinesObserver::write(std::string line) {
  if (failed_) return;
  line += '\n';
  if (::write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size())) return;
  failed_ = true;
  throw_io_error(path_, "write");
}

void StepLogObserver::on_run_start(const RunInfo& info) {
  file_.emplace(info.directory / "steps.jsonl", StepRows::for_curves());
  file_->on_run_start(info);
}

void StepLogObserver::on_step(const StepEvent& step) {
  if (file_) file_->on_step(step);
}

void StepLogObserver::on_run_end(const RunSummary& summary) {
  if (file_) file_->on_run_end(summary);
}

void StepLogObserver::on_run_failed(const RunFailure& failure) {
  if (file_) file_->on_run_failed(failure);
}

WebhookObserver::WebhookObserver(std::string url) : url_(std::move(url)) {
  check_post_address(url_);
}

void WebhookObserver::on_run_end(const RunSummary& summary) {
  post_json(url_, run_end_json(summary), kPostSeconds);
}

void WebhookObserver::on_run_failed(const RunFailure& failure) {
  post_json(url_, run_failed_json(failure), kPostSeconds);
}

}  // namespace gannet
