#include "gannet/net/json_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "gannet/net/curl.h"

namespace gannet {
namespace {

std::size_t add_reply(char* data, std::size_t size, std::size_t count, void* to) {
  constexpr std::size_t kMaxReply = 4 << 20;
  auto& body = *static_cast<std::string*>(to);
  body.append(data, std::min(size * count, kMaxReply - body.size()));
  return size * count;
}

}  // namespace

std::string host_of_address(const std::string& url) {
  const auto scheme = url.find("://");
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::string authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  return authority.substr(authority.rfind('@') + 1);
}

JsonReply exchange_json(const std::string& url, const std::string& body, double seconds) {
  start_curl();
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  GANNET_CHECK(curl != nullptr, "libcurl does not start");
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      curl_slist_append(nullptr, "Content-Type: application/json"), &curl_slist_free_all);
  JsonReply reply;
  CurlOptions options(curl.get());
  options.set(CURLOPT_URL, url.c_str());
  options.set(CURLOPT_PROTOCOLS_STR, "http,https");
  options.set(CURLOPT_USERAGENT, "gannet/" GANNET_VERSION);
  options.set(CURLOPT_HTTPHEADER, headers.get());
  if (!body.empty()) {
    options.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    options.set(CURLOPT_POSTFIELDS, body.data());
  }
  options.set(CURLOPT_WRITEFUNCTION, &add_reply);
  options.set(CURLOPT_WRITEDATA, &reply.body);
  options.set(CURLOPT_TIMEOUT_MS, std::lround(1000 * seconds));
  options.set(CURLOPT_NOSIGNAL, 1L);
  GANNET_CHECK(options.fine(), "libcurl lacks an option");
  const NoBrokenPipes guard;
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK)
    throw Error(ErrorKind::kIo,
                fmt::format("cannot send the message: {}", curl_easy_strerror(code)),
                {host_of_address(url), 0, {}});
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
  return reply;
}

}  // namespace gannet
