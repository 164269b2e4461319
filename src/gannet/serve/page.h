// The page that a server shows: drop a picture, see the boxes.
#pragma once

#include <string_view>

namespace gannet {

/// HTML of page.html, with its style and script inside.
std::string_view serve_page();

}  // namespace gannet
