#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "commands.h"
#include "gannet/core/text.h"

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

/// The command and those that it belongs to: their flags may follow it.
std::vector<std::string> known_flags(const CLI::App* app) {
  std::vector<std::string> flags;
  for (; app != nullptr; app = app->get_parent()) {
    const std::vector<std::string> own = long_flags(*app);
    flags.insert(flags.end(), own.begin(), own.end());
  }
  return flags;
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
  if (!matches.empty()) return matches.front() + value;
  const std::vector<std::string> known = known_flags(&app);
  if (std::find(known.begin(), known.end(), given) != known.end()) return argument;
  throw CLI::ParseError(fmt::format("gannet {} has no {}; did you mean {}?", app.get_name(), given,
                                    nearest_name(given, known)),
                        2);
}

/// For a word where only the name of a command can stand.
void refuse_unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
    for (const std::string& alias : command->get_aliases()) names.push_back(alias);
  }
  if (names.empty()) return;
  throw CLI::ParseError(
      fmt::format("'{}' is no command; did you mean {}?", word, nearest_name(word, names)), 2);
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
    } else if (!argument.starts_with("-")) {
      refuse_unknown_command(*command, argument);
    }
  }
  return arguments;
}

}  // namespace gannet::cli
