// A message to a web address, once: for those who want to be told of a run.
#pragma once

#include <string>

namespace gannet {

/// Posts JSON to an http or https address. Throws Error (kIo) where that fails, takes longer than
/// `seconds` or is answered by anything but success; kUsage for another kind of address. Addresses
/// may be secret: messages name the host only.
void post_json(const std::string& url, const std::string& body, double seconds);

/// Throws Error (kUsage) for what `post_json` would refuse.
/// @param flag that named the address
void check_post_address(const std::string& url, const char* flag = "--webhook");

}  // namespace gannet
