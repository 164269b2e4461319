// Uploads of files to where an address points: a folder (file://), S3 and what speaks its language
// (s3://), Google Cloud Storage (gs://).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace gannet {

/// Value of an environment variable; empty where it is not set.
using Environment = std::function<std::string(const char* name)>;
Environment process_environment();

/// How long an upload is tried; the pauses between attempts double.
struct UploadOptions {
  int attempts = 5;  // of one file
  double connect_seconds = 10;
  double stall_seconds = 30;  // without a thousand bytes a second an attempt has failed
  double first_pause_seconds = 1;
  double longest_pause_seconds = 30;
};

/// One destination. `put` is for one thread at a time; `stop` may come from another.
class Uploader {
 public:
  virtual ~Uploader() = default;
  /// Copies `file` to `remote_name` ("weights/best.pt") below the address, replacing what is there:
  /// whole or not at all. Throws Error (kIo) that says what, where and what to do, without secrets.
  virtual void put(const std::filesystem::path& file, const std::string& remote_name) = 0;
  /// The address for messages, without a slash at its end.
  virtual const std::string& address() const = 0;
  /// Makes the `put` under way, and all later ones, throw soon.
  virtual void stop() = 0;
};

/// The destination of an address; nothing is sent yet. Keys and endpoints come from `environment`
/// (docs/upload.md). Throws Error (kUsage) for an address that cannot be right, a folder that
/// cannot be written to, and keys that are missing.
std::unique_ptr<Uploader> make_uploader(const std::string& address,
                                        const UploadOptions& options = {},
                                        const Environment& environment = process_environment());

}  // namespace gannet
