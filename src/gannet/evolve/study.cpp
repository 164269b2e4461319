#include "gannet/evolve/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>
#include <utility>

#include "gannet/config/data_description.h"
#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/run_directory.h"
#include "gannet/data/index/fingerprint.h"
#include "gannet/data/index/image_index.h"
#include "gannet/dist/communicator.h"
#include "gannet/evolve/shared_files.h"
#include "gannet/train/recipe.h"
#include "gannet/train/run_data.h"
#include "gannet/train/run_options.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kSettingsFile = "study.yaml";
constexpr const char* kSearchFile = "search.json";
constexpr const char* kResultFile = "result.json";
constexpr const char* kGenesFile = "genes.json";
constexpr int kDefaultPopulation = 5, kDefaultGenerations = 300;

/// Settings that each process of a study has of its own: where and by what it computes. The data
/// set is compared by its content.
constexpr std::array kOfTheProcess{"train.data",   "train.project",       "train.name",
                                   "train.device", "train.exist_ok",      "train.workers",
                                   "train.hyp",    "train.memory_format", "train.cache_images",
                                   "train.bucket", "train.dist_timeout"};

struct FlatFields {
  const char* section;
  std::map<std::string, std::string>& values;
  template <class T>
  void operator()(const char* name, const T& member, const char*, Range) const {
    std::string& text = values[fmt::format("{}.{}", section, name)];
    if constexpr (std::is_same_v<T, std::vector<int>>) {
      for (const int value : member) text += fmt::format("{}{}", text.empty() ? "[" : ", ", value);
      text += "]";
    } else {
      text = fmt::format("{}", member);
    }
  }
};

std::map<std::string, std::string> flat(const Settings& settings) {
  std::map<std::string, std::string> values;
  fields_of_train(FlatFields{"train", values}, settings.train);
  fields_of_hyperparameters(FlatFields{"hyp", values}, settings.hyp);
  return values;
}

bool is_of_the_process(const std::string& key) {
  return std::find(kOfTheProcess.begin(), kOfTheProcess.end(), key) != kOfTheProcess.end();
}

/// Keys of what the settings say: chosen, or other than their recipe has it.
std::set<std::string> said(const Settings& settings) {
  Settings recipe;
  if (!settings.train.recipe.empty()) apply_recipe(recipe, settings.train.recipe);
  const auto defaults = flat(recipe);
  std::set<std::string> keys = settings.chosen;
  for (const auto& [key, value] : flat(settings))
    if (defaults.at(key) != value) keys.insert(key);
  return keys;
}

/// Text as a value in YAML, whatever is in it.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

/// The data set that the candidates of a study learn from, in a few words.
json describe_data(const Settings& settings) {
  const DataDescription data = load_run_data_description(settings.train);
  IndexOptions options;
  options.single_class = settings.train.single_cls;
  options.num_threads = std::max(1, settings.train.workers);
  json text;
  for (const char* split : {"train", "val"})
    text[split] = fingerprint(build_split_index(data, split, options));
  text["names"] = data.names;
  return text;
}

/// "lr0 is 0.01 there, 0.02 here" for the first of these keys that differs; empty if none does.
std::string difference_of(const Settings& study, const Settings& wanted,
                          const std::set<std::string>& keys) {
  const auto there = flat(study), here = flat(wanted);
  const auto shown = [](const std::string& value) { return value.empty() ? "none" : value; };
  for (const std::string& key : keys) {
    if (is_of_the_process(key) || there.at(key) == here.at(key)) continue;
    return fmt::format("{} is {} there, {} here", key.substr(key.find('.') + 1),
                       shown(there.at(key)), shown(here.at(key)));
  }
  return {};
}

[[noreturn]] void refuse(const fs::path& folder, const std::string& difference,
                         const std::string& key) {
  throw Error(ErrorKind::kUsage, "is a study of something else: " + difference,
              {folder.string(), 0, key}, "leave it out to go on, or begin another --study");
}

void require_same_data(const fs::path& folder, const json& there, const json& here) {
  for (const char* part : {"names", "train", "val"}) {
    const auto text = [&](const json& data) {
      const json& value = data.at(part);
      return value.is_string() ? value.get<std::string>() : "the classes " + value.dump();
    };
    if (there.at(part) != here.at(part))
      refuse(folder, fmt::format("{}: {} there, {} here", part, text(there), text(here)), "--data");
  }
}

void check_options(const EvolveOptions& options) {
  if (options.generations < 0)
    throw Error(ErrorKind::kUsage,
                fmt::format("{} is no number of candidates", options.generations),
                {{}, 0, "--generations"}, "give 1 or more");
  if (options.population < 0)
    throw Error(ErrorKind::kUsage, fmt::format("{} is no number of parents", options.population),
                {{}, 0, "--population"}, "give 1 or more");
  if (options.parents != "" && options.parents != "single" && options.parents != "weighted")
    throw Error(ErrorKind::kUsage,
                fmt::format("'{}' is not one of single, weighted", options.parents),
                {{}, 0, "--parents"});
}

/// Makes the folder; refuses one with other things in it.
fs::path open_folder(const Settings& settings, const EvolveOptions& options) {
  if (options.study.empty()) {
    const bool chosen = settings.chosen.contains("train.project");
    return create_run_directory(chosen ? settings.train.project : "runs/evolve",
                                settings.train.name, settings.train.exist_ok);
  }
  std::error_code error;
  fs::create_directories(options.study, error);
  if (error)
    throw Error(ErrorKind::kIo, "cannot make the folder: " + error.message(),
                {options.study, 0, "--study"});
  return options.study;
}

