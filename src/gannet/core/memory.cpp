#include "gannet/core/memory.h"

#include <sys/resource.h>

namespace gannet {

double peak_memory_gib() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
#ifdef __APPLE__
  constexpr double kBytesPerUnit = 1;
#else
  constexpr double kBytesPerUnit = 1024;
#endif
  return static_cast<double>(usage.ru_maxrss) * kBytesPerUnit / (1024.0 * 1024.0 * 1024.0);
}

}  // namespace gannet
