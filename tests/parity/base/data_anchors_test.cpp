// Anchor recall with the original's recorded scale factors, and what the search must reach.
#include <gtest/gtest.h>

#include "gannet/data/index/anchors.h"
#include "tests/parity/base/vectors.h"

namespace gannet::testing {
namespace {

struct Case {
  const char* set;
  int image_size;
};

class DataAnchorsParity : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const std::string name = std::string("anchors/") + GetParam().set;
    json_ = read_json(name);
    tensors_ = read_tensors(name);
    const auto sizes = tensors_.at("image_sizes_wh").values<double>();
    index_.images.resize(sizes.size() / 2);
    for (std::size_t i = 0; i < index_.images.size(); ++i) {
      index_.images[i].width = static_cast<int>(sizes[2 * i]);
      index_.images[i].height = static_cast<int>(sizes[2 * i + 1]);
    }
    const auto rows = tensors_.at("labels_image_class_wh").values<float>();
    for (std::size_t i = 0; i < rows.size(); i += 4) {
      index_.images.at(static_cast<std::size_t>(rows[i]))
          .labels.push_back({static_cast<int>(rows[i + 1]), 0.5F, 0.5F, rows[i + 2], rows[i + 3]});
    }
  }

  std::string suffix() const { return std::to_string(GetParam().image_size); }
  HeadSpec head(const nlohmann::json& check, const char* key) const {
    HeadSpec head;
    head.strides = check.at("strides").get<std::vector<double>>();
    head.anchors_px = check.at(key).get<std::vector<std::vector<std::array<float, 2>>>>();
    return head;
  }

  nlohmann::json json_;
  Tensors tensors_;
  ImageIndex index_;
};

TEST_P(DataAnchorsParity, SizesAndRecall) {
  const int side = GetParam().image_size;
  const auto expected = tensors_.at("wh_" + suffix()).values<double>();
  const auto sizes = label_sizes(index_, side);
  ASSERT_EQ(sizes.size() * 2, expected.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    ASSERT_NEAR(sizes[i][0], expected[2 * i], 1e-3) << i;
    ASSERT_NEAR(sizes[i][1], expected[2 * i + 1], 1e-3) << i;
  }
  const auto scales = tensors_.at("check_" + suffix() + "_scale").values<double>();
  const nlohmann::json& check = json_.at("check_" + suffix());
  const double recall = anchor_recall(label_sizes(index_, side, scales),
                                      flat_anchors(head(check, "anchors_px_before")), 4);
  EXPECT_NEAR(recall, check.at("best_possible_recall_printed").get<double>(), 1e-4);
}

TEST_P(DataAnchorsParity, SearchReachesTheOriginal) {
  const auto sizes = label_sizes(index_, GetParam().image_size);
  const nlohmann::json& search = json_.at("search_" + suffix());
  AnchorSearchOptions options;
  options.generations = 0;
  EXPECT_GE(anchor_fitness(sizes, search_anchors(sizes, options), 4),
            0.99 * search.at("fitness_after_kmeans").get<double>());
  options.generations = search.at("generations").get<int>();
  const auto found = search_anchors(sizes, options);
  EXPECT_GE(anchor_fitness(sizes, found, 4),
            0.99 * search.at("fitness_after_evolution").get<double>());
}

TEST_P(DataAnchorsParity, CheckDecidesAlike) {
  const nlohmann::json& check = json_.at("check_" + suffix());
  const HeadSpec before = head(check, "anchors_px_before");
  const AnchorCheck result = check_anchors(index_, before, {.image_size = GetParam().image_size});
  EXPECT_EQ(result.replaced, check.at("replaced").get<bool>());
  if (!result.replaced) {
    EXPECT_EQ(result.head.anchors_px, before.anchors_px);
    return;
  }
  EXPECT_GT(result.recall_after, result.recall_before);
  const auto area = [](const std::array<float, 2>& anchor) { return anchor[0] * anchor[1]; };
  EXPECT_GT(area(result.head.anchors_px.front().front()),
            area(result.head.anchors_px.back().back()));  // strides 32, 16, 8
}

// Release 7.0 keeps anchors above a recall of 0.98 (release-7.md 10).
TEST_P(DataAnchorsParity, OfRelease7) {
  const int side = GetParam().image_size;
  const std::string name = std::string(GetParam().set) + "." + suffix();
  const nlohmann::json vectors = read_json("release7/anchors");
  const nlohmann::json& check = vectors.at(GetParam().set).at(suffix());
  const auto scales = read_tensors("release7/anchors").at(name + ".scale").values<double>();
  const HeadSpec before = head(check, "anchors_px_before");
  const double recall = anchor_recall(label_sizes(index_, side, scales), flat_anchors(before), 4);
  EXPECT_NEAR(recall, check.at("best_possible_recall_printed").get<double>(), 1e-3);
  const AnchorCheck result =
      check_anchors(index_, before, {.image_size = side, .good_recall = 0.98});
  EXPECT_EQ(result.replaced, check.at("replaced").get<bool>());
  const auto& search = check.at("search");
  if (!search.contains("fitness_after_evolution")) return;
  const auto found = search_anchors(label_sizes(index_, side), {});
  EXPECT_GE(anchor_fitness(label_sizes(index_, side), found, 4),
            0.99 * search.at("fitness_after_evolution").get<double>());
}

INSTANTIATE_TEST_SUITE_P(Sets, DataAnchorsParity,
                         ::testing::Values(Case{"bccd", 320}, Case{"bccd", 640},
                                           Case{"bccd_thin", 320}, Case{"bccd_thin", 640},
                                           Case{"coco128", 320}, Case{"coco128", 640}),
                         [](const auto& instance) {
                           return instance.param.set + std::to_string(instance.param.image_size);
                         });

}  // namespace
}  // namespace gannet::testing
