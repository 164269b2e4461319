#include "gannet/curate/demo/texture.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/imgproc.hpp>

namespace gannet {

cv::Mat fractal_noise(const cv::Size& size, int cells, Rng& rng) {
  cv::Mat sum = cv::Mat::zeros(size, CV_32F);
  double amplitude = 0.5;
  for (int octave = 0; octave < 4; ++octave, cells *= 2, amplitude /= 2) {
    const int columns = std::clamp(cells, 2, size.width);
    const int rows = std::clamp(cells * size.height / std::max(1, size.width), 2, size.height + 2);
    cv::Mat coarse(rows, columns, CV_32F), fine;
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) {
        coarse.at<float>(y, x) = static_cast<float>(rng.uniform() * amplitude);
      }
    }
    cv::resize(coarse, fine, size, 0, 0, cv::INTER_CUBIC);
    sum += fine;
  }
  return sum;
}

void fill_gradient(cv::Mat image, const cv::Scalar& top, const cv::Scalar& bottom) {
  for (int y = 0; y < image.rows; ++y) {
    const double t = image.rows > 1 ? static_cast<double>(y) / (image.rows - 1) : 0;
    image.row(y).setTo(top * (1 - t) + bottom * t);
  }
}

void multiply_by(cv::Mat image, const cv::Mat& field, double amount) {
  for (int y = 0; y < image.rows; ++y) {
    auto* row = image.ptr<cv::Vec3b>(y);
    const auto* value = field.ptr<float>(y);
    for (int x = 0; x < image.cols; ++x) {
      row[x] = row[x] * (1 + amount * (static_cast<double>(value[x]) - 0.47));
    }
  }
}

void blend_where(cv::Mat image, const cv::Mat& field, double threshold, double softness,
                 const cv::Scalar& colour) {
  for (int y = 0; y < image.rows; ++y) {
    auto* row = image.ptr<cv::Vec3b>(y);
    const auto* value = field.ptr<float>(y);
    for (int x = 0; x < image.cols; ++x) {
      const double t = std::clamp((static_cast<double>(value[x]) - threshold) / softness, 0.0, 1.0);
      for (int c = 0; c < 3; ++c) {
        row[x][c] = cv::saturate_cast<std::uint8_t>(row[x][c] * (1 - t) + colour[c] * t);
      }
    }
  }
}

void add_noise(cv::Mat& image, double deviation, Rng& rng) {
  // The sum of two bytes: a triangle of standard deviation 104.5 around 255.
  const double scale = deviation / 104.5;
  std::uint64_t bits = 0;
  int left = 0;
  for (int y = 0; y < image.rows; ++y) {
    auto* row = image.ptr<std::uint8_t>(y);
    for (int x = 0; x < image.cols * 3; ++x, --left, bits >>= 16) {
      if (left == 0) {
        bits = rng.bits64();
        left = 4;
      }
      const double grain = static_cast<double>((bits & 0xFF) + (bits >> 8 & 0xFF)) - 255;
      row[x] = cv::saturate_cast<std::uint8_t>(row[x] + scale * grain);
    }
  }
}

}  // namespace gannet
