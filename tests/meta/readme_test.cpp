// The C++ of the README is a file of `examples`, which is compiled and run as a test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/meta/source_tree.h"

namespace gannet::meta {
namespace {

using testing::Contains;
using testing::Not;
using testing::SizeIs;

/// What stands between "```cpp" and "```".
std::vector<std::string> cpp_blocks(const std::string& document) {
  const std::string opening = "```cpp\n";
  std::vector<std::string> blocks;
  std::size_t begin = document.find(opening);
  while (begin != std::string::npos) {
    begin += opening.size();
    const std::size_t end = document.find("```", begin);
    blocks.push_back(document.substr(begin, end - begin));
    begin = document.find(opening, end);
  }
  return blocks;
}

std::vector<std::string> examples() {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator(GANNET_SOURCE_DIR "/examples"))
    texts.push_back(read_text(entry.path()));
  return texts;
}

TEST(Readme, ShowsProgramsThatAreTested) {
  const auto blocks = cpp_blocks(read_text(GANNET_SOURCE_DIR "/README.md"));
  ASSERT_THAT(blocks, SizeIs(testing::Ge(1u)));
  for (const std::string& block : blocks) EXPECT_THAT(examples(), Contains(block));
}

TEST(Readme, IsReadBlockByBlock) {
  EXPECT_THAT(cpp_blocks("a\n```cpp\nx;\n```\n```\ny\n```\n```cpp\nz;\n```\n"),
              testing::ElementsAre("x;\n", "z;\n"));
  EXPECT_THAT(examples(), Not(Contains("x;\n")));
}

}  // namespace
}  // namespace gannet::meta
