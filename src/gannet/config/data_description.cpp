#include "gannet/config/data_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "gannet/config/yaml.h"
#include "gannet/core/atomic_file.h"
#include "gannet/core/log.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

class Reader {
 public:
  Reader(const std::string& text, const std::string& path)
      : path_(path), root_(parse_yaml(text, path)) {
    judge_keys();
    if (root_["download"] && root_["download"].IsScalar()) download_ = root_["download"].Scalar();
    if (root_["path"])
      root_folder_ = yaml_as<std::string>(root_["path"], path_, "path", "a folder");
  }

  DataDescription read() const {
    DataDescription data;
    data.file = path_;
    data.roots.push_back(fs::path(path_).parent_path().string());
    if (!root_folder_.empty()) {
      data.roots.push_back((fs::path(path_).parent_path() / root_folder_).string());
      data.roots.push_back(root_folder_.string());
    }
    data.train = paths("train", true);
    data.val = paths(root_["val"] || !root_["valid"] ? "val" : "valid", true);
    data.test = paths("test", false);
    data.annotations = annotations();
    data.download = download_;
    if (!root_["names"] && !root_["nc"] && has_json(data)) return data;  // names come from there
    data.names = names();
    data.num_classes = root_["nc"] ? yaml_as<int>(root_["nc"], path_, "nc", "a whole number")
                                   : static_cast<int>(data.names.size());
    if (data.num_classes < 1)
      throw Error(ErrorKind::kConfig, "there must be at least one class", {path_, 0, "nc"});
    if (static_cast<int>(data.names.size()) != data.num_classes)
      throw Error(ErrorKind::kConfig,
                  fmt::format("{} names for nc = {}", data.names.size(), data.num_classes),
                  where_of(root_["names"], path_, "names"), "give one name for each class");
    return data;
  }

 private:
  /// A key that is nearly a known one is an error; others cannot change what is read.
  void judge_keys() const {
    static const std::vector<std::string> kKnown = {"train", "val",  "valid",    "test",       "nc",
                                                    "names", "path", "download", "annotations"};
    if (!root_.IsMap()) check_keys(root_, kKnown, path_, "data description");
    for (const auto& entry : root_) {
      const std::string key = entry.first.Scalar();
      if (std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) continue;
      const std::string nearest = nearest_name(to_lower(key), kKnown);
      const std::size_t slips = nearest.size() < 3 ? 0 : nearest.size() < 5 ? 1 : 2;
      if (edit_distance(to_lower(key), nearest) <= slips)
        throw Error(ErrorKind::kConfig, fmt::format("unknown key '{}'", key),
                    where_of(entry.first, path_), fmt::format("did you mean '{}'?", nearest));
      log_warning("{}:{}: key '{}' is not known, ignored", path_, entry.first.Mark().line + 1, key);
    }
  }

  std::vector<std::string> paths(const std::string& key, bool required) const {
    const YAML::Node node = root_[key];
    if (!node || node.IsNull()) {
      if (!required) return {};
      throw Error(ErrorKind::kConfig, "missing", {path_, 0, key},
                  "name a folder of images or a list file");
    }
    std::vector<std::string> resolved;
    if (node.IsSequence()) {
      for (const auto& item : node) resolved.push_back(resolve(item, key, required));
    } else {
      resolved.push_back(resolve(node, key, required));
    }
    return resolved;
  }

  std::optional<std::string> first_existing(const fs::path& given) const {
    const fs::path beside = fs::path(path_).parent_path();
    std::vector<fs::path> candidates;
    if (!root_folder_.empty())
      candidates.insert(candidates.end(), {beside / root_folder_ / given, root_folder_ / given});
    candidates.insert(candidates.end(), {beside / given, given});
    std::error_code ignored;
    for (const fs::path& candidate : candidates) {
      if (fs::exists(candidate, ignored)) return candidate.lexically_normal().string();
    }
    return std::nullopt;
  }

  /// What exports mean by a path that does not exist: slashes for backslashes, and no "../".
  static std::vector<fs::path> other_spellings(const fs::path& given) {
    std::string text = given.string();
    std::replace(text.begin(), text.end(), '\\', '/');
    std::vector<fs::path> spellings = {text};
    while (text.starts_with("../")) text.erase(0, 3);
    spellings.emplace_back(text);
    return spellings;
  }

  std::string resolve(const YAML::Node& node, const std::string& key, bool required) const {
    const fs::path given = yaml_as<std::string>(node, path_, key, "a path");
    if (const auto found = first_existing(given)) return *found;
    for (const fs::path& other : other_spellings(given)) {
      const auto found = first_existing(other);
      if (!found) continue;
      log_info("{}: {}: '{}' does not exist, taking {}", path_, key, given.string(), *found);
      return *found;
    }
    if (!required) return given.string();
    std::string advice = "images are looked for beside this file and in the working directory";
    if (!download_.empty()) advice += "; the file says how to get them: " + download_;
    throw Error(ErrorKind::kData, fmt::format("'{}' does not exist", given.string()),
                where_of(node, path_, key), advice);
  }

