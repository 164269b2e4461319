#include "gannet/dist/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

std::optional<WorldSpec> world_of(const Variables& variables) {
  return world_from_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal(const Variables& variables) {
  const Error error = testing::thrown_error([&] { world_of(variables); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  return error.what();
}

TEST(World, AProcessOnItsOwnHasNone) { EXPECT_FALSE(world_of({})); }

TEST(World, ReadsWhatTorchrunSets) {
  const auto world = world_of({{"RANK", "5"},
                               {"WORLD_SIZE", "8"},
                               {"LOCAL_RANK", "1"},
                               {"LOCAL_WORLD_SIZE", "4"},
                               {"MASTER_ADDR", "node0"},
                               {"MASTER_PORT", "1234"},
                               {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                               {"TORCHELASTIC_RESTART_COUNT", "2"}});
  ASSERT_TRUE(world);
  EXPECT_EQ(world->rank, 5);
  EXPECT_EQ(world->size, 8);
  EXPECT_EQ(world->local_rank, 1);
  EXPECT_EQ(world->local_size, 4);
  EXPECT_EQ(world->address, "node0");
  EXPECT_EQ(world->port, 1234);
  EXPECT_FALSE(world->hosts_store) << "torchrun's agent already holds the port";
  EXPECT_EQ(world->attempt, 2) << "its store still holds what former attempts wrote";
}

TEST(World, ReadsWhatMpirunSets) {
  const Variables variables = {{"OMPI_COMM_WORLD_RANK", "1"},
                               {"OMPI_COMM_WORLD_SIZE", "2"},
                               {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                               {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                               {"PMIX_NAMESPACE", "job1"}};
  const auto world = world_of(variables);
  ASSERT_TRUE(world);
  EXPECT_EQ(world->rank, 1);
  EXPECT_EQ(world->address, "127.0.0.1");
  EXPECT_EQ(world->port, world_of(variables)->port) << "all ranks of a job must agree";
  Variables other = variables;
  other["PMIX_NAMESPACE"] = "job2";
  EXPECT_NE(world->port, world_of(other)->port);
}

TEST(World, MpirunOnSeveralMachinesNeedsTheAddress) {
  EXPECT_THAT(refusal({{"OMPI_COMM_WORLD_RANK", "1"},
                       {"OMPI_COMM_WORLD_SIZE", "4"},
                       {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}}),
              HasSubstr("MASTER_ADDR"));
}

TEST(World, ReadsAStepOfSlurm) {
  const auto world = world_of({{"SLURM_STEP_ID", "0"},
                               {"SLURM_JOB_ID", "77"},
                               {"SLURM_PROCID", "3"},
                               {"SLURM_NTASKS", "4"},
                               {"SLURM_LOCALID", "1"},
                               {"SLURM_STEP_NODELIST", "gpu[07-08]"},
                               {"SLURM_STEP_TASKS_PER_NODE", "2(x2)"}});
  ASSERT_TRUE(world);
  EXPECT_EQ(world->rank, 3);
  EXPECT_EQ(world->local_rank, 1);
  EXPECT_EQ(world->local_size, 2);
  EXPECT_EQ(world->address, "gpu07");
  EXPECT_GE(world->port, 20000);
  EXPECT_LT(world->port, 40000);
}

TEST(World, AShellOfSlurmIsNoRank) {
  EXPECT_FALSE(world_of({{"SLURM_JOB_ID", "77"}, {"SLURM_NTASKS", "4"}}));
  EXPECT_FALSE(
      world_of({{"SLURM_STEP_ID", "4294967290"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}));
}

TEST(World, NamesTheVariableThatIsMissingOrWrong) {
  EXPECT_THAT(refusal({{"RANK", "0"}}), HasSubstr("WORLD_SIZE: is not set"));
  EXPECT_THAT(refusal({{"RANK", "2"}, {"WORLD_SIZE", "2"}}),
              HasSubstr("RANK: '2' is not a number from 0 to 1"));
  EXPECT_THAT(refusal({{"RANK", "x"}, {"WORLD_SIZE", "2"}}), HasSubstr("RANK: 'x'"));
  EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}}), HasSubstr("MASTER_ADDR"));
  EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}}),
              HasSubstr("MASTER_PORT"));
}

TEST(World, FindsTheFirstHostOfANodeList) {
  EXPECT_EQ(first_host("node1"), "node1");
  EXPECT_EQ(first_host("node1,node2"), "node1");
  EXPECT_EQ(first_host("node[03-05,9],gpu1"), "node03");
  EXPECT_EQ(first_host("rack1-n[7,9]"), "rack1-n7");
}

}  // namespace
}  // namespace gannet
