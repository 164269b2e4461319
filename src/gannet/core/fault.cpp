#include "gannet/core/fault.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <mutex>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "gannet/core/error.h"

namespace gannet {
namespace {

struct WantedFault {
  std::string place, kind;
  int rank = -1, first = 1, last = 1;  // times
};

WantedFault read_wanted() {
  const char* text = std::getenv("GANNET_FAULT");
  if (text == nullptr) return {};
  std::vector<std::string> parts;
  std::istringstream list(text);
  for (std::string part; std::getline(list, part, ':');) parts.push_back(part);
  if (parts.size() < 3)
    throw Error(ErrorKind::kUsage, "is not place:rank:kind", {{}, 0, "GANNET_FAULT"});
  WantedFault wanted{parts[0], parts[2], std::atoi(parts[1].c_str())};
  if (parts.size() > 3) {
    const std::size_t dash = parts[3].find('-');
    wanted.first = std::atoi(parts[3].c_str());
    wanted.last = dash == std::string::npos ? wanted.first : std::atoi(parts[3].c_str() + dash + 1);
  }
  return wanted;
}

}  // namespace

bool fault_point(std::string_view place, int rank) {
  static const WantedFault wanted = read_wanted();
  if (wanted.place != place || wanted.rank != rank) return false;
  static std::mutex mutex;
  static int times = 0;
  const std::scoped_lock lock(mutex);
  if (++times < wanted.first || times > wanted.last) return false;
  if (wanted.kind == "kill") ::kill(::getpid(), SIGKILL);
  if (wanted.kind == "stop") ::kill(::getpid(), SIGSTOP);
  if (wanted.kind == "throw")
    throw Error(ErrorKind::kIo, "injected failure", {std::string(place), 0, {}});
  if (wanted.kind == "oom") throw std::bad_alloc();
  return wanted.kind == "nan";
}

}  // namespace gannet
