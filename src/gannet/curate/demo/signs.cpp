#include "gannet/curate/demo/signs.h"

#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "gannet/core/error.h"

namespace gannet {
namespace {

using Points = std::vector<cv::Point2d>;

const cv::Scalar kWhite(245, 245, 245);
const cv::Scalar kBlack(28, 26, 26);
const cv::Scalar kRed(38, 30, 200);
const cv::Scalar kBlue(178, 92, 18);
const cv::Scalar kYellow(30, 196, 250);

/// Draws in coordinates from -1 to 1, y downwards, whatever the size of the picture.
class UnitCanvas {
 public:
  UnitCanvas(cv::Mat& image, double turn) : image_(image), turn_(turn) {}

  void polygon(const Points& points, const cv::Scalar& colour) {
    std::vector<cv::Point> fixed;
    for (const cv::Point2d& p : points) fixed.push_back(at(p));
    cv::fillPoly(image_, std::vector<std::vector<cv::Point>>{fixed}, colour, cv::LINE_AA, kBits);
  }
  void disc(double radius, const cv::Scalar& colour, cv::Point2d centre = {0, 0}) {
    const int fixed = static_cast<int>(std::lround(radius * half() * (1 << kBits)));
    cv::circle(image_, at(centre), fixed, colour, cv::FILLED, cv::LINE_AA, kBits);
  }
  /// Text centred at the origin, `width` wide.
  void text(const std::string& text, double width, const cv::Scalar& colour) {
    int baseline = 0;
    const cv::Size unit = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, 1, 1, &baseline);
    const double scale = width * half() / unit.width;
    const int thickness = std::max(1, static_cast<int>(std::lround(scale * 4.2)));
    const cv::Size size =
        cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, scale, thickness, &baseline);
    const cv::Point base(static_cast<int>(half()) - size.width / 2,
                         static_cast<int>(half()) + size.height / 2);
    cv::putText(image_, text, base, cv::FONT_HERSHEY_SIMPLEX, scale, colour, thickness,
                cv::LINE_AA);
  }

 private:
  static constexpr int kBits = 4;
  double half() const { return image_.cols / 2.0; }
  cv::Point at(const cv::Point2d& p) const {
    const double c = std::cos(turn_), s = std::sin(turn_);
    const double x = (p.x * c - p.y * s + 1) * half(), y = (p.x * s + p.y * c + 1) * half();
    return {static_cast<int>(std::lround(x * (1 << kBits))),
            static_cast<int>(std::lround(y * (1 << kBits)))};
  }

  cv::Mat& image_;
  double turn_;
};

Points regular(int corners, double radius, double first_degrees) {
  Points points;
  for (int i = 0; i < corners; ++i) {
    const double angle = (first_degrees + 360.0 * i / corners) * std::numbers::pi / 180;
    points.emplace_back(radius * std::cos(angle), radius * std::sin(angle));
  }
  return points;
}

Points scaled(Points points, double factor, const cv::Point2d& centre = {0, 0}) {
  for (cv::Point2d& p : points) p = centre + (p - centre) * factor;
  return points;
}

/// A square with rounded corners.
Points rounded_square(double half, double radius) {
  Points points;
  for (int corner = 0; corner < 4; ++corner) {
    for (int step = 0; step <= 6; ++step) {
      const double angle = (corner * 90 + step * 15) * std::numbers::pi / 180;
      const double sx = corner == 0 || corner == 3 ? 1 : -1, sy = corner < 2 ? 1 : -1;
      points.emplace_back(sx * (half - radius) + radius * std::cos(angle),
                          sy * (half - radius) + radius * std::sin(angle));
    }
  }
  return points;
}

/// One picture and its mask, painted by the same strokes.
struct Sheet {
  explicit Sheet(int size)
      : picture{cv::Mat(size, size, CV_8UC3, cv::Scalar(128, 128, 128)),
                cv::Mat::zeros(size, size, CV_8U)} {}
  void outline(const Points& points, const cv::Scalar& colour) {
    UnitCanvas(picture.bgr, 0).polygon(points, colour);
    UnitCanvas(picture.mask, 0).polygon(points, cv::Scalar(255));
  }
  SignPicture picture;
};

