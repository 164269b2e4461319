// The part of MLflow's REST API (version 2.0) that a run needs, one call at a time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gannet {

using MlflowTexts = std::vector<std::pair<std::string, std::string>>;

struct MlflowMetric {
  std::string name;
  double value = 0;
};

/// Every call throws Error: kIo where the server gives no answer now (none in five seconds, a
/// status of 429, or 500 and above), kData where it refuses.
class MlflowClient {
 public:
  /// @param url of the server, http or https
  explicit MlflowClient(std::string url);

  /// Its number; made where there is none of this name.
  std::string experiment(const std::string& name) const;

  /// Begins a run that is called `name`. @return its id
  std::string create_run(const std::string& experiment_id, const std::string& name,
                         std::int64_t start_ms) const;
  /// @param params those above 500 bytes are cut
  void log_params(const std::string& run, const MlflowTexts& params) const;
  /// Values that are not finite are left out.
  void log_metrics(const std::string& run, const std::vector<MlflowMetric>& metrics,
                   std::int64_t step, std::int64_t time_ms) const;
  void set_tag(const std::string& run, const std::string& key, const std::string& value) const;
  /// @param status RUNNING, FINISHED, FAILED or KILLED   @param end_ms 0: none
  void set_status(const std::string& run, const std::string& status, std::int64_t end_ms) const;

 private:
  std::string url_;
};

}  // namespace gannet
