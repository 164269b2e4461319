// The flags that describe a training run, shared by the commands that train.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "gannet/config/settings.h"

namespace gannet::cli {

/// Must live as long as the command that it was added to.
class TrainFlags {
 public:
  void add_to(CLI::App& app);

  /// Values of the flags that were given, by settings key. Throws Error (kUsage).
  std::map<std::string, std::string> given() const;

  /// The settings; later ones win: recipe, settings file, hyperparameter file, flags. Throws Error.
  Settings resolve(bool with_recipe = true) const;

  std::string settings_file;

 private:
  /// The recipe that was asked for, else that of the settings file, else that of the model.
  std::string wanted_recipe(const std::map<std::string, std::string>& given) const;

  TrainSettings train_;
  std::vector<std::string> assignments_;
  CLI::App* command_ = nullptr;
};

}  // namespace gannet::cli
