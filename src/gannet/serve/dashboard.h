// A web page that shows runs while they train and afterwards: curves, pictures, settings, log. It
// only reads what runs write into their directories, in threads of its own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace gannet {

struct DashboardOptions {
  std::string host = "127.0.0.1";
  int port = 8080;         // 0: any that is free
  int ports = 1;           // tried from `port` on, until one is free
  std::string token = {};  // that browsers must know; empty: one is drawn where others can reach it
};

class Dashboard {
 public:
  /// Binds the port. Throws Error (kUsage) where host or port cannot be had.
  explicit Dashboard(const DashboardOptions& options);
  ~Dashboard();
  Dashboard(const Dashboard&) = delete;
  Dashboard& operator=(const Dashboard&) = delete;

  /// @param runs a folder of runs, or one run; nothing is shown before. From any thread.
  void show(const std::filesystem::path& runs);
  int port() const;
  /// For a browser, with the token where there is one: "http://127.0.0.1:8080/#token=..."
  std::string address() const;
  /// Serves until `stop`, which ends what is under way.
  void run();
  /// May be called from any thread and from a signal handler, also before `run`.
  void stop() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gannet
