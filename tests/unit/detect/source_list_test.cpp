#include "gannet/detect/source_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Sources : public testing::TemporaryFolder {};

TEST_F(Sources, ImagesComeBeforeVideos) {
  make_folder("in/deep");
  for (const char* name : {"in/b.mp4", "in/z.jpg", "in/c.gif", "in/deep/a.png", "in/notes.txt"})
    write(name, "x");
  const SourceList flat = find_sources(path("in"), false);
  EXPECT_THAT(flat.files, ElementsAre(HasSubstr("z.jpg"), HasSubstr("b.mp4")));
  EXPECT_THAT(flat.notes, ElementsAre(HasSubstr("c.gif"), HasSubstr("subfolders")));
  EXPECT_EQ(find_sources(path("in"), true).files.size(), 3u);
  EXPECT_THAT(find_sources(path("in") + "/*.mp4", false).files, ElementsAre(HasSubstr("b.mp4")));
  EXPECT_THAT(find_sources(path("in/b.mp4"), false).files, ElementsAre(path("in/b.mp4")));
}

TEST_F(Sources, AddressesAndCamerasAreStreams) {
  for (const char* source : {"0", "12", "rtsp://host/a", "HTTP://host/b.mp4"})
    EXPECT_THAT(find_sources(source, false).streams, ElementsAre(source));
  write("list.txt", "# yard\nrtsp://host/a\n\r\n 1 \n");
  EXPECT_THAT(find_sources(path("list.txt"), false).streams, ElementsAre("rtsp://host/a", "1"));
}

TEST_F(Sources, SaysWhatCannotBeRead) {
  EXPECT_ERROR(kUsage, "does not exist", find_sources(path("absent"), false));
  write("a.gif", "x");
  EXPECT_ERROR(kUsage, "of a format that is not read", find_sources(path("a.gif"), false));
  make_folder("hollow");
  EXPECT_ERROR(kUsage, "no images", find_sources(path("hollow"), false));
  EXPECT_ERROR(kUsage, "no images", find_sources(path("hollow") + "/*", false));
}

}  // namespace
}  // namespace gannet
