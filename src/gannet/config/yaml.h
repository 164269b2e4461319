// yaml-cpp with our errors: file and line in every message. Included by sources of `config` only.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

#include "gannet/core/error.h"

namespace gannet {

/// Parses a file or text; throws Error (kConfig) with file and line.
YAML::Node load_yaml_file(const std::string& path);
YAML::Node parse_yaml(const std::string& text, const std::string& path);

Where where_of(const YAML::Node& node, const std::string& path, const std::string& key = {});

/// Converts a scalar; throws Error (kConfig) saying what was expected.
template <class T>
T yaml_as(const YAML::Node& node, const std::string& path, const std::string& key,
          const char* expected) {
  try {
    return node.as<T>();
  } catch (const YAML::Exception&) {
    const std::string text = node.IsScalar() ? "'" + node.Scalar() + "'" : "this value";
    throw Error(ErrorKind::kConfig, text + " is not " + expected, where_of(node, path, key));
  }
}

/// Throws for the first key of a map that is not known, naming the nearest.
void check_keys(const YAML::Node& map, const std::vector<std::string>& known,
                const std::string& path, const std::string& what);

}  // namespace gannet
