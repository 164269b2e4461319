#include "gannet/serve/server.h"

#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <numeric>

#include "tests/unit/serve/running_server.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::png_of;
using testing::RunningServer;
using ::testing::StartsWith;

int grey_of(const httplib::Result& result) {
  return json::parse(result->body)["detections"][0]["class"];
}

/// Starts a request in a thread of its own; `join` it by get().
std::future<int> post_later(const RunningServer& server, int grey) {
  return std::async(std::launch::async, [&server, grey] { return server.status(png_of(grey)); });
}

TEST(Server, AnswersWithWhatIsInThePicture) {
  const RunningServer server;
  const httplib::Result result = server.post(png_of(7, {30, 20}));
  ASSERT_TRUE(result);
  ASSERT_EQ(result->status, 200);
  EXPECT_EQ(result->get_header_value("Content-Type"), "application/json");
  json answer = json::parse(result->body);
  EXPECT_GE(answer["ms"], 0);
  answer.erase("ms");
  EXPECT_EQ(answer, json::parse(R"({"image": {"width": 30, "height": 20}, "detections": [
    {"class": 7, "name": "grey", "confidence": 0.75, "box": {"x1": 0, "y1": 0, "x2": 30, "y2": 20}},
    {"class": 255, "name": "weak", "confidence": 0.25,
     "box": {"x1": 0, "y1": 0, "x2": 30, "y2": 20}}]})"));
}

TEST(Server, TakesFormsWithOneAndWithSeveralPictures) {
  const RunningServer server;
  httplib::Client client = server.client();
  const auto one = client.Post(
      "/detect", httplib::MultipartFormDataItems{{"note", "hello", "", ""},
                                                 {"image", png_of(7), "a.png", "image/png"}});
  ASSERT_TRUE(one);
  EXPECT_EQ(grey_of(one), 7);
  const auto two = client.Post(
      "/detect", httplib::MultipartFormDataItems{{"image", png_of(1), "a.png", "image/png"},
                                                 {"image", png_of(2, {8, 9}), "b.png", ""}});
  ASSERT_TRUE(two);
  const json images = json::parse(two->body)["images"];
  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(images[0]["detections"][0]["class"], 1);
  EXPECT_EQ(images[1]["image"]["height"], 9);
  EXPECT_EQ(images[1]["detections"][0]["class"], 2);
}

TEST(Server, LeavesOutWhatHasLessConfidence) {
  const RunningServer server;
  const auto count = [&](const std::string& least) {
    return json::parse(server.post(png_of(1), "/detect?conf=" + least)->body)["detections"].size();
  };
  EXPECT_EQ(count("0.25"), 2u);
  EXPECT_EQ(count("0.26"), 1u);
  EXPECT_EQ(count("1"), 0u);
  for (const char* wrong : {"conf=2", "conf=x", "conf=", "conf=nan", "iou=0.5"})
    EXPECT_EQ(server.status(png_of(1), std::string("/detect?") + wrong), 400) << wrong;
}

TEST(Server, ShowsTheClassesThatAreAskedFor) {
  ServeOptions options;
  options.names.assign(256, "other");
  options.names[7] = "grey", options.names[255] = "weak", options.names[8] = "255";
  const RunningServer server(options);
  const auto names = [&](const std::string& wanted) {
    const auto answer = json::parse(server.post(png_of(7), "/detect?classes=" + wanted)->body);
    std::string text;
    for (const json& found : answer["detections"]) text += found["name"].get<std::string>() + " ";
    return text;
  };
  EXPECT_EQ(names("7,weak"), "grey weak ");
  EXPECT_EQ(names("weak"), "weak ");
  EXPECT_EQ(names("7"), "grey ");
  EXPECT_EQ(names("7&classes=weak"), "grey weak ");
  EXPECT_EQ(names("grey%2Cweak&conf=0.5"), "grey ");
  EXPECT_EQ(names("255"), "") << "a name goes first";
  for (const char* wrong : {"", "Grey", "7,", "256", "-1", "7.0", "%207", "nothing"})
    EXPECT_EQ(server.status(png_of(7), std::string("/detect?classes=") + wrong), 400) << wrong;
}

TEST(Server, RefusesWhatIsNoPicture) {
  const RunningServer server;
  const std::string png = png_of(1);
  EXPECT_EQ(server.status(""), 400);
  EXPECT_EQ(server.status("hello"), 400);
  EXPECT_EQ(server.status(png.substr(0, 20)), 400);
  EXPECT_EQ(server.status(png.substr(0, png.size() / 2)), 400);
  httplib::Client client = server.client();
  EXPECT_EQ(
      client.Post("/detect", httplib::MultipartFormDataItems{{"file", png, "a.png", ""}})->status,
      400);
  EXPECT_EQ(client.Post("/detect", "no form", "multipart/form-data; boundary=b")->status, 400);
  EXPECT_EQ(client.Post("/detect", "no form", "multipart/form-data")->status, 400);
  EXPECT_THAT(json::parse(server.post("hello")->body)["error"], HasSubstr("not a JPEG"));
}

