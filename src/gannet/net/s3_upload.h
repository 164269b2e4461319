// Uploads to S3 and to servers that speak its language, by signed PUT requests (AWS signature 4).
#pragma once

#include <memory>

#include "gannet/net/s3_target.h"
#include "gannet/net/upload.h"

namespace gannet {

/// Its `put` streams from the disk, checks certificates, follows no redirection, and tries again
/// after connection errors, 5xx, 408 and 429; only once for each file after one that was given up.
std::unique_ptr<Uploader> make_s3_uploader(S3Target target, const UploadOptions& options);

}  // namespace gannet
