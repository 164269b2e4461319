// Detections over HTTP: pictures of many clients, put together into batches for one detector. Knows
// no tensors: it is given the function that detects.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/core/image_view.h"

namespace gannet {

/// Where to listen, and how much to take in.
struct ServeOptions {
  std::string host = "127.0.0.1";
  int port = 8080;                      // 0: any that is free
  std::string token = {};               // that requests must bear; empty: none
  int max_batch = 16;                   // pictures that are detected together
  int queue = 256;                      // pictures taken in and not answered
  int max_body_mb = 32;                 // of a request, MiB
  int max_megapixels = 64;              // of a picture
  double timeout_s = 30;                // for a request, from its first byte to its answer
  std::vector<std::string> names = {};  // of the classes by number, which requests may choose
};

/// Objects in each of several pictures of one size; called by one thread at a time.
using DetectFunction =
    std::function<std::vector<std::vector<Detection>>(const std::vector<ImageView>&)>;

class Server {
 public:
  /// Binds the port. Throws Error (kUsage) where host or port cannot be had.
  Server(const ServeOptions& options, DetectFunction detect);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;
  /// Serves until `stop`; then answers what it has taken in, and returns.
  void run();
  /// May be called from any thread and from a signal handler, also before `run`.
  void stop() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gannet
