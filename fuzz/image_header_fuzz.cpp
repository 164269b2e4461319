// Picture headers: a size, or nothing; never a hang on offsets that lead back.
#include "fuzz/attempt.h"
#include "gannet/data/images/image_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gannet::read_image_header(std::span(data, size));
  return 0;
}
