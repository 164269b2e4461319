#include "train_flags.h"

#include <fmt/format.h>

#include <type_traits>

#include "flags.h"
#include "gannet/train/recipe.h"

namespace gannet::cli {
namespace {

/// Copies the members whose flags were given over those of a file.
struct GivenFlags {
  const CLI::App& command;
  std::map<std::string, std::string>& values;
  template <class T>
  void operator()(const char* name, const T&, const char*, Range) const {
    const CLI::Option* option = command.get_option(FlagAdder::flag(name));
    if (option->count() == 0) return;
    std::string text;
    if constexpr (std::is_same_v<T, bool>) {
      text = "true";
    } else if constexpr (std::is_same_v<T, std::vector<int>>) {
      for (const std::string& item : option->results()) text += (text.empty() ? "[" : ", ") + item;
      text += "]";
    } else if constexpr (std::is_same_v<T, std::string>) {
      text = '"' + option->results().back() + '"';
    } else {
      text = option->results().back();
    }
    values["train." + std::string(name)] = text;
  }
};

}  // namespace

void TrainFlags::add_to(CLI::App& app) {
  command_ = &app;
  fields_of_train(FlagAdder{app}, train_);
  app.add_option("--settings", settings_file, "settings.yaml of a run to repeat");
  app.add_option("--set", assignments_, "KEY=VALUE of a hyperparameter; may be given again");
  app.add_flag_callback(
      "--cos-lr", [this] { assignments_.emplace_back("train.linear_lr=false"); },
      "cosine learning rate, as 7.0 spells it");
}

std::map<std::string, std::string> TrainFlags::given() const {
  std::map<std::string, std::string> given;
  fields_of_train(GivenFlags{*command_, given}, train_);
  for (const std::string& assignment : assignments_) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos)
      throw Error(ErrorKind::kUsage, fmt::format("'{}' is not KEY=VALUE", assignment),
                  {{}, 0, "--set"});
    given[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  return given;
}

std::string TrainFlags::wanted_recipe(const std::map<std::string, std::string>& given) const {
  if (given.contains("train.recipe")) return train_.recipe;
  Settings known = load_settings(settings_file);
  if (!known.train.recipe.empty()) return known.train.recipe;
  for (const char* key : {"train.cfg", "train.weights"})
    if (given.contains(key)) assign_setting(known, key, given.at(key));
  return recipe_of_model(known.train);
}

Settings TrainFlags::resolve(bool with_recipe) const {
  const auto given = this->given();
  Settings settings;
  if (with_recipe) apply_recipe(settings, wanted_recipe(given));
  const std::string recipe = settings.train.recipe;
  if (!settings_file.empty()) overlay_settings(settings, settings_file);
  settings.train.recipe = recipe;
  if (given.contains("train.hyp")) settings.train.hyp = train_.hyp;
  const bool is_in_file = !settings_file.empty() && !given.contains("train.hyp");
  if (!settings.train.hyp.empty() && !is_in_file)  // its values are those of the file
    overlay_hyperparameters(settings, find_config(settings.train.hyp));
  for (const auto& [key, value] : given) assign_setting(settings, key, value);
  return settings;
}

}  // namespace gannet::cli
