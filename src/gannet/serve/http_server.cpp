#include "gannet/serve/http_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace gannet {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kIdle(5);    // how long an open connection waits for a request
constexpr std::chrono::seconds kLinger(2);  // for what the client still sends after a refusal
constexpr std::chrono::milliseconds kTick(50);
constexpr std::size_t kMaxHeaderBytes = 65536;

/// Whether the socket is ready for `events` before the deadline.
bool ready(int socket, short events, Clock::time_point deadline) {
  pollfd entry = {socket, events, 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const int count = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (count >= 0 || errno != EINTR) return count > 0;
  }
}

/// A socket as httplib reads and writes it. Closes it at last.
class Connection : public httplib::Stream {
 public:
  /// @param broken where it becomes true, what is being read or written ends; null: never
  Connection(int socket, const std::atomic<bool>* broken) : socket_(socket), broken_(broken) {
    const int yes = 1;  // else the end of an answer waits until its beginning is acknowledged
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override {
    if (refused_) linger();
    ::close(socket_);
  }

  /// False: idle for too long, or the server stops and nothing has come.
  bool wait_for_request(const std::atomic<bool>& stopping) {
    const auto end = Clock::now() + kIdle;
    while (begin_ == end_) {
      const bool last = stopping || Clock::now() > end;
      if (ready(socket_, POLLIN, Clock::now() + (last ? kTick * 0 : kTick))) return true;
      if (last) return false;
    }
    return true;
  }
  void begin_request(Clock::time_point deadline) {
    deadline_ = deadline;
    header_bytes_left_ = kMaxHeaderBytes;
  }
  void end_of_headers() { header_bytes_left_ = std::string::npos; }
  void refuse_more() { refused_ = true; }
  bool refused() const { return refused_; }

  bool is_readable() const override { return begin_ < end_ || wait_for(POLLIN, deadline_); }
  bool is_writable() const override { return wait_for(POLLOUT, deadline_); }
  ssize_t read(char* to, std::size_t size) override {
    if (begin_ == end_ && !fill()) return 0;
    const std::size_t count = std::min({size, end_ - begin_, header_bytes_left_});
    if (count == 0) return -1;  // too long a header
    std::copy_n(buffer_.data() + begin_, count, to);
    begin_ += count;
    if (header_bytes_left_ != std::string::npos) header_bytes_left_ -= count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    // After an answer of failure the rest of the request may be unread.
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    const std::string_view text(from, size);
    if (text.starts_with(kVersion) && size > kVersion.size() && text[kVersion.size()] >= '4')
      refused_ = true;
    std::size_t sent = 0;
    while (sent < size) {
      if (!wait_for(POLLOUT, std::max(deadline_, Clock::now() + kLinger))) return -1;
      const ssize_t count = ::send(socket_, from + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno != EINTR && errno != EAGAIN) return -1;
      if (count > 0) sent += static_cast<std::size_t>(count);
    }
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return socket_; }

 private:
  bool wait_for(short events, Clock::time_point deadline) const {
    if (broken_ == nullptr) return ready(socket_, events, deadline);
    while (!*broken_) {
      if (ready(socket_, events, std::min(deadline, Clock::now() + kTick))) return true;
      if (Clock::now() >= deadline) return false;
    }
    return false;
  }

  /// Reads what is there. False at the end, at the deadline and after a failure.
  bool fill() {
    begin_ = end_ = 0;
    if (!is_readable()) return false;
    const ssize_t count = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    if (count > 0) end_ = static_cast<std::size_t>(count);
    return count > 0;
  }

  /// Closing with unread data would take back the answer that was just sent.
  void linger() {
    ::shutdown(socket_, SHUT_WR);
    const auto end = Clock::now() + kLinger;
    while (wait_for(POLLIN, end) && ::recv(socket_, buffer_.data(), buffer_.size(), 0) > 0 &&
           Clock::now() < end) {
    }
  }

  int socket_;
  const std::atomic<bool>* broken_;
  Clock::time_point deadline_;
  std::array<char, 16384> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what is in the buffer
  std::size_t header_bytes_left_ = 0;
  bool refused_ = false;
};

bool has_body(const httplib::Request& request) {
  return request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
}

/// A thread for each connection, made when needed and used again: httplib makes all of them at once
/// and uses them in turn, and each keeps some memory.
class ConnectionThreads : public httplib::TaskQueue {
 public:
  explicit ConnectionThreads(std::size_t max_threads) : max_threads_(max_threads) {}
  void enqueue(std::function<void()> job) override {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (jobs_.size() > idle_ && threads_.size() < max_threads_)
      threads_.emplace_back([this] { work(); });
    changed_.notify_one();
  }
  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      changed_.wait(lock, [&] { return ending_ || !jobs_.empty(); });
      --idle_;
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  const std::size_t max_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

}  // namespace

HttpServer::HttpServer(std::chrono::duration<double> request_timeout, std::size_t max_connections,
                       AtEnd at_end)
    : timeout_(request_timeout), at_end_(at_end) {
  new_task_queue = [max_connections] { return new ConnectionThreads(max_connections); };
}

int HttpServer::bind(const std::string& host, int port) {
  constexpr int kBacklog = 1024;            // httplib's is 5
  set_socket_options([](socket_t socket) {  // httplib's let two servers share a port
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  int bound = -1;
  if (port == 0) bound = bind_to_any_port(host);
  if (port != 0 && bind_to_port(host, port)) bound = port;
  if (bound > 0) ::listen(svr_sock_, kBacklog);
  return bound;
}

void HttpServer::stop_listening() noexcept {
  stopping_ = true;
  const socket_t socket = svr_sock_.exchange(INVALID_SOCKET);
  if (socket == INVALID_SOCKET) return;
  ::shutdown(socket, SHUT_RDWR);
  ::close(socket);
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  Connection connection(socket, at_end_ == AtEnd::kBreak ? &stopping_ : nullptr);
  bool open = true;
  while (open && !connection.refused() && connection.wait_for_request(stopping_)) {
    connection.begin_request(Clock::now() + std::chrono::duration_cast<Clock::duration>(timeout_));
    bool closing = stopping_;
    open = process_request(connection, closing, closing, [&](httplib::Request& request) {
      connection.end_of_headers();
      if (request.method != "POST" && has_body(request))  // httplib would not read it
        connection.refuse_more();
      if (!has_body(request))  // httplib would read on to the end of the connection
        request.headers.emplace("Content-Length", "0");
      const auto type = request.headers.find("Content-Type");
      if (type == request.headers.end()) return;
      request.headers.emplace(kContentTypeHeader, type->second);
      request.headers.erase("Content-Type");
    });
    open = open && !closing;
  }
  return true;
}

}  // namespace gannet
