#include "gannet/data/cache/mapped_image.h"

#include <utility>

namespace gannet {
namespace {

using Owner = std::shared_ptr<const void>;

/// Only ends the life of images; new memory comes from OpenCV's own allocator.
class OwnerAllocator : public cv::MatAllocator {
 public:
  cv::UMatData* allocate(int dims, const int* sizes, int type, void* data, std::size_t* step,
                         cv::AccessFlag flags, cv::UMatUsageFlags usage) const override {
    return cv::Mat::getStdAllocator()->allocate(dims, sizes, type, data, step, flags, usage);
  }
  bool allocate(cv::UMatData* data, cv::AccessFlag flags, cv::UMatUsageFlags usage) const override {
    return cv::Mat::getStdAllocator()->allocate(data, flags, usage);
  }
  void deallocate(cv::UMatData* data) const override {
    if (data == nullptr) return;
    delete static_cast<Owner*>(data->userdata);
    delete data;
  }
};

}  // namespace

cv::Mat mapped_image(const std::uint8_t* pixels, int rows, int cols, Owner owner) {
  static const OwnerAllocator allocator;
  auto kept = std::make_unique<Owner>(std::move(owner));
  cv::Mat image(rows, cols, CV_8UC3, const_cast<std::uint8_t*>(pixels));
  auto data = std::make_unique<cv::UMatData>(&allocator);
  data->data = data->origdata = image.data;
  data->size = image.total() * image.elemSize();
  data->flags = cv::UMatData::USER_ALLOCATED;
  data->refcount = 1;
  data->userdata = kept.release();
  image.u = data.release();
  return image;
}

}  // namespace gannet
