#include "gannet/evolve/candidate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gannet/core/atomic_file.h"
#include "gannet/observe/results_file.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

EpochFigures figures(double fitness) { return {.evaluated = true, .fitness = fitness}; }

CandidateResult candidate(std::vector<double> fitness, CandidateEnd end = CandidateEnd::kDone) {
  std::vector<EpochFigures> epochs;
  for (const double value : fitness) epochs.push_back(figures(value));
  CandidateResult result = result_of(epochs, end);
  result.genes = genes_of(Hyperparameters());
  return result;
}

class CandidateFiles : public testing::TemporaryFolder {};

// What a run writes is what is read here.
TEST_F(CandidateFiles, TheTableOfARunIsRead) {
  ResultsFileObserver observer(folder_);
  observer.on_run_start({});
  EpochRow row;
  observer.on_epoch_end(row);  // without an evaluation
  row.evaluated = true;
  row.metrics.precision = 0.125;
  row.metrics.recall = 0.25;
  row.metrics.map50 = 0.5;
  row.metrics.map = 0.75;
  row.val_loss = {1, 2, 3, 6};
  observer.on_epoch_end(row);
  const auto epochs = read_epoch_figures(folder_ / "results.csv");
  ASSERT_EQ(epochs.size(), 2u);
  EXPECT_FALSE(epochs[0].evaluated);
  EXPECT_TRUE(epochs[1].evaluated);
  EXPECT_EQ(epochs[1].precision, 0.125);
  EXPECT_EQ(epochs[1].recall, 0.25);
  EXPECT_EQ(epochs[1].map50, 0.5);
  EXPECT_EQ(epochs[1].map, 0.75);
  EXPECT_EQ(epochs[1].val_box, 1);
  EXPECT_EQ(epochs[1].val_obj, 2);
  EXPECT_EQ(epochs[1].val_cls, 3);
  EXPECT_DOUBLE_EQ(epochs[1].fitness, 0.1 * 0.5 + 0.9 * 0.75);
}

TEST_F(CandidateFiles, WithoutATableThereAreNoEpochs) {
  EXPECT_THAT(read_epoch_figures(folder_ / "results.csv"), IsEmpty());
}

TEST_F(CandidateFiles, ResultsAreReadBack) {
  CandidateResult result = candidate({0.1, 0.3, 0.2}, CandidateEnd::kPruned);
  result.number = 7;
  result.note =
      "hope\xff"
      "less";  // no UTF-8
  result.seconds = 1.5;
  result.genes[0] = 0.0123456789;
  const CandidateResult again = result_from_json(result_to_json(result), "result.json");
  EXPECT_EQ(again.number, 7);
  EXPECT_EQ(again.end, CandidateEnd::kPruned);
  EXPECT_EQ(again.genes, result.genes);
  EXPECT_EQ(again.best_so_far, result.best_so_far);
  EXPECT_EQ(again.fitness(), 0.3);
  EXPECT_EQ(again.best_epoch, 1);
  EXPECT_ERROR(kData, "result.json", result_from_json("{", "result.json"));
  EXPECT_ERROR(kData, "candidate", result_from_json("{}", "result.json"));
}

TEST_F(CandidateFiles, GenesAreReadBack) {
  GeneValues values = genes_of(Hyperparameters());
  values[2] = 0.91234;
  EXPECT_EQ(genes_from_json(genes_to_json(values), "genes.json", GeneValues(values.size())),
            values);
  const GeneValues start = values;
  EXPECT_EQ(genes_from_json("{\"lr0\": 0.5}", "genes.json", start)[0], 0.5);
  EXPECT_EQ(genes_from_json("{\"lr0\": 0.5}", "genes.json", start)[2], 0.91234);
}

TEST(CandidateResults, AreThoseOfTheBestEpoch) {
  const CandidateResult result = candidate({0.1, 0.3, 0.3, 0.2});
  EXPECT_EQ(result.best_epoch, 1);  // the first of equal ones
  EXPECT_THAT(result.best_so_far, ElementsAre(0.1, 0.3, 0.3, 0.3));
}

TEST(CandidateResults, OfAFailureAreZero) {
  const CandidateResult result = candidate({0.1, 0.3}, CandidateEnd::kFailed);
  EXPECT_EQ(result.fitness(), 0);
  EXPECT_EQ(result.best_epoch, -1);
}

TEST(CandidateResults, HaveABest) {
  EXPECT_EQ(best_of({}), nullptr);
  const std::vector<CandidateResult> results = {candidate({0.1}), candidate({0.4}),
                                                candidate({0.4})};
  EXPECT_EQ(best_of(results), &results[1]);
}

std::vector<CandidateResult> five_done() {
  return {candidate({0, 0.1, 0.2, 0.9}), candidate({0, 0.2, 0.3, 0.8}),
          candidate({0, 0.3, 0.1, 0.7}), candidate({0, 0.4, 0.5, 0.6}),
          candidate({0, 0.5})};  // the last one stopped early
}

TEST(Pruning, ComparesWithTheMedianAtTheSameEpoch) {
  EXPECT_THAT(pruning_bar(five_done(), 2, 4), Optional(DoubleEq(0.3)));
  // Highest so far after three: 0.2, 0.3, 0.3, 0.5, 0.5.
  EXPECT_THAT(pruning_bar(five_done(), 3, 4), Optional(DoubleEq(0.3)));
  auto six = five_done();
  six.push_back(candidate({0, 0.5, 0.5, 0.5}));
  EXPECT_THAT(pruning_bar(six, 2, 4), Optional(DoubleEq(0.35)));
}

TEST(Pruning, LeavesAQuarterOfTheEpochsAlone) {
  EXPECT_EQ(pruning_bar(five_done(), 0, 4), std::nullopt);
  EXPECT_NE(pruning_bar(five_done(), 1, 4), std::nullopt);
  EXPECT_EQ(pruning_bar(five_done(), 1, 5), std::nullopt);
  EXPECT_NE(pruning_bar(five_done(), 2, 5), std::nullopt);
}

TEST(Pruning, NeedsFiveThatAreDone) {
  auto results = five_done();
  results[0].end = CandidateEnd::kPruned;
  EXPECT_EQ(pruning_bar(results, 2, 4), std::nullopt);
  results[0].end = CandidateEnd::kFailed;
  EXPECT_EQ(pruning_bar(results, 2, 4), std::nullopt);
}

}  // namespace
}  // namespace gannet
