#include "gannet/core/cpus.h"

#include <thread>

#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

class AvailableCpus : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    make_folder("proc/self");
  }
  void write_in(const std::string& folder, const std::string& name, const std::string& text) {
    make_folder(folder);
    write(folder + "/" + name, text + "\n");
  }
  const int bound_to_ = static_cast<int>(std::thread::hardware_concurrency());
};

TEST_F(AvailableCpus, WithoutGroupsThoseThatTheProcessIsBoundTo) {
  EXPECT_EQ(available_cpus(folder_), bound_to_);
  EXPECT_GE(available_cpus(), 1);
}

TEST_F(AvailableCpus, TheSmallestQuotaOfTheGroupAndThoseAroundIt) {
  write("proc/self/cgroup", "0::/jobs/mine\n");
  write_in("sys/fs/cgroup/jobs/mine", "cpu.max", "max 100000");
  write_in("sys/fs/cgroup/jobs", "cpu.max", "100000 100000");
  write_in("sys/fs/cgroup", "cpu.max", "6400000 100000");
  EXPECT_EQ(available_cpus(folder_), 1);
}

TEST_F(AvailableCpus, PartOfAProcessorCountsAsOne) {
  write("proc/self/cgroup", "0::/\n");
  write_in("sys/fs/cgroup", "cpu.max", "25000 100000");
  EXPECT_EQ(available_cpus(folder_), 1);
  write_in("sys/fs/cgroup", "cpu.max", "110000 100000");
  EXPECT_EQ(available_cpus(folder_), std::min(2, bound_to_));
}

TEST_F(AvailableCpus, QuotaOfVersion1) {
  write("proc/self/cgroup", "3:cpuset:/job\n12:cpu,cpuacct:/job\n");
  write_in("sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "-1");
  write_in("sys/fs/cgroup/cpu", "cpu.cfs_period_us", "100000");
  EXPECT_EQ(available_cpus(folder_), bound_to_);
  write_in("sys/fs/cgroup/cpu/job", "cpu.cfs_quota_us", "50000");
  write_in("sys/fs/cgroup/cpu/job", "cpu.cfs_period_us", "100000");
  EXPECT_EQ(available_cpus(folder_), 1);
}

}  // namespace
}  // namespace gannet
