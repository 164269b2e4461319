#include "gannet/viz/system_fonts.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

const fs::path kFonts = fs::path(GANNET_SOURCE_DIR) / "src/gannet/viz/fonts";

class SystemFontsTest : public testing::TemporaryFolder {};

TEST_F(SystemFontsTest, FindTheFileThatHasACharacter) {
  const SystemFonts fonts({kFonts});
  const auto found = fonts.find(U'Я');
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, (kFonts / "DejaVuSans.ttf").string());
  EXPECT_EQ(found->number, 0);
  EXPECT_FALSE(fonts.find(U'猫'));
  EXPECT_FALSE(fonts.find(0x10FFFF));
}

TEST_F(SystemFontsTest, PassOverWhatIsNoFont) {
  fs::create_directories(folder_ / "deep/er");
  std::ofstream(folder_ / "a.ttf") << "no font";
  std::ofstream(folder_ / "empty.OTF");
  fs::create_directories(folder_ / "folder.ttf");
  fs::copy(kFonts / "DejaVuSans.ttf", folder_ / "deep/er/b.TTF");
  const SystemFonts fonts({folder_ / "missing", folder_});
  ASSERT_TRUE(fonts.find(U'a'));
  EXPECT_EQ(fonts.find(U'a')->path, (folder_ / "deep/er/b.TTF").string());
  EXPECT_FALSE(SystemFonts({}).find(U'a'));
}

TEST_F(SystemFontsTest, BrokenFilesAreNoFonts) {
  std::ifstream whole(kFonts / "DejaVuSans.ttf", std::ios::binary);
  std::string bytes(2000, '\0');
  whole.read(bytes.data(), 2000);
  std::ofstream(folder_ / "cut.ttf", std::ios::binary) << bytes;
  EXPECT_EQ(FontFile::open((folder_ / "cut.ttf").string()), nullptr);
  EXPECT_EQ(FontFile::open((kFonts / "DejaVuSans.ttf").string(), 7), nullptr);
  EXPECT_EQ(FontFile::open(std::span<const unsigned char>()), nullptr);
}

}  // namespace
}  // namespace gannet
