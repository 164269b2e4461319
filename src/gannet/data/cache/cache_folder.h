// Where files that only save time are kept. Data sets themselves are never written to.
#pragma once

#include <filesystem>

namespace gannet {

/// $XDG_CACHE_HOME/gannet, else ~/.cache/gannet; empty without either. Not created here.
std::filesystem::path user_cache_folder();

}  // namespace gannet
