// httplib's server with connections of our own: whole requests have a time limit, headers a size
// limit, a request that was not read to its end closes its connection, and idle connections do not
// delay the end.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <string>

namespace gannet {

/// Where a request's content type is found: httplib would take forms apart by itself.
inline constexpr const char* kContentTypeHeader = "Gannet-Content-Type";

class HttpServer : public httplib::Server {
 public:
  /// What becomes of answers under way when the server stops.
  enum class AtEnd { kFinish, kBreak };

  /// @param max_connections served at once; more wait for one of them to end
  HttpServer(std::chrono::duration<double> request_timeout, std::size_t max_connections,
             AtEnd at_end = AtEnd::kFinish);
  /// The port that it got, or -1. @param port 0: any that is free
  int bind(const std::string& host, int port);
  /// Signal-safe, in place of httplib's, which does nothing before the server runs.
  void stop_listening() noexcept;
  bool stopping() const { return stopping_; }

 private:
  bool process_and_close_socket(socket_t socket) override;

  std::chrono::duration<double> timeout_;
  AtEnd at_end_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace gannet
