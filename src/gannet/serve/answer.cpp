#include "gannet/serve/answer.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "gannet/core/text.h"

namespace gannet {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, double digits) { return std::round(value * digits) / digits; }

Json to_json(const Detection& detection) {
  const auto px = [](float value) { return rounded(value, 100); };
  const Box& box = detection.box_px;
  return {
      {"class", detection.class_id},
      {"name", printable(detection.label)},
      {"confidence", rounded(detection.score, 1e5)},
      {"box", {{"x1", px(box.x1)}, {"y1", px(box.y1)}, {"x2", px(box.x2)}, {"y2", px(box.y2)}}}};
}

Json to_json(cv::Size size, const std::vector<Detection>& found, const AnswerFilter& filter) {
  Json list = Json::array();
  for (const Detection& detection : found)
    if (filter.shows(detection)) list.push_back(to_json(detection));
  return {{"image", {{"width", size.width}, {"height", size.height}}},
          {"detections", std::move(list)}};
}

}  // namespace

std::string detections_json(const std::vector<cv::Size>& sizes,
                            const std::vector<std::vector<Detection>>& found,
                            const AnswerFilter& filter, double milliseconds) {
  Json answer;
  if (sizes.size() == 1) {
    answer = to_json(sizes[0], found[0], filter);
  } else {
    answer["images"] = Json::array();
    for (std::size_t i = 0; i < sizes.size(); ++i)
      answer["images"].push_back(to_json(sizes[i], found[i], filter));
  }
  answer["ms"] = rounded(milliseconds, 100);
  return answer.dump();
}

std::string error_json(const std::string& what) { return Json{{"error", printable(what)}}.dump(); }

}  // namespace gannet
