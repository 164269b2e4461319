#include "gannet/serve/dashboard.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "gannet/core/stopwatch.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// Of a test; stops when it is destroyed.
class RunningDashboard {
 public:
  explicit RunningDashboard(const std::filesystem::path& runs, DashboardOptions options = {})
      : dashboard((options.port = 0, options)), thread_([this] { dashboard.run(); }) {
    dashboard.show(runs);
  }
  ~RunningDashboard() { stop(); }
  RunningDashboard(const RunningDashboard&) = delete;
  RunningDashboard& operator=(const RunningDashboard&) = delete;

  void stop() {
    dashboard.stop();
    if (thread_.joinable()) thread_.join();
  }
  httplib::Client client() const {
    httplib::Client client("127.0.0.1", dashboard.port());
    client.set_read_timeout(20);
    return client;
  }
  httplib::Result get(const std::string& address, const httplib::Headers& headers = {}) const {
    return client().Get(address, headers);
  }
  int status(const std::string& address, const httplib::Headers& headers = {}) const {
    const httplib::Result result = get(address, headers);
    return result ? result->status : -1;
  }
  /// What a stream tells until `enough` says so.
  std::string listen(const std::string& address,
                     const std::function<bool(const std::string&)>& enough) const {
    std::string told;
    client().Get(address, [&](const char* data, std::size_t size) {
      told.append(data, size);
      return !enough(told);
    });
    return told;
  }
  std::string listen_for(const std::string& address, const std::string& text) const {
    return listen(address, [&](const std::string& told) { return told.find(text) != told.npos; });
  }

  Dashboard dashboard;

 private:
  std::thread thread_;
};

/// The data of the first event of a kind; null without one.
json event_of(const std::string& told, const std::string& kind) {
  const auto at = told.find("event: " + kind + "\ndata: ");
  if (at == std::string::npos) return nullptr;
  const auto begin = told.find("data: ", at) + 6;
  return json::parse(told.substr(begin, told.find('\n', begin) - begin));
}

class DashboardTest : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    make_folder("runs/a/weights");
    make_folder("runs/sub/b");
    write("runs/a/results.csv", "epoch,x\n0,1\n");
    write("runs/a/settings.yaml", "train:\n  epochs: 3\n");
    write("runs/a/log.txt", "a line\nanother \xff one\n");
    write("runs/a/steps.jsonl", "{\"event\":\"step\"}\n{\"cut");
    write("runs/a/train_batch0.jpg", "picture");
    write("runs/sub/b/results.csv", "epoch,x\n0,2\n");
    write("runs/sub/b/results.json", "{}");
    write("secret.txt", "secret");
  }
  std::filesystem::path runs() const { return folder_ / "runs"; }
};

