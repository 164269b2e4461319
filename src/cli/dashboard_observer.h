// The dashboard of the run that this process trains, in threads of its own.
#pragma once

#include <string>
#include <thread>

#include "gannet/observe/events.h"
#include "gannet/serve/dashboard.h"

namespace gannet::cli {

/// Serves from now on, and prints where; stops when it is destroyed.
class DashboardObserver : public RunObserver {
 public:
  /// @param port 0: any that is free; else this one, or one of the hundred above it
  /// Throws Error (kUsage) where none can be had.
  DashboardObserver(const std::string& host, int port);
  ~DashboardObserver() override;
  DashboardObserver(const DashboardObserver&) = delete;
  DashboardObserver& operator=(const DashboardObserver&) = delete;

  void on_run_start(const RunInfo& info) override { dashboard_.show(info.directory); }

 private:
  Dashboard dashboard_;
  std::thread thread_;
};

}  // namespace gannet::cli
