#include "gannet/config/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "gannet/config/yaml.h"
#include "gannet/core/atomic_file.h"
#include "gannet/core/log.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

void check_range(double value, const Range& range, const Where& where) {
  if (value >= range.low && value <= range.high) return;
  throw Error(ErrorKind::kUsage,
              fmt::format("{:g} is not between {:g} and {:g}", value, range.low, range.high),
              where);
}

/// Reads one member from a node; overloads by the member's type.
struct NodeReader {
  const YAML::Node& node;
  const std::string& path;
  std::string key;
  Range range;

  void read(bool& member) const { member = yaml_as<bool>(node, path, key, "true or false"); }
  void read(int& member) const {
    member = yaml_as<int>(node, path, key, "a whole number");
    check_range(member, range, where_of(node, path, key));
  }
  void read(std::int64_t& member) const {
    member = yaml_as<std::int64_t>(node, path, key, "a whole number");
    check_range(static_cast<double>(member), range, where_of(node, path, key));
  }
  void read(double& member) const {
    member = yaml_as<double>(node, path, key, "a number");
    check_range(member, range, where_of(node, path, key));
  }
  void read(std::string& member) const {
    member = node.IsNull() ? std::string() : yaml_as<std::string>(node, path, key, "text");
  }
  void read(std::vector<int>& member) const {
    member.clear();
    if (node.IsSequence()) {
      for (const auto& item : node)
        member.push_back(yaml_as<int>(item, path, key, "a whole number"));
    } else {
      member.push_back(yaml_as<int>(node, path, key, "a whole number"));
    }
    for (const int value : member) check_range(value, range, where_of(node, path, key));
  }
};

struct NameCollector {
  std::vector<std::string> names;
  template <class T>
  void operator()(const char* name, const T&, const char*, Range) {
    names.emplace_back(name);
  }
};

struct Assigner {
  const std::string& wanted;
  const YAML::Node& node;
  const std::string& path;
  template <class T>
  void operator()(const char* name, T& member, const char*, Range range) const {
    if (wanted == name) NodeReader{node, path, name, range}.read(member);
  }
};

struct YamlEmitter {
  YAML::Emitter& out;
  template <class T>
  void operator()(const char* name, const T& member, const char*, Range) const {
    out << YAML::Key << name << YAML::Value;
    if constexpr (std::is_same_v<T, double>) {
      out << fmt::format("{}", member);
    } else if constexpr (std::is_same_v<T, std::vector<int>>) {
      out << YAML::Flow << member;
    } else if constexpr (std::is_same_v<T, std::string>) {
      out << YAML::DoubleQuoted << member;
    } else {
      out << member;
    }
  }
};

std::vector<std::string> hyperparameter_names() {
  NameCollector collector;
  Hyperparameters h;
  fields_of_hyperparameters(collector, h);
  return collector.names;
}

std::vector<std::string> train_names() {
  NameCollector collector;
  TrainSettings s;
  fields_of_train(collector, s);
  return collector.names;
}

void assign_section(Settings& settings, const std::string& section, const YAML::Node& values,
                    const std::string& path) {
  const bool is_train = section == "train";
  check_keys(values, is_train ? train_names() : hyperparameter_names(), path,
             "section '" + section + "'");
  const std::string prefix = section + ".";
  for (const auto& entry : values) {
    const std::string key = entry.first.Scalar();
    settings.chosen.insert(prefix + key);
    const Assigner assign{key, entry.second, path};
    if (is_train) {
      fields_of_train(assign, settings.train);
    } else {
      fields_of_hyperparameters(assign, settings.hyp);
    }
  }
}

void require_word(const std::string& flag, const std::string& value,
                  const std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), value) != words.end()) return;
  throw Error(ErrorKind::kUsage,
              fmt::format("'{}' is not one of {}", value, fmt::join(words, ", ")),
              {{}, 0, "--" + flag});
}

}  // namespace

void assign_setting(Settings& settings, const std::string& key, const std::string& value) {
  const auto dot = key.find('.');
  const std::string section = dot == std::string::npos ? "hyp" : key.substr(0, dot);
  const std::string name = dot == std::string::npos ? key : key.substr(dot + 1);
  if (section != "train" && section != "hyp")
    throw Error(ErrorKind::kUsage, fmt::format("unknown section '{}' in '{}'", section, key), {},
                "use train.NAME or hyp.NAME");
  const auto names = section == "train" ? train_names() : hyperparameter_names();
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw Error(ErrorKind::kUsage, fmt::format("unknown key '{}'", key), {},
                fmt::format("did you mean '{}'?", nearest_name(name, names)));
  YAML::Node map;
  try {
    map[name] = YAML::Load(value);
    assign_section(settings, section, map, {});
  } catch (const YAML::Exception& e) {
    throw Error(ErrorKind::kUsage, "cannot read the value: " + e.msg, {{}, 0, key});
  } catch (const Error& e) {
    throw Error(ErrorKind::kUsage, e.message(), {{}, 0, key});
  }
}

