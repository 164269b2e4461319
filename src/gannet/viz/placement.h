// Where texts go, so that none covers another: captions of boxes, names along an axis, legends.
// Pure functions: they place, and draw nothing.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "gannet/viz/text.h"

namespace gannet {

/// What becomes of a tag that would cover another one wherever it went.
enum class Crowded { kCoverLeast, kLeaveOut };

/// One tag for each box, inside the image (cut to it if larger). It stands on the box, or inside
/// its top (below a box that it would hide), or below, or at the right end: the first of these
/// places that is free, else as `crowded` says. Later boxes choose first, because they are drawn on
/// top.
/// @param sizes of the tags; an empty one is placed nowhere
/// @return by box; empty where a tag is placed nowhere
std::vector<cv::Rect> place_captions(const std::vector<cv::Rect>& boxes,
                                     const std::vector<cv::Size>& sizes, const cv::Size& image,
                                     const cv::Rect& keep_free = {},
                                     Crowded crowded = Crowded::kCoverLeast);

/// A place for a tag next to each point, inside `area`: free of the points, of other tags and of
/// the obstacles if it can be.
std::vector<cv::Rect> place_beside(const std::vector<cv::Point>& points,
                                   const std::vector<cv::Size>& sizes, const cv::Rect& area,
                                   const std::vector<cv::Rect>& obstacles = {});

/// The space for names along an axis, and how they look at most; they get smaller where the slots
/// are narrow, and where that does not help, only every other one is shown, or every fifth, ....
struct NamesStyle {
  int max_length_px = 200;  // longer names are cut
  double max_text_px = 12;
  double min_text_px = 6;
  cv::Scalar colour{50, 42, 38};
};

/// Names of equal rows from top to bottom, right-aligned at `axis`, whose height the rows share.
std::vector<PlacedText> place_row_names(const std::vector<std::string>& names, const cv::Rect& axis,
                                        const NamesStyle& style);

/// Names of equal columns from left to right, below `axis`: upright if all fit, else reading
/// upwards.
std::vector<PlacedText> place_column_names(const std::vector<std::string>& names,
                                           const cv::Rect& axis, const NamesStyle& style);

struct LegendEntry {
  std::string name;
  std::string value;  // right behind the name, never cut
  cv::Scalar colour;
  int thickness = 2;
};

struct Legend {
  std::vector<PlacedText> texts;
  std::vector<cv::Rect> swatches;  // one for each entry shown
  std::size_t shown = 0;
};

/// One column, or as many as are needed, filled downwards; the text gets smaller down to 6 px
/// before the last entries give way to "and 7 more".
Legend place_legend(const std::vector<LegendEntry>& entries, const cv::Rect& area,
                    double max_text_px);

void draw_legend(cv::Mat& bgr, const std::vector<LegendEntry>& entries, const Legend& legend);

}  // namespace gannet
