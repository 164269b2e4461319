#include "gannet/data/loading/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <opencv2/core/utility.hpp>
#include <system_error>
#include <thread>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/rng.h"
#include "gannet/data/loading/pixel_pool.h"

namespace gannet {
namespace {

constexpr int kMaxReplacements = 16;

/// One image of a batch in work.
struct Slot {
  std::vector<Label> labels;
  SampleInfo info;
  std::vector<FailedImage> failures;
  std::exception_ptr error;
};

/// A batch in work. Threads write to different slots and pixels; the rest is under the lock.
struct Work {
  BatchPlan plan;
  std::uint64_t epoch = 0;
  std::shared_ptr<std::uint8_t[]> pixels;
  std::vector<Slot> slots;
  std::size_t num_taken = 0, num_done = 0;
  bool ready() const { return num_done == slots.size(); }
};

std::size_t bytes_of(const BatchPlan& plan) {
  return plan.indices.size() * static_cast<std::size_t>(plan.height) *
         static_cast<std::size_t>(plan.width) * 3;
}

/// The requested sample, or the first readable one of a fixed series of others.
Sample get_or_replace(const Dataset& dataset, SampleRequest request, std::uint8_t* rgb,
                      Slot& slot) {
  Rng rng({request.seed, request.epoch, static_cast<std::uint64_t>(request.index),
           Purpose::kReplacement});
  for (int attempt = 0;; ++attempt) {
    try {
      Sample sample = dataset.get_into(request, rgb);
      slot.info.index = request.index;
      slot.info.replacement = attempt > 0;
      return sample;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kData) throw;
      slot.failures.push_back({error.where().path, error.message()});
      if (attempt == kMaxReplacements) {
        throw Error(ErrorKind::kData,
                    fmt::format("{}; neither can {} others in its place", error.message(),
                                kMaxReplacements),
                    error.where(), "check that the data set is still there");
      }
    }
    request.index = rng.below(dataset.size());
  }
}

void load_slot(const Dataset& dataset, std::uint64_t seed, Work& work, std::size_t position) {
  Slot& slot = work.slots[position];
  try {
    const BatchPlan& plan = work.plan;
    SampleRequest request{plan.indices[position], seed, work.epoch, plan.height, plan.width};
    if (!plan.copies.empty()) request.copy = plan.copies[position];
    std::uint8_t* const rgb = work.pixels.get() + position * (bytes_of(plan) / plan.indices.size());
    slot.info.requested = request.index;
    Sample sample = get_or_replace(dataset, request, rgb, slot);
    slot.labels = std::move(sample.labels);
    slot.info.path = std::move(sample.path);
    slot.info.letterbox = sample.letterbox;
    slot.info.mosaic = sample.mosaic;
  } catch (...) {
    slot.error = std::current_exception();
  }
}

Batch to_batch(Work& work) {
  Batch batch;
  batch.epoch = static_cast<std::int64_t>(work.epoch);
  batch.number = work.plan.number;
  batch.images = static_cast<int>(work.slots.size());
  batch.height = work.plan.height;
  batch.width = work.plan.width;
  batch.first_image = work.plan.first_image;
  batch.global_images = work.plan.global_images;
  batch.pixels = std::move(work.pixels);
  for (std::size_t i = 0; i < work.slots.size(); ++i) {
    for (const Label& label : work.slots[i].labels) {
      batch.targets.push_back({static_cast<float>(i), static_cast<float>(label.class_id), label.cx,
                               label.cy, label.width, label.height});
    }
    batch.samples.push_back(std::move(work.slots[i].info));
  }
  return batch;
}

}  // namespace

struct Loader::Impl {
  Impl(std::shared_ptr<const Dataset> dataset_in, LoaderOptions options_in)
      : dataset(std::move(dataset_in)),
        options(std::move(options_in)),
        pool(std::make_shared<PixelPool>(options.allocate,
                                         static_cast<std::size_t>(max_open()) + 2)) {
    start_threads();
  }

