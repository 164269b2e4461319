#include "gannet/eval/fingerprint.h"

#include <fmt/format.h>
#include <torch/types.h>

#include "gannet/core/hash.h"

namespace gannet {
namespace {

class Fingerprint {
 public:
  void add(const void* data, std::size_t size) {
    value_ = checksum64(data, size) ^ (value_ * kOddFactor);
  }
  std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  static constexpr std::uint64_t kOddFactor = 0x9E3779B97F4A7C15u;
  std::uint64_t value_ = 0;
};

}  // namespace

std::string fingerprint(const ImageIndex& index) {
  Fingerprint hash;
  for (const IndexedImage& image : index.images) {
    hash.add(&image.width, sizeof image.width);
    hash.add(&image.height, sizeof image.height);
    for (const Label& label : image.labels) hash.add(&label, sizeof label);
  }
  return fmt::format("{} images, {} labels ({})", index.images.size(), index.num_labels(),
                     hash.text());
}

std::string fingerprint(const DetectionModel& model, bool statistics) {
  Fingerprint hash;
  for (const auto& [name, tensor] : state_dict(model)) {
    if (!statistics && name.find(".running_") != std::string::npos) continue;
    const auto values = tensor.detach().to(torch::kCPU).contiguous();
    hash.add(name.data(), name.size());
    hash.add(values.const_data_ptr(), static_cast<std::size_t>(values.nbytes()));
  }
  return hash.text();
}

}  // namespace gannet
