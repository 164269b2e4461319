// A folder includes lower tiers only, torch begins at tier 7, third parties stay out of the API.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/meta/source_tree.h"

namespace gannet::meta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::map<std::string, int> kTiers = {
    {"core", 0},           {"config", 1},      {"io", 1},           {"net", 1},
    {"data/sample", 2},    {"data/images", 2}, {"data/labels", 2},  {"data/cache", 2},
    {"data/video", 2},     {"metrics", 2},     {"data/augment", 3}, {"data/index", 3},
    {"data/loading", 4},   {"viz", 5},         {"observe", 6},      {"curate/check", 6},
    {"curate/convert", 6}, {"curate/demo", 6}, {"serve", 6},        {"ops", 7},
    {"dist", 7},           {"nn", 8},          {"loss", 8},         {"predict", 9},
    {"eval", 10},          {"detect", 10},     {"export", 10},      {"capi", 11},
    {"train", 11},         {"evolve", 12},
};
constexpr int kFirstTorchTier = 7;

bool is_torch(const std::string& include) {
  return include.starts_with("torch/") || include.starts_with("ATen/") ||
         include.starts_with("c10");
}

/// A standard header has neither folder nor suffix.
bool is_third_party(const std::string& include) {
  return own_file(include).empty() && include.find_first_of("/.") != std::string::npos;
}

/// The folder that `path` lies in, or the nearest one above it that has a tier: a room within a
/// room.
std::string tiered_folder(const std::string& path) {
  const std::string own = folder_of(path);
  std::string folder = own;
  while (!folder.empty() && !kTiers.contains(folder)) folder = folder_of(folder);
  return folder.empty() ? own : folder;
}

/// One sentence for each include that goes up, sideways or, too low, to torch.
std::vector<std::string> stray_edges(const SourceTree& tree) {
  std::vector<std::string> stray;
  for (const auto& [path, content] : tree) {
    const std::string folder = tiered_folder(path);
    if (folder.empty()) continue;  // the umbrella header may include everything
    if (!kTiers.contains(folder)) {
      stray.push_back(fmt::format("{}: folder '{}' has no tier", path, folder));
      continue;
    }
    const int tier = kTiers.at(folder);
    for (const std::string& include : includes_of(content)) {
      if (tier < kFirstTorchTier && is_torch(include))
        stray.push_back(fmt::format("{} (tier {}) includes {}", path, tier, include));
      const std::string target = own_file(include);
      if (target.empty() || tiered_folder(target) == folder) continue;
      const auto found = kTiers.find(tiered_folder(target));
      if (found == kTiers.end() || found->second >= tier)
        stray.push_back(fmt::format("{} (tier {}) includes {}", path, tier, include));
    }
  }
  return stray;
}

/// Third-party headers reached from `header` over our own headers, each with the way to it.
std::vector<std::string> third_parties_behind(const SourceTree& tree, const std::string& header) {
  std::vector<std::string> reached;
  std::vector<std::string> open = {header};
  std::set<std::string> seen = {header};
  while (!open.empty()) {
    const std::string path = open.back();
    open.pop_back();
    if (!tree.contains(path)) continue;
    for (const std::string& include : includes_of(tree.at(path))) {
      if (is_third_party(include)) reached.push_back(fmt::format("{} includes {}", path, include));
      const std::string target = own_file(include);
      if (!target.empty() && seen.insert(target).second) open.push_back(target);
    }
  }
  return reached;
}

TEST(Tiers, EveryFolderIncludesLowerTiersOnly) {
  EXPECT_THAT(stray_edges(library_sources()), IsEmpty());
}

TEST(Tiers, AreFoundWhenViolated) {
  const SourceTree planted = {
      {"data/images/sideways.h", "#include \"gannet/metrics/matching.h\"\n"},
      {"data/augment/up.h",
       "#include \"gannet/data/index/anchors.h\"\n#include \"gannet/data/sample/batch.h\"\n"},
      {"data/flat.h", "#include <vector>\n"},
      {"core/up.cpp", "#include <string>\n#include \"gannet/train/trainer.h\"\n"},
      {"viz/torch.cpp", "#include <torch/types.h>\n"},
      {"io/pickle/up.h", "#include \"gannet/io/value.h\"\n#include \"gannet/net/upload.h\"\n"},
      {"misc/new.h", "#include <vector>\n"},
      {"train/fine.cpp",
       "#include <torch/types.h>\n#include \"gannet/core/box.h\"\n#include "
       "\"gannet/train/ema.h\"\n"},
      {"gannet.h", "#include \"gannet/train/trainer.h\"\n"},
  };
  EXPECT_THAT(stray_edges(planted),
              ElementsAre("core/up.cpp (tier 0) includes gannet/train/trainer.h",
                          "data/augment/up.h (tier 3) includes gannet/data/index/anchors.h",
                          "data/flat.h: folder 'data' has no tier",
                          "data/images/sideways.h (tier 2) includes gannet/metrics/matching.h",
                          "io/pickle/up.h (tier 1) includes gannet/net/upload.h",
                          "misc/new.h: folder 'misc' has no tier",
                          "viz/torch.cpp (tier 5) includes torch/types.h"));
}

TEST(Tiers, AreTheOnesOfTheDocument) {
  const std::string document = read_text(GANNET_SOURCE_DIR "/docs/architecture.md");
  for (const auto& [folder, tier] : kTiers)
    EXPECT_THAT(document, HasSubstr(fmt::format("| {} | `{}` |", tier, folder)));
}

TEST(Api, ShowsNoThirdParty) {
  const SourceTree tree = library_sources();
  ASSERT_TRUE(tree.contains("gannet.h"));
  EXPECT_THAT(third_parties_behind(tree, "gannet.h"), IsEmpty());
}

TEST(Api, IsSearchedThroughItsOwnHeaders) {
  const SourceTree planted = {{"gannet.h", "#include \"gannet/data/image.h\"\n"},
                              {"data/image.h", "#include <map>\n#include <opencv2/core.hpp>\n"}};
  EXPECT_THAT(third_parties_behind(planted, "gannet.h"),
              ElementsAre("data/image.h includes opencv2/core.hpp"));
}

}  // namespace
}  // namespace gannet::meta