TEST(Server, RefusesWhatIsTooLarge) {
  const RunningServer server({.max_body_mb = 1, .max_megapixels = 1});
  EXPECT_EQ(server.status(std::string((1 << 20) + 1, 'x')), 413);
  EXPECT_EQ(server.status(std::string(1 << 20, 'x')), 400);
  EXPECT_EQ(server.status(png_of(1, {1001, 1000})), 413);
  EXPECT_EQ(server.status(png_of(1, {1000, 1000})), 200);
  // Told by the header, before the rest is read.
  EXPECT_THAT(server.send_raw("POST /detect HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  // And in chunks, which do not say how many there will be.
  std::string chunks = "POST /detect HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 17; ++i) chunks += "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  EXPECT_THAT(server.send_raw(chunks + "0\r\n\r\n"), StartsWith("HTTP/1.1 413"));
}

TEST(Server, AsksForTheToken) {
  const RunningServer server({.token = "secret"});
  httplib::Client client = server.client();
  const auto status = [&](const std::string& authorization) {
    const httplib::Headers headers = {{"Authorization", authorization}};
    return client.Post("/detect", headers, png_of(1), "image/png")->status;
  };
  EXPECT_EQ(server.status(png_of(1)), 401);
  for (const char* wrong : {"", "secret", "Bearer ", "Bearer secre", "Bearer secrets",
                            "Bearer secretsecret", "Bearer Secret", "Basic secret"})
    EXPECT_EQ(status(wrong), 401) << wrong;
  EXPECT_EQ(status("Bearer secret"), 200);
  EXPECT_EQ(client.Get("/metrics")->status, 401);
  EXPECT_EQ(client.Get("/healthz")->status, 200);
  EXPECT_EQ(client.Get("/")->status, 200);
}

TEST(Server, HasAPageAndTellsWhatIsNotThere) {
  const RunningServer server;
  httplib::Client client = server.client();
  const auto page = client.Get("/");
  EXPECT_THAT(page->body, HasSubstr("<canvas"));
  EXPECT_THAT(page->body, Not(HasSubstr("http://")));
  EXPECT_THAT(page->body, Not(HasSubstr("https://")));
  EXPECT_EQ(client.Get("/healthz")->body, "ok\n");
  EXPECT_EQ(client.Get("/elsewhere")->status, 404);
  EXPECT_EQ(server.status("x", "/elsewhere"), 404);
  EXPECT_EQ(client.Get("/detect")->status, 405);
  EXPECT_EQ(client.Get("/detect")->get_header_value("Allow"), "POST");
}

TEST(Server, SurvivesWhatIsNoHttp) {
  const RunningServer server;
  EXPECT_THAT(server.send_raw("\x16\x03\x01 hello\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(server.send_raw("POST /detect HTTP/1.1\r\nContent-Length: 100\r\n\r\nshort"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(server.send_raw("POST /detect HTTP/1.1\r\nContent-Length: many\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(server.send_raw("POST /detect HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
              StartsWith("HTTP/1.1 400"));
  server.send_raw("GET / HTTP/1.1\r\nlong: " + std::string(100000, 'x') + "\r\n\r\n");
  server.send_raw("");
  EXPECT_EQ(server.status(png_of(1)), 200);
}

TEST(Server, TakesNoBodyForARequest) {
  const RunningServer server;
  const std::string hidden = "GET /healthz HTTP/1.1\r\n\r\n";
  for (const char* first : {"GET /", "POST /detect?conf=9", "GET /elsewhere"}) {
    const std::string answer =
        server.send_raw(std::string(first) + " HTTP/1.1\r\nContent-Length: 25\r\n\r\n" + hidden);
    EXPECT_THAT(answer, Not(HasSubstr("ok\n"))) << first;
  }
}

TEST(Server, AnswersSeveralRequestsOfAConnection) {
  const RunningServer server;
  httplib::Client client = server.client();
  client.set_keep_alive(true);
  for (int grey = 0; grey < 20; ++grey)
    EXPECT_EQ(grey_of(client.Post("/detect", png_of(grey), "image/png")), grey);
}

TEST(Server, PutsWaitingPicturesOfOneSizeTogether) {
  RunningServer server({.max_batch = 4});
  server.gate.close();
  std::vector<std::future<int>> answers;
  answers.push_back(post_later(server, 0));
  server.gate.wait_for(1);
  for (int i = 1; i <= 6; ++i) answers.push_back(post_later(server, i));
  const auto other = std::async(std::launch::async, [&] {
    return server.status(png_of(9, {11, 11}));
  });
  while (server.client().Get("/metrics")->body.find("gannet_waiting_pictures 8\n") ==
         std::string::npos) {
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // decoding
  server.gate.open();
  for (std::future<int>& answer : answers) EXPECT_EQ(answer.get(), 200);
  const std::vector<std::size_t> batches = server.batches();
  EXPECT_EQ(std::accumulate(batches.begin(), batches.end(), std::size_t{0}), 8u);
  EXPECT_THAT(batches, ::testing::Contains(4u));
  EXPECT_LE(batches.size(), 4u);  // 1, then 4 and 2 of one size and 1 of the other
}

TEST(Server, SaysWhenItHasEnough) {
  RunningServer server({.max_batch = 1, .queue = 3});
  server.gate.close();
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 3; ++i) answers.push_back(post_later(server, i));
  while (server.client().Get("/metrics")->body.find("gannet_waiting_pictures 3\n") ==
         std::string::npos) {
  }
  const auto refused = server.post(png_of(5));
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "1");
  server.gate.open();
  for (std::future<int>& answer : answers) EXPECT_EQ(answer.get(), 200);
  EXPECT_EQ(server.status(png_of(5)), 200);
}

TEST(Server, DoesNotLetClientsWaitForLong) {
  RunningServer server({.timeout_s = 0.3});
  server.gate.close();
  EXPECT_EQ(server.status(png_of(1)), 504);
  EXPECT_EQ(server.status(png_of(1)), 504);  // behind the first one, still in the detector
  server.gate.open();
  EXPECT_EQ(server.status(png_of(2)), 200);
}

TEST(Server, EndsRequestsThatComeTooSlowly) {
  const RunningServer server({.timeout_s = 0.3});
  httplib::Client client = server.client();
  const auto started = std::chrono::steady_clock::now();
  const auto slow = client.Post(
      "/detect", 1000,
      [](std::size_t offset, std::size_t, httplib::DataSink& sink) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // 20 s in all
        return offset < 1000 && sink.write("x", 1);
      },
      "image/png");
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
  if (slow) EXPECT_EQ(slow->status, 400);
  EXPECT_EQ(server.status(png_of(1)), 200);
}

TEST(Server, AFailingPictureLeavesItsBatchAlone) {
  RunningServer server;
  server.failing = true;
  server.gate.close();
  auto first = post_later(server, 1);
  server.gate.wait_for(1);
  auto unlucky = post_later(server, 13), second = post_later(server, 2);
  while (server.client().Get("/metrics")->body.find("gannet_waiting_pictures 3\n") ==
         std::string::npos) {
  }
  server.gate.open();
  EXPECT_EQ(first.get(), 200);
  EXPECT_EQ(unlucky.get(), 500);
  EXPECT_EQ(second.get(), 200);
}

TEST(Server, AnswersWhatItHasTakenInBeforeItEnds) {
  RunningServer server;
  server.gate.close();
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(post_later(server, i));
  while (server.client().Get("/metrics")->body.find("gannet_waiting_pictures 5\n") ==
         std::string::npos) {
  }
  server.server().stop();
  EXPECT_FALSE(server.client().Get("/healthz"));  // takes in nothing more
  server.stop();
  for (std::future<int>& answer : answers) EXPECT_EQ(answer.get(), 200);
}

TEST(Server, MayBeStoppedBeforeItRuns) {
  Server server({.port = 0}, [](const auto& images) {
    return std::vector<std::vector<Detection>>(images.size());
  });
  server.stop();
  server.run();
}

TEST(Server, IdleConnectionsDoNotDelayTheEnd) {
  RunningServer server;
  httplib::Client client = server.client();
  client.set_keep_alive(true);
  client.Get("/healthz");
  const auto started = std::chrono::steady_clock::now();
  server.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(2));
}

TEST(Server, SaysThatAPortIsTaken) {
  const RunningServer server;
  EXPECT_ERROR(kUsage, std::to_string(server.port()),
               Server({.port = server.port()}, DetectFunction()));
  EXPECT_ERROR(kUsage, "no.such.host.invalid",
               Server({.host = "no.such.host.invalid", .port = 0}, DetectFunction()));
}

TEST(Server, ManyClientsGetTheirOwnAnswers) {
  const RunningServer server;
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 16; ++c)
    clients.emplace_back([&, c] {
      httplib::Client client = server.client();
      client.set_keep_alive(c % 2 == 0);
      for (int i = 0; i < 15; ++i) {
        const int grey = c * 15 + i;
        const auto result = client.Post("/detect", png_of(grey), "image/png");
        if (result && result->status == 200 && grey_of(result) == grey) ++right;
      }
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, 240);
}

}  // namespace
}  // namespace gannet
