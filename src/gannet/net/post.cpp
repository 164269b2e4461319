#include "gannet/net/post.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "gannet/net/curl.h"

namespace gannet {
namespace {

/// Of an address, without what may be secret: user, password, path.
std::string host_of(const std::string& url) {
  const auto begin = url.find("://") + 3;
  const std::string authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  return authority.substr(authority.rfind('@') + 1);
}

std::size_t drop_reply(char*, std::size_t size, std::size_t count, void*) { return size * count; }

}  // namespace

void check_post_address(const std::string& url) {
  if ((url.starts_with("http://") || url.starts_with("https://")) && !host_of(url).empty()) return;
  throw Error(ErrorKind::kUsage, "is no http:// or https:// address", {{}, 0, "--webhook"});
}

void post_json(const std::string& url, const std::string& body, double seconds) {
  check_post_address(url);
  start_curl();
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  GANNET_CHECK(curl != nullptr, "libcurl does not start");
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      curl_slist_append(nullptr, "Content-Type: application/json"), &curl_slist_free_all);
  CurlOptions options(curl.get());
  options.set(CURLOPT_URL, url.c_str());
  options.set(CURLOPT_PROTOCOLS_STR, "http,https");
  options.set(CURLOPT_USERAGENT, "gannet/" GANNET_VERSION);
  options.set(CURLOPT_HTTPHEADER, headers.get());
  options.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  options.set(CURLOPT_POSTFIELDS, body.data());
  options.set(CURLOPT_WRITEFUNCTION, &drop_reply);
  options.set(CURLOPT_TIMEOUT_MS, std::lround(1000 * seconds));
  options.set(CURLOPT_NOSIGNAL, 1L);
  GANNET_CHECK(options.fine(), "libcurl lacks an option");
  const NoBrokenPipes guard;
  const CURLcode code = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK && status >= 200 && status < 300) return;
  throw Error(ErrorKind::kIo,
              code == CURLE_OK
                  ? fmt::format("the message was answered with status {}", status)
                  : fmt::format("cannot send the message: {}", curl_easy_strerror(code)),
              {host_of(url), 0, {}});
}

}  // namespace gannet
