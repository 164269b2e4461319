#include "gannet/data/sample/sample.h"

#include <opencv2/imgproc.hpp>

#include "gannet/core/error.h"

namespace gannet {

Sample Dataset::get_into(const SampleRequest& request, std::uint8_t* rgb) const {
  Sample sample = get(request);
  GANNET_CHECK(sample.image.rows == request.height && sample.image.cols == request.width,
               "sample and batch differ in shape");
  cv::Mat target(request.height, request.width, CV_8UC3, rgb);
  cv::cvtColor(sample.image, target, cv::COLOR_BGR2RGB);
  sample.image.release();
  return sample;
}

}  // namespace gannet
