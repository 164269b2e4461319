// A small S3 for tests: one bucket store on a local port that computes signature 4 by itself, from
// what came over the wire, and misbehaves when told to.
// Source: AWS General Reference, "Signature Version 4 signing process".
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gannet/core/text.h"

namespace gannet::testing {

enum class Behaviour { kStore, kBusy, kTooMany, kForbid, kRedirect, kDrop, kHang, kUnknownBucket };

class S3Server {
 public:
  /// What the first requests meet; later ones are stored.
  explicit S3Server(std::vector<Behaviour> script = {}, std::string region = "us-east-1")
      : script_(std::move(script)),
        region_(std::move(region)),
        listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  S3Server(const S3Server&) = delete;
  S3Server& operator=(const S3Server&) = delete;
  ~S3Server() {
    ending_ = true;
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  int requests() const { return requests_; }
  /// Content by decoded path ("/bucket/key").
  std::map<std::string, std::string> objects() const {
    const std::lock_guard lock(mutex_);
    return objects_;
  }
  /// Headers of the last complete request, by lower-case name.
  std::map<std::string, std::string> headers() const {
    const std::lock_guard lock(mutex_);
    return headers_;
  }

  static constexpr const char* kId = "AKIDEXAMPLE";
  static constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

 private:
  struct Request {
    std::string method, path, query, body;
    std::map<std::string, std::string> headers;
  };

  static std::string hex(const unsigned char* bytes, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
    return text;
  }
  static std::string sha256(const std::string& text) {
    unsigned char digest[32];
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
    return hex(digest, sizeof digest);
  }
  static std::string hmac(const std::string& key, const std::string& text) {
    unsigned char digest[32];
    unsigned int size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
    return {reinterpret_cast<char*>(digest), size};
  }
  static std::string decoded(const std::string& path) {
    std::string text;
    for (std::size_t i = 0; i < path.size(); ++i) {
      const bool code = path[i] == '%' && i + 2 < path.size();
      text += code ? static_cast<char>(std::strtol(path.substr(i + 1, 2).c_str(), nullptr, 16))
                   : path[i];
      if (code) i += 2;
    }
    return text;
  }
  static std::string encoded(const std::string& text) {
    std::string path;
    for (const char c : text) {
      const bool kept = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                        std::string("-._~/").find(c) != std::string::npos;
      path += kept ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return path;
  }
  static std::string between(const std::string& text, const std::string& open, char close) {
    const auto begin = text.find(open);
    if (begin == std::string::npos) return {};
    const auto from = begin + open.size();
    return text.substr(from, text.find(close, from) - from);
  }

  /// What is wrong with the request, as S3's code; empty where it is well signed.
  std::string fault_of(const Request& request) const {
    const auto header = [&](const std::string& name) {
      const auto found = request.headers.find(name);
      return found == request.headers.end() ? std::string() : found->second;
    };
    const std::string authorization = header("authorization"), time = header("x-amz-date");
    const std::string scope = time.substr(0, 8) + "/" + region_ + "/s3/aws4_request";
    if (between(authorization, "Credential=", ',') != std::string(kId) + "/" + scope)
      return "InvalidAccessKeyId";
    if (header("x-amz-content-sha256") != sha256(request.body)) return "XAmzContentSHA256Mismatch";
    const std::vector<std::string> names =
        split(between(authorization, "SignedHeaders=", ','), ';');
    std::string lines;
    for (const std::string& name : names) lines += name + ":" + header(name) + "\n";
    const auto is_signed = [&](const std::string& name) {
      return std::count(names.begin(), names.end(), name) == 1;
    };
    if (!is_signed("host") || !std::is_sorted(names.begin(), names.end())) return "AccessDenied";
    for (const auto& [name, value] : request.headers)
      if (name.starts_with("x-amz-") && !is_signed(name)) return "AccessDenied";
    const std::string canonical = request.method + "\n" + encoded(decoded(request.path)) + "\n" +
                                  request.query + "\n" + lines + "\n" +
                                  between(authorization, "SignedHeaders=", ',') + "\n" +
                                  header("x-amz-content-sha256");
    const std::string to_sign =
        "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256(canonical);
    const std::string key =
        hmac(hmac(hmac(hmac(std::string("AWS4") + kSecret, time.substr(0, 8)), region_), "s3"),
             "aws4_request");
    const std::string signature = hmac(key, to_sign);
    const std::string expected =
        hex(reinterpret_cast<const unsigned char*>(signature.data()), signature.size());
    return between(authorization, "Signature=", '\r') == expected ? "" : "SignatureDoesNotMatch";
  }

  static void answer(int connection, const std::string& status, const std::string& more = {},
                     const std::string& code = {}) {
    const std::string body = code.empty() ? ""
                                          : "<?xml version=\"1.0\"?><Error><Code>" + code +
                                                "</Code><Message>key " + kId + "</Message></Error>";
    const std::string text =
        fmt::format("HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{}", status,
                    body.size(), more, body);
    (void)!::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
  }

  /// One more piece, or false at the end of the connection or of the server.
  bool receive(int connection, std::string& text) const {
    while (!ending_) {
      pollfd waiting{connection, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      char buffer[65536];
      const ssize_t size = ::recv(connection, buffer, sizeof buffer, 0);
      if (size <= 0) return false;
      text.append(buffer, static_cast<std::size_t>(size));
      return true;
    }
    return false;
  }

  bool read_request(int connection, Request& request) const {
    std::string text;
    while (text.find("\r\n\r\n") == std::string::npos)
      if (!receive(connection, text)) return false;
    const auto head = text.find("\r\n\r\n");
    request.body = text.substr(head + 4);
    std::vector<std::string> lines = split(text.substr(0, head), '\n');
    const std::vector<std::string> words = split(lines.front(), ' ');
    const auto question = words.at(1).find('?');
    request.method = words.front();
    request.path = words.at(1).substr(0, question);
    if (question != std::string::npos) request.query = words.at(1).substr(question + 1);
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const auto colon = lines[i].find(':');
      request.headers[to_lower(lines[i].substr(0, colon))] = trim(lines[i].substr(colon + 1));
    }
    if (request.headers.contains("expect")) answer_continue(connection);
    const auto length = std::strtoull(request.headers["content-length"].c_str(), nullptr, 10);
    while (request.body.size() < length)
      if (!receive(connection, request.body)) return false;
    return true;
  }
  static void answer_continue(int connection) {
    const std::string text = "HTTP/1.1 100 Continue\r\n\r\n";
    (void)!::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
  }

  void store(int connection, const Request& request) {
    const std::string fault = fault_of(request);
    if (!fault.empty()) return answer(connection, "403 Forbidden", {}, fault);
    {
      const std::lock_guard lock(mutex_);
      objects_[decoded(request.path)] = request.body;
    }
    answer(connection, "200 OK");
  }

  void handle(int connection) {
    const auto number = static_cast<std::size_t>(requests_++);
    const Behaviour behaviour = number < script_.size() ? script_[number] : Behaviour::kStore;
    Request request;
    std::string rest;
    if (behaviour == Behaviour::kDrop) return;
    if (!read_request(connection, request)) return;
    {
      const std::lock_guard lock(mutex_);
      headers_ = request.headers;
    }
    switch (behaviour) {
      case Behaviour::kBusy:
        return answer(connection, "503 Slow Down", {}, "SlowDown");
      case Behaviour::kTooMany:
        return answer(connection, "429 Too Many Requests");
      case Behaviour::kForbid:
        return answer(connection, "403 Forbidden", {}, "AccessDenied");
      case Behaviour::kUnknownBucket:
        return answer(connection, "404 Not Found", {}, "NoSuchBucket");
      case Behaviour::kRedirect:
        return answer(connection, "301 Moved Permanently",
                      "Location: " + url() + "/elsewhere\r\nx-amz-bucket-region: eu-west-3\r\n",
                      "PermanentRedirect");
      case Behaviour::kHang:
        while (receive(connection, rest)) {
        }
        return;
      default:
        return store(connection, request);
    }
  }

  void serve() {
    while (!ending_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int connection = ::accept(listener_, nullptr, nullptr);
      handle(connection);
      ::shutdown(connection, SHUT_WR);
      ::close(connection);
    }
  }

  std::vector<Behaviour> script_;
  std::string region_;
  int listener_;
  int port_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<int> requests_{0};
  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_, headers_;
  std::thread thread_;
};

}  // namespace gannet::testing
