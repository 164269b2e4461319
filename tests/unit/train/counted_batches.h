// Batches whose content follows from their number, whole and as the ranks' shares.
#pragma once

#include <cstdint>

#include "gannet/core/rng.h"
#include "gannet/data/loading/sampler.h"
#include "gannet/data/sample/batch.h"
#include "gannet/dist/communicator.h"
#include "gannet/train/shards.h"

namespace gannet::testing {

/// Images of counted noise; image i has i % 3 objects, so that some ranks may have none.
inline Batch global_batch(std::int64_t number, int images, int side) {
  Batch batch;
  batch.number = number;
  batch.images = images;
  batch.height = batch.width = side;
  batch.pixels = std::shared_ptr<std::uint8_t[]>(new std::uint8_t[batch.bytes()]);
  Rng rng({9, 0, static_cast<std::uint64_t>(number), Purpose::kTest});
  for (std::size_t i = 0; i < batch.bytes(); ++i)
    batch.pixels[i] = static_cast<std::uint8_t>(rng.below(256));
  for (int image = 0; image < images; ++image) {
    for (int object = 0; object < image % 3; ++object) {
      batch.targets.push_back({static_cast<float>(image), static_cast<float>(rng.below(3)),
                               static_cast<float>(rng.uniform(0.3, 0.7)),
                               static_cast<float>(rng.uniform(0.3, 0.7)), 0.4F, 0.5F});
    }
  }
  batch.samples.resize(static_cast<std::size_t>(images));
  return batch;
}

/// The part of a global batch that a rank trains.
inline Batch share_of(const Batch& whole, const Communicator& comm, bool by_shards = false) {
  BatchPlan plan;
  for (int i = 0; i < whole.images; ++i) plan.indices.push_back(i);
  const BatchPlan part = by_shards ? share_of_shards(plan, comm.rank(), comm.world_size())
                                   : deal(plan, comm.rank(), comm.world_size());
  Batch share = whole;
  share.images = static_cast<int>(part.indices.size());
  share.first_image = part.first_image;
  share.global_images = part.global_images;
  share.targets.clear();
  share.samples.resize(part.indices.size());
  if (share.images == 0) return share;
  const auto first = static_cast<int>(part.indices.front());
  const std::size_t bytes = whole.bytes() / static_cast<std::size_t>(whole.images);
  share.pixels = std::shared_ptr<std::uint8_t[]>(
      whole.pixels, whole.pixels.get() + static_cast<std::size_t>(first) * bytes);
  for (auto target : whole.targets) {
    target[0] -= static_cast<float>(first);
    if (target[0] >= 0 && target[0] < static_cast<float>(share.images))
      share.targets.push_back(target);
  }
  return share;
}

}  // namespace gannet::testing
