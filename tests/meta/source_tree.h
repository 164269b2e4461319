// The library's sources as text, for the tests that check the tree itself.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace gannet::meta {

/// Path relative to src/gannet ("data/augment/mosaic.h") and content.
using SourceTree = std::map<std::string, std::string>;

inline std::string read_text(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

inline SourceTree library_sources() {
  const std::filesystem::path root = GANNET_SOURCE_DIR "/src/gannet";
  SourceTree tree;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string suffix = entry.path().extension();
    if (suffix == ".h" || suffix == ".cpp")
      tree[entry.path().lexically_relative(root)] = read_text(entry.path());
  }
  return tree;
}

/// "data/augment" of "data/augment/mosaic.h"; empty for files directly in src/gannet.
inline std::string folder_of(const std::string& path) {
  return std::filesystem::path(path).parent_path();
}

/// What the include lines of `content` name, without brackets or quotes.
inline std::vector<std::string> includes_of(const std::string& content) {
  static const std::regex include(R"(#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<std::string> names;
  std::istringstream lines(content);
  std::smatch match;
  for (std::string line; std::getline(lines, line);)
    if (line.find("include") != std::string::npos && std::regex_search(line, match, include))
      names.push_back(match[1]);
  return names;
}

/// The own file that an include names ("gannet/data/augment/mosaic.h" gives "data/mosaic.h"), else
/// empty.
inline std::string own_file(const std::string& include) {
  return include.starts_with("gannet/") ? include.substr(7) : std::string();
}

}  // namespace gannet::meta
