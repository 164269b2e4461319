// The epoch as a whole: sampler, cache, augmentation and loader together. Its bytes are the same
// for any number of threads and processes, and its memory does not grow.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <map>
#include <utility>

#include "gannet/data/loading/datasets.h"
#include "gannet/data/loading/loader.h"
#include "tests/unit/child_process.h"
#include "tests/unit/data/data_fixture.h"

namespace gannet::testing {
namespace {

constexpr int kImages = 11, kBatch = 4;  // the last batch has 3 images

/// Bytes of each image of an epoch, its targets and its name, by batch and position.
using EpochBytes = std::map<std::pair<std::int64_t, std::int64_t>, std::string>;

void add_batch(const Batch& batch, EpochBytes& epoch) {
  const std::size_t bytes = batch.images == 0 ? 0 : batch.bytes() / batch.samples.size();
  for (std::size_t i = 0; i < batch.samples.size(); ++i) {
    std::string& image = epoch[{batch.number, batch.first_image + static_cast<std::int64_t>(i)}];
    ASSERT_TRUE(image.empty());
    image.assign(reinterpret_cast<const char*>(batch.pixels.get()) + i * bytes, bytes);
    for (const auto& row : batch.targets) {
      if (row[0] != static_cast<float>(i)) continue;
      image.append(reinterpret_cast<const char*>(&row[1]), sizeof row - sizeof row[0]);
    }
    image += batch.samples[i].path;
  }
}

class Epoch : public DataFolder {
 protected:
  void SetUp() override {
    DataFolder::SetUp();
    write_set(kImages);
    augment_.degrees = 5;
    augment_.translate = 0.1;
  }

  std::vector<BatchPlan> plans(std::uint64_t epoch) const {
    SamplerOptions options;
    options.num_images = kImages;
    options.batch_size = kBatch;
    options.image_size = 32;
    return plan_epoch(options, epoch);
  }
  std::shared_ptr<const Dataset> dataset(ImageCacheKind kind = ImageCacheKind::kNone) const {
    return make_training_dataset(index(), 32, augment_, cache(kind));
  }
  static void load(const Dataset& data, std::vector<BatchPlan> plans, int num_threads,
                   EpochBytes& epoch, std::size_t first_batch = 0) {
    LoaderOptions options;
    options.num_threads = num_threads;
    Loader loader(std::shared_ptr<const Dataset>(&data, [](const Dataset*) {}), options);
    loader.start(std::move(plans), 5, first_batch);
    while (const auto batch = loader.next()) add_batch(*batch, epoch);
  }

  AugmentOptions augment_;
};

TEST_F(Epoch, SameBytesForAnyNumberOfProcessesAndThreads) {
  const auto data = dataset();
  EpochBytes expected;
  load(*data, plans(5), 0, expected);
  EXPECT_EQ(expected.size(), kImages);
  for (const int world_size : {1, 2, 3}) {
    for (const int num_threads : {1, 2, 8}) {
      EpochBytes joined;
      for (int rank = 0; rank < world_size; ++rank) {
        load(*data, deal(plans(5), rank, world_size), num_threads, joined);
      }
      EXPECT_TRUE(joined == expected) << world_size << " processes, " << num_threads << " threads";
    }
  }
}

TEST_F(Epoch, SameBytesAfterAStopInItsMiddle) {
  const auto data = dataset();
  EpochBytes expected;
  load(*data, plans(5), 2, expected);
  for (std::size_t stop = 0; stop <= 3; ++stop) {
    EpochBytes joined;
    {
      Loader before(data, {});
      before.start(plans(5), 5);
      for (std::size_t i = 0; i < stop; ++i) add_batch(before.next().value(), joined);
    }
    for (int rank = 0; rank < 2; ++rank) load(*data, deal(plans(5), rank, 2), 1, joined, stop);
    EXPECT_TRUE(joined == expected) << "stopped after " << stop;
  }
}

TEST_F(Epoch, SameBytesFromEveryCacheAndItsProcesses) {
  EpochBytes expected;
  load(*dataset(), plans(5), 0, expected);
  for (const ImageCacheKind kind : {ImageCacheKind::kRam, ImageCacheKind::kDisk}) {
    std::vector<pid_t> children;
    for (int rank = 0; rank < 3; ++rank) {
      children.push_back(start_child([&, rank] {
        EpochBytes part;
        const auto data = dataset(kind);
        for (int round = 0; round < 2; ++round) {
          part.clear();
          load(*data, deal(plans(5), rank, 3), 2, part);
        }
        return part.size() >= 3 &&
               std::includes(expected.begin(), expected.end(), part.begin(), part.end());
      }));
    }
    for (const pid_t child : children) EXPECT_EQ(wait_for_child(child), 0);
    EpochBytes again;
    load(*dataset(kind), plans(5), 2, again);
    EXPECT_TRUE(again == expected);
  }
}

TEST_F(Epoch, CopiesOfAnImageDiffer) {
  SamplerOptions options;
  options.num_images = kImages;
  options.batch_size = kImages;
  options.image_size = 32;
  std::vector<double> weights(kImages, 0.0);
  weights[3] = 1;  // only this image, again and again
  EpochBytes epoch;
  load(*dataset(), plan_weighted(options, weights, 5), 2, epoch);
  ASSERT_EQ(epoch.size(), kImages);
  std::map<std::string, int> count;
  for (const auto& [place, bytes] : epoch) ++count[bytes];
  EXPECT_EQ(count.size(), kImages);
}

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST_F(Epoch, MemoryDoesNotGrowOver200Epochs) {
  std::atomic<int> num_buffers = 0;
  LoaderOptions options;
  options.num_threads = 2;
  options.allocate = [&](std::size_t bytes) {
    ++num_buffers;
    return std::shared_ptr<std::uint8_t[]>(new std::uint8_t[bytes]);
  };
  Loader loader(dataset(ImageCacheKind::kRam), options);
  std::int64_t begin = 0;
  for (std::uint64_t epoch = 0; epoch < 200; ++epoch) {
    if (epoch == 20) begin = resident_bytes();
    loader.start(plans(epoch), epoch);
    while (loader.next()) {
    }
  }
  EXPECT_LE(num_buffers, options.prefetch + 2);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these keep freed memory
  constexpr std::int64_t kMiB = 1 << 20;  // 180 epochs of one lost 32 px image each sample: 6 MiB
  EXPECT_LT(resident_bytes() - begin, 3 * kMiB);
#endif
}

}  // namespace
}  // namespace gannet::testing