  ~Impl() {
    {
      const std::scoped_lock lock(mutex);
      stopping = true;
    }
    work_available.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  /// As many as the system gives; without any the calling thread loads.
  void start_threads() {
    try {
      while (threads.size() < static_cast<std::size_t>(options.num_threads)) {
        threads.emplace_back([this] { run(); });
      }
    } catch (const std::system_error& error) {
      log_warning("only {} of {} loader threads could be started: {}", threads.size(),
                  options.num_threads, error.what());
      options.num_threads = static_cast<int>(threads.size());
    }
  }

  int max_open() const { return options.num_threads == 0 ? 1 : std::max(1, options.prefetch); }

  /// Puts further batches into work, as many as prefetch allows. Under the lock.
  void open_batches() {
    while (open.size() < static_cast<std::size_t>(max_open()) && next_plan < plans.size()) {
      open.push_back(open_batch(std::move(plans[next_plan++])));
    }
  }

  std::shared_ptr<Work> open_batch(BatchPlan plan) {
    try {
      auto work = std::make_shared<Work>();
      work->plan = std::move(plan);
      work->epoch = epoch;
      work->slots.resize(work->plan.indices.size());
      work->pixels = pool->acquire(max_bytes);
      return work;
    } catch (...) {
      cancel();  // a batch must not be left out unnoticed
      throw;
    }
  }

  /// The oldest batch with an image that nobody has taken yet. Under the lock.
  std::shared_ptr<Work> find_work() const {
    for (const auto& work : open) {
      if (work->num_taken < work->slots.size()) return work;
    }
    return nullptr;
  }

  /// A worker: takes single images, so that the oldest batch is ready soonest.
  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      std::shared_ptr<Work> work;
      work_available.wait(lock, [&] { return stopping || (work = find_work()) != nullptr; });
      if (stopping) return;
      const std::size_t position = work->num_taken++;
      lock.unlock();
      load_slot(*dataset, options.seed, *work, position);
      lock.lock();
      ++work->num_done;
      if (work->ready()) batch_ready.notify_all();
    }
  }

  /// Ends the epoch. Under the lock.
  void cancel() {
    open.clear();  // a worker may still write into its batch, which it keeps alive
    plans.clear();
    next_plan = 0;
  }

  std::shared_ptr<Work> take_front() {
    std::unique_lock lock(mutex);
    if (open.empty()) open_batches();
    if (open.empty()) return nullptr;
    const std::shared_ptr<Work> work = open.front();
    if (options.num_threads == 0) {
      for (std::size_t i = 0; i < work->slots.size(); ++i) {
        load_slot(*dataset, options.seed, *work, i);
      }
    } else {
      batch_ready.wait(lock, [&] { return work->ready(); });
    }
    open.pop_front();
    if (options.num_threads > 0) open_batches();
    return work;
  }

  /// Keeps the failures of a batch; rethrows its first error.
  void check(const Work& work) {
    const std::scoped_lock lock(mutex);
    for (const Slot& slot : work.slots) {
      for (const FailedImage& image : slot.failures) failures.emplace(image.path, image.reason);
      num_replaced += slot.info.replacement;
    }
    for (const Slot& slot : work.slots) {
      if (!slot.error) continue;
      cancel();
      std::rethrow_exception(slot.error);
    }
  }

  std::shared_ptr<const Dataset> dataset;
  LoaderOptions options;
  std::shared_ptr<PixelPool> pool;

  mutable std::mutex mutex;
  std::condition_variable work_available, batch_ready;
  std::vector<BatchPlan> plans;
  std::size_t next_plan = 0, max_bytes = 0;
  std::uint64_t epoch = 0;
  std::deque<std::shared_ptr<Work>> open;  // in the order of delivery
  std::map<std::string, std::string> failures;
  std::int64_t num_replaced = 0;
  double waited_s = 0;
  bool stopping = false;
  std::vector<std::thread> threads;
};

Loader::Loader(std::shared_ptr<const Dataset> dataset, LoaderOptions options) {
  cv::setNumThreads(0);  // our workers are the parallelism; OpenCV would multiply it
  impl_ = std::make_unique<Impl>(std::move(dataset), std::move(options));
}

Loader::Loader(Loader&&) noexcept = default;
Loader::~Loader() = default;

void Loader::start(std::vector<BatchPlan> plans, std::uint64_t epoch, std::size_t first_batch) {
  GANNET_CHECK(first_batch <= plans.size(), "an epoch has no batch of that number");
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->cancel();
    impl_->next_plan = first_batch;
    impl_->plans = std::move(plans);
    impl_->epoch = epoch;
    impl_->failures.clear();
    impl_->num_replaced = 0;
    impl_->waited_s = 0;
    impl_->max_bytes = 1;  // a batch without images has memory as well
    for (const BatchPlan& plan : impl_->plans) {
      impl_->max_bytes = std::max(impl_->max_bytes, bytes_of(plan));
    }
    impl_->open_batches();
  }
  impl_->work_available.notify_all();
}

std::optional<Batch> Loader::next() {
  const auto begin = std::chrono::steady_clock::now();
  const std::shared_ptr<Work> work = impl_->take_front();
  impl_->work_available.notify_all();
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begin;
  impl_->waited_s += waited.count();
  if (!work) return std::nullopt;
  impl_->check(*work);
  return to_batch(*work);
}

double Loader::wait_seconds() const { return impl_->waited_s; }

std::vector<FailedImage> Loader::failures() const {
  const std::scoped_lock lock(impl_->mutex);
  std::vector<FailedImage> result;
  for (const auto& [path, reason] : impl_->failures) result.push_back({path, reason});
  return result;
}

std::int64_t Loader::num_replaced() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->num_replaced;
}

}  // namespace gannet
