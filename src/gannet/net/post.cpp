#include "gannet/net/post.h"

#include <fmt/format.h>

#include "gannet/core/error.h"
#include "gannet/net/json_exchange.h"

namespace gannet {

void check_post_address(const std::string& url, const char* flag) {
  const bool is_web = url.starts_with("http://") || url.starts_with("https://");
  if (is_web && !host_of_address(url).empty()) return;
  throw Error(ErrorKind::kUsage, "is no http:// or https:// address", {{}, 0, flag});
}

void post_json(const std::string& url, const std::string& body, double seconds) {
  check_post_address(url);
  const JsonReply reply = exchange_json(url, body, seconds);
  if (reply.status < 200 || reply.status >= 300)
    throw Error(ErrorKind::kIo,
                fmt::format("the message was answered with status {}", reply.status),
                {host_of_address(url), 0, {}});
}

}  // namespace gannet
