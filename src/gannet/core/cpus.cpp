#include "gannet/core/cpus.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#include "gannet/core/control_groups.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

double number_in(const fs::path& file) {
  std::ifstream stream(file);
  double number = 0;
  return stream >> number ? number : 0;
}

/// Processors' worth of time; 0 without a quota.
double quota_of(const ControlGroup& group) {
  if (group.version == 1) {  // -1 where there is none
    const double quota = number_in(group.folder / "cpu.cfs_quota_us"),
                 period = number_in(group.folder / "cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : 0;
  }
  std::ifstream stream(group.folder / "cpu.max");  // "max 100000" or "50000 100000"
  double quota = 0, period = 0;
  return stream >> quota >> period && period > 0 ? quota / period : 0;
}

}  // namespace

int available_cpus(const fs::path& root) {
  int cpus = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (const ControlGroup& group : control_groups(root, "cpu")) {
    const double quota = quota_of(group);
    if (quota > 0) cpus = std::min(cpus, std::max(1, static_cast<int>(std::ceil(quota - 1e-6))));
  }
  return cpus;
}

}  // namespace gannet
