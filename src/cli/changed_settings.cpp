#include "changed_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <type_traits>

namespace gannet::cli {
namespace {

struct FieldTexts {
  const char* section;
  std::vector<std::string>& lines;
  template <class T>
  void operator()(const char* name, const T& member, const char*, Range) const {
    if constexpr (std::is_same_v<T, std::string>) {
      lines.push_back(fmt::format("{}.{}: {}", section, name, member.empty() ? "none" : member));
    } else {
      lines.push_back(fmt::format("{}.{}: {}", section, name, member));
    }
  }
};

std::vector<std::string> all_settings(const Settings& settings) {
  std::vector<std::string> lines;
  fields_of_train(FieldTexts{"train", lines}, settings.train);
  fields_of_hyperparameters(FieldTexts{"hyp", lines}, settings.hyp);
  return lines;
}

}  // namespace

std::vector<std::string> changed_settings(const Settings& settings) {
  Settings recipe;
  if (!settings.train.recipe.empty()) apply_recipe(recipe, settings.train.recipe);
  const std::vector<std::string> lines = all_settings(settings), defaults = all_settings(recipe);
  std::vector<std::string> changed;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i] != defaults[i]) changed.push_back(lines[i]);
  return changed;
}

}  // namespace gannet::cli
