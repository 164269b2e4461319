// The programs in README.md and docs/embedding.md are files of `examples`, which run as tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/meta/source_tree.h"

namespace gannet::meta {
namespace {

using testing::Contains;
using testing::Not;
using testing::SizeIs;

/// What stands between "```" with this language and "```".
std::vector<std::string> blocks_of(const std::string& document, const std::string& language) {
  const std::string opening = "```" + language + "\n";
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
  const auto expect_tested = [](const std::string& document, const std::string& language) {
    const auto blocks = blocks_of(read_text(GANNET_SOURCE_DIR "/" + document), language);
    EXPECT_THAT(blocks, SizeIs(testing::Ge(1u))) << document << ": " << language;
    for (const std::string& block : blocks) EXPECT_THAT(examples(), Contains(block));
  };
  expect_tested("README.md", "cpp");
  expect_tested("docs/embedding.md", "c");
  expect_tested("docs/embedding.md", "python");
}

TEST(Readme, IsReadBlockByBlock) {
  EXPECT_THAT(blocks_of("a\n```cpp\nx;\n```\n```\ny\n```\n```cpp\nz;\n```\n", "cpp"),
              testing::ElementsAre("x;\n", "z;\n"));
  EXPECT_THAT(examples(), Not(Contains("x;\n")));
}

}  // namespace
}  // namespace gannet::meta
