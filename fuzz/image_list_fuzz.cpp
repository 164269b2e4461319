// List files: every path that comes out has an image's suffix and no line end.
#include "fuzz/attempt.h"
#include "gannet/data/images/image_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::string& path :
       gannet::parse_image_list(gannet::fuzz::text_of(data, size), "folder")) {
    gannet::fuzz::require(gannet::has_image_suffix(path));
    gannet::fuzz::require(path.find('\n') == std::string::npos);
  }
  return 0;
}