TEST_F(DashboardTest, TellsWhatIsInTheDirectoriesOfRuns) {
  const RunningDashboard server(runs());
  const std::string told =
      server.listen_for("/events?run=a&run=sub%2Fb&run=gone&look=a", "event: pictures");
  const json list = event_of(told, "runs");
  ASSERT_EQ(list.size(), 2u);
  for (const json& run : list) {
    EXPECT_EQ(run["finished"], run["name"] == "sub/b");
    EXPECT_GT(run["changed"], 1'600'000'000);
  }
  EXPECT_EQ(event_of(told, "results"), json({{"run", "a"}, {"text", "epoch,x\n0,1\n"}}));
  EXPECT_THAT(told, HasSubstr(R"({"run":"sub/b","text":"epoch,x\n0,2\n"})"));
  EXPECT_EQ(event_of(told, "steps"),
            json({{"run", "a"}, {"first", true}, {"text", "{\"event\":\"step\"}\n"}}));
  EXPECT_EQ(event_of(told, "settings")["text"], "train:\n  epochs: 3\n");
  EXPECT_THAT(event_of(told, "log")["text"], StartsWith("a line\nanother "));
  EXPECT_EQ(event_of(told, "pictures")["pictures"][0]["name"], "train_batch0.jpg");
}

TEST_F(DashboardTest, OneRunMayBeShownAlone) {
  const RunningDashboard server(runs() / "a");
  const std::string told = server.listen_for("/events?run=a", "event: steps");
  EXPECT_EQ(event_of(told, "runs")[0]["name"], "a");
  EXPECT_EQ(event_of(told, "pictures"), nullptr);  // nobody looks at it
}

TEST_F(DashboardTest, TellsWhatIsAdded) {
  const RunningDashboard server(runs());
  bool added = false;
  const std::string told = server.listen("/events?run=a&look=a", [&](const std::string& so_far) {
    if (!added && so_far.find("event: pictures") != so_far.npos) {
      added = true;
      std::ofstream(path("runs/a/steps.jsonl"), std::ios::app) << "\"}\nnext\n";
    }
    return so_far.find("next") != so_far.npos;
  });
  EXPECT_THAT(told, HasSubstr(R"({"run":"a","first":false,"text":"{\"cut\"}\nnext\n"})"));
}

TEST_F(DashboardTest, ShowsPicturesOfRunsAndNothingElse) {
  std::filesystem::create_symlink(folder_ / "secret.txt", runs() / "a/val_batch0_pred.jpg");
  std::filesystem::create_directory_symlink(folder_, runs() / "link");
  write("results.csv", "epoch\n");
  const RunningDashboard server(runs());
  const auto picture = server.get("/picture?run=a&name=train_batch0.jpg&stamp=1");
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->body, "picture");
  EXPECT_EQ(picture->get_header_value("Content-Type"), "image/jpeg");
  EXPECT_EQ(picture->get_header_value("X-Content-Type-Options"), "nosniff");
  for (const char* address :
       {"/picture?run=a&name=settings.yaml", "/picture?run=a&name=..%2F..%2Fsecret.txt",
        "/picture?run=..&name=train_batch0.jpg", "/picture?run=..%2Fruns%2Fa&name=train_batch0.jpg",
        "/picture?run=%2Fetc&name=passwd", "/picture?run=a&name=val_batch0_pred.jpg",
        "/picture?run=link%2Fruns%2Fa&name=train_batch0.jpg", "/picture?run=a", "/picture",
        "/a/train_batch0.jpg", "/../secret.txt", "/..%2fsecret.txt"}) {
    const auto refused = server.get(address);
    ASSERT_TRUE(refused) << address;
    EXPECT_EQ(refused->status, 404) << address;
    EXPECT_THAT(refused->body, Not(HasSubstr("secret")));
  }
  const std::string told = server.listen_for("/events?run=..&run=link&look=..", "event: runs");
  EXPECT_EQ(event_of(told, "results"), nullptr);
}

TEST_F(DashboardTest, ChangesNothing) {
  const RunningDashboard server(runs());
  httplib::Client client = server.client();
  EXPECT_EQ(client.Post("/events", "x", "text/plain")->status, 404);
  EXPECT_EQ(client.Put("/picture", "x", "text/plain")->status, 404);
  EXPECT_EQ(client.Delete("/picture?run=a&name=train_batch0.jpg")->status, 404);
}

TEST_F(DashboardTest, ThePageAsksNoOtherMachine) {
  const RunningDashboard server(runs());
  for (const char* address : {"/", "/uplot.js", "/uplot.css", "/session", "/healthz"})
    EXPECT_EQ(server.status(address), 200) << address;
  const auto page = server.get("/");
  EXPECT_THAT(page->get_header_value("Content-Security-Policy"), StartsWith("default-src 'self'"));
  EXPECT_THAT(page->body, Not(HasSubstr("://")));
}

TEST_F(DashboardTest, OthersNeedTheTokenThatIsInTheAddress) {
  const RunningDashboard server(runs(), {.host = "0.0.0.0"});
  const std::string address = server.dashboard.address();
  ASSERT_THAT(address, HasSubstr("/#token="));
  const std::string token = address.substr(address.find('=') + 1);
  EXPECT_EQ(token.size(), 32u);
  for (const char* closed : {"/session", "/events?run=a", "/picture?run=a&name=train_batch0.jpg"}) {
    EXPECT_EQ(server.status(closed), 401) << closed;
    EXPECT_EQ(server.status(closed, {{"Authorization", "Bearer " + std::string(32, 'x')}}), 401);
    EXPECT_EQ(server.status(closed, {{"Cookie", "gannet=" + token}}), 401) << closed;
  }
  EXPECT_EQ(server.status("/"), 200);  // which shows nothing yet
  const auto session = server.get("/session", {{"Authorization", "Bearer " + token}});
  ASSERT_EQ(session->status, 200);
  const std::string cookie = session->get_header_value("Set-Cookie");
  EXPECT_THAT(cookie, HasSubstr("; HttpOnly; SameSite=Strict"));
  EXPECT_EQ(server.status("/picture?run=a&name=train_batch0.jpg",
                          {{"Cookie", "other=1; " + cookie.substr(0, cookie.find(';'))}}),
            200);
  const RunningDashboard second(runs(), {.host = "0.0.0.0"});
  EXPECT_NE(second.dashboard.address().substr(second.dashboard.address().find('=')),
            address.substr(address.find('=')));
}

TEST_F(DashboardTest, WithoutATokenOnlyNamesOfThisMachineAreAnswered) {
  const RunningDashboard server(runs());
  EXPECT_EQ(server.status("/session", {{"Host", "localhost:1"}}), 200);
  EXPECT_EQ(server.status("/session", {{"Host", "[::1]:8080"}}), 200);
  for (const char* host :
       {"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "10.0.0.1", ""})
    EXPECT_EQ(server.status("/session", {{"Host", host}}), 403) << host;
}

TEST_F(DashboardTest, TakesTheNextPortThatIsFree) {
  const RunningDashboard server(runs());
  const int taken = server.dashboard.port();
  const Dashboard next({.port = taken, .ports = 50});
  EXPECT_GT(next.port(), taken);
  EXPECT_ERROR(kUsage, "cannot listen", Dashboard({.port = taken}));
}

/// A browser that asks for a stream and never reads.
class DeafBrowser {
 public:
  explicit DeafBrowser(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int small = 4096;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string request = "GET /events?run=a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
  }
  ~DeafBrowser() { ::close(socket_); }
  DeafBrowser(const DeafBrowser&) = delete;
  DeafBrowser& operator=(const DeafBrowser&) = delete;

 private:
  int socket_;
};

TEST_F(DashboardTest, BrowsersThatDoNotReadHoldUpNobodyAndNotTheEnd) {
  write("runs/a/results.csv", "epoch\n" + std::string(6 << 20, 'x'));  // more than sockets take
  RunningDashboard server(runs());
  const DeafBrowser first(server.dashboard.port()), second(server.dashboard.port());
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // they are being written to
  const Stopwatch watch;
  EXPECT_THAT(server.listen_for("/events?run=sub%2Fb", "event: results"), HasSubstr("0,2"));
  EXPECT_LT(watch.seconds(), 2);
  const Stopwatch ending;
  server.stop();
  EXPECT_LT(ending.seconds(), 3);  // less than any wait for a socket
}

TEST_F(DashboardTest, EndsAtOnceWhileBrowsersLook) {
  RunningDashboard server(runs());
  std::thread browser([&] { server.listen_for("/events?run=a&look=a", "never"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const Stopwatch ending;
  server.stop();
  EXPECT_LT(ending.seconds(), 1);
  browser.join();
}

}  // namespace
}  // namespace gannet
