// What a server counts, and its text in the format of Prometheus.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace gannet {

/// How many values were up to each of some bounds.
class PrometheusHistogram {
 public:
  /// @param bounds ascending
  explicit PrometheusHistogram(std::vector<double> bounds);
  void add(double value);
  /// Lines of `name`, cumulative as Prometheus wants them.
  std::string text(const std::string& name) const;

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;  // one more than bounds: what is above all
  double sum_ = 0;
  std::uint64_t count_ = 0;
};

/// Safe for several threads.
class ServeMetrics {
 public:
  void count_answer(int status);
  /// Of a request for detections that was answered with them.
  void add_latency(double seconds);
  void add_batch(std::size_t pictures);
  /// @param waiting pictures that were taken in and are not answered
  std::string text(std::size_t waiting) const;

 private:
  mutable std::mutex mutex_;
  std::map<int, std::uint64_t> answers_;  // by status
  PrometheusHistogram latency_{{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}};
  PrometheusHistogram batches_{{1, 2, 4, 8, 16, 32, 64}};
};

}  // namespace gannet
