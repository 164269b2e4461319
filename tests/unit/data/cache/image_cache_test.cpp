#include "gannet/data/cache/image_cache.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/data/cache/image_cache_layout.h"
#include "tests/unit/child_process.h"
#include "tests/unit/data/cache/image_cache_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

using ImageCacheTest = ImageCacheFolder;

class EitherImageCache : public ImageCacheFolder,
                         public ::testing::WithParamInterface<ImageCacheKind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, EitherImageCache,
                         ::testing::Values(ImageCacheKind::kRam, ImageCacheKind::kDisk), kind_name);

TEST(ImageCacheKind, Words) {
  EXPECT_EQ(image_cache_kind(""), ImageCacheKind::kNone);
  EXPECT_EQ(image_cache_kind("ram"), ImageCacheKind::kRam);
  EXPECT_EQ(image_cache_kind("disk"), ImageCacheKind::kDisk);
  EXPECT_EQ(thrown_error([] { image_cache_kind("tape"); }).exit_code(), 2);
}

TEST(ImageCacheLayout, ImagesFollowEachOther) {
  const ImageCacheLayout layout(7, {{10, 2}, {1, 1}, {100, 3}});
  ASSERT_EQ(layout.size(), 3);
  EXPECT_EQ(layout.head().size(), 64 + 3 * 16);
  EXPECT_EQ(layout.head().substr(0, 15), "gannet images 1");
  EXPECT_EQ(layout.states_begin(), 64 + 3 * 16);
  EXPECT_EQ(layout.data_begin(), 4096);
  EXPECT_EQ(layout.entry(0).bytes(), 60);
  EXPECT_EQ(layout.entry(1).offset, 4096 + 64);
  EXPECT_EQ(layout.entry(2).offset, 4096 + 128);
  EXPECT_EQ(layout.end_of(0), 4096);
  EXPECT_EQ(layout.end_of(3), 4096 + 128 + 900);
  EXPECT_EQ(layout.file_bytes(), 2 * 4096);
  EXPECT_EQ(layout.num_fitting(4096 + 59), 0);
  EXPECT_EQ(layout.num_fitting(4096 + 60), 1);
  EXPECT_EQ(layout.num_fitting(4096 + 128), 2);
  EXPECT_EQ(layout.num_fitting(1 << 20), 3);
  EXPECT_NE(layout.head(), ImageCacheLayout(8, {{10, 2}, {1, 1}, {100, 3}}).head());
  EXPECT_EQ(ImageCacheLayout(7, {}).num_fitting(1 << 20), 0);
}

TEST_P(EitherImageCache, DecodesOnceAndGivesViews) {
  const auto images = open(GetParam());
  ASSERT_NE(images, nullptr);
  EXPECT_EQ(images->num_fitting(), kImages);
  EXPECT_EQ(images->num_ready(), 0);
  for (int round = 0; round < 3; ++round) EXPECT_TRUE(get_all_right(*images));
  EXPECT_EQ(num_decoded_, kImages);
  EXPECT_EQ(images->num_ready(), kImages);
  const auto never = []() -> cv::Mat { throw std::logic_error("decoded again"); };
  const cv::Mat first = images->get(5, never), second = images->get(5, never);
  EXPECT_EQ(first.data, second.data);
}

TEST_P(EitherImageCache, ViewsOutliveTheCache) {
  cv::Mat part;
  {
    const auto images = open(GetParam());
    get_right(*images, 3);
    part = images->get(3, [] { return cv::Mat(); }).rowRange(0, 20);
  }
  const cv::Mat copy_of_header = part;
  part.release();
  EXPECT_TRUE(is_picture(copy_of_header, 3));
}

TEST_P(EitherImageCache, ThreadsFillItTogether) {
  const auto images = open(GetParam());
  std::atomic<int> num_right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] { num_right += get_all_right(*images) && get_all_right(*images); });
    }
  }
  EXPECT_EQ(num_right, 8);
  EXPECT_EQ(images->num_ready(), kImages);
}

TEST_P(EitherImageCache, FirstImagesThatFitAreCached) {
  const ImageCacheLayout layout(0, set_.sizes);
  ImageCacheOptions options = cache(GetParam());
  options.max_bytes = layout.end_of(4) + 10;
  const auto images = ImageCache::open(set_, options);
  EXPECT_EQ(images->num_fitting(), 4);
  EXPECT_TRUE(get_all_right(*images));
  EXPECT_TRUE(get_all_right(*images));
  EXPECT_EQ(num_decoded_, kImages + kImages - 4);
  EXPECT_EQ(images->num_ready(), 4);
  options.max_bytes = 0;
  const auto none = ImageCache::open(set_, options);
  EXPECT_EQ(none->num_fitting(), 0);
  EXPECT_TRUE(get_all_right(*none));
}

TEST_P(EitherImageCache, GoesOnWhenThereIsNoMoreSpace) {
  const std::uint64_t limit = ImageCacheLayout(0, set_.sizes).end_of(5);
  const pid_t child = start_child([&] {
    const auto images = open(GetParam());
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit no_more{limit, limit};  // writing beyond fails, as on a full disk
    return ::setrlimit(RLIMIT_FSIZE, &no_more) == 0 && get_all_right(*images) &&
           get_all_right(*images) && images->num_ready() == 5 &&
           num_decoded_ == kImages + kImages - 5;
  });
  EXPECT_EQ(wait_for_child(child), 0);
}

