#include "gannet/serve/dashboard.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "gannet/core/error.h"
#include "gannet/serve/http_answers.h"
#include "gannet/serve/http_error.h"
#include "gannet/serve/http_server.h"
#include "gannet/serve/page.h"
#include "gannet/serve/run_folder.h"
#include "gannet/serve/run_stream.h"

namespace gannet {
namespace {

using httplib::Request;
using httplib::Response;

constexpr std::size_t kMaxConnections = 128, kMaxStreams = 64, kMaxCompared = 32;
constexpr std::size_t kMaxPicture = 64 << 20;
constexpr std::chrono::seconds kRequestTime(10), kHeartbeat(10);
constexpr std::chrono::milliseconds kLookEvery(500), kTick(50);

bool is_loopback(const std::string& host) {
  in_addr address{};  // "127.0.0.1.example.com" is none
  return host == "localhost" || host == "::1" ||
         (::inet_pton(AF_INET, host.c_str(), &address) == 1 && host.starts_with("127."));
}

/// 128 bits that nobody can guess, so not one of the counted numbers.
std::string secret() {
  std::array<unsigned char, 16> bytes{};
  GANNET_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == 16, "the system draws no numbers");
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

/// A header's host, without its port.
std::string host_of(std::string header) {
  const auto colon = header.rfind(':');
  if (colon != std::string::npos && header.find(']', colon) == std::string::npos)
    header.resize(colon);
  if (header.starts_with('[')) header = header.substr(1, header.size() - 2);
  return header;
}

/// The value of a cookie; empty without it.
std::string cookie(const Request& request, const std::string& name) {
  const std::string all = "; " + request.get_header_value("Cookie") + ";";
  const auto at = all.find("; " + name + "=");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 3;
  return all.substr(begin, all.find(';', begin) - begin);
}

std::vector<std::string> values_of(const Request& request, const std::string& name) {
  std::vector<std::string> values;
  const auto [begin, end] = request.params.equal_range(name);
  for (auto it = begin; it != end; ++it) values.push_back(it->second);
  return values;
}

/// Of a server's streams, one.
class StreamCount {
 public:
  explicit StreamCount(std::atomic<std::size_t>& count) : count_(count) {
    if (++count_ <= kMaxStreams) return;
    --count_;
    throw HttpError(503, "too many browsers are looking");
  }
  ~StreamCount() { --count_; }
  StreamCount(const StreamCount&) = delete;
  StreamCount& operator=(const StreamCount&) = delete;

 private:
  std::atomic<std::size_t>& count_;
};

}  // namespace

struct Dashboard::Impl {
  explicit Impl(const DashboardOptions& given) : options(given) {
    if (options.token.empty() && !is_loopback(options.host)) options.token = secret();
  }

  void bind();
  void add_routes();
  void check_access(const Request& request) const;
  std::string cookie_name() const { return fmt::format("gannet_{}", port); }
  void open_session(const Request& request, Response& response) const;
  void send_picture(const Request& request, Response& response) const;
  void send_events(const Request& request, Response& response);

