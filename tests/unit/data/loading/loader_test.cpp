#include "gannet/data/loading/loader.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "gannet/core/error.h"
#include "gannet/data/loading/datasets.h"
#include "tests/unit/data/data_fixture.h"

namespace gannet::testing {
namespace {

using ::testing::HasSubstr;

std::vector<BatchPlan> plans_of(std::int64_t num_images, int batch_size, std::uint64_t epoch = 0) {
  SamplerOptions options;
  options.num_images = num_images;
  options.batch_size = batch_size;
  options.image_size = 32;
  return plan_epoch(options, epoch);
}

LoaderOptions with_threads(int num_threads) {
  LoaderOptions options;
  options.num_threads = num_threads;
  return options;
}

std::vector<Batch> load_all(Loader& loader, std::vector<BatchPlan> plans, std::uint64_t epoch) {
  loader.start(std::move(plans), epoch);
  std::vector<Batch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

std::string bytes_of(const Batch& batch) {
  std::string bytes(reinterpret_cast<const char*>(batch.pixels.get()), batch.bytes());
  for (const auto& row : batch.targets) {
    bytes.append(reinterpret_cast<const char*>(row.data()), sizeof row);
  }
  for (const SampleInfo& sample : batch.samples) bytes += sample.path;
  return bytes;
}

/// Grey pictures whose level is their index; some indices fail, some calls take long.
class CountingDataset : public Dataset {
 public:
  explicit CountingDataset(std::int64_t size, std::set<std::int64_t> broken = {})
      : size_(size), broken_(std::move(broken)) {}
  std::int64_t size() const override { return size_; }
  Sample get(const SampleRequest& request) const override {
    ++num_calls;
    std::this_thread::sleep_for(delay);
    const std::string name = std::to_string(request.index);
    if (broken_.contains(request.index)) throw Error(ErrorKind::kData, "broken", {name, 0, {}});
    Sample sample;
    sample.image = cv::Mat(request.height, request.width, CV_8UC3,
                           cv::Scalar(1, 2, static_cast<double>(request.index)));
    sample.labels.assign(static_cast<std::size_t>(request.index % 3), Label{1, .5F, .5F, .1F, .1F});
    sample.path = name;
    return sample;
  }
  std::chrono::milliseconds delay{0};
  mutable std::atomic<int> num_calls = 0;

 private:
  std::int64_t size_;
  std::set<std::int64_t> broken_;
};

TEST(Loader, FillsBatches) {
  Loader loader(std::make_shared<CountingDataset>(5), with_threads(2));
  SamplerOptions options;
  options.num_images = 5;
  options.batch_size = 3;
  options.image_size = 32;
  options.shuffle = false;
  const auto batches = load_all(loader, plan_epoch(options, 7), 7);
  ASSERT_EQ(batches.size(), 2);
  const Batch& batch = batches[1];
  EXPECT_EQ(batch.images, 2);
  EXPECT_EQ(batch.number, 1);
  EXPECT_EQ(batch.epoch, 7);
  EXPECT_EQ(batch.pixels[0], 3);  // red first
  EXPECT_EQ(batch.pixels[1], 2);
  EXPECT_EQ(batch.pixels[2], 1);
  EXPECT_EQ(batch.pixels[32 * 32 * 3], 4);
  ASSERT_EQ(batch.targets.size(), 1);  // images 3 and 4 have 0 and 1 labels
  EXPECT_EQ(batch.targets[0], (std::array<float, 6>{1, 1, .5F, .5F, .1F, .1F}));
  EXPECT_EQ(batch.samples[1].index, 4);
  EXPECT_EQ(batch.samples[1].path, "4");
  EXPECT_FALSE(loader.next().has_value());
}

TEST(Loader, NothingToLoad) {
  Loader loader(std::make_shared<CountingDataset>(5), with_threads(1));
  EXPECT_FALSE(loader.next().has_value());
  loader.start({}, 0);
  EXPECT_FALSE(loader.next().has_value());
}

TEST(Loader, BuffersAreUsedAgain) {
  std::atomic<int> num_buffers = 0;
  LoaderOptions options = with_threads(2);
  options.allocate = [&](std::size_t bytes) {
    ++num_buffers;
    return std::shared_ptr<std::uint8_t[]>(new std::uint8_t[bytes]);
  };
  Loader loader(std::make_shared<CountingDataset>(100), options);
  std::set<const std::uint8_t*> places;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    loader.start(plans_of(100, 4, epoch), epoch);
    while (const auto batch = loader.next()) places.insert(batch->pixels.get());
  }
  EXPECT_LE(num_buffers, options.prefetch + 2);
  EXPECT_EQ(static_cast<int>(places.size()), num_buffers);
}

TEST(Loader, BatchesOutliveTheLoader) {
  std::vector<Batch> batches;
  {
    Loader loader(std::make_shared<CountingDataset>(8), with_threads(1));
    batches = load_all(loader, plans_of(8, 4), 0);
  }
  for (const Batch& batch : batches) {
    EXPECT_EQ(batch.pixels[0], static_cast<std::uint8_t>(batch.samples[0].index));
  }
}

TEST(Loader, BrokenImagesAreReplacedAndNamedOnce) {
  const auto dataset = std::make_shared<CountingDataset>(20, std::set<std::int64_t>{3, 11});
  std::vector<std::string> first;
  for (const int num_threads : {0, 1, 4}) {
    Loader loader(dataset, with_threads(num_threads));
    const auto batches = load_all(loader, plans_of(20, 6), 0);
    ASSERT_EQ(batches.size(), 4);
    std::vector<std::string> bytes;
    int num_replaced = 0;
    for (const Batch& batch : batches) {
      bytes.push_back(bytes_of(batch));
      for (const SampleInfo& sample : batch.samples) {
        num_replaced += sample.replacement;
        EXPECT_EQ(sample.replacement, sample.requested == 3 || sample.requested == 11);
        EXPECT_EQ(sample.replacement, sample.index != sample.requested);
        EXPECT_EQ(sample.path, std::to_string(sample.index));
      }
    }
    EXPECT_EQ(num_replaced, 2);
    EXPECT_EQ(loader.num_replaced(), 2);
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first);
    const auto failures = loader.failures();
    ASSERT_EQ(failures.size(), 2);
    EXPECT_EQ(failures[0].path, "11");
    EXPECT_EQ(failures[1].path, "3");
    EXPECT_EQ(failures[0].reason, "broken");
  }
}

TEST(Loader, GivesUpWhenNothingCanBeRead) {
  const auto dataset = std::make_shared<CountingDataset>(3, std::set<std::int64_t>{0, 1, 2});
  for (const int num_threads : {0, 2}) {
    Loader loader(dataset, with_threads(num_threads));
    loader.start(plans_of(3, 3), 0);
    try {
      loader.next();
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_THAT(error.what(), HasSubstr("neither can 16 others"));
    }
    EXPECT_FALSE(loader.next().has_value());
  }
}

TEST(Loader, StartAndDestructionCancel) {
  const auto dataset = std::make_shared<CountingDataset>(1000);
  dataset->delay = std::chrono::milliseconds(2);
  {
    Loader loader(dataset, with_threads(2));
    loader.start(plans_of(1000, 100), 0);
    loader.next();
    const auto batches = load_all(loader, plans_of(4, 2), 1);
    ASSERT_EQ(batches.size(), 2);
    EXPECT_EQ(batches[0].epoch, 1);
    EXPECT_GT(loader.wait_seconds(), 0);
    loader.start(plans_of(1000, 100), 2);
  }
  EXPECT_LT(dataset->num_calls, 500);
}

TEST(Loader, EndsWithoutWaitingForMoreThanOneImage) {
  const auto dataset = std::make_shared<CountingDataset>(1000);
  dataset->delay = std::chrono::seconds(1);
  auto loader = std::make_unique<Loader>(dataset, with_threads(8));
  loader->start(plans_of(1000, 100), 0);
  while (dataset->num_calls < 8) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  loader.reset();
  EXPECT_LE(dataset->num_calls, 16);  // of 100: on a busy machine a thread may begin another
}

/// Throws what is no Error of the data.
class FailingDataset : public CountingDataset {
 public:
  FailingDataset() : CountingDataset(20) {}
  Sample get(const SampleRequest& request) const override {
    if (request.index == 7) throw 7;
    if (request.index == 8) throw std::runtime_error("eight");
    return CountingDataset::get(request);
  }
};

TEST(Loader, ForeignExceptionsEndTheEpoch) {
  for (const int num_threads : {0, 1, 4}) {
    Loader loader(std::make_shared<FailingDataset>(), with_threads(num_threads));
    SamplerOptions options;
    options.num_images = 20;
    options.batch_size = 4;
    options.image_size = 32;
    options.shuffle = false;
    loader.start(plan_epoch(options, 0), 0);
    EXPECT_TRUE(loader.next().has_value());
    EXPECT_THROW(loader.next(), int);
    EXPECT_FALSE(loader.next().has_value());
    loader.start(plan_epoch(options, 0), 0, 2);
    EXPECT_THROW(loader.next(), std::runtime_error);
    loader.start(plan_epoch(options, 0), 0, 3);
    EXPECT_TRUE(loader.next().has_value());
  }
}

TEST(Loader, NoMemoryEndsTheEpoch) {
  for (const int num_threads : {0, 2}) {
    int num_buffers = 0;
    LoaderOptions options = with_threads(num_threads);
    options.allocate = [&](std::size_t bytes) {
      if (++num_buffers == 2 || num_buffers == 6) throw std::bad_alloc();
      return std::shared_ptr<std::uint8_t[]>(new std::uint8_t[bytes]);
    };
    Loader loader(std::make_shared<CountingDataset>(40), options);
    std::vector<Batch> kept;  // so that no buffer comes back
    const auto load = [&] {
      loader.start(plans_of(40, 4), 0);
      while (auto batch = loader.next()) kept.push_back(std::move(*batch));
    };
    EXPECT_THROW(load(), std::bad_alloc);
    EXPECT_FALSE(loader.next().has_value());
    EXPECT_THROW(load(), std::bad_alloc);
    kept.clear();
    load();
    EXPECT_EQ(kept.size(), 10);
  }
}

TEST(Loader, RankWithoutImagesGetsEmptyBatches) {
  for (const int num_threads : {0, 2}) {
    Loader loader(std::make_shared<CountingDataset>(5), with_threads(num_threads));
    const auto batches = load_all(loader, deal(plans_of(5, 4), 2, 3), 0);
    ASSERT_EQ(batches.size(), 2);
    EXPECT_EQ(batches[0].images, 1);
    EXPECT_EQ(batches[0].first_image, 3);
    EXPECT_EQ(batches[0].global_images, 4);
    EXPECT_EQ(batches[1].images, 0);
    EXPECT_EQ(batches[1].number, 1);
    EXPECT_EQ(batches[1].height, 32);
    EXPECT_EQ(batches[1].bytes(), 0);
  }
}

using LoaderTest = DataFolder;

TEST_F(LoaderTest, SameBytesForAnyNumberOfThreads) {
  write_set(10);
  AugmentOptions augment;
  augment.degrees = 5;
  const auto dataset = make_training_dataset(index(), 32, augment);
  const auto cached = make_training_dataset(index(), 32, augment, cache(ImageCacheKind::kRam));
  std::vector<std::string> first;
  for (const int num_threads : {0, 1, 2, 4}) {
    for (const auto& data : {dataset, cached}) {
      Loader loader(data, with_threads(num_threads));
      std::vector<std::string> bytes;
      for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
        for (const Batch& batch : load_all(loader, plans_of(10, 4, epoch), epoch)) {
          bytes.push_back(bytes_of(batch));
        }
      }
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first) << num_threads << " threads";
    }
  }
  EXPECT_NE(first[0], first[3]);  // epochs differ
}

TEST_F(LoaderTest, ImageThatBreaksAfterTheScanIsReplaced) {
  write_set(6);
  const auto scanned = index();
  truncate("images/12.jpg");
  Loader loader(make_evaluation_dataset(scanned, 32), with_threads(2));
  const auto batches = load_all(loader, plans_of(6, 6), 0);
  ASSERT_EQ(batches.size(), 1);
  EXPECT_EQ(batches[0].images, 6);
  ASSERT_EQ(loader.failures().size(), 1);
  EXPECT_EQ(loader.failures()[0].path, path("images/12.jpg"));
  EXPECT_EQ(loader.failures()[0].reason, "JPEG data end early");
}

}  // namespace
}  // namespace gannet::testing
