#include "gannet/config/class_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "gannet/config/yaml.h"

namespace gannet {
namespace {

/// In single quotes where that needs no escapes, else as JSON, which Python and YAML read alike.
std::string quoted(const std::string& name) {
  const bool plain = std::none_of(name.begin(), name.end(), [](char c) {
    return c == '\'' || c == '\\' || static_cast<unsigned char>(c) < ' ';
  });
  if (plain) return fmt::format("'{}'", name);
  return nlohmann::json(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string class_names_text(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t id = 0; id < names.size(); ++id)
    text += fmt::format("{}{}: {}", id == 0 ? "" : ", ", id, quoted(names[id]));
  return "{" + text + "}";
}

std::vector<std::string> parse_class_names(const std::string& text, const std::string& file) {
  const YAML::Node node = parse_yaml(text, file);
  std::map<int, std::string> by_number;
  if (node.IsSequence()) {
    for (const auto& name : node)
      by_number[static_cast<int>(by_number.size())] =
          yaml_as<std::string>(name, file, "names", "a name");
  } else if (node.IsMap()) {
    for (const auto& entry : node)
      by_number[yaml_as<int>(entry.first, file, "names", "a class number")] =
          yaml_as<std::string>(entry.second, file, "names", "a name");
  }
  std::vector<std::string> names;
  for (const auto& [id, name] : by_number) {
    if (id != static_cast<int>(names.size()))
      throw Error(ErrorKind::kConfig, fmt::format("class {} has no name", names.size()),
                  {file, 0, "names"});
    names.push_back(name);
  }
  if (names.empty())
    throw Error(ErrorKind::kConfig, "there are no class names", {file, 0, "names"});
  return names;
}

}  // namespace gannet
