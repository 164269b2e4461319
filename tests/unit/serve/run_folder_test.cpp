#include "gannet/serve/run_folder.h"

#include <gmock/gmock.h>

#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;

class Runs : public testing::TemporaryFolder {
 protected:
  /// A file that was written so many seconds ago.
  void write_ago(const std::string& name, int seconds) {
    make_folder(std::filesystem::path(name).parent_path().string());
    write(name, "x");
    std::filesystem::last_write_time(
        path(name), std::filesystem::file_time_type::clock::now() - std::chrono::seconds(seconds));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const ListedRun& run : RunFolder(folder_).runs()) found.push_back(run.name);
    return found;
  }
};

TEST_F(Runs, AreListedByTheirNews) {
  EXPECT_THAT(names(), ElementsAre());
  write_ago("train/old/results.csv", 300);
  write_ago("train/new/results.csv", 200);
  write_ago("train/old/log.txt", 100);
  write_ago("val/exp/results.json", 1);           // no run
  write_ago("train/new/within/results.csv", 10);  // of a run
  write_ago("a/b/c/d/e/results.csv", 10);         // too deep
  EXPECT_THAT(names(), ElementsAre("train/old", "train/new"));
}

TEST_F(Runs, AreFinishedOnceTheirReportIsWritten) {
  write_ago("settings.yaml", 50);
  write_ago("results.csv", 20);
  EXPECT_FALSE(RunFolder(folder_).runs().at(0).finished);
  write_ago("results.json", 30);  // the last row is written beside the report
  EXPECT_TRUE(RunFolder(folder_).runs().at(0).finished);
  write_ago("settings.yaml", 5);  // another one in the same directory
  EXPECT_FALSE(RunFolder(folder_).runs().at(0).finished);
}

TEST_F(Runs, OneRunIsCalledAsItsDirectory) {
  write_ago("exp/results.csv", 1);
  for (const char* root : {"exp", "exp/", "exp/."}) {
    const RunFolder one(folder_ / root);
    ASSERT_EQ(one.runs().size(), 1u) << root;
    EXPECT_EQ(one.runs()[0].name, "exp");
    EXPECT_EQ(one.directory_of("exp"), folder_ / root);
  }
  EXPECT_FALSE(RunFolder(folder_).directory_of("gone"));
  EXPECT_TRUE(RunFolder().runs().empty());
}

}  // namespace
}  // namespace gannet
