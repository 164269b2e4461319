#include "gannet/core/run_directory.h"

#include <gtest/gtest.h>

#include "gannet/core/error.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

class NewRunDirectory : public testing::TemporaryFolder {
 protected:
  std::string create(const std::string& name, bool exist_ok = false) const {
    return create_run_directory(path("runs/train"), name, exist_ok).filename().string();
  }
};

TEST_F(NewRunDirectory, NamesAreCounted) {
  EXPECT_EQ(create(""), "exp");
  EXPECT_EQ(create(""), "exp2");
  EXPECT_EQ(create(""), "exp3");
  EXPECT_EQ(create("mine"), "mine");
  EXPECT_EQ(create("mine"), "mine2");
  EXPECT_TRUE(std::filesystem::is_directory(path("runs/train/exp2")));
}

TEST_F(NewRunDirectory, ExistingOneIsTakenWhereThatIsWanted) {
  EXPECT_EQ(create("mine"), "mine");
  EXPECT_EQ(create("mine", true), "mine");
  EXPECT_EQ(create("new", true), "new");
}

TEST_F(NewRunDirectory, FileInTheWayIsAnError) {
  const std::string file = write("file", "");
  const Error error = testing::thrown_error([&] { create_run_directory(file, "", false); });
  EXPECT_EQ(error.kind(), ErrorKind::kIo);
}

}  // namespace
}  // namespace gannet