  DashboardOptions options;
  RunFolder folder;
  std::atomic<std::size_t> streams{0};
  HttpServer http{kRequestTime, kMaxConnections, HttpServer::AtEnd::kBreak};
  int port = -1;
};

void Dashboard::Impl::bind() {
  for (int i = 0; i < options.ports && port < 0 && options.port + i <= 65535; ++i)
    port = http.bind(options.host, options.port == 0 ? 0 : options.port + i);
  if (port < 0)
    throw Error(ErrorKind::kUsage,
                fmt::format("cannot listen at {}:{}", options.host, options.port), {},
                "take another port; 0 takes any that is free");
}

void Dashboard::Impl::check_access(const Request& request) const {
  if (options.token.empty()) {
    // A page of another site could otherwise make its own name stand for this machine, and read.
    if (is_loopback(host_of(request.get_header_value("Host")))) return;
    throw HttpError(403, "ask for 127.0.0.1 or localhost; other names need --token");
  }
  if (bears_token(request, options.token)) return;
  if (equals_secret(cookie(request, cookie_name()), options.token)) return;
  throw HttpError(401, "the token is missing or wrong");
}

/// Neither pictures nor event streams can carry a header: browsers get a cookie for them.
void Dashboard::Impl::open_session(const Request& request, Response& response) const {
  check_access(request);
  if (!options.token.empty())
    response.set_header("Set-Cookie", fmt::format("{}={}; HttpOnly; SameSite=Strict; Path=/",
                                                  cookie_name(), options.token));
  response.set_content("ok\n", "text/plain");
}

// Only names from two lists reach the file system: those of runs, and those of pictures.
void Dashboard::Impl::send_picture(const Request& request, Response& response) const {
  check_access(request);
  const std::string name = request.get_param_value("name");
  const auto directory = folder.directory_of(request.get_param_value("run"));
  for (const std::string& known : shown_pictures()) {
    if (!directory || known != name) continue;
    const auto bytes = read_plain_file(*directory / known, kMaxPicture);
    if (!bytes) break;
    response.set_header("Cache-Control", "private, max-age=3600");  // its address has its stamp
    response.set_content(*bytes, known.ends_with(".png") ? "image/png" : "image/jpeg");
    return;
  }
  throw HttpError(404, "there is no such picture");
}

void Dashboard::Impl::send_events(const Request& request, Response& response) {
  check_access(request);
  const std::vector<std::string> names = values_of(request, "run");
  if (names.size() > kMaxCompared)
    throw HttpError(400, fmt::format("more than {} runs", kMaxCompared));
  const auto counted = std::make_shared<StreamCount>(streams);
  const auto stream = std::make_shared<RunStream>(folder, names, request.get_param_value("look"));
  response.set_header("Cache-Control", "no-store");
  response.set_chunked_content_provider(
      "text/event-stream", [this, counted, stream, last = std::chrono::steady_clock::now()](
                               std::size_t, httplib::DataSink& sink) mutable {
        std::string events = stream->next();
        const auto now = std::chrono::steady_clock::now();
        // A comment shows whether there is still somebody.
        if (events.empty() && now - last > kHeartbeat) events = ":\n\n";
        if (!events.empty()) {
          last = now;
          return sink.write(events.data(), events.size());
        }
        for (auto waited = kTick; waited <= kLookEvery && !http.stopping(); waited += kTick)
          std::this_thread::sleep_for(kTick);
        return true;
      });
}

void Dashboard::Impl::add_routes() {
  const auto add_file = [this](const char* address, std::string_view (*content)(),
                               const char* type) {
    http.Get(address, [content, type](const Request&, Response& response) {
      const std::string_view text = content();
      response.set_content(text.data(), text.size(), type);
    });
  };
  add_file("/", &dashboard_page, "text/html; charset=utf-8");
  add_file("/uplot.js", &chart_script, "text/javascript; charset=utf-8");
  add_file("/uplot.css", &chart_style, "text/css; charset=utf-8");
  http.Get("/healthz",
           [](const Request&, Response& response) { response.set_content("ok\n", "text/plain"); });
  http.Get("/session",
           [this](const Request& request, Response& response) { open_session(request, response); });
  http.Get("/picture",
           [this](const Request& request, Response& response) { send_picture(request, response); });
  http.Get("/events",
           [this](const Request& request, Response& response) { send_events(request, response); });
  http.set_default_headers({{"Content-Security-Policy",
                             "default-src 'self' 'unsafe-inline' data:; frame-ancestors 'none'"},
                            {"X-Content-Type-Options", "nosniff"},
                            {"Referrer-Policy", "no-referrer"}});
  answer_failures(http, "this failed; the log of the program says why");
}

Dashboard::Dashboard(const DashboardOptions& options) : impl_(std::make_unique<Impl>(options)) {
  impl_->add_routes();
  impl_->bind();
}

Dashboard::~Dashboard() { stop(); }
void Dashboard::show(const std::filesystem::path& runs) { impl_->folder.show(runs); }
int Dashboard::port() const { return impl_->port; }
std::string Dashboard::address() const {
  const bool is_v6 = impl_->options.host.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}/{}", is_v6 ? "[" : "", impl_->options.host, is_v6 ? "]" : "",
                     impl_->port,
                     impl_->options.token.empty() ? "" : "#token=" + impl_->options.token);
}
void Dashboard::run() { impl_->http.listen_after_bind(); }
void Dashboard::stop() noexcept { impl_->http.stop_listening(); }

}  // namespace gannet
