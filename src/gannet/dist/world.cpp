#include "gannet/dist/world.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "gannet/core/error.h"

namespace gannet {
namespace {

constexpr int kMaxPort = 65535;

/// Reads whole numbers from the environment; errors name the variable.
class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  bool has(const char* name) const { return !text(name).empty(); }
  std::string text(const char* name) const {
    const char* value = environment_(name);
    return value == nullptr ? "" : value;
  }
  int number(const char* name, int low, int high) const {
    const std::string value = text(name);
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool whole = error == std::errc{} && end == value.data() + value.size();
    if (whole && number >= low && number <= high) return number;
    throw Error(ErrorKind::kUsage,
                value.empty() ? "is not set"
                              : fmt::format("'{}' is not a number from {} to {}", value, low, high),
                {{}, 0, name}, "start all processes with one launcher, or with --nproc");
  }
  int number_or(const char* name, int low, int high, int otherwise) const {
    return has(name) ? number(name, low, high) : otherwise;
  }

 private:
  const Environment& environment_;
};

constexpr int kMaxRanks = 1 << 20;

// A port that all processes of a job agree on without talking: from the job's number.
int port_of_job(std::string_view job) {
  unsigned hash = 2166136261u;
  for (const char c : job) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  constexpr unsigned kFirst = 20000, kCount = 20000;
  return static_cast<int>(kFirst + hash % kCount);
}

WorldSpec from_rank_variables(const Variables& v) {
  WorldSpec world;
  world.size = v.number("WORLD_SIZE", 1, kMaxRanks);
  world.rank = v.number("RANK", 0, world.size - 1);
  world.local_size = v.number_or("LOCAL_WORLD_SIZE", 1, world.size, 1);
  world.local_rank = v.number_or("LOCAL_RANK", 0, kMaxRanks, 0);
  if (world.size > 1 && !v.has("MASTER_ADDR"))
    v.number("MASTER_ADDR", 0, 0);  // names what is missing
  if (v.has("MASTER_ADDR")) world.address = v.text("MASTER_ADDR");
  world.port = world.size > 1 ? v.number("MASTER_PORT", 1, kMaxPort)
                              : v.number_or("MASTER_PORT", 1, kMaxPort, 29500);
  world.hosts_store = v.text("TORCHELASTIC_USE_AGENT_STORE") != "True";
  world.listen_descriptor = v.number_or("GANNET_STORE_SOCKET", 0, 1 << 20, -1);
  world.attempt = v.number_or("TORCHELASTIC_RESTART_COUNT", 0, 1 << 20, 0);
  return world;
}

WorldSpec from_mpi(const Variables& v) {
  WorldSpec world;
  world.size = v.number("OMPI_COMM_WORLD_SIZE", 1, kMaxRanks);
  world.rank = v.number("OMPI_COMM_WORLD_RANK", 0, world.size - 1);
  world.local_size = v.number_or("OMPI_COMM_WORLD_LOCAL_SIZE", 1, world.size, 1);
  world.local_rank = v.number_or("OMPI_COMM_WORLD_LOCAL_RANK", 0, world.size - 1, 0);
  if (v.has("MASTER_ADDR")) {
    world.address = v.text("MASTER_ADDR");
  } else if (world.local_size != world.size) {
    throw Error(ErrorKind::kUsage, "is not set, and the ranks are on several machines",
                {{}, 0, "MASTER_ADDR"}, "mpirun -x MASTER_ADDR=HOST-OF-RANK-0 ...");
  }
  const std::string job = v.text("PMIX_NAMESPACE") + v.text("OMPI_MCA_ess_base_jobid");
  world.port = v.number_or("MASTER_PORT", 1, kMaxPort, port_of_job(job));
  return world;
}

WorldSpec from_slurm(const Variables& v) {
  WorldSpec world;
  world.size = v.number("SLURM_NTASKS", 1, kMaxRanks);
  world.rank = v.number("SLURM_PROCID", 0, world.size - 1);
  world.local_rank = v.number_or("SLURM_LOCALID", 0, kMaxRanks, 0);
  const std::string nodes =
      v.has("SLURM_STEP_NODELIST") ? v.text("SLURM_STEP_NODELIST") : v.text("SLURM_JOB_NODELIST");
  if (v.has("MASTER_ADDR")) {
    world.address = v.text("MASTER_ADDR");
  } else if (!nodes.empty()) {
    world.address = first_host(nodes);
  }
  // "4(x2),3": four tasks on each of the first two nodes; enough where all have as many.
  const std::string tasks = v.text("SLURM_STEP_TASKS_PER_NODE");
  std::from_chars(tasks.data(), tasks.data() + tasks.size(), world.local_size);
  world.port = v.number_or("MASTER_PORT", 1, kMaxPort,
                           port_of_job(v.text("SLURM_JOB_ID") + "." + v.text("SLURM_STEP_ID")));
  return world;
}

}  // namespace

std::string first_host(const std::string& node_list) {
  const std::size_t end = node_list.find_first_of(",[");
  const std::string prefix = node_list.substr(0, end);
  if (end == std::string::npos || node_list[end] == ',') return prefix;
  return prefix + node_list.substr(end + 1, node_list.find_first_of(",-]", end + 1) - end - 1);
}

std::optional<WorldSpec> world_from_environment(const Environment& environment) {
  const Variables v(environment);
  if (v.has("RANK") || v.has("WORLD_SIZE")) return from_rank_variables(v);
  if (v.has("OMPI_COMM_WORLD_SIZE")) return from_mpi(v);
  // Only within a step: a shell of salloc has these variables too, but is no rank.
  const bool in_step =
      v.has("SLURM_STEP_ID") && v.has("SLURM_PROCID") && v.text("SLURM_STEP_ID") != "4294967290";
  if (in_step && v.number_or("SLURM_NTASKS", 1, kMaxRanks, 1) > 1) return from_slurm(v);
  return std::nullopt;
}

std::optional<WorldSpec> world_from_environment() {
  return world_from_environment([](const char* name) -> const char* { return std::getenv(name); });
}

}  // namespace gannet
