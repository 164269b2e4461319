// Lists of live streams: what comes out is an address or a camera, one a line.
#include <algorithm>

#include "fuzz/attempt.h"
#include "gannet/data/video/stream_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gannet::fuzz::attempt([&] {
    const std::string_view text = gannet::fuzz::text_of(data, size);
    const auto streams = gannet::parse_stream_list(text, "streams.txt");
    for (const std::string& stream : streams) {
      gannet::fuzz::require(gannet::is_camera(stream) || gannet::is_stream_address(stream));
      gannet::fuzz::require(stream.find('\n') == std::string::npos);
    }
    const auto line_ends = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    gannet::fuzz::require(streams.size() <= line_ends + 1);
  });
  return 0;
}
