// The pages that the servers show, as they were built in.
#pragma once

#include <string_view>

namespace gannet {

/// page.html: drop a picture, see the boxes.
std::string_view serve_page();

/// dashboard.html, and what it needs of uPlot (vendor), which draws its charts.
std::string_view dashboard_page();
std::string_view chart_script();
std::string_view chart_style();

}  // namespace gannet
