#include "gannet/observe/bucket_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// What a destination has seen; outlives the uploader, which the observer owns.
struct Seen {
  std::mutex mutex;
  std::vector<std::pair<std::string, std::string>> files;  // name, content
  std::set<std::string> refused;                           // names that fail
  std::atomic<bool> held{false}, stopped{false};

  std::vector<std::string> names() {
    const std::lock_guard lock(mutex);
    std::vector<std::string> result;
    for (const auto& [name, content] : files) result.push_back(name);
    return result;
  }
};

class FakeUploader : public Uploader {
 public:
  explicit FakeUploader(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {}
  void put(const std::filesystem::path& file, const std::string& name) override {
    while (seen_->held && !seen_->stopped)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (seen_->stopped) throw Error(ErrorKind::kIo, "the upload was stopped");
    const std::lock_guard lock(seen_->mutex);
    if (seen_->refused.contains(name))
      throw Error(ErrorKind::kIo, "HTTP 403", {"s3://b/" + name, 0, {}});
    seen_->files.emplace_back(name, read_file(file));
  }
  const std::string& address() const override { return address_; }
  void stop() override { seen_->stopped = true; }

 private:
  std::shared_ptr<Seen> seen_;
  std::string address_ = "s3://b";
};

class Upload : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    make_folder("run/weights");
    add_log_file(path("told.txt"));
    before_ = log_level();
    set_log_level(LogLevel::kInfo);
  }
  void TearDown() override {
    set_log_level(before_);
    close_log_files();
    TemporaryFolder::TearDown();
  }

  std::unique_ptr<UploadObserver> start(UploadWait wait = {}) {
    auto observer =
        std::make_unique<UploadObserver>(std::make_unique<FakeUploader>(seen_), std::move(wait));
    RunInfo info;
    info.directory = folder_ / "run";
    observer->on_run_start(info);
    return observer;
  }
  void checkpoint(UploadObserver& observer, const std::string& name, const std::string& content) {
    write("run/weights/" + name, content);
    observer.on_checkpoint({folder_ / "run/weights" / name, 0, false});
  }
  RunSummary summary() const {
    RunSummary result;
    result.directory = folder_ / "run";
    return result;
  }
  std::string told() const { return read_file(path("told.txt")); }
  int times_told(const std::string& text) const {
    int count = 0;
    const std::string all = told();
    for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++count;
    return count;
  }
  void await_upload_of(const std::string& name) {
    for (int i = 0; i < 60000; ++i) {
      for (const std::string& found : seen_->names())
        if (found == name) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL() << name << " was not uploaded";
  }

  std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
  LogLevel before_ = LogLevel::kInfo;
};

TEST_F(Upload, TakesTheFilesOfARunAndNoOthers) {
  for (const char* name :
       {"results.txt", "settings.yaml", "notes.txt", "photo.jpg", "results.png", "train_batch0.jpg",
        "val_batch1_pred.jpg", "PR_curve.png", "weights/best.pt", "weights/last.pt",
        "weights/epoch9.pt", "weights/epoch19.pt", "weights/mine.pt", "weights/epochs.pt",
        "weights/last.pt.tmp77"})
    write(std::string("run/") + name, "x");
  EXPECT_THAT(files_of_run(folder_ / "run"),
              ElementsAre("weights/best.pt", "weights/last.pt", "PR_curve.png", "results.png",
                          "results.txt", "settings.yaml", "train_batch0.jpg", "val_batch1_pred.jpg",
                          "weights/epoch19.pt", "weights/epoch9.pt"));
  EXPECT_THAT(files_of_run(folder_ / "absent"), ElementsAre());
}

TEST_F(Upload, AtTheEndAllIsThereOnce) {
  const auto observer = start();
  checkpoint(*observer, "last.pt", "early");  // only its final form is wanted
  checkpoint(*observer, "epoch0.pt", "first");
  await_upload_of("weights/epoch0.pt");
  write("run/weights/last.pt", "final");
  write("run/results.txt", "rows");
  observer->on_run_end(summary());
  EXPECT_THAT(seen_->files,
              ElementsAre(std::pair("weights/epoch0.pt", "first"),
                          std::pair("weights/last.pt", "final"), std::pair("results.txt", "rows")));
  EXPECT_THAT(told(), HasSubstr("info: uploaded 3 files, 0.0 MB to s3://b"));
  EXPECT_FALSE(std::filesystem::exists(path("run/.upload")));
}

TEST_F(Upload, ACheckpointGoesAsItWasWhenItWasSaved) {
  seen_->held = true;
  const auto observer = start();
  checkpoint(*observer, "epoch0.pt", "first");
  checkpoint(*observer, "epoch1.pt", "second");
  write_file_atomically(path("run/weights/epoch1.pt"), "replaced");
  std::filesystem::remove(path("run/weights/epoch0.pt"));
  seen_->held = false;
  await_upload_of("weights/epoch1.pt");
  EXPECT_THAT(seen_->files, ElementsAre(std::pair("weights/epoch0.pt", "first"),
                                        std::pair("weights/epoch1.pt", "second")));
}