  /// One for all splits, or a map with one for each.
  std::map<std::string, std::string> annotations() const {
    const YAML::Node node = root_["annotations"];
    std::map<std::string, std::string> result;
    if (!node || node.IsNull()) return result;
    if (!node.IsMap()) {
      const std::string all = resolve(node, "annotations", true);
      return {{"train", all}, {"val", all}, {"test", all}};
    }
    check_keys(node, {"train", "val", "test"}, path_, "annotations");
    for (const auto& entry : node) {
      const auto split = entry.first.as<std::string>();
      result[split] = resolve(entry.second, "annotations", split != "test");
    }
    return result;
  }

  /// Whether the split of any images comes with a COCO json, which has names of its own.
  static bool has_json(const DataDescription& data) {
    for (const char* split : {"train", "val", "test"}) {
      if (is_json(data.annotations_of(split))) return true;
      for (const std::string& source : data.images_of(split)) {
        if (is_json(source) || !coco_json_beside(source).empty()) return true;
      }
    }
    return false;
  }

  static bool is_json(const std::string& path) { return to_lower(path).ends_with(".json"); }

  /// Without blanks around it; every format can hold it.
  std::string name(const YAML::Node& node) const {
    const auto text = yaml_as<std::string>(node, path_, "names", "text");
    if (!is_printable_utf8(text))
      throw Error(ErrorKind::kConfig, "a name is no text in UTF-8, or has control characters",
                  where_of(node, path_, "names"), "save the file as UTF-8");
    return std::string(trim(text));
  }

  std::vector<std::string> names() const {
    const YAML::Node node = root_["names"];
    std::vector<std::string> result;
    if (node && node.IsSequence()) {
      for (const auto& item : node) result.push_back(name(item));
    } else if (node && node.IsMap()) {
      for (const auto& entry : node) {
        const int id = yaml_as<int>(entry.first, path_, "names", "a class number");
        if (id != static_cast<int>(result.size()))
          throw Error(ErrorKind::kConfig, fmt::format("class {} is out of order", id),
                      where_of(entry.first, path_, "names"), "count from 0 without gaps");
        result.push_back(name(entry.second));
      }
    } else {
      throw Error(ErrorKind::kConfig, "missing", {path_, 0, "names"}, "give a list of class names");
    }
    return result;
  }

  std::string path_;
  YAML::Node root_;
  fs::path root_folder_;
  std::string download_;
};

}  // namespace

std::string coco_json_beside(const std::string& folder) {
  std::error_code ignored;
  const fs::path json = fs::path(folder) / "_annotations.coco.json";
  return fs::is_regular_file(json, ignored) ? json.string() : std::string{};
}

const std::vector<std::string>& DataDescription::images_of(const std::string& split) const {
  if (split == "train") return train;
  if (split == "val") return val;
  if (split == "test") return test;
  throw Error(ErrorKind::kUsage, fmt::format("'{}' is not one of train, val, test", split));
}

std::string DataDescription::annotations_of(const std::string& split) const {
  const auto found = annotations.find(split);
  return found == annotations.end() ? std::string{} : found->second;
}

DataDescription parse_data_description(const std::string& text, const std::string& path) {
  try {
    return Reader(text, path).read();
  } catch (const YAML::Exception& error) {
    throw Error(ErrorKind::kConfig, "not a data description: " + error.msg,
                {path, error.mark.line + 1, {}});
  }
}

DataDescription load_data_description(const std::string& path) {
  return parse_data_description(read_file(path), path);
}

std::string data_description_to_yaml(const DataDescription& data, const std::string& folder) {
  const auto written = [&](const std::string& path) {
    const fs::path absolute = fs::absolute(path).lexically_normal();
    if (folder.empty()) return absolute.string();
    const fs::path relative = absolute.lexically_relative(fs::absolute(folder).lexically_normal());
    return relative.empty() || *relative.begin() == ".." ? absolute.string() : relative.string();
  };
  YAML::Emitter out;
  const auto add_images = [&](const char* split) {
    std::vector<std::string> paths;
    for (const std::string& path : data.images_of(split)) paths.push_back(written(path));
    if (!paths.empty()) out << YAML::Key << split << YAML::Value << paths;
  };
  out << YAML::BeginMap;
  if (folder.empty() && data.roots.size() > 1)  // what entries of list files may be relative to
    out << YAML::Key << "path" << YAML::Value << written(data.roots[1]);
  for (const char* split : {"train", "val", "test"}) add_images(split);
  if (!data.annotations.empty()) {
    out << YAML::Key << "annotations" << YAML::Value << YAML::BeginMap;
    for (const auto& [split, path] : data.annotations) {
      out << YAML::Key << split << YAML::Value << written(path);
    }
    out << YAML::EndMap;
  }
  if (!data.names.empty()) {
    out << YAML::Key << "nc" << YAML::Value << data.num_classes;
    out << YAML::Key << "names" << YAML::Value << YAML::Flow << data.names;
  }
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace gannet
