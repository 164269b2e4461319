// The data YAML of a user: where the images are and what the classes are called.
#pragma once

#include <string>
#include <vector>

namespace gannet {

/// Paths are resolved (relative to `path`, else the YAML file, else the working directory: the first
/// that exists); each of train, val, test is a list of folders or list files.
struct DataDescription {
  std::string file;
  std::vector<std::string> train, val, test;
  int num_classes = 0;
  std::vector<std::string> names;
};

/// Throws Error (kConfig) with file and line: missing keys, names that do not match nc, paths that
/// do not exist. A `download` key is never run; its text is shown when images are missing.
DataDescription load_data_description(const std::string& path);

std::string data_description_to_yaml(const DataDescription& data);

}  // namespace gannet
