#include "gannet/serve/serve_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gannet {

PrometheusHistogram::PrometheusHistogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void PrometheusHistogram::add(double value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  ++counts_[static_cast<std::size_t>(bound - bounds_.begin())];
  sum_ += value;
  ++count_;
}

std::string PrometheusHistogram::text(const std::string& name) const {
  std::string lines = fmt::format("# TYPE {} histogram\n", name);
  std::uint64_t up_to = 0;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    up_to += counts_[i];
    lines += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, bounds_[i], up_to);
  }
  return lines + fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name,
                             count_, sum_);
}

void ServeMetrics::count_answer(int status) {
  const std::lock_guard lock(mutex_);
  ++answers_[status];
}

void ServeMetrics::add_latency(double seconds) {
  const std::lock_guard lock(mutex_);
  latency_.add(seconds);
}

void ServeMetrics::add_batch(std::size_t pictures) {
  const std::lock_guard lock(mutex_);
  batches_.add(static_cast<double>(pictures));
}

std::string ServeMetrics::text(std::size_t waiting) const {
  const std::lock_guard lock(mutex_);
  std::string lines = "# TYPE gannet_answers_total counter\n";
  for (const auto& [status, count] : answers_)
    lines += fmt::format("gannet_answers_total{{status=\"{}\"}} {}\n", status, count);
  lines +=
      fmt::format("# TYPE gannet_waiting_pictures gauge\ngannet_waiting_pictures {}\n", waiting);
  return lines + latency_.text("gannet_detect_seconds") + batches_.text("gannet_batch_pictures");
}

}  // namespace gannet
