// The parts of a form that a client posts with files in it: multipart/form-data.
// Sources: RFC 2046 (5.1), RFC 7578.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gannet {

struct FormPart {
  std::string name;          // of the form's field; empty where the part has none
  std::string_view content;  // lies in the body
};

/// Value of a parameter of a header's value, without its quotes: "b" for `boundary` in
/// "multipart/form-data; boundary=b". Empty where there is none.
std::string header_parameter(std::string_view value, std::string_view name);

/// In order. Throws Error (kData) for a body that is cut off or no such form, or has over 1000
/// parts.
/// @param boundary of the content type, 1 to 70 bytes
std::vector<FormPart> parse_multipart(std::string_view body, std::string_view boundary);

}  // namespace gannet
