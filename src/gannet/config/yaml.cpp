#include "gannet/config/yaml.h"

#include <fmt/format.h>

#include <algorithm>

#include "gannet/core/atomic_file.h"
#include "gannet/core/text.h"

namespace gannet {

YAML::Node load_yaml_file(const std::string& path) { return parse_yaml(read_file(path), path); }

YAML::Node parse_yaml(const std::string& text, const std::string& path) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& e) {
    throw Error(ErrorKind::kConfig, "not valid YAML: " + e.msg, {path, e.mark.line + 1, {}});
  }
}

Where where_of(const YAML::Node& node, const std::string& path, const std::string& key) {
  return {path, node.Mark().line + 1, key};
}

void check_keys(const YAML::Node& map, const std::vector<std::string>& known,
                const std::string& path, const std::string& what) {
  if (!map.IsMap())
    throw Error(ErrorKind::kConfig, fmt::format("{} must be a map of keys and values", what),
                {path, 0, {}});
  for (const auto& entry : map) {
    const std::string key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw Error(ErrorKind::kConfig, fmt::format("unknown key '{}' in {}", key, what),
                  where_of(entry.first, path),
                  fmt::format("did you mean '{}'?", nearest_name(key, known)));
  }
}

}  // namespace gannet
