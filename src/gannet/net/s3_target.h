// Where an s3:// or gs:// address leads, from the variables and files that other S3 programs read
// too.
#pragma once

#include <string>
#include <string_view>

#include "gannet/net/upload.h"

namespace gannet {

/// Secrets: they sign requests and appear in no message.
struct S3Keys {
  std::string id, secret, session_token;  // the token may be empty
};

struct S3Target {
  std::string address;   // "s3://bucket/prefix", for messages
  std::string base_url;  // "https://bucket.s3.eu-west-1.amazonaws.com", "http://host:9000/bucket"
  std::string prefix;    // of all names, not encoded; empty or without slash at its ends
  std::string region;
  std::string ca_file;  // certificates to trust; empty: those of the system
  S3Keys keys;
};

/// Throws Error (kUsage) for a bucket or prefix that cannot be, an endpoint that is no http(s)
/// address, and keys that are missing.
S3Target resolve_s3_target(const std::string& address, const Environment& environment);

/// URL of an object below the prefix.
std::string object_url(const S3Target& target, const std::string& remote_name);

/// Everything but A-Z a-z 0-9 - . _ ~ and '/' as %XX: the one form that is signed and sent.
std::string percent_encoded(std::string_view path);

}  // namespace gannet
