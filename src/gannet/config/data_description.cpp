#include "gannet/config/data_description.h"

#include <fmt/format.h>

#include <filesystem>

#include "gannet/config/yaml.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), root_(load_yaml_file(path)) {
    check_keys(root_, {"train", "val", "test", "nc", "names", "path", "download", "annotations"}, path_,
               "data description");
    if (root_["path"]) root_folder_ = yaml_as<std::string>(root_["path"], path_, "path", "a folder");
  }

  DataDescription read() const {
    DataDescription data;
    data.file = path_;
    data.train = paths("train", true);
    data.val = paths("val", true);
    data.test = paths("test", false);
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
  std::vector<std::string> paths(const std::string& key, bool required) const {
    const YAML::Node node = root_[key];
    if (!node || node.IsNull()) {
      if (!required) return {};
      throw Error(ErrorKind::kConfig, "missing", {path_, 0, key}, "name a folder of images or a list file");
    }
    std::vector<std::string> resolved;
    if (node.IsSequence()) {
      for (const auto& item : node) resolved.push_back(resolve(item, key, required));
    } else {
      resolved.push_back(resolve(node, key, required));
    }
    return resolved;
  }

  std::string resolve(const YAML::Node& node, const std::string& key, bool required) const {
    const fs::path given = yaml_as<std::string>(node, path_, key, "a path");
    const fs::path beside = fs::path(path_).parent_path();
    std::vector<fs::path> candidates;
    if (!root_folder_.empty()) candidates.insert(candidates.end(), {beside / root_folder_ / given, root_folder_ / given});
    candidates.insert(candidates.end(), {beside / given, given});
    for (const fs::path& candidate : candidates) {
      if (fs::exists(candidate)) return candidate.lexically_normal().string();
    }
    if (!required) return given.string();
    std::string advice = "images are looked for beside this file and in the working directory";
    if (root_["download"]) advice += "; the file says how to get them: " + root_["download"].Scalar();
    throw Error(ErrorKind::kData, fmt::format("'{}' does not exist", given.string()),
                where_of(node, path_, key), advice);
  }

  std::vector<std::string> names() const {
    const YAML::Node node = root_["names"];
    std::vector<std::string> result;
    if (node && node.IsSequence()) {
      for (const auto& item : node) result.push_back(yaml_as<std::string>(item, path_, "names", "text"));
    } else if (node && node.IsMap()) {
      for (const auto& entry : node) {
        const int id = yaml_as<int>(entry.first, path_, "names", "a class number");
        if (id != static_cast<int>(result.size()))
          throw Error(ErrorKind::kConfig, fmt::format("class {} is out of order", id),
                      where_of(entry.first, path_, "names"), "count from 0 without gaps");
        result.push_back(yaml_as<std::string>(entry.second, path_, "names", "text"));
      }
    } else {
      throw Error(ErrorKind::kConfig, "missing", {path_, 0, "names"}, "give a list of class names");
    }
    return result;
  }

  std::string path_;
  YAML::Node root_;
  fs::path root_folder_;
};

}  // namespace

DataDescription load_data_description(const std::string& path) { return Reader(path).read(); }

std::string data_description_to_yaml(const DataDescription& data) {
  YAML::Emitter out;
  const auto absolute = [](const std::vector<std::string>& paths) {
    std::vector<std::string> result;
    for (const std::string& path : paths) result.push_back(fs::absolute(path).lexically_normal().string());
    return result;
  };
  out << YAML::BeginMap;
  out << YAML::Key << "train" << YAML::Value << absolute(data.train);
  out << YAML::Key << "val" << YAML::Value << absolute(data.val);
  if (!data.test.empty()) out << YAML::Key << "test" << YAML::Value << absolute(data.test);
  out << YAML::Key << "nc" << YAML::Value << data.num_classes;
  out << YAML::Key << "names" << YAML::Value << YAML::Flow << data.names << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace gannet
