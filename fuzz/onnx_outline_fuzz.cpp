// libFuzzer target over what exported networks say about themselves. Anything but an Error is a
// finding.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/attempt.h"
#include "gannet/config/class_names.h"
#include "gannet/io/onnx_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gannet::fuzz::attempt;
  const std::string bytes(gannet::fuzz::text_of(data, size));
  attempt([&] {
    const gannet::OnnxOutline outline = gannet::parse_onnx_outline(bytes);
    const auto names = outline.metadata.find("names");
    if (names != outline.metadata.end()) gannet::parse_class_names(names->second, "names");
  });
  // The text by itself, so that mutations need not keep the lengths around it right.
  attempt([&] { gannet::parse_class_names(bytes, "names"); });
  return 0;
}
