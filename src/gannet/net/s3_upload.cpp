#include "gannet/net/s3_upload.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/net/curl.h"
#include "gannet/net/sha256.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// What a single PUT may carry; beyond it S3 wants uploads in parts.
constexpr std::uintmax_t kLargestObject = 5ull << 30;
constexpr long kSlowestBytesPerSecond = 1000;
constexpr std::size_t kKeptOfReply = 4096;

/// The file under way.
struct Source {
  fs::path path;
  std::uintmax_t size = 0;
  std::string sha256;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{nullptr, &std::fclose};
  std::uintmax_t sent = 0;
  bool failed = false;  // it cannot be read, or became shorter
};

Source open_source(const fs::path& path) {
  Source source;
  source.path = path;
  source.file.reset(std::fopen(path.c_str(), "rbe"));
  if (!source.file) throw_io_error(path, "read");
  std::error_code error;
  source.size = fs::file_size(path, error);
  if (error) throw Error(ErrorKind::kIo, "cannot read: " + error.message(), {path.string(), 0, {}});
  if (source.size > kLargestObject)
    throw Error(ErrorKind::kIo, "is above 5 GiB, more than one upload may carry",
                {path.string(), 0, {}}, "upload it by another program");
  source.sha256 = sha256_of_file(path);
  return source;
}

std::size_t give_bytes(char* buffer, std::size_t size, std::size_t count, void* user) {
  Source& source = *static_cast<Source*>(user);
  const std::size_t read = std::fread(buffer, 1, size * count, source.file.get());
  source.sent += read;
  source.failed = std::ferror(source.file.get()) != 0 || (read == 0 && source.sent < source.size);
  return source.failed ? CURL_READFUNC_ABORT : read;
}

int seek_source(void* user, curl_off_t offset, int origin) {
  Source& source = *static_cast<Source*>(user);
  if (origin != SEEK_SET || ::fseeko(source.file.get(), offset, SEEK_SET) != 0)
    return CURL_SEEKFUNC_FAIL;
  source.sent = static_cast<std::uintmax_t>(offset);
  return CURL_SEEKFUNC_OK;
}

std::size_t keep_reply(char* bytes, std::size_t size, std::size_t count, void* user) {
  std::string& reply = *static_cast<std::string*>(user);
  reply.append(bytes, std::min(size * count, kKeptOfReply - reply.size()));
  return size * count;
}

int tell_if_stopped(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<std::atomic<bool>*>(user) ? 1 : 0;
}

/// A word that a server sent, if it is one: nothing else of its answer enters a message.
std::string harmless_word(std::string_view text) {
  const bool fits = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
  return fits && text.size() <= 60 ? std::string(text) : std::string();
}

/// S3's name for what is wrong: the <Code> of the reply.
std::string error_code_of(std::string_view reply) {
  constexpr std::string_view kOpen = "<Code>";
  const auto begin = reply.find(kOpen);
  const auto end = reply.find("</Code>");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return {};
  return harmless_word(reply.substr(begin + kOpen.size(), end - begin - kOpen.size()));
}

/// How an attempt ended.
struct Outcome {
  bool done = false, try_again = false;
  std::string what, advice;
};

const char* advice_for(long status) {
  if (status >= 300 && status < 400)
    return "redirections are not followed: set AWS_REGION to the bucket's region, or "
           "AWS_ENDPOINT_URL";
  if (status == 400) return "check AWS_REGION";
  if (status == 401 || status == 403)
    return "check the keys, their right to write to the bucket, and the clock";
  if (status == 404) return "check the bucket's name and AWS_ENDPOINT_URL";
  return "the server may be overloaded or down";
}

Outcome outcome_of_reply(CURL* curl, const std::string& reply) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  Outcome outcome;
  outcome.done = status >= 200 && status < 300;
  const std::string code = error_code_of(reply);
  outcome.try_again = status >= 500 || status == 408 || status == 429 || code == "RequestTimeout";
  outcome.what = fmt::format("HTTP {}{}{}", status, code.empty() ? "" : " ", code);
  curl_header* header = nullptr;
  if (curl_easy_header(curl, "x-amz-bucket-region", 0, CURLH_HEADER, -1, &header) == CURLHE_OK) {
    const std::string region = harmless_word(header->value);
    if (!region.empty()) outcome.what += ", the bucket is in " + region;
  }
  outcome.advice = advice_for(status);
  return outcome;
}

Outcome outcome_of_failure(CURLcode code, const char* detail) {
  constexpr CURLcode kPassing[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY,
                                   CURLE_COULDNT_CONNECT,      CURLE_OPERATION_TIMEDOUT,
                                   CURLE_SEND_ERROR,           CURLE_RECV_ERROR,
                                   CURLE_GOT_NOTHING,          CURLE_PARTIAL_FILE,
                                   CURLE_SSL_CONNECT_ERROR};
  Outcome outcome;
  outcome.try_again =
      std::find(std::begin(kPassing), std::end(kPassing), code) != std::end(kPassing);
  outcome.what = *detail != '\0' ? detail : curl_easy_strerror(code);
  outcome.advice = code == CURLE_PEER_FAILED_VERIFICATION
                       ? "AWS_CA_BUNDLE names a file with certificates to trust"
                       : "check the network and AWS_ENDPOINT_URL";
  return outcome;
}

using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

HeaderList make_headers(const S3Target& target, const Source& source) {
  curl_slist* list = curl_slist_append(nullptr, ("x-amz-content-sha256: " + source.sha256).c_str());
  if (!target.keys.session_token.empty())
    list = curl_slist_append(list, ("x-amz-security-token: " + target.keys.session_token).c_str());
  return HeaderList(list, &curl_slist_free_all);
}

