// Known defects of the original that the code names ("Q17") are explained in docs/compat.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "tests/meta/source_tree.h"

namespace gannet::meta {
namespace {

using testing::IsEmpty;

std::set<std::string> quirks_in(const std::string& text) {
  static const std::regex quirk(R"(\bQ[0-9]+\b)");
  std::set<std::string> found;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), quirk);
       it != std::sregex_iterator(); ++it)
    found.insert(it->str());
  return found;
}

/// "file: Q17" for each that the document does not have.
std::vector<std::string> unexplained(const SourceTree& tree, const std::string& document) {
  const std::set<std::string> known = quirks_in(document);
  std::vector<std::string> missing;
  for (const auto& [path, content] : tree)
    for (const std::string& quirk : quirks_in(content))
      if (!known.contains(quirk)) missing.push_back(path + ": " + quirk);
  return missing;
}

TEST(Quirks, AreExplained) {
  const std::string document = read_text(GANNET_SOURCE_DIR "/docs/compat.md");
  EXPECT_THAT(unexplained(library_sources(), document), IsEmpty());
}

TEST(Quirks, AreFoundWhenUnexplained) {
  const SourceTree planted = {{"loss/x.h", "// as in Q17 and Q170, not FAQ1\n"}};
  EXPECT_THAT(unexplained(planted, "| Q17 | told |"), testing::ElementsAre("loss/x.h: Q170"));
}

}  // namespace
}  // namespace gannet::meta