SignPicture paint_stop(int size) {
  Sheet sheet(size);
  sheet.outline(regular(8, 0.98, 22.5), kWhite);
  UnitCanvas canvas(sheet.picture.bgr, 0);
  canvas.polygon(regular(8, 0.89, 22.5), kRed);
  canvas.text("STOP", 1.34, kWhite);
  return sheet.picture;
}

SignPicture paint_triangle(int size, Rng& rng) {
  const bool warning = rng.uniform() < 0.65;
  const cv::Point2d centre(0, warning ? 0.22 : -0.22);
  Points points = {{-0.98, 0.76}, {0.98, 0.76}, {0, -0.94}};
  if (!warning) {
    for (cv::Point2d& p : points) p.y = -p.y;
  }
  Sheet sheet(size);
  sheet.outline(points, kRed);
  UnitCanvas canvas(sheet.picture.bgr, 0);
  canvas.polygon(scaled(points, 0.64, centre), kWhite);
  if (!warning) return sheet.picture;
  canvas.polygon({{-0.085, -0.22}, {0.085, -0.22}, {0.05, 0.3}, {-0.05, 0.3}}, kBlack);
  canvas.disc(0.085, kBlack, {0, 0.45});
  return sheet.picture;
}

SignPicture paint_speed_limit(int size, Rng& rng) {
  Sheet sheet(size);
  sheet.outline(regular(48, 0.97, 0), kRed);
  UnitCanvas canvas(sheet.picture.bgr, 0);
  canvas.disc(0.72, kWhite);
  const std::string number = std::to_string(10 * (2 + rng.below(11)));
  canvas.text(number, number.size() == 3 ? 1.12 : 0.92, kBlack);
  return sheet.picture;
}

SignPicture paint_direction(int size, Rng& rng) {
  Sheet sheet(size);
  sheet.outline(rounded_square(0.95, 0.14), kWhite);
  UnitCanvas(sheet.picture.bgr, 0).polygon(rounded_square(0.88, 0.1), kBlue);
  const double turns[] = {0, 45, -45, 90, -90};
  const double turn = turns[rng.below(5)] * std::numbers::pi / 180;
  UnitCanvas canvas(sheet.picture.bgr, turn);
  canvas.polygon({{-0.15, 0.68}, {0.15, 0.68}, {0.15, -0.1}, {-0.15, -0.1}}, kWhite);
  canvas.polygon({{-0.5, 0}, {0.5, 0}, {0, -0.7}}, kWhite);
  return sheet.picture;
}

SignPicture paint_priority(int size) {
  Sheet sheet(size);
  const Points diamond = {{0, -0.98}, {0.98, 0}, {0, 0.98}, {-0.98, 0}};
  sheet.outline(diamond, kBlack);
  UnitCanvas canvas(sheet.picture.bgr, 0);
  canvas.polygon(scaled(diamond, 0.94), kWhite);
  canvas.polygon(scaled(diamond, 0.68), kYellow);
  return sheet.picture;
}

/// A soft sheen and the fading of old paint.
void weather(cv::Mat& bgr, Rng& rng) {
  const double level = rng.uniform(0.82, 1.06), slope = rng.uniform(-0.16, 0.16);
  for (int y = 0; y < bgr.rows; ++y) {
    const double gain = level + slope * (2.0 * y / bgr.rows - 1);
    cv::Mat row = bgr.row(y);
    row.convertTo(row, -1, gain, 4);
  }
}

}  // namespace

SignPicture paint_sign(int class_id, int size, Rng& rng) {
  SignPicture sign;
  switch (class_id) {
    case 0:
      sign = paint_stop(size);
      break;
    case 1:
      sign = paint_triangle(size, rng);
      break;
    case 2:
      sign = paint_speed_limit(size, rng);
      break;
    case 3:
      sign = paint_direction(size, rng);
      break;
    case 4:
      sign = paint_priority(size);
      break;
    default:
      GANNET_CHECK(false, "no such demo class");
  }
  weather(sign.bgr, rng);
  return sign;
}

}  // namespace gannet
