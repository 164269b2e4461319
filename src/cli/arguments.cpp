#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "commands.h"

namespace gannet::cli {
namespace {

std::vector<std::string> long_flags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

const CLI::App* chosen_command(const CLI::App& app, const std::string& word) {
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (command->check_name(word)) return command;
  return nullptr;
}

std::string expand_flag(const CLI::App& app, const std::string& argument) {
  const auto equals = argument.find('=');
  const std::string given = argument.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : argument.substr(equals);
  std::vector<std::string> matches;
  for (const std::string& flag : long_flags(app)) {
    if (flag == given) return argument;
    if (flag.starts_with(given)) matches.push_back(flag);
  }
  if (matches.size() > 1)
    throw CLI::ParseError(fmt::format("{} may mean {}", given, fmt::join(matches, " or ")), 2);
  return matches.empty() ? argument : matches.front() + value;
}

}  // namespace

std::vector<std::string> expand_arguments(const CLI::App& app, std::vector<std::string> arguments) {
  const CLI::App* command = &app;
  for (std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument.starts_with("--")) {
      argument = expand_flag(*command, argument);
    } else if (const CLI::App* next = chosen_command(*command, argument)) {
      command = next;
    }
  }
  return arguments;
}

}  // namespace gannet::cli