namespace {

void overlay(Settings& settings, const YAML::Node& root, const std::string& path) {
  check_keys(root, {"train", "hyp"}, path, "settings");
  for (const auto& section : root)
    assign_section(settings, section.first.Scalar(), section.second, path);
}

}  // namespace

Settings parse_settings(const std::string& text, const std::string& path) {
  Settings settings;
  overlay(settings, parse_yaml(text, path), path);
  return settings;
}

void overlay_settings(Settings& settings, const std::string& path) {
  overlay(settings, load_yaml_file(path), path);
}

Settings load_settings(const std::string& path,
                       const std::map<std::string, std::string>& overrides) {
  Settings settings = path.empty() ? Settings{} : parse_settings(read_file(path), path);
  for (const auto& [key, value] : overrides) assign_setting(settings, key, value);
  return settings;
}

void apply_recipe(Settings& settings, const std::string& name) {
  require_word("recipe", name, {"july2020", "v7", "auto"});
  // What nothing decides otherwise is as in 7.0.
  const std::string file = fmt::format("recipes/{}.yaml", name == "auto" ? "v7" : name);
  const auto chosen = settings.chosen;  // a recipe is not a person
  overlay_settings(settings, find_config(file));
  settings.chosen = chosen;
  settings.train.recipe = name;
}

void overlay_hyperparameters(Settings& settings, const std::string& path) {
  const YAML::Node root = load_yaml_file(path);
  auto known = hyperparameter_names();
  // Keys of presets that 7.0 never reads, or that its flags and its anchor check overrule.
  const std::vector<std::string> without_effect = {"iou_t", "label_smoothing", "anchors"};
  known.insert(known.end(), {"optimizer", "box"});
  known.insert(known.end(), without_effect.begin(), without_effect.end());
  check_keys(root, known, path, "hyperparameters");
  for (const auto& entry : root) {
    const std::string key = entry.first.Scalar();
    if (key == "optimizer") {
      // The original: "adam" selects Adam, every other word SGD.
      const std::string word = to_lower(entry.second.Scalar());
      settings.train.optimizer = word == "adam" || word == "adamw" ? word : "sgd";
      settings.chosen.insert("train.optimizer");
      continue;
    }
    if (std::find(without_effect.begin(), without_effect.end(), key) != without_effect.end()) {
      log_warning("{}: '{}' has no effect and is ignored", path, key);
      continue;
    }
    const std::string name = key == "box" ? "giou" : key;  // its name from v3.1 on
    settings.chosen.insert("hyp." + name);
    fields_of_hyperparameters(Assigner{name, entry.second, path}, settings.hyp);
  }
}

SaveInterval parse_save_every(const std::string& text) {
  if (text.empty()) return {};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error == std::errc() && value > 0 && value < 1e9) {
    if (unit == "m" || unit == "min") return {.minutes = value};
    if (unit.empty() && value == std::floor(value))
      return {.steps = static_cast<std::int64_t>(value)};
  }
  throw Error(ErrorKind::kUsage,
              fmt::format("'{}' is neither a number of steps nor of minutes", text),
              {{}, 0, "--save-every"}, "say 500 for steps, 10m for minutes");
}

