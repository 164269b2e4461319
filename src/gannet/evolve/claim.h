// Who trains a candidate. A claim is a file in the candidate's folder: claim.0, and where its owner
// has ended without a word claim.1, .... Only one process can make each of them, so that of many
// that look one gets the candidate, without locks.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "gannet/evolve/ticker.h"

namespace gannet {

class Claim {
 public:
  /// Claims the candidate of this folder, which must exist; null where a living process has it.
  /// A process of this machine is known to live or not; another one is dead when its claim has
  /// shown no sign of life for `dead_after` seconds. Throws Error (kIo).
  static std::unique_ptr<Claim> take(const std::filesystem::path& folder, double dead_after);

  /// Shows signs of life until it is destroyed.
  Claim(std::filesystem::path file, std::filesystem::path successor, double dead_after);

  /// Whether another process has taken the candidate over, because this one seemed dead.
  bool lost() const { return lost_; }
  /// Gives the candidate back, for others to go on with at once.
  void release();

 private:
  void show_life();

  std::filesystem::path file_, successor_;
  std::atomic<bool> lost_{false};
  Ticker ticker_;
};

}  // namespace gannet
