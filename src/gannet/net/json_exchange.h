// Questions to a web service that speaks JSON, one at a time.
#pragma once

#include <string>

namespace gannet {

struct JsonReply {
  long status = 0;
  std::string body;  // its first 4 MiB
};

/// Posts JSON, or asks where `body` is empty. Names and passwords may stand in the address.
/// Throws Error (kIo) where no answer comes within `seconds`; messages name the host only.
JsonReply exchange_json(const std::string& url, const std::string& body, double seconds);

/// Of an address, without what may be secret: user, password, path.
std::string host_of_address(const std::string& url);

}  // namespace gannet
