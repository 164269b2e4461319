#include "gannet/dist/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

struct Outcome {
  LaunchResult result;
  std::vector<std::string> lines;  // "rank: text", of all ranks but 0
  double seconds = 0;
};

class Launcher : public testing::TemporaryFolder {
 protected:
  /// Runs a shell script as every rank.
  Outcome run(int num_processes, const std::string& script, double stop_seconds = 10) {
    Outcome outcome;
    LaunchOptions options;
    options.num_processes = num_processes;
    options.program = "/bin/sh";
    options.arguments = {"-c", script};
    options.stop_seconds = stop_seconds;
    options.failure_file = path("failure");
    options.on_line = [&](int rank, const std::string& line, bool) {
      outcome.lines.push_back(std::to_string(rank) + ": " + line);
    };
    const auto start = std::chrono::steady_clock::now();
    outcome.result = launch_local(options);
    outcome.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return outcome;
  }

  /// Runs a script as two ranks; this process gets the signal once both have come to "ready".
  Outcome run_and_signal(int signal, std::string script, double stop_seconds = 10) {
    const std::string ready = ": >" + path("ready") + "$RANK";
    script.replace(script.find("ready"), 5, ready);
    const std::jthread user([&](const std::stop_token& launch_is_over) {
      while (!launch_is_over.stop_requested()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        if (!std::filesystem::exists(path("ready0"))) continue;
        if (!std::filesystem::exists(path("ready1"))) continue;
        ::kill(::getpid(), signal);
        return;
      }
    });
    return run(2, script, stop_seconds);
  }
};

TEST_F(Launcher, GivesEveryRankItsPlaceAndLabelsItsOutput) {
  const Outcome r =
      run(3, "[ $RANK = 0 ] || echo $RANK of $WORLD_SIZE, local $LOCAL_RANK at $MASTER_ADDR");
  EXPECT_EQ(r.result.exit_code, 0);
  EXPECT_THAT(r.lines, UnorderedElementsAre("1: 1 of 3, local 1 at 127.0.0.1",
                                            "2: 2 of 3, local 2 at 127.0.0.1"));
}

TEST_F(Launcher, RanksAgreeOnAPort) {
  const Outcome r = run(3, "[ $RANK = 0 ] || echo $MASTER_PORT");
  ASSERT_EQ(r.lines.size(), 2u);
  EXPECT_EQ(r.lines[0].substr(3), r.lines[1].substr(3));
}

TEST_F(Launcher, EndsAsTheRankThatFailedAndEndsTheOthers) {
  const Outcome r = run(2, "if [ $RANK = 1 ]; then exit 7; fi; exec sleep 60", 0.3);
  EXPECT_EQ(r.result.exit_code, 7);
  EXPECT_LT(r.seconds, 60);
}

TEST_F(Launcher, ACauseOutranksThoseThatOnlyNoticed) {
  EXPECT_EQ(run(2, "if [ $RANK = 1 ]; then exit 4; fi; sleep 0.5; exit 1").result.exit_code, 1);
  EXPECT_EQ(run(2, "if [ $RANK = 1 ]; then exit 1; fi; sleep 0.5; exit 4").result.exit_code, 1);
}

TEST_F(Launcher, TellsTheReasonOfTheRankThatDecides) {
  const Outcome r = run(3,
                        "case $RANK in "
                        "0) printf 'lost contact' >$GANNET_FAILURE_FILE; exit 4;; "
                        "1) sleep 0.3; printf 'bad label' >$GANNET_FAILURE_FILE; exit 1;; "
                        "2) exec sleep 60;; esac",
                        1);
  EXPECT_EQ(r.result.exit_code, 1);
  EXPECT_EQ(r.result.message, "rank 1: bad label");  // not that rank 2 had to be killed
  EXPECT_THAT(r.result.others, ::testing::ElementsAre("rank 0: lost contact"));
}

TEST_F(Launcher, NamesTheRankThatASignalEnded) {
  const Outcome r = run(2, "if [ $RANK = 1 ]; then kill -9 $$; fi; exec sleep 60", 0.3);
  EXPECT_EQ(r.result.exit_code, 4);
  EXPECT_THAT(r.result.message, HasSubstr("rank 1 was ended by signal 9"));
}

TEST_F(Launcher, PassesAStopRequestOn) {
  const Outcome r = run_and_signal(
      SIGTERM,
      "trap 'exit 3' TERM; ready; i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done");
  EXPECT_EQ(r.result.exit_code, 3);
  EXPECT_LT(r.seconds, 60);
}

TEST_F(Launcher, ARankThatAStopRequestEndsHasNotFailed) {
  const Outcome r = run_and_signal(SIGTERM, "ready; exec sleep 60");
  EXPECT_EQ(r.result.exit_code, 3);
  EXPECT_EQ(r.result.message, "interrupted");
}

TEST_F(Launcher, KillsWhoIgnoresAStopRequest) {
  const Outcome r = run_and_signal(SIGINT, "trap '' TERM; ready; sleep 60", 0.5);
  EXPECT_EQ(r.result.exit_code, 4);
  EXPECT_LT(r.seconds, 60);
}

TEST_F(Launcher, SaysWhenTheProgramCannotBeExecuted) {
  LaunchOptions options;
  options.program = "/nowhere/gannet";
  const Error error = testing::thrown_error([&] { launch_local(options); });
  EXPECT_EQ(error.kind(), ErrorKind::kDistributed);
  EXPECT_THAT(error.what(), HasSubstr("cannot execute /nowhere/gannet"));
}

}  // namespace
}  // namespace gannet
