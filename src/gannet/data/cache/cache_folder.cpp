#include "gannet/data/cache/cache_folder.h"

#include <cstdlib>

namespace gannet {

std::filesystem::path user_cache_folder() {
  namespace fs = std::filesystem;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return fs::path(cache) / "gannet";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return fs::path(home) / ".cache" / "gannet";
  }
  return {};
}

}  // namespace gannet
