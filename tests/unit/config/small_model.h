// A model file of a few lines, with one level of two anchors, that tests change line by line.
#pragma once

#include <string>

namespace gannet::testing {

/// nc 2, so 14 head channels; strides 2, 2, 4; depth and width one half.
inline const std::string kSmallModel =
    "nc: 2\n"                                          // line 1
    "depth_multiple: 0.5\n"                            // line 2
    "width_multiple: 0.5\n"                            // line 3
    "anchors:\n"                                       // line 4
    "  - [10, 13, 16, 30]\n"                           // line 5
    "backbone:\n"                                      // line 6
    "  - [-1, 1, Focus, [16, 3]]\n"                    // line 7
    "  - [-1, 3, BottleneckCSP, [32]]\n"               // line 8
    "  - [-1, 1, Conv, [20, 3, 2]]\n"                  // line 9
    "head:\n"                                          // line 10
    "  - [-1, 1, nn.Conv2d, [na * (nc + 5), 1, 1]]\n"  // line 11
    "  - [[], 1, Detect, [nc, anchors]]\n";            // line 12

/// The small model with one piece of its text replaced.
inline std::string small_model_with(const std::string& old_piece, const std::string& new_piece) {
  std::string text = kSmallModel;
  return text.replace(text.find(old_piece), old_piece.size(), new_piece);
}

}  // namespace gannet::testing
