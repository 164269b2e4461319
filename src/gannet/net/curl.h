// What all uses of libcurl share. For sources only.
#pragma once

#include <curl/curl.h>
#include <signal.h>

#include "gannet/core/error.h"

namespace gannet {

/// Before the first use; again does nothing.
inline void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  GANNET_CHECK(started == CURLE_OK, "libcurl does not start");
}

/// OpenSSL writes to sockets without MSG_NOSIGNAL: a server that hangs up must not end the process.
class NoBrokenPipes {
 public:
  NoBrokenPipes() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoBrokenPipes(const NoBrokenPipes&) = delete;
  NoBrokenPipes& operator=(const NoBrokenPipes&) = delete;
  ~NoBrokenPipes() {
    const timespec at_once{};
    if (sigismember(&before_, SIGPIPE) == 0) sigtimedwait(&pipe_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{}, before_{};
};

/// Sets options, and forgets none that failed.
class CurlOptions {
 public:
  explicit CurlOptions(CURL* curl) : curl_(curl) {}
  template <class T>
  void set(CURLoption option, T value) {
    if (curl_easy_setopt(curl_, option, value) != CURLE_OK) fine_ = false;
  }
  bool fine() const { return fine_; }

 private:
  CURL* curl_;
  bool fine_ = true;
};

}  // namespace gannet
