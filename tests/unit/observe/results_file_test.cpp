#include "gannet/observe/results_file.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gannet/core/atomic_file.h"
#include "gannet/core/memory.h"
#include "gannet/core/text.h"
#include "gannet/observe/rows.h"
#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

EpochRow row(int epoch) {
  EpochRow result;
  result.epoch = epoch;
  result.epochs = 300;
  result.memory_gib = 12.345;
  result.loss = {.box = 0.0512345, .obj = 0.1, .cls = 0.0234567, .total = 0.17469};
  result.targets = 257;
  result.image_size = 640;
  result.evaluated = true;
  result.metrics = {.precision = 0.5, .recall = 0.25, .map50 = 0.3333333, .map = 0.2};
  result.val_loss = {.box = 0.04, .obj = 0.09, .cls = 0.01, .total = 0.14};
  result.lr = {0.01, 0.01, 0.1};
  result.images_per_second = 100;
  result.seconds = 12.5;
  return result;
}

using ResultsFile = testing::TemporaryFolder;

TEST_F(ResultsFile, LineHasTheFifteenColumnsOfTheOriginal) {
  EXPECT_EQ(results_line(row(0)),
            "     0/299     12.3G   0.05123       0.1   0.02346    0.1747       257       640"
            "       0.5      0.25    0.3333       0.2      0.04      0.09      0.01");
  EpochRow on_cpu = row(3);
  on_cpu.memory_gib = 0;
  on_cpu.evaluated = false;
  EXPECT_EQ(results_line(on_cpu).substr(0, 20), "     3/299        0G");
  EXPECT_EQ(results_line(on_cpu).substr(80),
            "         0         0         0         0"
            "         0         0         0");
}

TEST_F(ResultsFile, CsvHasOneFieldPerTitle) {
  const auto titles = split(csv_header(), ',').size();
  EXPECT_EQ(split(csv_line(row(0)), ',').size(), titles);
  EpochRow unevaluated = row(0);
  unevaluated.evaluated = false;
  EXPECT_EQ(split(csv_line(unevaluated), ',').size(), titles);
}

TEST_F(ResultsFile, GrowsByOneLineAnEpoch) {
  ResultsFileObserver observer(folder_);
  observer.on_run_start({});
  EXPECT_EQ(read_file(folder_ / "results.txt"), "");
  observer.on_epoch_end(row(0));
  observer.on_epoch_end(row(1));
  EXPECT_EQ(read_file(folder_ / "results.txt"),
            results_line(row(0)) + "\n" + results_line(row(1)) + "\n");
  EXPECT_EQ(read_file(folder_ / "results.csv"),
            csv_header() + "\n" + csv_line(row(0)) + "\n" + csv_line(row(1)) + "\n");
}

TEST_F(ResultsFile, ResumeDropsWhatTheCheckpointDoesNotKnow) {
  ResultsFileObserver first(folder_);
  for (int epoch = 0; epoch < 3; ++epoch) first.on_epoch_end(row(epoch));
  ResultsFileObserver second(folder_, {row(0), row(1)});
  second.on_run_start({});
  second.on_epoch_end(row(2));
  EXPECT_EQ(read_file(folder_ / "results.txt"), results_line(row(0)) + "\n" + results_line(row(1)) +
                                                    "\n" + results_line(row(2)) + "\n");
}

TEST(FormatDuration, MinutesAndHours) {
  EXPECT_EQ(format_duration(42.4), "0:42");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_duration(-1), "0:00");
}

TEST(Memory, IsPlausible) {
  EXPECT_GT(peak_memory_gib(), 1e-3);
  EXPECT_LT(peak_memory_gib(), 64);
}

}  // namespace
}  // namespace gannet
