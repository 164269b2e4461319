#include "gannet/serve/multipart.h"

#include <algorithm>

#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

constexpr std::string_view kLineBreak = "\r\n";
constexpr std::string_view kEndOfHeaders = "\r\n\r\n";

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kData, "the form cannot be read: " + what);
}

/// Takes the text up to `separator` off, and the separator; all of it where there is none.
/// Separators within quotes do not count.
std::string_view take_until(std::string_view& text, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size() && (quoted || text[end] != separator); ++end)
    if (text[end] == '"') quoted = !quoted;
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

/// Name of the field that a part with these headers belongs to.
std::string field_name(std::string_view headers) {
  while (!headers.empty()) {
    const std::size_t end = std::min(headers.find(kLineBreak), headers.size());
    std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + kLineBreak.size(), headers.size()));
    if (to_lower(trim(take_until(line, ':'))) == "content-disposition")
      return header_parameter(line, "name");
  }
  return {};
}

}  // namespace

std::string header_parameter(std::string_view value, std::string_view name) {
  take_until(value, ';');
  while (!value.empty()) {
    std::string_view parameter = take_until(value, ';');
    if (to_lower(trim(take_until(parameter, '='))) != name) continue;
    parameter = trim(parameter);
    if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"')
      parameter = parameter.substr(1, parameter.size() - 2);
    return std::string(parameter);
  }
  return {};
}

std::vector<FormPart> parse_multipart(std::string_view body, std::string_view boundary) {
  constexpr std::size_t kMaxBoundary = 70;
  constexpr std::size_t kMaxParts = 1000;
  if (boundary.empty() || boundary.size() > kMaxBoundary)
    fail("its boundary has not 1 to 70 bytes");
  const std::string delimiter = std::string("\r\n--").append(boundary);
  const std::string_view opening = std::string_view(delimiter).substr(kLineBreak.size());
  const std::size_t begin = body.starts_with(opening) ? 0 : body.find(delimiter);
  if (begin == std::string_view::npos) fail("its boundary is not in the body");
  body.remove_prefix(begin +
                     (begin == 0 && body.starts_with(opening) ? opening : delimiter).size());
  std::vector<FormPart> parts;
  while (!body.starts_with("--")) {
    if (parts.size() == kMaxParts) fail("it has over 1000 parts");
    const std::size_t headers = std::min(body.find_first_not_of(" \t"), body.size());
    const std::size_t headers_end = body.find(kEndOfHeaders, headers);
    if (body.compare(headers, kLineBreak.size(), kLineBreak) != 0 ||
        headers_end == std::string_view::npos)
      fail("a part has no headers, or it is cut off");
    const std::size_t content = headers_end + kEndOfHeaders.size();
    const std::size_t end = body.find(delimiter, content);
    if (end == std::string_view::npos) fail("it is cut off");
    parts.push_back({field_name(body.substr(headers, headers_end - headers)),
                     body.substr(content, end - content)});
    body.remove_prefix(end + delimiter.size());
  }
  return parts;
}

}  // namespace gannet
