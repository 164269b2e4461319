// The subcommands of the program. Each adds itself to the parser; `run` is called when it was
// chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gannet::cli {

/// What a chosen command does; returns the exit status.
using Action = std::function<int()>;

void add_train(CLI::App& app, Action& action);
void add_evolve(CLI::App& app, Action& action);
void add_val(CLI::App& app, Action& action);
void add_detect(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_info(CLI::App& app, Action& action);
void add_data(CLI::App& app, Action& action);

// Subcommands of `data`.
void add_data_check(CLI::App& data, Action& action);
void add_data_convert(CLI::App& data, Action& action);
void add_data_stats(CLI::App& data, Action& action);

/// Unique prefixes of long flags become whole flags (`--img` -> `--img-size`), and a flag that may
/// stand alone gets the value "auto". Throws CLI::ParseError for an ambiguous prefix, and for a
/// flag or command that there is not, with the nearest one.
std::vector<std::string> expand_arguments(const CLI::App& app, std::vector<std::string> arguments);

}  // namespace gannet::cli
