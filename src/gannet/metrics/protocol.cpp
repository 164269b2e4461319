#include "gannet/metrics/protocol.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

constexpr std::array<std::pair<MetricProtocol, std::string_view>, 3> kNames = {{
    {MetricProtocol::kJuly2020, "july2020"},
    {MetricProtocol::kV7, "v7"},
    {MetricProtocol::kCoco, "coco"},
}};

}  // namespace

std::string_view name_of(MetricProtocol protocol) {
  for (const auto& [value, name] : kNames)
    if (value == protocol) return name;
  return {};
}

MetricProtocol protocol_named(std::string_view name) {
  for (const auto& [value, known] : kNames)
    if (known == name) return value;
  throw Error(ErrorKind::kUsage, fmt::format("no protocol '{}'", printable(name)),
              {{}, 0, "protocol"}, "july2020, v7 or coco");
}

}  // namespace gannet
