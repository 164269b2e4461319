// The secret of servers that others can reach, kept out of the list of processes.
#pragma once

#include <cstdlib>
#include <string>

namespace gannet::cli {

/// That of GANNET_SERVE_TOKEN; empty without it.
inline std::string token_of_environment() {
  const char* token = std::getenv("GANNET_SERVE_TOKEN");
  return token != nullptr ? token : "";
}

}  // namespace gannet::cli
