#include "gannet/data/video/stream_list.h"

#include <algorithm>
#include <array>

#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {

bool is_camera(std::string_view text) {
  constexpr std::size_t kMostDigits = 3;
  return !text.empty() && text.size() <= kMostDigits &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_stream_address(std::string_view text) {
  constexpr std::array<std::string_view, 7> kSchemes = {
      "rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://"};
  const std::string lower = to_lower(text);
  return std::any_of(kSchemes.begin(), kSchemes.end(),
                     [&](std::string_view scheme) { return lower.starts_with(scheme); });
}

std::vector<std::string> parse_stream_list(std::string_view text, const std::string& path) {
  std::vector<std::string> streams;
  bool any_address = false;
  int line_number = 0, foreign_line = 0;
  text = without_byte_order_mark(text);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (line.empty() || line.starts_with('#')) continue;
    any_address = any_address || is_stream_address(line);
    if (is_camera(line) || is_stream_address(line)) {
      streams.emplace_back(line);
    } else if (foreign_line == 0) {
      foreign_line = line_number;
    }
  }
  if (foreign_line == 0) return streams;
  if (!any_address) return {};
  throw Error(ErrorKind::kUsage, "is neither an address nor the number of a camera, as others are",
              {path, foreign_line, {}}, "list streams and files apart");
}

}  // namespace gannet
