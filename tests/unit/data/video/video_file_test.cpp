#include "gannet/data/video/video_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "gannet/data/video/live_stream.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

class Video : public testing::TemporaryFolder {
 protected:
  /// Frames that are brighter from one to the next.
  std::string write_video(const std::string& name, int frames) {
    VideoWriter writer(path(name), 10, {64, 48});
    for (int i = 0; i < frames; ++i)
      writer.write(cv::Mat(48, 64, CV_8UC3, cv::Scalar::all(12 * i)));
    writer.finish();
    return path(name);
  }
};

TEST_F(Video, ComesBackFrameByFrame) {
  VideoReader reader(write_video("a.mp4", 20));
  EXPECT_EQ(reader.info().num_frames, 20);
  EXPECT_NEAR(reader.info().fps, 10, 1e-3);
  EXPECT_EQ(reader.info().size, cv::Size(64, 48));
  cv::Mat frame;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(reader.read(frame));
    EXPECT_EQ(reader.frame_number(), i + 1);
    EXPECT_NEAR(cv::mean(frame)[0], 12 * i, 5);
  }
  EXPECT_FALSE(reader.read(frame));
  EXPECT_EQ(reader.num_damaged(), 0);
  EXPECT_THAT(std::distance(std::filesystem::directory_iterator(path(".")), {}), 1);
}

TEST_F(Video, AStridePassesFramesOver) {
  VideoReader reader(write_video("a.mp4", 10), 4);
  cv::Mat frame;
  std::vector<int> numbers;
  while (reader.read(frame)) numbers.push_back(reader.frame_number());
  EXPECT_THAT(numbers, ::testing::ElementsAre(1, 5, 9));
  EXPECT_EQ(reader.num_damaged(), 0);
}

TEST_F(Video, KeepsFramesOfAnotherSize) {
  {
    VideoWriter writer(path("a.mp4"), 10, {64, 48});
    for (const cv::Size size : {cv::Size(64, 48), cv::Size(32, 24), cv::Size(64, 48)})
      writer.write(cv::Mat(size, CV_8UC3, cv::Scalar::all(100)));
    writer.finish();
  }
  VideoReader reader(path("a.mp4"));
  cv::Mat frame;
  int frames = 0;
  for (; reader.read(frame); ++frames) EXPECT_EQ(frame.size(), cv::Size(64, 48));
  EXPECT_EQ(frames, 3);
}

TEST_F(Video, SaysWhatIsNoVideo) {
  const auto file = write("b.mp4", "text");
  EXPECT_ERROR(kData, "no video", VideoReader{file});
  EXPECT_ERROR(kIo, "cannot be written", VideoWriter(path("no folder") + "/a.mp4", 10, {64, 48}));
}

// A file as a stream: it ends, is tried again, and in the end given up.
TEST_F(Video, AStreamIsRetriedAndGivenUp) {
  std::mutex mutex;
  std::vector<std::string> notes;
  LiveStreamOptions options;
  options.max_retries = 2;
  options.first_pause_s = 0.01;
  options.on_note = [&](const std::string& note) {
    const std::scoped_lock lock(mutex);
    notes.push_back(note);
  };
  LiveStream stream(path("absent.mp4"), options);
  while (!stream.ended()) EXPECT_FALSE(stream.take());
  const std::scoped_lock lock(mutex);
  ASSERT_EQ(notes.size(), 3u);
  EXPECT_THAT(notes[1], ::testing::HasSubstr("(2 of 2)"));
  EXPECT_THAT(notes[2], ::testing::HasSubstr("no frames any more"));
}

TEST_F(Video, AStreamGivesItsNewestFrame) {
  LiveStreamOptions options;
  options.max_retries = 0;
  LiveStream stream(write_video("a.mp4", 20), options);
  int last = 0, taken = 0;
  while (!stream.ended()) {
    const auto frame = stream.take();
    if (!frame) continue;
    EXPECT_GT(frame->number, last);
    last = frame->number;
    ++taken;
  }
  EXPECT_EQ(last, 20);
  EXPECT_EQ(taken + stream.num_skipped(), 20);
}

}  // namespace
}  // namespace gannet
