#include "gannet/evolve/genes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

namespace gannet {
namespace {

using ::testing::Each;
using ::testing::Gt;

std::size_t place_of(const std::string& key) {
  for (std::size_t g = 0; g < gene_table().size(); ++g)
    if (key == gene_table()[g].key) return g;
  ADD_FAILURE() << key;
  return 0;
}

const GeneValues& start() {
  static const GeneValues values = genes_of(Hyperparameters());
  return values;
}

TEST(Genes, AreReadAndSetByName) {
  Settings settings;
  EXPECT_DOUBLE_EQ(start()[place_of("lr0")], 0.01);
  EXPECT_DOUBLE_EQ(start()[place_of("giou")], 0.05);
  GeneValues values = start();
  values[place_of("giou")] = 0.07;
  set_genes(settings, values);
  EXPECT_DOUBLE_EQ(settings.hyp.giou, 0.07);
  EXPECT_EQ(genes_of(settings.hyp), values);
  EXPECT_TRUE(settings.chosen.contains("hyp.lr0"));
}

TEST(Genes, HaveTheStartValuesFirst) { EXPECT_EQ(candidate_genes(start(), {}, 0, {}), start()); }

TEST(Genes, RepeatWithSeedAndNumber) {
  const std::vector<TriedGenes> tried = {{start(), 0.5}};
  EXPECT_EQ(candidate_genes(start(), tried, 3, {.seed = 1}),
            candidate_genes(start(), tried, 3, {.seed = 1}));
  EXPECT_NE(candidate_genes(start(), tried, 3, {.seed = 1}),
            candidate_genes(start(), tried, 3, {.seed = 2}));
  EXPECT_NE(candidate_genes(start(), tried, 3, {.seed = 1}),
            candidate_genes(start(), tried, 4, {.seed = 1}));
}

TEST(Genes, StayWithinTheirLimitsAndDigits) {
  GeneValues extreme = start();
  extreme[place_of("lr0")] = 0.1;
  extreme[place_of("momentum")] = 0.98;
  for (std::int64_t number = 1; number < 200; ++number) {
    const GeneValues values = candidate_genes(extreme, {}, number, {});
    for (std::size_t g = 0; g < values.size(); ++g) {
      const Gene& gene = gene_table()[g];
      if (gene.gain == 0) continue;
      EXPECT_GE(values[g], gene.low) << gene.key;
      EXPECT_LE(values[g], gene.high) << gene.key;
      EXPECT_NEAR(values[g] * 1e5, std::round(values[g] * 1e5), 1e-6) << gene.key;
    }
  }
}

TEST(Genes, WithoutGainStayAsTheyAre) {
  for (std::int64_t number = 1; number < 50; ++number) {
    const GeneValues values = candidate_genes(start(), {}, number, {});
    EXPECT_EQ(values[place_of("fliplr")], 0.5);
    EXPECT_EQ(values[place_of("fl_gamma")], 0);
  }
}

// Each mutates with 0.8; what rounds to its old value lowers the share.
TEST(Genes, MutateFourOfFiveTimes) {
  int changed = 0;
  constexpr int kTries = 2000;
  for (std::int64_t number = 1; number <= kTries; ++number)
    if (candidate_genes(start(), {}, number, {})[place_of("obj")] != 1.0) ++changed;
  EXPECT_NEAR(static_cast<double>(changed) / kTries, 0.8, 0.03);
}

TEST(Genes, OnceZeroStayZero) {
  for (std::int64_t number = 1; number < 50; ++number)
    EXPECT_EQ(candidate_genes(start(), {}, number, {})[place_of("degrees")], 0);
}

/// Candidates whose only difference is a gene that no mutation changes.
std::vector<TriedGenes> tried_with(const std::vector<double>& fitness) {
  std::vector<TriedGenes> tried;
  for (std::size_t i = 0; i < fitness.size(); ++i) {
    GeneValues values = start();
    values[place_of("fliplr")] = static_cast<double>(i) / 100;
    tried.push_back({values, fitness[i]});
  }
  return tried;
}

std::vector<int> parents_chosen(const std::vector<TriedGenes>& tried, int population, int tries) {
  std::vector<int> counts(tried.size());
  for (std::int64_t number = 1; number <= tries; ++number) {
    const GeneValues child = candidate_genes(start(), tried, number, {.population = population});
    ++counts.at(static_cast<std::size_t>(std::lround(100 * child[place_of("fliplr")])));
  }
  return counts;
}

TEST(Parents, AreTheBestByTheirLeadOverTheLast) {
  // The best three are 3 (0.7), 1 (0.6), 0 (0.5): leads of 0.2, 0.1 and next to nothing.
  const auto counts = parents_chosen(tried_with({0.5, 0.6, 0.1, 0.7, 0}), 3, 3000);
  EXPECT_NEAR(counts[3], 2000, 120);
  EXPECT_NEAR(counts[1], 1000, 120);
  EXPECT_LT(counts[0], 5);
  EXPECT_EQ(counts[2] + counts[4], 0);
}

TEST(Parents, OfEqualFitnessAreChosenEqually) {  // Q61
  EXPECT_THAT(parents_chosen(tried_with({0.5, 0.5, 0.5}), 5, 900), Each(Gt(240)));
}

TEST(Parents, CanBeTheWeightedMean) {
  // Leads of 0.2, 0.1, 0: the mean of fliplr 0 and 0.01 and 0.02 is a third of the way.
  const auto tried = tried_with({0.5, 0.4, 0.3});
  const GeneValues child = candidate_genes(start(), tried, 1, {.weighted = true});
  EXPECT_NEAR(child[place_of("fliplr")], 0.01 / 3, 1e-6);
}

TEST(Parents, OfOneCandidateIsThatOne) {
  EXPECT_EQ(parents_chosen(tried_with({0}), 5, 20), std::vector<int>{20});
}

}  // namespace
}  // namespace gannet
