#include "gannet/serve/server.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <opencv2/core.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/stopwatch.h"
#include "gannet/data/images/image_io.h"
#include "gannet/serve/answer.h"
#include "gannet/serve/answer_filter.h"
#include "gannet/serve/batcher.h"
#include "gannet/serve/http_answers.h"
#include "gannet/serve/http_error.h"
#include "gannet/serve/http_server.h"
#include "gannet/serve/page.h"
#include "gannet/serve/posted_pictures.h"
#include "gannet/serve/serve_metrics.h"

namespace gannet {
namespace {

using httplib::Request;
using httplib::Response;

constexpr int kSpareConnections = 32;  // so that a full queue is answered, not waited for
constexpr const char* kJson = "application/json";

/// A header's value, nothing for what is no number.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string read_body(const Request& request, const httplib::ContentReader& read,
                      std::size_t max_bytes) {
  const std::string length = request.get_header_value("Content-Length");
  const auto announced = number(length);
  if (!length.empty() && !announced) throw HttpError(400, "Content-Length is no number");
  bool too_large = announced && *announced > max_bytes;
  std::string body;
  const bool whole = !too_large && read([&](const char* data, std::size_t size) {
    too_large = body.size() + size > max_bytes;
    if (!too_large) body.append(data, size);
    return !too_large;
  });
  if (too_large)
    throw HttpError(413, fmt::format("the body is above the limit of {} bytes", max_bytes));
  if (!whole) throw HttpError(400, "the body ends early, or came too slowly");
  return body;
}

std::vector<cv::Mat> decode(const std::vector<PostedPicture>& posted) {
  std::vector<cv::Mat> pictures;
  for (const PostedPicture& picture : posted)
    pictures.push_back(decode_image(picture.bytes, "picture"));
  return pictures;
}

}  // namespace

struct Server::Impl {
  Impl(const ServeOptions& given, DetectFunction detect)
      : options(given),
        batcher(std::move(detect), static_cast<std::size_t>(given.max_batch),
                static_cast<std::size_t>(given.queue), metrics),
        http(std::chrono::duration<double>(given.timeout_s),
             static_cast<std::size_t>(given.queue + kSpareConnections)) {}

  void add_routes();
  void detect(const Request& request, Response& response, const httplib::ContentReader& read);
  void require_token(const Request& request) const;
  std::vector<PostedPicture> pictures_of(const Request& request, const std::string& body) const;

  const ServeOptions options;
  ServeMetrics metrics;
  Batcher batcher;
  HttpServer http;
  int port = 0;
};

void Server::Impl::require_token(const Request& request) const {
  if (!options.token.empty() && !bears_token(request, options.token))
    throw HttpError(401, "the header 'Authorization: Bearer TOKEN' is missing or wrong");
}

std::vector<PostedPicture> Server::Impl::pictures_of(const Request& request,
                                                     const std::string& body) const {
  auto posted = posted_pictures(request.get_header_value(kContentTypeHeader), body);
  constexpr std::int64_t kMega = 1'000'000;
  for (const PostedPicture& picture : posted)
    if (picture.pixels > options.max_megapixels * kMega)
      throw HttpError(413, fmt::format("a picture of {} pixels is above the limit of {} megapixels",
                                       picture.pixels, options.max_megapixels));
  if (posted.size() > static_cast<std::size_t>(options.queue))
    throw HttpError(413, fmt::format("more than {} pictures", options.queue));
  return posted;
}

void Server::Impl::detect(const Request& request, Response& response,
                          const httplib::ContentReader& read) {
  constexpr std::size_t kMebi = 1 << 20;
  const Stopwatch stopwatch;
  const Deadline deadline =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<Deadline::duration>(
                                             std::chrono::duration<double>(options.timeout_s));
  require_token(request);
  const AnswerFilter filter = filter_of(request.params, options.names);
  const std::string body =
      read_body(request, read, static_cast<std::size_t>(options.max_body_mb) * kMebi);
  const std::vector<PostedPicture> posted = pictures_of(request, body);
  std::int64_t pixels = 0;
  for (const PostedPicture& picture : posted) pixels += picture.pixels;
  const Batcher::Room room = batcher.admit(posted.size(), pixels);
  const std::vector<cv::Mat> pictures = decode(posted);
  const auto found = batcher.detect(pictures, deadline);
  std::vector<cv::Size> sizes;
  for (const cv::Mat& picture : pictures) sizes.push_back(picture.size());
  response.set_content(detections_json(sizes, found, filter, stopwatch.seconds() * 1e3), kJson);
  metrics.add_latency(stopwatch.seconds());
}

void Server::Impl::add_routes() {
  http.Post("/detect",
            [this](const Request& request, Response& response, const httplib::ContentReader& read) {
              detect(request, response, read);
            });
  http.Get("/detect", [](const Request&, Response& response) {
    response.set_header("Allow", "POST");
    throw HttpError(405, "post a picture here");
  });
  http.Get("/healthz",
           [](const Request&, Response& response) { response.set_content("ok\n", "text/plain"); });
  http.Get("/metrics", [this](const Request& request, Response& response) {
    require_token(request);
    response.set_content(metrics.text(batcher.waiting()), "text/plain; version=0.0.4");
  });
  http.Get("/", [](const Request&, Response& response) {
    response.set_header("Content-Security-Policy",
                        "default-src 'self' 'unsafe-inline' data:; frame-ancestors 'none'");
    response.set_content(std::string(serve_page()), "text/html; charset=utf-8");
  });
  answer_failures(http, "detection failed; the log of the server says why");
  http.set_logger(
      [this](const Request&, const Response& response) { metrics.count_answer(response.status); });
}

Server::Server(const ServeOptions& options, DetectFunction detect)
    : impl_(std::make_unique<Impl>(options, std::move(detect))) {
  HttpServer& http = impl_->http;
  impl_->add_routes();
  http.set_payload_max_length(static_cast<std::size_t>(options.max_body_mb) << 20);
  impl_->port = http.bind(options.host, options.port);
  if (impl_->port < 0)
    throw Error(ErrorKind::kUsage,
                fmt::format("cannot listen at {}:{}", options.host, options.port),
                {{}, 0, "--port"}, "take another one; 0 takes any that is free");
}

Server::~Server() { stop(); }
int Server::port() const { return impl_->port; }
void Server::run() { impl_->http.listen_after_bind(); }
void Server::stop() noexcept { impl_->http.stop_listening(); }

}  // namespace gannet
