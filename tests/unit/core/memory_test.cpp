#include "gannet/core/memory.h"

#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

class AvailableMemory : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    make_folder("proc/self");
    write("proc/meminfo", "MemTotal:  8000 kB\nMemFree: 10 kB\nMemAvailable:   4000 kB\n");
  }
  void write_group(const std::string& folder, const std::string& limit, int usage, int inactive) {
    make_folder(folder);
    write(folder + "/memory.max", limit + "\n");
    write(folder + "/memory.current", std::to_string(usage) + "\n");
    write(folder + "/memory.stat", "anon 5\ninactive_file " + std::to_string(inactive) + "\n");
  }
};

TEST(Memory, OfThisMachine) {
  EXPECT_GT(peak_memory_gib(), 0);
  EXPECT_GT(available_memory_bytes(), 0);
  EXPECT_GT(resident_memory_bytes(), 1 << 20);
  EXPECT_LE(static_cast<double>(resident_memory_bytes()), 1.1 * peak_memory_gib() * (1 << 30));
}

TEST(Memory, AFifthOfItIsLeftAlone) {
  EXPECT_EQ(memory_reserve(std::uint64_t{10} << 30), std::uint64_t{2} << 30);
  EXPECT_EQ(memory_reserve(std::uint64_t{1} << 30), std::uint64_t{512} << 20);
  EXPECT_EQ(memory_reserve(1000), 1000);
}

TEST_F(AvailableMemory, OfTheMachine) {
  EXPECT_EQ(available_memory_bytes(folder_), 4000 * 1024);
  EXPECT_EQ(available_memory_bytes(folder_ / "nothing"), 0);
}

TEST_F(AvailableMemory, OfControlGroups) {
  write("proc/self/cgroup", "0::/jobs/mine\n");
  write_group("sys/fs/cgroup/jobs/mine", "max", 700000, 0);
  EXPECT_EQ(available_memory_bytes(folder_), 4000 * 1024);
  write_group("sys/fs/cgroup/jobs", "1000000", 700000, 200000);  // the parent's limit
  EXPECT_EQ(available_memory_bytes(folder_), 1000000 - (700000 - 200000));
  write_group("sys/fs/cgroup/jobs/mine", "800000", 700000, 0);
  EXPECT_EQ(available_memory_bytes(folder_), 100000);
  write_group("sys/fs/cgroup/jobs/mine", "600000", 700000, 0);
  EXPECT_EQ(available_memory_bytes(folder_), 0);
}

// In a container the own group is the root of what is seen.
TEST_F(AvailableMemory, OfAContainer) {
  write("proc/self/cgroup", "0::/\n");
  write_group("sys/fs/cgroup", "2000000", 500000, 0);
  EXPECT_EQ(available_memory_bytes(folder_), 1500000);
}

TEST_F(AvailableMemory, OfControlGroupsOfVersion1) {
  write("proc/self/cgroup", "12:cpu,memory:/job\n3:cpuset:/job\n");
  make_folder("sys/fs/cgroup/memory/job");
  write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "300000\n");
  write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "200000\n");
  write("sys/fs/cgroup/memory/job/memory.stat", "total_inactive_file 50000\n");
  EXPECT_EQ(available_memory_bytes(folder_), 150000);
}

}  // namespace
}  // namespace gannet
