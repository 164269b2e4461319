#include "gannet/observe/mlflow.h"

#include <gmock/gmock.h>
#include <httplib.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "gannet/core/atomic_file.h"
#include "gannet/core/log.h"
#include "gannet/core/stopwatch.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using Mlflow = testing::TemporaryFolder;

/// Answers as MLflow does, and keeps what it was told.
class FakeServer {
 public:
  explicit FakeServer(int port = 0) {
    server_.Post("/api/2.0/mlflow/(.*)", [this](const auto& request, auto& response) {
      const std::lock_guard lock(mutex_);
      const std::string call = request.matches[1];
      calls_.push_back(call);
      bodies_.push_back(json::parse(request.body));
      if (call == refused) response.status = 400;
      response.set_content(answer_to(call, response), "application/json");
    });
    server_.Get("/api/2.0/mlflow/experiments/get-by-name", [](const auto& request, auto& response) {
      EXPECT_EQ(request.get_param_value("experiment_name"), "my runs/ü");
      response.set_content(R"({"experiment": {"experiment_id": "12"}})", "application/json");
    });
    port_ = port == 0 ? server_.bind_to_any_port("127.0.0.1") : port;
    if (port != 0) EXPECT_TRUE(server_.bind_to_port("127.0.0.1", port));
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeServer() { stop(); }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  void stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }
  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  std::vector<std::string> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  json body(std::size_t i) const {
    const std::lock_guard lock(mutex_);
    return bodies_.at(i);
  }
  std::string refused;  // call that is answered with 400

 private:
  static std::string answer_to(const std::string& call, httplib::Response& response) {
    if (call == "experiments/create") {
      response.status = 400;
      return R"({"error_code": "RESOURCE_ALREADY_EXISTS", "message": "exists"})";
    }
    return call == "runs/create" ? R"({"run": {"info": {"run_id": "r1"}}})" : "{}";
  }

  httplib::Server server_;
  mutable std::mutex mutex_;
  std::vector<std::string> calls_;
  std::vector<json> bodies_;
  int port_ = 0;
  std::thread thread_;
};

EpochRow row_of(int epoch) {
  EpochRow row;
  row.epoch = epoch;
  row.evaluated = true;
  row.metrics.map50 = 0.5;
  row.val_loss.box = NAN;
  return row;
}

TEST_F(Mlflow, ARunIsToldFromItsStartToItsEnd) {
  const FakeServer server;
  MlflowObserver observer({server.url(), "my runs/ü", {{"train.epochs", "3"}}});
  RunInfo info;
  info.directory = folder_;
  observer.on_run_start(info);
  observer.on_epoch_end(row_of(0));
  observer.on_checkpoint({folder_ / "weights/best.pt", 0, true});
  observer.on_checkpoint({folder_ / "weights/last.pt", 0, false});
  observer.on_run_end({});
  ASSERT_THAT(server.calls(),
              ElementsAre("experiments/create", "runs/create", "runs/log-batch", "runs/log-batch",
                          "runs/set-tag", "runs/set-tag", "runs/update"));
  EXPECT_EQ(server.body(1)["experiment_id"], "12");
  EXPECT_EQ(server.body(1)["run_name"], folder_.filename().string());
  EXPECT_EQ(server.body(2)["params"][0], json({{"key", "train.epochs"}, {"value", "3"}}));
  std::map<std::string, double> metrics;
  const json told = server.body(3);
  for (const json& metric : told["metrics"]) {
    metrics[metric["key"]] = metric["value"];
    EXPECT_EQ(metric["step"], 0);
    EXPECT_GT(metric["timestamp"], 1'600'000'000'000);
  }
  EXPECT_EQ(metrics.at("metrics/mAP_0.5"), 0.5);
  EXPECT_FALSE(metrics.contains("val/box_loss"));  // no number
  EXPECT_EQ(server.body(4)["key"], "best_checkpoint");
  EXPECT_EQ(server.body(4)["value"], path("weights/best.pt"));
  EXPECT_EQ(server.body(6)["status"], "FINISHED");
  EXPECT_EQ(server.body(6)["run_id"], "r1");
  EXPECT_EQ(read_file(folder_ / "mlflow.txt"), "r1\n");
}

TEST_F(Mlflow, ARunThatGoesOnGoesOnThere) {
  const FakeServer server;
  write("mlflow.txt", "r0\n");
  MlflowObserver observer({server.url(), "gannet", {}});
  RunInfo info;
  info.directory = folder_;
  info.start_epoch = 2;
  observer.on_run_start(info);
  observer.on_run_failed({.so_far = {}, .error = "why", .interrupted = true});
  ASSERT_THAT(server.calls(), ElementsAre("runs/update", "runs/update"));
  EXPECT_EQ(server.body(0), json({{"run_id", "r0"}, {"status", "RUNNING"}}));
  EXPECT_EQ(server.body(1)["status"], "KILLED");
}

TEST_F(Mlflow, NoServerTakesNoTimeAndGivesOneWarning) {
  ::testing::internal::CaptureStderr();
  {
    MlflowObserver observer({"http://127.0.0.1:1", "gannet", {}});
    RunInfo info;
    info.directory = folder_;
    const Stopwatch watch;
    observer.on_run_start(info);
    for (int i = 0; i < 2000; ++i) observer.on_epoch_end(row_of(i));
    EXPECT_LT(watch.seconds(), 0.5);
    observer.on_run_failed({.so_far = {}, .error = "why"});
    EXPECT_LT(watch.seconds(), 3);
  }
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(told, ::testing::ContainsRegex("127.0.0.1:1: .*the server is tried again"));
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 2)
      << told;  // and what is missing at the end
  EXPECT_THAT(told, ::testing::HasSubstr("2003 messages are missing"));
}

TEST_F(Mlflow, WhatAServerMissedIsToldWhenItIsBack) {
  set_log_level(LogLevel::kError);
  FakeServer first;
  const int port = first.port();
  first.stop();
  MlflowObserver observer({first.url(), "my runs/ü", {}});
  RunInfo info;
  info.directory = folder_;
  observer.on_run_start(info);
  observer.on_epoch_end(row_of(0));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const FakeServer server(port);
  observer.on_run_end({});
  set_log_level(LogLevel::kInfo);
  EXPECT_EQ(server.calls().size(), 6u);
  EXPECT_EQ(server.body(5)["status"], "FINISHED");
}

TEST_F(Mlflow, WhatIsRefusedIsLeftOut) {
  FakeServer server;
  server.refused = "runs/set-tag";
  ::testing::internal::CaptureStderr();
  {
    MlflowObserver observer({server.url(), "my runs/ü", {}});
    RunInfo info;
    info.directory = folder_;
    observer.on_run_start(info);
    observer.on_run_failed({.so_far = {}, .error = "why"});
  }
  EXPECT_EQ(server.calls().back(), "runs/update");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::HasSubstr("runs/set-tag was answered with status 400"));
}

TEST(MlflowAddress, IsAWebAddress) {
  for (const char* url : {"", "file:///tmp/mlruns", "mlruns", "http://"})
    EXPECT_ERROR(kUsage, "--mlflow", MlflowObserver({url, "gannet", {}}));
}

}  // namespace
}  // namespace gannet
