#include "gannet/core/run_directory.h"

#include <fmt/format.h>

#include "gannet/core/error.h"

namespace gannet {

namespace fs = std::filesystem;

fs::path create_run_directory(const std::string& project, const std::string& name, bool exist_ok) {
  const std::string stem = name.empty() ? "exp" : name;
  fs::path directory = fs::path(project) / stem;
  std::error_code error;
  fs::create_directories(directory.parent_path(), error);
  // Making it is the test whether it exists: of two programs that start together each gets its own.
  bool is_new = !error && fs::create_directory(directory, error);
  for (int n = 2; !error && !is_new && !exist_ok; ++n) {
    directory = fs::path(project) / fmt::format("{}{}", stem, n);
    is_new = fs::create_directory(directory, error);
  }
  if (error)
    throw Error(ErrorKind::kIo, "cannot make the run directory: " + error.message(),
                {directory.string(), 0, {}}, "choose another --project");
  return directory;
}

}  // namespace gannet