void check_settings(Settings& settings) {
  TrainSettings& train = settings.train;
  // Saved by versions that only knew the memory.
  if (train.cache_images == "true") train.cache_images = "ram";
  if (train.cache_images == "false") train.cache_images.clear();
  if (!train.cache_images.empty())
    require_word("cache-images", train.cache_images, {"ram", "disk"});
  require_word("precision", train.precision, {"auto", "fp32", "bf16", "fp16"});
  require_word("memory-format", train.memory_format, {"channels_last", "contiguous"});
  require_word("optimizer", train.optimizer, {"sgd", "adam", "adamw"});
  require_word("compat", train.compat, {"fixed", "original"});
  require_word("recipe", train.recipe, {"", "july2020", "v7", "auto"});
  require_word("set box_loss", settings.hyp.box_loss, {"iou", "giou", "diou", "ciou"});
  require_word("set level_balance", settings.hyp.level_balance, {"even", "v7"});
  require_word("set geometry", settings.hyp.geometry, {"july2020", "v7"});
  require_word("set protocol", settings.hyp.protocol, {"auto", "july2020", "v7", "coco"});
  if (train.batch_size == 0)
    throw Error(ErrorKind::kUsage, "0 images are no batch", {{}, 0, "--batch-size"},
                "-1 takes as many as there is memory for");
  if (train.quad && train.deterministic)
    throw Error(ErrorKind::kUsage, "cannot be combined with --quad, whose pictures differ in size",
                {{}, 0, "--deterministic"});
  if (train.quad && train.rect)
    throw Error(ErrorKind::kUsage, "cannot be combined with --rect: four need one shape",
                {{}, 0, "--quad"});
  if (train.image_weights && train.rect)
    throw Error(ErrorKind::kUsage, "cannot be combined with --rect, which shows every image once",
                {{}, 0, "--image-weights"});
  if (train.deterministic && train.sync_bn)
    throw Error(ErrorKind::kUsage,
                "cannot be combined with --sync-bn: each shard has its own batch statistics",
                {{}, 0, "--deterministic"});
  parse_save_every(train.save_every);
  require_word("grad-compress", train.grad_compress, {"none", "bf16", "fp16"});
  if (train.img_size.empty() || train.img_size.size() > 2)
    throw Error(ErrorKind::kUsage, "expects one or two sizes: training and evaluation",
                {{}, 0, "--img-size"});
  if (train.img_size.size() == 1) train.img_size.push_back(train.img_size.front());
  if (!train.weights.empty() && !fs::path(train.weights).has_extension())
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not a checkpoint file", train.weights),
                {{}, 0, "--weights"}, "give a .pt or .safetensors file");
}

std::string hyperparameters_to_yaml(const Hyperparameters& hyp) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  YamlEmitter emit{out};
  fields_of_hyperparameters(emit, hyp);
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

std::string settings_to_yaml(const Settings& settings) {
  YAML::Emitter out;
  YamlEmitter emit{out};
  out << YAML::BeginMap << YAML::Key << "train" << YAML::Value << YAML::BeginMap;
  fields_of_train(emit, settings.train);
  out << YAML::EndMap << YAML::Key << "hyp" << YAML::Value << YAML::BeginMap;
  fields_of_hyperparameters(emit, settings.hyp);
  out << YAML::EndMap << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

namespace {

/// Files of this name some folders below the working directory, for advice only.
std::vector<std::string> files_below(const fs::path& name) {
  constexpr int kDepth = 3, kMostVisited = 10'000;
  constexpr std::size_t kMostNamed = 5;
  std::vector<std::string> found;
  std::error_code error;
  int visited = 0;
  for (auto it = fs::recursive_directory_iterator(
           ".", fs::directory_options::skip_permission_denied, error);
       !error && it != fs::recursive_directory_iterator() && ++visited < kMostVisited;
       it.increment(error)) {
    if (it.depth() >= kDepth) it.disable_recursion_pending();
    if (it->path().filename() == name) found.push_back(it->path().lexically_normal().string());
  }
  std::sort(found.begin(), found.end());
  if (found.size() > kMostNamed) found.resize(kMostNamed);
  return found;
}

}  // namespace

std::string find_config(const std::string& name) {
  std::error_code ignored;
  if (fs::exists(name, ignored) && !fs::is_directory(name, ignored)) return name;
  std::vector<fs::path> folders;
  if (const char* folder = std::getenv("GANNET_CONFIGS")) folders.emplace_back(folder);
  folders.insert(folders.end(), {GANNET_CONFIG_DIR, GANNET_INSTALLED_CONFIG_DIR});
  for (const fs::path& folder : folders) {
    for (const char* sub : {"", "models", "data", "hyps"}) {
      for (const char* suffix : {"", ".yaml"}) {
        const fs::path path = folder / sub / (name + suffix);
        if (fs::is_regular_file(path, ignored)) return path.string();
      }
    }
  }
  std::string advice = "give a path or the name of a shipped file";
  if (const auto others = files_below(fs::path(name).filename()); !others.empty())
    advice = fmt::format("nothing is searched; did you mean {}?", fmt::join(others, " or "));
  throw Error(ErrorKind::kUsage, fmt::format("file '{}' was not found", name), {}, advice);
}

}  // namespace gannet