class S3Uploader : public Uploader {
 public:
  S3Uploader(S3Target target, const UploadOptions& options)
      : target_(std::move(target)), options_(options), curl_(curl_easy_init(), &curl_easy_cleanup) {
    GANNET_CHECK(curl_ != nullptr, "libcurl does not start");
  }

  void put(const fs::path& file, const std::string& remote_name) override {
    Source source = open_source(file);
    const std::string url = object_url(target_, remote_name);
    const int attempts = unreachable_ ? 1 : options_.attempts;
    double pause = options_.first_pause_seconds;
    for (int attempt = 1;; ++attempt) {
      const Outcome outcome = try_put(source, url);
      unreachable_ = outcome.try_again && !outcome.done;
      if (outcome.done) return;
      if (source.failed)
        throw Error(ErrorKind::kIo, "cannot read, or changed meanwhile", {file.string(), 0, {}});
      if (stopped_ || !outcome.try_again || attempt >= attempts)
        give_up(outcome, remote_name, attempt);
      wait(pause);
      pause = std::min(2 * pause, options_.longest_pause_seconds);
    }
  }

  const std::string& address() const override { return target_.address; }

  void stop() override {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    woken_.notify_all();
  }

 private:
  [[noreturn]] void give_up(const Outcome& outcome, const std::string& name, int attempts) const {
    const Where where{target_.address + "/" + name, 0, {}};
    if (stopped_) throw Error(ErrorKind::kIo, "the upload was stopped", where);
    const std::string tried = attempts > 1 ? fmt::format(", {} times", attempts) : std::string();
    throw Error(ErrorKind::kIo, fmt::format("cannot upload: {}{}", outcome.what, tried), where,
                outcome.advice);
  }

  void wait(double seconds) {
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return stopped_.load(); });
  }

  Outcome try_put(Source& source, const std::string& url) {
    seek_source(&source, 0, SEEK_SET);
    curl_easy_reset(curl_.get());
    char detail[CURL_ERROR_SIZE] = "";
    std::string reply;
    const HeaderList headers = make_headers(target_, source);
    CurlOptions options(curl_.get());
    set_request(options, source, url);
    set_limits(options);
    options.set(CURLOPT_HTTPHEADER, headers.get());
    options.set(CURLOPT_ERRORBUFFER, detail);
    options.set(CURLOPT_WRITEFUNCTION, &keep_reply);
    options.set(CURLOPT_WRITEDATA, &reply);
    GANNET_CHECK(options.fine(), "libcurl lacks an option");
    const NoBrokenPipes guard;
    const CURLcode code = curl_easy_perform(curl_.get());
    // A server may refuse before it has read everything: what it says counts, not the broken pipe.
    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    const bool replied = code == CURLE_OK || (code == CURLE_SEND_ERROR && status >= 300);
    return replied ? outcome_of_reply(curl_.get(), reply) : outcome_of_failure(code, detail);
  }

  /// The signature covers method, path, host, date, body and token; libcurl 7.88 signs the path as
  /// it is sent, so it must come encoded and must not be tidied.
  void set_request(CurlOptions& options, Source& source, const std::string& url) const {
    options.set(CURLOPT_URL, url.c_str());
    options.set(CURLOPT_PATH_AS_IS, 1L);
    options.set(CURLOPT_PROTOCOLS_STR, "http,https");
    options.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    options.set(CURLOPT_USERAGENT, "gannet/" GANNET_VERSION);
    options.set(CURLOPT_AWS_SIGV4, ("aws:amz:" + target_.region + ":s3").c_str());
    options.set(CURLOPT_USERNAME, target_.keys.id.c_str());
    options.set(CURLOPT_PASSWORD, target_.keys.secret.c_str());
    options.set(CURLOPT_UPLOAD, 1L);
    options.set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(source.size));
    options.set(CURLOPT_READFUNCTION, &give_bytes);
    options.set(CURLOPT_READDATA, &source);
    options.set(CURLOPT_SEEKFUNCTION, &seek_source);
    options.set(CURLOPT_SEEKDATA, &source);
    if (!target_.ca_file.empty()) options.set(CURLOPT_CAINFO, target_.ca_file.c_str());
  }

  void set_limits(CurlOptions& options) {
    options.set(CURLOPT_NOSIGNAL, 1L);
    options.set(CURLOPT_FOLLOWLOCATION, 0L);
    options.set(CURLOPT_CONNECTTIMEOUT_MS, std::lround(1000 * options_.connect_seconds));
    options.set(CURLOPT_LOW_SPEED_LIMIT, kSlowestBytesPerSecond);
    options.set(CURLOPT_LOW_SPEED_TIME, std::max(1L, std::lround(options_.stall_seconds)));
    options.set(CURLOPT_NOPROGRESS, 0L);
    options.set(CURLOPT_XFERINFOFUNCTION, &tell_if_stopped);
    options.set(CURLOPT_XFERINFODATA, &stopped_);
  }

  S3Target target_;
  UploadOptions options_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
  bool unreachable_ = false;  // the last file was given up: the next ones are tried once
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::condition_variable woken_;
};

}  // namespace

std::unique_ptr<Uploader> make_s3_uploader(S3Target target, const UploadOptions& options) {
  start_curl();
  return std::make_unique<S3Uploader>(std::move(target), options);
}

}  // namespace gannet
