#include "gannet/serve/answer_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "gannet/core/text.h"
#include "gannet/serve/http_error.h"

namespace gannet {
namespace {

double confidence_of(const std::string& text) {
  double value = -1;
  const char* end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || read != end || !(value >= 0 && value <= 1))
    throw HttpError(400, "conf is not in 0 to 1");
  return value;
}

int class_of(const std::string& text, const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found != names.end()) return static_cast<int>(found - names.begin());
  std::size_t number = names.size();
  const char* end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || read != end || number >= names.size())
    throw HttpError(400, fmt::format("there is no class '{}'", printable(text)));
  return static_cast<int>(number);
}

}  // namespace

AnswerFilter filter_of(const std::multimap<std::string, std::string>& parameters,
                       const std::vector<std::string>& names) {
  AnswerFilter filter;
  for (const auto& [name, value] : parameters) {
    if (name == "conf") {
      filter.least = confidence_of(value);
    } else if (name == "classes") {
      for (const std::string& text : split(value, ','))
        filter.classes.insert(class_of(text, names));
    } else {
      throw HttpError(400, fmt::format("unknown parameter '{}'", printable(name)));
    }
  }
  return filter;
}

}  // namespace gannet
