#include "version.h"

#include <fmt/format.h>

#include "gannet/ops/version.h"

namespace gannet::cli {

std::string version_text() { return "gannet " + build_description(); }

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace gannet::cli
