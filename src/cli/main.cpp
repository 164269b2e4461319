// The program `gannet`: parses the command line, calls the library, turns errors into one line and
// an exit status (interface: README, "Exit codes").
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "commands.h"
#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/text.h"
#include "gannet/dist/launcher.h"
#include "version.h"

namespace {

int parse_and_run(CLI::App& app, gannet::cli::Action& action, int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) {
    fmt::print(stderr, "{}\nerror: a command is needed (gannet COMMAND --help shows its flags)\n",
               app.help());
    return 2;
  }
  try {
    arguments = gannet::cli::expand_arguments(app, std::move(arguments));
    std::reverse(arguments.begin(), arguments.end());  // the parser takes them from the back
    app.parse(arguments);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    fmt::print(stderr, "error: {} (gannet --help shows the usage)\n", gannet::printable(e.what()));
    return 2;
  }
  return action();
}

/// Prints why the program fails; as a rank of --nproc it leaves that to its launcher, which puts
/// the cause last.
void tell(const std::string& why) {
  if (const char* file = std::getenv(gannet::kFailureFileVariable)) {
    try {
      gannet::write_file_atomically(file, why);
      return;
    } catch (const std::exception&) {  // then here
    }
  }
  constexpr std::size_t kMaxBytes = 4000;
  fmt::print(stderr, "error: {}\n", gannet::printable(why, kMaxBytes));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("gannet: train and run YOLO detectors", "gannet");
  app.require_subcommand(1);
  app.set_version_flag("--version", gannet::cli::version_text);
  bool debug = false;
  app.add_flag_callback(
      "--debug",
      [&debug] {
        debug = true;
        gannet::set_log_level(gannet::LogLevel::kDebug);
      },
      "show debug messages and the origin of errors");
  app.fallthrough();
  gannet::cli::Action action;
  gannet::cli::add_train(app, action);
  gannet::cli::add_evolve(app, action);
  gannet::cli::add_val(app, action);
  gannet::cli::add_detect(app, action);
  gannet::cli::add_export(app, action);
  gannet::cli::add_serve(app, action);
  gannet::cli::add_info(app, action);
  gannet::cli::add_data(app, action);
  try {
    const int code = parse_and_run(app, action, argc, argv);
    std::fflush(nullptr);
    std::_Exit(code);  // all is written: giving libraries and memory back one by one takes long
  } catch (const gannet::Error& e) {
    tell(e.what());
    return e.exit_code();
  } catch (const std::exception& e) {
    tell(debug ? std::string(e.what()) : gannet::cli::first_line(e.what()));
    return 1;
  }
}
