#include "gannet/data/labels/label_path.h"

#include <string_view>

namespace gannet {

std::string label_path(const std::string& image_path) {
  const std::size_t name = image_path.rfind('/') + 1;  // 0 without a folder
  const std::size_t dot = image_path.rfind('.');
  const bool has_suffix = dot != std::string::npos && dot > name;
  std::string text = image_path.substr(0, has_suffix ? dot : image_path.size()) + ".txt";
  constexpr std::string_view kImages = "images";
  for (std::size_t end = name; end > 0;) {  // one behind the slash that ends a component
    const std::size_t slash = end < 2 ? std::string::npos : text.rfind('/', end - 2);
    const std::size_t begin = slash + 1;
    if (std::string_view(text).substr(begin, end - 1 - begin) == kImages) {
      return text.replace(begin, kImages.size(), "labels");
    }
    end = begin;
  }
  return text;
}

}  // namespace gannet
