#include "gannet/data/index/image_weights.h"

#include <gmock/gmock.h>

namespace gannet {
namespace {

using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;

ImageIndex index_of(const std::vector<std::vector<int>>& classes) {
  ImageIndex index;
  for (const std::vector<int>& ids : classes) {
    IndexedImage image;
    for (const int id : ids) image.labels.push_back({id, 0.5F, 0.5F, 0.1F, 0.1F});
    index.images.push_back(image);
  }
  return index;
}

TEST(ImageWeights, RareClassesWeighMore) {
  const ImageIndex index = index_of({{0, 0}, {2}});
  EXPECT_THAT(
      inverse_class_frequencies(index, 4),
      ElementsAre(DoubleEq(1.0 / 7), DoubleEq(2.0 / 7), DoubleEq(2.0 / 7), DoubleEq(2.0 / 7)));
}

TEST(ImageWeights, BadlyFoundClassesWeighMore) {
  const ImageIndex index = index_of({{0, 0, 0, 1}, {0}, {}});
  // frequencies 1/4 and 1, scaled to 0.2 and 0.8; missed (1 - 0.5)^2 = 1/4 and 1
  EXPECT_THAT(image_weights(index, {0.5, 0}),
              ElementsAre(DoubleEq(3 * 0.2 / 4 + 0.8), DoubleEq(0.2 / 4), 0));
  EXPECT_THAT(image_weights(index, {1, 1}), Each(0));
}

TEST(ImageWeights, NothingToWeigh) {
  EXPECT_THAT(inverse_class_frequencies({}, 2), ElementsAre(0.5, 0.5));
  EXPECT_TRUE(image_weights({}, {0.5}).empty());
}

}  // namespace
}  // namespace gannet
