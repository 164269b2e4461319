#include "gannet/data/index/fingerprint.h"

#include <fmt/format.h>

#include "gannet/core/hash.h"

namespace gannet {

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

}  // namespace gannet
