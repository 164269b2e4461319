#include "gannet/observe/told_programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/observe/run_json.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ToldPrograms = testing::TemporaryFolder;

TEST(RunJson, AnyTextAndAnyNumberGiveValidLines) {
  const std::vector<std::string> names = {"\xff\n\"", "b"};
  RunInfo info;
  info.names = &names;
  StepEvent step;
  step.loss.total = NAN;
  for (const std::string& text :
       {run_start_json(info), step_json(step), epoch_json({}), checkpoint_json({}),
        run_end_json({}), run_failed_json({.so_far = {}, .error = "\n"})}) {
    EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("\n")));
    EXPECT_TRUE(nlohmann::json::parse(text).contains("event")) << text;
  }
  EXPECT_TRUE(nlohmann::json::parse(step_json(step))["train_loss"]["total"].is_null());
}

TEST(RunJson, OnlyEvaluatedEpochsHaveMetrics) {
  EpochRow row;
  row.metrics.map50 = 0.5;
  EXPECT_FALSE(nlohmann::json::parse(epoch_json(row)).contains("metrics"));
  row.evaluated = true;
  EXPECT_EQ(nlohmann::json::parse(epoch_json(row))["metrics"]["mAP_0.5"], 0.5);
}

TEST_F(ToldPrograms, LinesAreAddedToWhatTheFileHas) {
  const std::string file = write("log.jsonl", "before\n");
  JsonLinesObserver observer(file);
  observer.on_epoch_end({});
  observer.on_run_failed({.so_far = {}, .error = "why"});
  EXPECT_EQ(read_file(file), "before\n" + epoch_json({}) + "\n" +
                                 run_failed_json({.so_far = {}, .error = "why"}) + "\n");
}

TEST_F(ToldPrograms, StepsForCurvesComeOnceASecondAndLaterLessOften) {
  double now = 0;
  StepRows rows([&] { return now; }, StepRows::Kind::kCurve);
  const auto count = [&](double seconds) {
    int wanted = 0;
    for (const double end = now + seconds; now < end; now += 0.25) wanted += rows.wants({});
    return wanted;
  };
  EXPECT_TRUE(rows.wants({}));  // the first at once
  EXPECT_EQ(count(100), 99);
  now = 20'000;
  EXPECT_NEAR(count(1000), 100, 3);
}

TEST_F(ToldPrograms, TheDirectoryOfARunGetsItsSteps) {
  StepLogObserver observer;
  observer.on_run_failed({.so_far = {}, .error = "before it began"});
  RunInfo info;
  info.directory = folder_;
  observer.on_run_start(info);
  StepEvent step;
  step.rank_seconds = {0.5, 0.25};
  observer.on_step(step);
  observer.on_step(step);  // so soon that curves do not need it
  const RunFailure failure{.so_far = {}, .error = "why"};
  observer.on_run_failed(failure);
  EXPECT_EQ(read_file(folder_ / "steps.jsonl"),
            run_start_json(info) + "\n" + step_json(step) + "\n" + run_failed_json(failure) + "\n");
  EXPECT_THAT(step_json(step), ::testing::HasSubstr(R"("rank_seconds":[0.5,0.25])"));
}

TEST(Webhook, TakesWebAddressesOnly) {
  for (const char* url : {"", "host", "file:///etc/passwd", "https://", "http:///path"})
    EXPECT_ERROR(kUsage, "--webhook", WebhookObserver(url));
  EXPECT_NO_THROW(WebhookObserver("https://user@host/path"));
}

}  // namespace
}  // namespace gannet