TEST_P(EitherImageCache, UnreadableImagesAreNotTriedAgain) {
  int num_tries = 0;
  const auto fails = [&]() -> cv::Mat {
    ++num_tries;
    throw Error(ErrorKind::kData, "broken", {"a.jpg", 0, {}});
  };
  {
    const auto images = open(GetParam());
    for (int i = 0; i < 3; ++i) {
      EXPECT_STREQ(thrown_error([&] { images->get(2, fails); }).what(), "a.jpg: broken");
    }
    EXPECT_EQ(num_tries, 1);
  }
  const auto next_run = open(GetParam());
  EXPECT_TRUE(get_right(*next_run, 2));
}

TEST_P(EitherImageCache, OtherFailuresAreTriedAgain) {
  const auto images = open(GetParam());
  const auto fails = []() -> cv::Mat { throw std::bad_alloc(); };
  EXPECT_THROW(images->get(2, fails), std::bad_alloc);
  EXPECT_TRUE(get_right(*images, 2));
  EXPECT_EQ(images->num_ready(), 1);
}

TEST_P(EitherImageCache, ImageOfAnotherSizeIsGivenButNotKept) {
  const auto images = open(GetParam());
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(is_picture(images->get(2, [] { return picture(4); }), 4));
  }
  EXPECT_EQ(images->num_ready(), 0);
}

TEST_F(ImageCacheTest, DiskCacheIsFoundAgain) {
  EXPECT_TRUE(get_all_right(*open(ImageCacheKind::kDisk)));
  const auto again = open(ImageCacheKind::kDisk);
  EXPECT_EQ(again->num_ready(), kImages);
  EXPECT_TRUE(get_all_right(*again));
  EXPECT_EQ(num_decoded_, kImages);
}

TEST_F(ImageCacheTest, RamCacheEndsWithTheRun) {
  EXPECT_TRUE(get_all_right(*open(ImageCacheKind::kRam)));
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(open(ImageCacheKind::kRam)->num_ready(), 0);
}

TEST_F(ImageCacheTest, RamCacheNeedsNoFolder) {
  ImageCacheOptions options;
  options.folder.clear();
  EXPECT_TRUE(get_all_right(*ImageCache::open(set_, options)));
}

TEST_F(ImageCacheTest, ChangedImageReplacesTheCache) {
  EXPECT_TRUE(get_all_right(*open(ImageCacheKind::kDisk)));
  write_text("images/3", "now stands for another image");
  EXPECT_EQ(open(ImageCacheKind::kDisk)->num_ready(), 0);
  EXPECT_THAT(files(), SizeIs(1));
  namespace fs = std::filesystem;
  fs::last_write_time(set_.paths[4],
                      fs::last_write_time(set_.paths[4]) + std::chrono::milliseconds(1));
  EXPECT_TRUE(get_all_right(*open(ImageCacheKind::kDisk)));
  EXPECT_EQ(num_decoded_, 2 * kImages);
  set_.settings = "other";
  EXPECT_EQ(open(ImageCacheKind::kDisk)->num_ready(), 0);
  EXPECT_THAT(files(), SizeIs(2));
}

TEST_F(ImageCacheTest, DamagedPixelsAreDecodedAgain) {
  EXPECT_TRUE(get_all_right(*open(ImageCacheKind::kDisk)));
  const std::string file = path("cache/" + files().at(0));
  {
    const ImageCacheLayout layout(0, set_.sizes);
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(static_cast<std::streamoff>(layout.entry(6).offset + 100));
    stream.put(static_cast<char>(picture(6).data[100] ^ 1));
  }
  for (int run = 0; run < 2; ++run) EXPECT_TRUE(get_all_right(*open(ImageCacheKind::kDisk)));
  EXPECT_EQ(num_decoded_, kImages + 1);
}

TEST_F(ImageCacheTest, DamagedFilesAreReplaced) {
  EXPECT_TRUE(get_all_right(*open(ImageCacheKind::kDisk)));
  const std::string file = path("cache/" + files().at(0)), whole = read_file(file);
  std::string other_index = whole;
  other_index[70] ^= 1;
  for (const std::string& content :
       {other_index, whole.substr(0, 100), whole.substr(0, 5000), std::string(), whole + "x"}) {
    write_file_atomically(file, content);
    num_decoded_ = 0;
    EXPECT_TRUE(get_all_right(*open(ImageCacheKind::kDisk)));
    EXPECT_EQ(num_decoded_, kImages);
    EXPECT_THAT(files(), SizeIs(1));
  }
}

TEST_F(ImageCacheTest, FileOfAKilledStartIsRemoved) {
  get_right(*open(ImageCacheKind::kDisk), 0);
  const std::string file = "cache/" + files().at(0);
  std::filesystem::remove(path(file));
  write_text(file + ".tmp123", "half a header");
  get_right(*open(ImageCacheKind::kDisk), 0);
  EXPECT_EQ(files(), std::vector<std::string>{file.substr(6)});
}

TEST_F(ImageCacheTest, NoPlaceForACache) {
  write_text("cache", "a file where the folder should be");
  EXPECT_EQ(open(ImageCacheKind::kDisk), nullptr);
  const auto in_memory = open(ImageCacheKind::kRam);
  EXPECT_TRUE(get_all_right(*in_memory));
  EXPECT_EQ(in_memory->num_ready(), kImages);
  ImageCacheOptions options = cache(ImageCacheKind::kDisk);
  options.folder.clear();
  EXPECT_EQ(ImageCache::open(set_, options), nullptr);
  EXPECT_EQ(ImageCache::open(set_, kNoImageCache), nullptr);
}

TEST_F(ImageCacheTest, EmptySet) {
  set_ = {};
  const auto images = open(ImageCacheKind::kRam);
  ASSERT_NE(images, nullptr);
  EXPECT_EQ(images->num_fitting(), 0);
}

}  // namespace
}  // namespace gannet::testing
