#include "gannet/serve/posted_pictures.h"

#include <optional>

#include "gannet/core/error.h"
#include "gannet/core/text.h"
#include "gannet/data/images/image_header.h"
#include "gannet/serve/multipart.h"

namespace gannet {
namespace {

PostedPicture picture_of(std::string_view content) {
  PostedPicture picture;
  picture.bytes.assign(content.begin(), content.end());
  const std::optional<ImageHeader> header = read_image_header(picture.bytes);
  if (!header || header->width < 1 || header->height < 1)
    throw Error(ErrorKind::kData, "not a JPEG, PNG, BMP, TIFF or WebP image");
  constexpr std::int64_t kMaxSide_px = std::int64_t{1} << 20;  // of what can be decoded
  picture.pixels = std::min(header->width, kMaxSide_px) * std::min(header->height, kMaxSide_px);
  return picture;
}

}  // namespace

std::vector<PostedPicture> posted_pictures(std::string_view content_type, std::string_view body) {
  std::vector<PostedPicture> pictures;
  if (!to_lower(trim(content_type)).starts_with("multipart/form-data")) {
    if (body.empty()) throw Error(ErrorKind::kData, "the body is empty", {}, "post a picture file");
    pictures.push_back(picture_of(body));
    return pictures;
  }
  for (const FormPart& part : parse_multipart(body, header_parameter(content_type, "boundary")))
    if (part.name == "image") pictures.push_back(picture_of(part.content));
  if (pictures.empty()) throw Error(ErrorKind::kData, "the form has no field 'image'");
  return pictures;
}

}  // namespace gannet
