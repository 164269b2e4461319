// Several processes that fill and read one image cache, some of which are killed.
#include <gmock/gmock.h>
#include <sys/mman.h>

#include <chrono>
#include <csignal>
#include <new>
#include <thread>

#include "gannet/data/cache/image_cache_layout.h"
#include "tests/unit/child_process.h"
#include "tests/unit/data/cache/image_cache_fixture.h"

namespace gannet::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A counter that all children see.
class SharedCounter {
 public:
  SharedCounter()
      : memory_(::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
        value_(new (memory_) std::atomic<int>(0)) {}
  ~SharedCounter() { ::munmap(memory_, sizeof(std::atomic<int>)); }
  std::atomic<int>& operator*() const { return *value_; }
  void wait_for(int value) const {
    while (*value_ < value) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  void* memory_;
  std::atomic<int>* value_;
};

std::vector<std::string> shared_memory_files() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.find("gannet") != std::string::npos) names.push_back(name);
  }
  return names;
}

class SharedImageCache : public ImageCacheFolder,
                         public ::testing::WithParamInterface<ImageCacheKind> {
 protected:
  /// A child that stands still while it decodes image 0, until it is killed.
  pid_t start_child_that_hangs(const SharedCounter& in_decode) const {
    return start_child([&] {
      const auto images = open(GetParam());
      images->get(0, [&]() -> cv::Mat {
        ++*in_decode;
        while (true) ::pause();
      });
      return true;
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, SharedImageCache,
                         ::testing::Values(ImageCacheKind::kRam, ImageCacheKind::kDisk), kind_name);

TEST_P(SharedImageCache, AllSeeTheSamePixels) {
  constexpr int kProcesses = 5;
  const SharedCounter num_decoded;
  const auto run = [&](std::size_t first) {
    const auto images = open(GetParam());
    bool right = true;
    for (std::size_t round = 0; round < 3; ++round) {
      for (std::size_t k = 0; k < kImages; ++k) {
        const std::size_t i = (first + k) % kImages;
        const auto decode = [&] { return ++*num_decoded, picture(i); };
        right = is_picture(images->get(i, decode), i) && right;
      }
    }
    return right;
  };
  {
    const auto mine = open(GetParam());  // so that the one in memory stays
    std::vector<pid_t> children;
    for (std::size_t i = 0; i < kProcesses; ++i) {
      children.push_back(start_child([&, i] { return run(2 * i); }));
    }
    for (const pid_t child : children) EXPECT_EQ(wait_for_child(child), 0);
    EXPECT_EQ(mine->num_ready(), kImages);
    EXPECT_GE(*num_decoded, kImages);
    EXPECT_LE(*num_decoded, kImages * kProcesses);
    EXPECT_TRUE(get_all_right(*mine));
    EXPECT_EQ(num_decoded_, 0);
  }
  EXPECT_THAT(shared_memory_files(), IsEmpty());
  EXPECT_THAT(files(), SizeIs(GetParam() == ImageCacheKind::kRam ? 0 : 1));
}

TEST_P(SharedImageCache, ReadersDoNotWaitForAnotherProcess) {
  const auto mine = open(GetParam());
  const SharedCounter in_decode;
  const pid_t child = start_child_that_hangs(in_decode);
  in_decode.wait_for(1);
  EXPECT_TRUE(get_all_right(*mine));
  EXPECT_EQ(mine->num_ready(), kImages - 1);
  ::kill(child, SIGKILL);
  EXPECT_EQ(wait_for_child(child), -SIGKILL);
  EXPECT_TRUE(get_all_right(*mine));
  EXPECT_EQ(mine->num_ready(), kImages);  // what the dead process had begun is done
}

TEST_P(SharedImageCache, NothingStaysBehindAfterKills) {
  const SharedCounter in_decode;
  const pid_t first = start_child_that_hangs(in_decode);
  in_decode.wait_for(1);
  const pid_t second = start_child([&] {
    const auto images = open(GetParam());
    const bool right = get_all_right(*images);
    ++*in_decode;
    while (right) ::pause();
    return false;
  });
  in_decode.wait_for(2);
  for (const pid_t child : {first, second}) {
    ::kill(child, SIGKILL);
    EXPECT_EQ(wait_for_child(child), -SIGKILL);
  }
  EXPECT_THAT(shared_memory_files(), IsEmpty());
  const bool keeps = GetParam() == ImageCacheKind::kDisk;
  {
    const auto next_run = open(GetParam());
    EXPECT_EQ(next_run->num_ready(), keeps ? kImages - 1 : 0);
    EXPECT_TRUE(get_all_right(*next_run));
    EXPECT_EQ(next_run->num_ready(), kImages);
  }
  EXPECT_THAT(files(), SizeIs(keeps ? 1 : 0));
}

// In a container every run may have the same process number.
TEST_F(ImageCacheFolder, ClaimOfAnEarlierRunWithMyNumberIsDropped) {
  get_right(*open(ImageCacheKind::kDisk), 1);
  {
    const ImageCacheLayout layout(0, set_.sizes);
    const std::uint64_t claim = 2 + 4 * static_cast<std::uint64_t>(::getpid());
    std::fstream file(path("cache/" + files().at(0)),
                      std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(layout.states_begin()));
    file.write(reinterpret_cast<const char*>(&claim), sizeof claim);
  }
  const auto images = open(ImageCacheKind::kDisk);
  EXPECT_TRUE(get_right(*images, 0));
  EXPECT_EQ(images->num_ready(), 2);
}

}  // namespace
}  // namespace gannet::testing
