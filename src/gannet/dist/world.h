// Which ranks make up the run: read from what torchrun, mpirun, srun or the own launcher set.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace gannet {

struct WorldSpec {
  int rank = 0, size = 1;
  int local_rank = 0, local_size = 1;  // among the ranks of this machine
  std::string address = "127.0.0.1";   // of the machine of rank 0
  int port = 29500;
  bool hosts_store = true;     // rank 0 opens the port; not when an agent already has
  int listen_descriptor = -1;  // socket that is already bound to the port; -1: none
  int attempt = 0;             // of a launcher that starts the ranks again with the same store
};

using Environment = std::function<const char*(const char* name)>;

/// The world that the environment describes, in this order: RANK and WORLD_SIZE (torchrun and the
/// own launcher), OMPI_COMM_WORLD_* (mpirun), SLURM_* (a job step of srun); nothing for a process
/// on its own. Throws Error (kUsage) naming the variable that is missing or makes no sense.
std::optional<WorldSpec> world_from_environment(const Environment& environment);
std::optional<WorldSpec> world_from_environment();

/// First host of a Slurm node list: "node[03-05,9],gpu1" gives "node03".
std::string first_host(const std::string& node_list);

}  // namespace gannet
