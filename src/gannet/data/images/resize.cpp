#include "gannet/data/images/resize.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

namespace gannet {

cv::Size scaled_size(cv::Size original, int image_size) {
  const int longer = std::max(original.width, original.height);
  if (longer == image_size) return original;
  const double gain = static_cast<double>(image_size) / longer;
  return {std::max(1, static_cast<int>(original.width * gain)),
          std::max(1, static_cast<int>(original.height * gain))};
}

cv::Mat resize_to_side(const cv::Mat& image, cv::Size original, int image_size, bool augment) {
  const cv::Size target = scaled_size(original, image_size);
  if (image.size() == target) return image;
  const bool shrinks = image_size < std::max(original.width, original.height);
  cv::Mat resized;
  cv::resize(image, resized, target, 0, 0, shrinks && !augment ? cv::INTER_AREA : cv::INTER_LINEAR);
  return resized;
}

}  // namespace gannet