TEST_F(Upload, TrainingDoesNotWait) {
  seen_->held = true;
  const auto observer = start();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) checkpoint(*observer, fmt::format("epoch{}.pt", i), "x");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_TRUE(seen_->names().empty());
}

TEST_F(Upload, AFailureIsWarnedOfOncePerFileAndEndsNothing) {
  seen_->refused = {"weights/epoch0.pt", "results.txt"};
  const auto observer = start();
  checkpoint(*observer, "epoch0.pt", "first");
  write("run/results.txt", "rows");
  write("run/hyp.yaml", "lr0: 1");
  for (int i = 0; i < 60000 && times_told("epoch0.pt was not uploaded") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  observer->on_run_end(summary());  // tries epoch0.pt again
  EXPECT_THAT(seen_->names(), ElementsAre("hyp.yaml"));
  EXPECT_EQ(times_told("warning: weights/epoch0.pt was not uploaded: s3://b/weights/epoch0.pt: "
                       "HTTP 403; the run's files are in " +
                       path("run")),
            1);
  EXPECT_EQ(times_told("warning: results.txt was not uploaded"), 1);
  EXPECT_THAT(told(), HasSubstr("warning: not uploaded to s3://b: results.txt, weights/epoch0.pt; "
                                "the run's files are in " +
                                path("run")));
}

TEST_F(Upload, WhatFailedDuringTheRunIsTriedAgainAtItsEnd) {
  seen_->refused = {"weights/epoch0.pt"};
  const auto observer = start();
  checkpoint(*observer, "epoch0.pt", "first");
  for (int i = 0; i < 60000 && times_told("was not uploaded") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  {
    const std::lock_guard lock(seen_->mutex);
    seen_->refused.clear();
  }
  observer->on_run_end(summary());
  EXPECT_THAT(seen_->names(), ElementsAre("weights/epoch0.pt"));
  EXPECT_THAT(told(), Not(HasSubstr("not uploaded to")));
}

TEST_F(Upload, TheEndWaitsNoLongerThanAllowed) {
  seen_->held = true;
  UploadWait wait;
  wait.seconds = 0.3;
  wait.progress_seconds = 0.1;
  const auto observer = start(wait);
  write("run/results.txt", "rows");
  const auto begin = std::chrono::steady_clock::now();
  observer->on_run_end(summary());
  const auto spent = std::chrono::steady_clock::now() - begin;
  EXPECT_GT(spent, std::chrono::milliseconds(290));
  EXPECT_LT(spent, std::chrono::seconds(5));
  EXPECT_TRUE(seen_->stopped);
  EXPECT_THAT(told(), HasSubstr("info: still uploading results.txt; 1 file, 0.0 MB left"));
  EXPECT_THAT(
      told(),
      HasSubstr(
          "warning: the run ended before these were uploaded: results.txt; its files are in " +
          path("run")));
  EXPECT_EQ(times_told("stopped"), 0);
}

TEST_F(Upload, AnInterruptedRunEndsAtOnceAndNamesWhatIsMissing) {
  seen_->held = true;
  auto observer = start();
  checkpoint(*observer, "epoch0.pt", "first");
  const auto begin = std::chrono::steady_clock::now();
  observer->on_run_failed({.so_far = summary(), .error = "interrupted"});
  observer.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(times_told("before these were uploaded: weights/epoch0.pt"), 1);
}

TEST_F(Upload, AStopRequestEndsTheWait) {
  seen_->held = true;
  UploadWait wait;
  wait.ended = [] { return true; };
  const auto observer = start(wait);
  write("run/results.txt", "rows");
  const auto begin = std::chrono::steady_clock::now();
  observer->on_run_end(summary());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(Upload, WithoutAnEndItStopsAsWell) {
  seen_->held = true;
  auto observer = start();
  checkpoint(*observer, "epoch0.pt", "first");
  observer.reset();  // as where an error ends the run
  EXPECT_TRUE(seen_->stopped);
  EXPECT_EQ(times_told("before these were uploaded: weights/epoch0.pt"), 1);
  EXPECT_FALSE(std::filesystem::exists(path("run/.upload")));
}

TEST_F(Upload, RemainsOfAKilledRunAreRemoved) {
  make_folder("run/.upload");
  write("run/.upload/0-epoch3.pt", "x");
  const auto observer = start();
  EXPECT_FALSE(std::filesystem::exists(path("run/.upload")));
}

}  // namespace
}  // namespace gannet
