// The programs in README.md and docs/embedding.md are files of `examples`, which run as tests.
// Commands are run by the tests in tests/integration. Links lead to files and headings that there
// are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <regex>
#include <set>

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

/// What links name a heading by: lower case, "-" for spaces, without marks.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') anchor += '-';
    if (std::isalnum(byte) != 0 || c == '-' || c == '_')
      anchor += static_cast<char>(std::tolower(byte));
  }
  return anchor;
}

std::set<std::string> anchors_in(const std::string& document) {
  std::set<std::string> anchors;
  const std::regex heading("(^|\n)#+ ([^\n]*)");
  for (std::sregex_iterator it(document.begin(), document.end(), heading), end; it != end; ++it)
    anchors.insert(anchor_of((*it)[2]));
  return anchors;
}

/// Targets of links and pictures of a document that lead nowhere.
std::vector<std::string> broken_links(const std::filesystem::path& file,
                                      const std::string& document) {
  std::vector<std::string> broken;
  const std::regex link(R"(\]\(([^)\s#]*)(#([^)\s]*))?\))");
  for (std::sregex_iterator it(document.begin(), document.end(), link), end; it != end; ++it) {
    const std::string path = (*it)[1], anchor = (*it)[3];
    if (path.find("://") != std::string::npos) continue;
    const auto target = path.empty() ? file : file.parent_path() / path;
    const bool is_there = std::filesystem::exists(target) &&
                          (anchor.empty() || anchors_in(read_text(target)).contains(anchor));
    if (!is_there) broken.push_back(it->str());
  }
  return broken;
}

std::vector<std::filesystem::path> documents() {
  std::vector<std::filesystem::path> files = {GANNET_SOURCE_DIR "/README.md"};
  for (const auto& entry : std::filesystem::directory_iterator(GANNET_SOURCE_DIR "/docs"))
    if (entry.path().extension() == ".md") files.push_back(entry.path());
  return files;
}

/// Whether a code block has a command `gannet ...`.
bool shows_commands(const std::string& document) {
  static const std::regex command("(^|.*[ /'])gannet (-|[a-z]+ ).*");
  std::istringstream lines(document);
  bool is_fenced = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) is_fenced = !is_fenced;
    if (is_fenced && std::regex_match(line, command)) return true;
  }
  return false;
}

std::string integration_tests() {
  std::string text;
  for (const auto& entry :
       std::filesystem::directory_iterator(GANNET_SOURCE_DIR "/tests/integration"))
    if (entry.path().extension() == ".sh") text += read_text(entry.path());
  return text;
}

TEST(Documents, CommandsAreRunByATest) {
  const std::string tests = integration_tests();
  for (const auto& file : documents()) {
    if (!shows_commands(read_text(file))) continue;
    const std::string name = file.filename().string();
    EXPECT_THAT(tests, testing::AnyOf(testing::HasSubstr("\n  run_page " + name + " "),
                                      testing::HasSubstr("documented_commands docs/" + name),
                                      testing::HasSubstr("documented_commands " + name)));
  }
}

TEST(Documents, CommandsAreFound) {
  EXPECT_TRUE(shows_commands("# A\n```\ngannet val --img 320\n```\n"));
  EXPECT_TRUE(shows_commands("```\ntorchrun --no-python \\\n  gannet train --batch 8\n```\n"));
  EXPECT_FALSE(
      shows_commands("gannet val --img 320\n```cmake\nfind_package(gannet REQUIRED)\n```\n"));
}

TEST(Documents, LinksLeadSomewhere) {
  for (const auto& file : documents())
    EXPECT_THAT(broken_links(file, read_text(file)), testing::IsEmpty()) << file;
}

TEST(Documents, ABrokenLinkIsFound) {
  const std::filesystem::path file = GANNET_SOURCE_DIR "/docs/README.md";
  EXPECT_THAT(broken_links(file, "[a](no.md) ![b](no.png) [c](#no) [d](https://no) [e](resume.md)"),
              testing::ElementsAre("](no.md)", "](no.png)", "](#no)"));
  EXPECT_THAT(broken_links(file, "[a](recipes.md#how-auto-decides) [b](recipes.md#how)"),
              testing::ElementsAre("](recipes.md#how)"));
}

TEST(Documents, TheIndexNamesEveryPage) {
  const std::string index = read_text(GANNET_SOURCE_DIR "/docs/README.md");
  for (const auto& file : documents()) {
    const std::string name = file.filename().string();
    if (name != "README.md") EXPECT_THAT(index, testing::HasSubstr("](" + name + ")"));
  }
}

}  // namespace
}  // namespace gannet::meta
