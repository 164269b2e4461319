#include "gannet/net/upload.h"

#include <cstdlib>

#include "gannet/core/error.h"
#include "gannet/net/file_upload.h"
#include "gannet/net/s3_upload.h"

namespace gannet {

Environment process_environment() {
  return [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  };
}

std::unique_ptr<Uploader> make_uploader(const std::string& address, const UploadOptions& options,
                                        const Environment& environment) {
  if (address.starts_with("file://")) return make_file_uploader(address);
  if (address.starts_with("s3://") || address.starts_with("gs://"))
    return make_s3_uploader(resolve_s3_target(address, environment), options);
  throw Error(ErrorKind::kUsage, "is no address to upload to", {{}, 0, "--bucket"},
              "give s3://bucket/prefix, gs://bucket/prefix or file:///folder");
}

}  // namespace gannet
