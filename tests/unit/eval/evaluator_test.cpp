#include "gannet/eval/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "gannet/core/error.h"
#include "gannet/core/rng.h"
#include "gannet/ops/prepare.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/thread_world.h"

namespace gannet {
namespace {

constexpr int kSide = 64;

/// Images of counted noise with one or two objects each; image `broken` cannot be read.
class NoiseDataset : public Dataset {
 public:
  explicit NoiseDataset(std::int64_t size, std::int64_t broken = -1)
      : size_(size), broken_(broken) {}
  std::int64_t size() const override { return size_; }
  Sample get(const SampleRequest& request) const override {
    if (request.index == broken_) throw Error(ErrorKind::kData, "cut off", {"broken.jpg", 0, {}});
    Rng rng({1, 0, static_cast<std::uint64_t>(request.index), Purpose::kTest});
    Sample sample;
    sample.image = cv::Mat(kSide, kSide, CV_8UC3);
    for (std::size_t i = 0; i < sample.image.total() * 3; ++i) {
      sample.image.data[i] = static_cast<std::uint8_t>(rng.below(256));
    }
    for (std::int64_t i = 0; i <= request.index % 2; ++i) {
      sample.labels.push_back({static_cast<int>(rng.below(3)), .5F, .5F, .3F, .4F});
    }
    sample.letterbox = {kSide, kSide, 1, 1, 0, 0};
    return sample;
  }

 private:
  std::int64_t size_, broken_;
};

class Evaluator : public ::testing::Test {
 protected:
  Evaluator() {
    testing::disturb_norms(*model_);  // as after some training: many different scores
    place_model(*model_, placement_);
    model_->eval();
  }
  EvalReport run(Communicator& comm, const EvaluatorEvents& events = {}, std::int64_t broken = -1) {
    const auto data = std::make_shared<NoiseDataset>(kImages, broken);
    LoaderOptions loading;
    loading.num_threads = 1;
    Loader loader(data, loading);
    const auto plans = plan_epoch(
        {.num_images = kImages, .batch_size = 4, .image_size = kSide, .shuffle = false}, 0);
    return evaluate_batches(*model_, placement_, loader, plans, options_, names_, comm, events)
        .report;
  }
  EvalReport run_alone(const EvaluatorEvents& events = {}, std::int64_t broken = -1) {
    const auto comm = make_single_process();
    return run(*comm, events, broken);
  }

  static constexpr std::int64_t kImages = 10;  // the last batch is smaller
  Placement placement_ = resolve_placement("cpu", "fp32");
  std::shared_ptr<DetectionModel> model_ = testing::make_model("shallow", {.seed = 3});
  std::vector<std::string> names_ = {"a", "b", "c"};
  EvaluatorOptions options_{
      .predict = {.nms = {.conf_threshold = 0.001, .iou_threshold = 0.6}, .side_by_side = true}};
};

TEST_F(Evaluator, CountsImagesAndLabels) {
  const EvalReport report = run_alone();
  EXPECT_EQ(report.num_images, kImages);
  EXPECT_EQ(report.num_labels, 15);  // one and two in turn
  EXPECT_EQ(report.names, names_);
}

TEST_F(Evaluator, DoesNotScoreAnImageThatStandsInForAnother) {
  EXPECT_EQ(run_alone({}, 0).num_images, kImages - 1);
}

TEST_F(Evaluator, TellsProgressAndEveryImageOnce) {
  std::vector<std::int64_t> images, done;
  EvaluatorEvents events;
  events.batch = [&](const Batch& batch, const auto& boxes) {
    ASSERT_EQ(boxes.size(), batch.samples.size());
    for (const SampleInfo& sample : batch.samples) images.push_back(sample.index);
  };
  events.progress = [&](std::int64_t count, std::int64_t total) {
    EXPECT_EQ(total, 3);
    done.push_back(count);
  };
  run_alone(events);
  EXPECT_THAT(done, ::testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(images, ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(Evaluator, SingleClassScoresWithoutClasses) {
  options_.single_class = true;
  const EvalReport report = run_alone();
  EXPECT_EQ(report.num_labels, 15);
  ASSERT_FALSE(report.classes.empty());
  EXPECT_EQ(report.classes.front().num_labels, 15);
}

TEST_F(Evaluator, AveragesTheLossOverBatches) {
  EXPECT_EQ(run_alone().objectness_loss, 0);  // none was asked for
  const DetectionLoss loss{LossOptions{}};
  options_.loss = &loss;
  double sum = 0;
  EvaluatorEvents events;
  events.batch = [&](const Batch& batch, const auto&) {
    const auto raw = Predictor(*model_, placement_).predict(batch).raw;
    sum += loss(raw, prepare_targets(batch), model_->head()).items[1].item<double>();
  };
  const EvalReport report = run_alone(events);
  EXPECT_GT(sum, 0);
  EXPECT_NEAR(report.objectness_loss, sum / 3, 1e-6 * sum);
}

// Design rule (d): the digits are the same for every world size.
TEST_F(Evaluator, GivesTheSameDigitsForEveryWorldSize) {
  const DetectionLoss loss{LossOptions{}};
  options_.loss = &loss;
  const EvalReport alone = run_alone();
  ASSERT_GT(alone.mean.map50, 0) << "the comparison needs matches";
  for (const int world : {2, 3, 5}) {  // with five ranks, two have no batch
    std::mutex mutex;
    testing::run_world(world, [&](Communicator& comm) {
      const EvalReport report = run(comm);
      const std::scoped_lock lock(mutex);
      EXPECT_EQ(report.num_images, kImages);
      EXPECT_EQ(report.mean.map50, alone.mean.map50) << "rank " << comm.rank() << " of " << world;
      EXPECT_EQ(report.mean.map, alone.mean.map);
      EXPECT_EQ(report.mean.precision, alone.mean.precision);
      EXPECT_EQ(report.mean.recall, alone.mean.recall);
      EXPECT_EQ(report.box_loss, alone.box_loss);
      EXPECT_EQ(report.objectness_loss, alone.objectness_loss);
      EXPECT_EQ(report.class_loss, alone.class_loss);
    });
  }
}

TEST(EvaluatorBatches, TheFirstOnesAreDrawnByRankZero) {
  std::mutex mutex;
  std::map<int, std::vector<std::size_t>> dealt;
  testing::run_world(3, [&](Communicator& comm) {
    const auto own = batches_of_rank(10, 3, comm);
    const std::scoped_lock lock(mutex);
    dealt[comm.rank()] = own;
  });
  EXPECT_THAT(dealt[0], ::testing::ElementsAre(0, 1, 2, 9));
  EXPECT_THAT(dealt[1], ::testing::ElementsAre(3, 5, 7));
  EXPECT_THAT(dealt[2], ::testing::ElementsAre(4, 6, 8));
}

}  // namespace
}  // namespace gannet
