// Bodies of requests: pictures or an Error. The first line is the content type.
#include "fuzz/attempt.h"
#include "gannet/serve/multipart.h"
#include "gannet/serve/posted_pictures.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gannet;
  const std::string_view text = fuzz::text_of(data, size);
  const std::size_t line_end = std::min(text.find('\n'), text.size());
  const std::string_view type = text.substr(0, line_end);
  const std::string_view body = text.substr(std::min(line_end + 1, text.size()));
  fuzz::attempt([&] {
    std::size_t bytes = 0;
    for (const FormPart& part : parse_multipart(body, header_parameter(type, "boundary"))) {
      fuzz::require(part.content.data() >= body.data() &&
                    part.content.data() + part.content.size() <= body.data() + body.size());
      bytes += part.content.size();
    }
    fuzz::require(bytes <= body.size());  // parts do not overlap
  });
  fuzz::attempt([&] {
    for (const PostedPicture& picture : posted_pictures(type, body))
      fuzz::require(picture.pixels > 0 && !picture.bytes.empty());
  });
  return 0;
}
