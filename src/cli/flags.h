// Flags from field lists: one option for each member, its default and meaning shown by --help.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>

#include "gannet/config/fields.h"
#include "gannet/core/error.h"

namespace gannet::cli {

/// What a flag means that stands without a value; empty: it needs one.
inline std::string value_when_alone(std::string_view name) {
  return name == "cache_images" ? "ram" : "";
}

struct FlagAdder {
  CLI::App& app;

  static std::string flag(std::string name) {
    for (char& c : name)
      if (c == '_') c = '-';
    return "--" + name;
  }

  template <class T>
  void operator()(const char* name, T& member, const char* meaning, Range range) const {
    if constexpr (std::is_same_v<T, bool>) {
      app.add_flag(flag(name), member, meaning);
    } else {
      CLI::Option* option = app.add_option(flag(name), member, meaning)->capture_default_str();
      if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>)
        option->multi_option_policy(
            CLI::MultiOptionPolicy::TakeLast);  // a flag given again replaces the first
      if (const std::string alone = value_when_alone(name); !alone.empty())
        option->expected(0, 1)->default_str(alone);
      if constexpr (std::is_same_v<T, double>) {
        if (range.low == kAuto) {
          if (member == kAuto) option->default_str("auto");
          option->transform([](const std::string& text) {
            return text == "auto" ? std::to_string(kAuto) : text;
          });
        }
      }
      if constexpr (std::is_arithmetic_v<T>) {
        if (std::isfinite(range.low))
          option->check(CLI::Range(static_cast<T>(range.low), static_cast<T>(range.high)));
      }
    }
  }
};

}  // namespace gannet::cli
