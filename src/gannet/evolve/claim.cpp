#include "gannet/evolve/claim.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/evolve/shared_files.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

fs::path claim_file(const fs::path& folder, int number) {
  return folder / fmt::format("claim.{}", number);
}

/// Of the last claim; -1 without one.
int last_claim(const fs::path& folder) {
  int number = -1;
  std::error_code ignored;
  while (fs::exists(claim_file(folder, number + 1), ignored)) ++number;
  return number;
}

/// Whether the owner of a claim has ended; says so.
bool is_dead(const fs::path& claim, double dead_after) {
  std::string owner;
  try {
    owner = read_file(claim);
  } catch (const Error&) {
    return true;  // given back just now
  }
  if (is_known_dead(owner)) {
    log_info("candidate {}: its process has ended, this one goes on",
             claim.parent_path().filename().string());
    return true;
  }
  const double age = age_of_shared_file(claim);
  if (age < 0) return true;
  if (age < dead_after) return false;
  log_warning("candidate {}: no sign of life of its process for {:.0f} s, this one goes on",
              claim.parent_path().filename().string(), age);
  return true;
}

std::chrono::milliseconds interval_of(double dead_after) {
  constexpr double kSignsInTime = 6, kMostSeconds = 10, kLeastSeconds = 0.05;
  const double seconds = std::clamp(dead_after / kSignsInTime, kLeastSeconds, kMostSeconds);
  return std::chrono::milliseconds(static_cast<std::int64_t>(1000 * seconds));
}

}  // namespace

std::unique_ptr<Claim> Claim::take(const fs::path& folder, double dead_after) {
  const int last = last_claim(folder);
  if (last >= 0 && !is_dead(claim_file(folder, last), dead_after)) return nullptr;
  // Where it was given back meanwhile, the one before it is asked for again: one try later.
  const fs::path file = claim_file(folder, last + 1);
  if (!create_shared_file(file, this_process())) return nullptr;
  return std::make_unique<Claim>(file, claim_file(folder, last + 2), dead_after);
}

Claim::Claim(fs::path file, fs::path successor, double dead_after)
    : file_(std::move(file)),
      successor_(std::move(successor)),
      ticker_(interval_of(dead_after), [this] { show_life(); }) {}

void Claim::show_life() {
  std::error_code ignored;
  if (fs::exists(successor_, ignored)) lost_ = true;
  if (!lost_) touch_shared_file(file_);
}

void Claim::release() {
  std::error_code ignored;
  fs::remove(file_, ignored);
}

}  // namespace gannet
