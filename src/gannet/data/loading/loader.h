// Turns batch plans into batches with worker threads and a bounded queue. The batches do not depend
// on the number of threads. An image that cannot be read is replaced by a deterministic other one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gannet/data/loading/sampler.h"
#include "gannet/data/sample/batch.h"
#include "gannet/data/sample/sample.h"

namespace gannet {

struct LoaderOptions {
  int num_threads = 2;  // 0: load on the calling thread
  int prefetch = 3;     // batches ready or in work ahead of the consumer
  std::uint64_t seed = 0;
  /// Memory for pixels, for example page-locked; empty: from the heap. Buffers are used again.
  std::function<std::shared_ptr<std::uint8_t[]>(std::size_t bytes)> allocate;
};

/// An image that failed during the epoch, and why.
struct FailedImage {
  std::string path, reason;
};

class Loader {
 public:
  Loader(std::shared_ptr<const Dataset> dataset, LoaderOptions options);
  Loader(Loader&&) noexcept;
  ~Loader();  // cancels at once

  /// Starts an epoch: `plans` are delivered in their order, from plan `first_batch` on, so that an
  /// epoch goes on where it was left. Cancels what was under way.
  void start(std::vector<BatchPlan> plans, std::uint64_t epoch, std::size_t first_batch = 0);
  /// The next batch, or nothing at the epoch's end. Throws Error when no replacement can be read,
  /// and whatever `allocate` throws; the epoch has then ended.
  std::optional<Batch> next();
  /// Seconds that `next` waited for data since `start`.
  double wait_seconds() const;
  /// Images that could not be read since `start`, each once, by path.
  std::vector<FailedImage> failures() const;
  /// Samples of the delivered batches that were replaced by another one since `start`.
  std::int64_t num_replaced() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gannet
