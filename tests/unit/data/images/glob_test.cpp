#include "gannet/data/images/glob.h"

#include <gmock/gmock.h>

#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Glob : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    for (const char* folder : {"[set 1]", "s", "nested/deep/er", ".hidden"}) make_folder(folder);
    for (const char* file : {"[set 1]/a.jpg", "[set 1]/B.JPG", "s/x.jpg", "nested/deep/er/c.jpg",
                             "nested/top.jpg", "nested/top.txt", ".hidden/h.jpg"})
      write(file, "");
  }
};

TEST_F(Glob, StarsAndBracketsStayWithinAFolder) {
  EXPECT_THAT(glob(path("s/*.jpg")), ElementsAre(path("s/x.jpg")));
  EXPECT_THAT(glob(path("[r-t]/?.jpg")), ElementsAre(path("s/x.jpg")));
  EXPECT_THAT(glob(path("nested/*.jpg")), ElementsAre(path("nested/top.jpg")));
  EXPECT_THAT(glob(path("*/*.jpg")),
              ElementsAre(path("[set 1]/a.jpg"), path("nested/top.jpg"), path("s/x.jpg")));
  EXPECT_THAT(glob(path("none/*")), IsEmpty());
}

TEST_F(Glob, APartThatExistsIsItself) {
  EXPECT_THAT(glob(path("[set 1]/*")), ElementsAre(path("[set 1]/B.JPG"), path("[set 1]/a.jpg")));
}

TEST_F(Glob, TwoStarsAreAnyFolders) {
  EXPECT_THAT(glob(path("nested/**/*.jpg")),
              ElementsAre(path("nested/deep/er/c.jpg"), path("nested/top.jpg")));
  EXPECT_THAT(glob(path("**/c.jpg")), ElementsAre(path("nested/deep/er/c.jpg")));
  EXPECT_THAT(
      glob(path("nested/**")),
      ElementsAre(path("nested"), path("nested/deep"), path("nested/deep/er"),
                  path("nested/deep/er/c.jpg"), path("nested/top.jpg"), path("nested/top.txt")));
  std::filesystem::create_directory_symlink(folder_ / "nested", folder_ / "nested/deep/round");
  EXPECT_EQ(glob(path("nested/**/*.jpg")).size(), 2);
}

}  // namespace
}  // namespace gannet
