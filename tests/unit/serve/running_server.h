// A server on a port of its own with a detector that can be checked and held up, and clients.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <thread>
#include <vector>

#include "gannet/serve/server.h"

namespace gannet::testing {

/// A picture file whose pixels are all of one grey, which the detector below answers as the class.
inline std::string png_of(int grey, cv::Size size = {20, 10}) {
  std::vector<unsigned char> bytes;
  cv::imencode(".png", cv::Mat(size, CV_8UC3, cv::Scalar::all(grey)), bytes);
  return {bytes.begin(), bytes.end()};
}

/// Waits while it is closed.
class Gate {
 public:
  void close() { set(false); }
  void open() { set(true); }
  void pass() {
    std::unique_lock lock(mutex_);
    ++passing_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  /// Until so many have come to the gate.
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return passing_ >= count; });
  }

 private:
  void set(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int passing_ = 0;
};

class RunningServer {
 public:
  explicit RunningServer(ServeOptions options = {})
      : server_(on_any_port(options), [this](const auto& images) { return detect(images); }),
        thread_([this] { server_.run(); }) {}
  ~RunningServer() { stop(); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  void stop() {
    gate.open();
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }
  Server& server() { return server_; }
  int port() const { return server_.port(); }
  std::vector<std::size_t> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  httplib::Client client() const {
    httplib::Client client("127.0.0.1", port());
    client.set_read_timeout(20);
    client.set_tcp_nodelay(true);
    return client;
  }
  httplib::Result post(const std::string& body, const std::string& address = "/detect") const {
    return client().Post(address, body, "application/octet-stream");
  }
  int status(const std::string& body, const std::string& address = "/detect") const {
    const httplib::Result result = post(body, address);
    return result ? result->status : -1;
  }
  /// What comes back for these bytes, up to the end of the connection.
  std::string send_raw(const std::string& bytes) const {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port()));
    ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ::shutdown(socket, SHUT_WR);
    std::string answer;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::recv(socket, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(count));
    ::close(socket);
    return answer;
  }

  Gate gate;                          // in front of each detection
  std::atomic<bool> failing = false;  // detection of pictures with grey 13

 private:
  static ServeOptions on_any_port(ServeOptions options) {
    options.port = 0;
    return options;
  }
  std::vector<std::vector<Detection>> detect(const std::vector<ImageView>& images) {
    {
      const std::lock_guard lock(mutex_);
      batches_.push_back(images.size());
    }
    gate.pass();
    std::vector<std::vector<Detection>> found;
    for (const ImageView& image : images) {
      if (failing && image.data[0] == 13) throw std::runtime_error("unlucky");
      const Box whole = {0, 0, static_cast<float>(image.width), static_cast<float>(image.height)};
      found.push_back({{whole, 0.75F, image.data[0], "grey"}, {whole, 0.25F, 255, "weak"}});
    }
    return found;
  }

  mutable std::mutex mutex_;
  std::vector<std::size_t> batches_;
  Server server_;
  std::thread thread_;
};

}  // namespace gannet::testing
