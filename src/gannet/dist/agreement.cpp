#include "gannet/dist/agreement.h"

#include <fmt/format.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include "gannet/core/error.h"
#include "gannet/dist/communicator.h"

namespace gannet {

namespace {

std::vector<std::string> device_list(const std::string& device) {
  std::vector<std::string> entries;
  std::istringstream list(device);
  for (std::string entry; std::getline(list, entry, ',');) entries.push_back(entry);
  return entries;
}

}  // namespace

bool ranks_share_a_device(const std::string& device) {
  const std::vector<std::string> entries = device_list(device);
  return std::set<std::string>(entries.begin(), entries.end()).size() < entries.size();
}

std::string device_of_rank(const std::string& device, const Communicator& comm) {
  if (comm.world_size() == 1) return device;
  const auto local = static_cast<std::size_t>(comm.local_rank());
  if (device.empty()) {
    const std::size_t count = torch::cuda::device_count();
    if (count > 0 && local >= count)
      throw Error(ErrorKind::kUsage,
                  fmt::format("this machine has a process {}, but {} GPUs", local + 1, count),
                  {{}, 0, "--device"},
                  "start one process for each GPU, or let them share: --device 0,0");
    return count > 0 ? fmt::format("cuda:{}", local) : "cpu";
  }
  const std::vector<std::string> entries = device_list(device);
  if (entries.size() == 1 && entries.front() == "cpu") return "cpu";
  if (local < entries.size()) return entries[local];
  throw Error(ErrorKind::kUsage,
              fmt::format("'{}' names {} devices, but this machine has a process {}", device,
                          entries.size(), local + 1),
              {{}, 0, "--device"});
}

void sum_in_one(const std::string& name, const std::vector<std::vector<double>*>& rows,
                Communicator& comm) {
  if (comm.world_size() == 1) return;
  std::vector<double> joined;
  for (const auto* row : rows) joined.insert(joined.end(), row->begin(), row->end());
  const auto sums = comm.sum(name, torch::tensor(joined, torch::kFloat64));
  const double* next = sums.const_data_ptr<double>();
  for (auto* row : rows) {
    std::copy_n(next, row->size(), row->begin());
    next += row->size();
  }
}

void require_equal_lines(const std::string& lines, Communicator& comm) {
  if (comm.world_size() == 1) return;
  const auto all = comm.gather("fingerprint", lines);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    std::istringstream first(all[0]), other(all[rank]);
    std::string expected, found;
    while (std::getline(first, expected) && std::getline(other, found) && expected == found)
      continue;
    throw Error(ErrorKind::kDistributed,
                fmt::format("rank {} has '{}' where rank 0 has '{}'", rank, found, expected), {},
                "start all ranks with the same program, settings and data");
  }
}

void fail_together(Communicator& comm, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    // These two kinds come from, or go to, all ranks already.
    if (error.kind() != ErrorKind::kDistributed && error.kind() != ErrorKind::kInterrupted)
      comm.abandon(error.what());
    throw;
  } catch (const std::exception& error) {
    comm.abandon(error.what());
    throw;
  }
}

}  // namespace gannet
