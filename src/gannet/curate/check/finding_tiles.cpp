#include "gannet/curate/check/finding_tiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/data/images/image_io.h"
#include "gannet/viz/text.h"

namespace gannet {
namespace {

constexpr int kCaption_px = 52;
constexpr int kMinMark_px = 12;  // smaller boxes get a ring around them, to be seen at all
const cv::Scalar kWhite(255, 255, 255);

Severity severity_of(const Finding& finding) { return info_of(finding.kind).severity; }

bool is_problem(const Finding* finding) { return severity_of(*finding) == Severity::kProblem; }

/// A box that is wrong can be seen, so it counts more than a picture that is merely repeated.
double weight_of(const Finding& finding) {
  if (!is_problem(&finding)) return finding.row >= 0 ? 1 : 0.5;
  return finding.row >= 0 ? 1000 : 100;
}

/// "2 x no area, tiny box": the kinds in an image with their counts.
std::string kinds_text(const std::vector<const Finding*>& findings) {
  std::string text;
  for (const FindingInfo& info : finding_infos()) {
    const auto count = std::count_if(findings.begin(), findings.end(),
                                     [&](const Finding* f) { return f->kind == info.kind; });
    if (count == 0) continue;
    if (!text.empty()) text += ", ";
    text += count == 1 ? info.key : fmt::format("{} x {}", count, info.key);
  }
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

/// Where an image lies on the canvas.
struct Placed {
  cv::Rect frame;
  cv::Point at(float x_norm, float y_norm) const {
    const auto inside = [](float value) { return std::clamp(value, 0.0F, 1.0F); };
    return {frame.x +
                static_cast<int>(std::lround(inside(x_norm) * static_cast<float>(frame.width - 1))),
            frame.y + static_cast<int>(
                          std::lround(inside(y_norm) * static_cast<float>(frame.height - 1)))};
  }
};

void draw_mark(cv::Mat& canvas, const Placed& placed, const Label& label,
               const cv::Scalar& colour) {
  const cv::Point low = placed.at(label.cx - label.width / 2, label.cy - label.height / 2);
  const cv::Point high = placed.at(label.cx + label.width / 2, label.cy + label.height / 2);
  for (const auto& [width, ink] : {std::pair(5, kWhite), std::pair(2, colour)}) {
    cv::rectangle(canvas, low, high, ink, width, cv::LINE_AA);
    if (std::min(high.x - low.x, high.y - low.y) < kMinMark_px) {
      cv::circle(canvas, (low + high) / 2, kMinMark_px, ink, width, cv::LINE_AA);
    }
  }
}

/// The image as large as it fits, centred; the field stays grey without one.
Placed draw_picture(cv::Mat& canvas, const cv::Rect& field, const SurveyedImage& image) {
  cv::rectangle(canvas, field, {238, 235, 233}, cv::FILLED);
  try {
    const cv::Mat picture = decode_image(image.path);
    const double scale = std::min(static_cast<double>(field.width) / picture.cols,
                                  static_cast<double>(field.height) / picture.rows);
    const cv::Size size(std::max(1, static_cast<int>(picture.cols * scale)),
                        std::max(1, static_cast<int>(picture.rows * scale)));
    const cv::Rect frame(field.x + (field.width - size.width) / 2,
                         field.y + (field.height - size.height) / 2, size.width, size.height);
    cv::Mat resized;
    cv::resize(picture, resized, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
    resized.copyTo(canvas(frame));
    return {frame};
  } catch (const Error&) {
    draw_text(canvas, "cannot be read", {field.x + field.width / 2, field.y + field.height / 2},
              {13, {120, 112, 108}, false, TextAnchor::kCentre});
    return {field};
  }
}

void draw_marks(cv::Mat& canvas, const Placed& placed, const SurveyedImage& image,
                const std::vector<const Finding*>& findings) {
  std::vector<const Finding*> order = findings;
  std::stable_partition(order.begin(), order.end(),
                        [](const Finding* f) { return !is_problem(f); });
  for (const Finding* finding : order) {
    if (finding->row < 0) continue;
    const LabelRow& row = image.rows[static_cast<std::size_t>(finding->row)];
    if (row.state == RowState::kMalformed || row.state == RowState::kNegativeClass) continue;
    draw_mark(canvas, placed, row.label, severity_colour(severity_of(*finding)));
  }
}

}  // namespace

std::vector<ImageFindings> worst_images(const DatasetCheck& check, std::size_t max) {
  std::map<std::pair<int, int>, ImageFindings> by_image;
  for (const Finding& finding : check.findings) {
    if (finding.image < 0 || finding.repeated) continue;
    ImageFindings& entry = by_image[{finding.split, finding.image}];
    entry.split = finding.split, entry.image = finding.image;
    entry.findings.push_back(&finding);
  }
  std::vector<std::pair<double, ImageFindings>> weighed;
  for (auto& [place, entry] : by_image) {
    double weight = 0;
    for (const Finding* finding : entry.findings) weight += weight_of(*finding);
    weighed.emplace_back(weight, std::move(entry));
  }
  std::stable_sort(weighed.begin(), weighed.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<ImageFindings> worst;
  for (auto& [weight, entry] : weighed) {
    if (worst.size() < max) worst.push_back(std::move(entry));
  }
  return worst;
}

cv::Scalar severity_colour(Severity severity) {
  return severity == Severity::kProblem ? cv::Scalar(60, 40, 214) : cv::Scalar(20, 140, 235);
}

void draw_finding_tile(cv::Mat& canvas, const cv::Rect& area, const DatasetCheck& check,
                       const ImageFindings& subject) {
  const SurveyedSplit& split = check.survey.splits[static_cast<std::size_t>(subject.split)];
  const SurveyedImage& image = split.images[static_cast<std::size_t>(subject.image)];
  const cv::Rect field(area.x, area.y, area.width, area.height - kCaption_px);
  const Placed placed = draw_picture(canvas, field, image);
  draw_marks(canvas, placed, image, subject.findings);
  const std::string name =
      fmt::format("{}: {}", split.name, std::filesystem::path(image.path).filename().string());
  const bool grave = std::any_of(subject.findings.begin(), subject.findings.end(), is_problem);
  TextStyle style{11, {50, 42, 38}};
  draw_text(canvas, fit_text(name, style, area.width, TextCut::kMiddle),
            {area.x, field.br().y + 20}, style);
  style.height_px = 9;
  style.colour = severity_colour(grave ? Severity::kProblem : Severity::kNote);
  draw_text(canvas, fit_text(kinds_text(subject.findings), style, area.width),
            {area.x, field.br().y + 42}, style);
}

}  // namespace gannet
