// The library never prints, exits or aborts: results and messages go through observers and the log.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/meta/source_tree.h"

namespace gannet::meta {
namespace {

const std::set<std::string> kMayPrint = {"observe/console.cpp", "core/log.cpp"};

/// "path:line: text" of each line that prints or ends the process; comments do not count.
std::vector<std::string> printing_lines(const SourceTree& tree) {
  static const std::regex forbidden(
      R"(\bstd::(cout|cerr|clog|terminate)\b|\b(printf|fprintf|vprintf|vfprintf|puts|fputs|putchar)\s*\()"
      R"(|\b(stdout|stderr)\b|\bfmt::print(ln)?\s*\(|(^|[^\w.:>])(std::|::)?(exit|_exit|quick_exit|abort)\s*\()");
  std::vector<std::string> found;
  for (const auto& [path, content] : tree) {
    if (kMayPrint.contains(path)) continue;
    std::istringstream lines(content);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (std::regex_search(line.substr(0, line.find("//")), forbidden))
        found.push_back(fmt::format("{}:{}: {}", path, number, line));
    }
  }
  return found;
}

TEST(Printing, TheLibraryDoesNot) {
  EXPECT_THAT(printing_lines(library_sources()), testing::IsEmpty());
}

TEST(Printing, IsFoundWhenPlanted) {
  const SourceTree planted = {
      {"core/log.cpp", "std::cerr << text;\n"},
      {"data/bad.cpp", "int x;  // printf(\nstd::cout << x;\n  printf(\"%d\", x);\n"},
      {"nn/bad.cpp", "if (!x) std::abort();\n::exit(1);\n"},
      {"nn/fine.cpp",
       "std::snprintf(buffer, size, \"%d\", x);\nstate.exit(1);\nint exit_code();\n"},
  };
  EXPECT_THAT(printing_lines(planted), testing::ElementsAre("data/bad.cpp:2: std::cout << x;",
                                                            "data/bad.cpp:3:   printf(\"%d\", x);",
                                                            "nn/bad.cpp:1: if (!x) std::abort();",
                                                            "nn/bad.cpp:2: ::exit(1);"));
}

}  // namespace
}  // namespace gannet::meta