void require_study_or_empty(const std::string& folder) {
  std::error_code ignored;
  if (folder.empty() || !fs::exists(folder, ignored)) return;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".tmp") continue;  // of another process that makes the study
    if (fs::exists(fs::path(folder) / kSettingsFile, ignored)) return;  // or has just made it
    throw Error(ErrorKind::kUsage,
                fmt::format("is no study, it holds '{}'", entry.path().filename().string()),
                {folder, 0, "--study"}, "name an empty or new folder");
  }
}

}  // namespace

Study::Study(const Settings& settings, const EvolveOptions& options) {
  check_options(options);
  require_study_or_empty(options.study);
  std::error_code ignored;
  const bool exists =
      !options.study.empty() && fs::exists(fs::path(options.study) / kSettingsFile, ignored);
  folder_ = options.study;
  if (!exists) create(settings, options);
  join(settings, options);
}

void Study::create(const Settings& settings, const EvolveOptions& options) {
  Settings study = settings;
  check_settings(study);
  if (study.wants_batch_size())
    throw Error(ErrorKind::kUsage, "all candidates of a search need one batch size",
                {{}, 0, "--batch-size"}, "gannet train --batch-size -1 --dry-run finds one");
  make_paths_absolute(study.train, false);
  const DataDescription data = load_run_data_description(study.train);
  if (study.train.recipe == "auto") decide_settings(study, data, *make_single_process());
  describe_data(study);  // nothing is made for data that cannot be read
  folder_ = open_folder(settings, options);
  // Of several processes that begin at the same time one makes it, and all join it.
  create_shared_file(folder_ / kSettingsFile, settings_to_yaml(study));
}

void Study::join(const Settings& settings, const EvolveOptions& options) {
  folder_ = fs::absolute(folder_).lexically_normal();
  const fs::path path = folder_ / kSettingsFile;
  settings_ = parse_settings(read_file(path), path.string());
  Settings wanted = settings;
  check_settings(wanted);
  make_paths_absolute(wanted.train, false);
  const std::set<std::string> keys = said(settings);
  if (const std::string difference = difference_of(settings_, wanted, keys); !difference.empty())
    refuse(folder_, difference, "--study");
  const auto values = flat(wanted);
  for (const char* key : kOfTheProcess)
    if (keys.contains(key)) assign_setting(settings_, key, quoted(values.at(key)));
  start_ = genes_of(settings_.hyp);
  join_search(options);
}

void Study::join_search(const EvolveOptions& options) {
  const json data = describe_data(settings_);
  const int population = options.population > 0 ? options.population : kDefaultPopulation;
  const int generations = options.generations > 0 ? options.generations : kDefaultGenerations;
  const json wanted = {{"version", 1},
                       {"generations", generations},
                       {"population", population},
                       {"parents", options.parents == "weighted" ? "weighted" : "single"},
                       {"prune", !options.no_prune},
                       {"data", data}};
  const fs::path path = folder_ / kSearchFile;
  if (!fs::exists(path)) create_shared_file(path, wanted.dump(1) + "\n");
  try {
    json there = json::parse(read_file(path));
    require_same_data(folder_, there.at("data"), data);
    for (const char* key : {"population", "parents"}) {
      const bool said =
          key == std::string("population") ? options.population > 0 : !options.parents.empty();
      if (said && there.at(key) != wanted.at(key))
        refuse(folder_,
               fmt::format("{} is {} there, {} here", key, there.at(key).dump(),
                           wanted.at(key).dump()),
               fmt::format("--{}", key));
    }
    search_.population = there.at("population");
    search_.weighted = there.at("parents") == "weighted";
    if (options.generations > 0 && there.at("generations") != generations) {
      there["generations"] = generations;
      replace_shared_file(path, there.dump(1) + "\n");
    }
    generations_ = there.at("generations");
    prunes_ = there.at("prune").get<bool>() && !options.no_prune;
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kConfig, std::string("cannot be understood: ") + error.what(),
                {path.string(), 0, {}});
  }
  search_.seed = static_cast<std::uint64_t>(settings_.train.seed);
}

fs::path Study::candidate_folder(int number) const {
  return folder_ / "candidates" / fmt::format("{:04}", number);
}

bool Study::is_finished(int number) const {
  std::error_code ignored;
  return read_.contains(number) || fs::exists(candidate_folder(number) / kResultFile, ignored);
}

const std::vector<CandidateResult>& Study::results() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_ / "candidates", ignored)) {
    const fs::path file = entry.path() / kResultFile;
    const int number = std::atoi(entry.path().filename().c_str());
    if (read_.contains(number) || !fs::exists(file, ignored)) continue;
    read_.emplace(number, result_from_json(read_file(file), file));
  }
  results_.clear();
  for (const auto& [number, result] : read_) results_.push_back(result);
  return results_;
}

GeneValues Study::genes_of_candidate(int number) {
  const fs::path file = candidate_folder(number) / kGenesFile;
  if (!fs::exists(file)) {
    std::vector<TriedGenes> tried;
    for (const CandidateResult& result : results())
      tried.push_back({result.genes, result.fitness()});
    create_shared_file(file, genes_to_json(candidate_genes(start_, tried, number, search_)));
  }
  return genes_from_json(read_file(file), file, start_);
}

Settings Study::settings_of_candidate(int number, const GeneValues& genes) const {
  Settings settings = settings_;
  set_genes(settings, genes);
  const fs::path folder = candidate_folder(number);
  settings.train.project = folder.parent_path().string();
  settings.train.name = folder.filename().string();
  settings.train.exist_ok = true;
  settings.train.bucket.clear();
  return settings;
}

void Study::finish(const CandidateResult& result) {
  create_shared_file(candidate_folder(result.number) / kResultFile, result_to_json(result));
}

}  // namespace gannet
