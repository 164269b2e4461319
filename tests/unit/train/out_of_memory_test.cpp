// Steps that run out of memory, wherever they do.
#include "gannet/ops/out_of_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <atomic>
#include <new>
#include <stdexcept>

#include "gannet/core/error.h"
#include "gannet/io/torch_file.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_checkpoint.h"
#include "gannet/train/step.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"
#include "tests/unit/train/counted_batches.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;

TEST(HasMemoryFor, KnowsWhatALackOfMemoryLooksLike) {
  EXPECT_TRUE(has_memory_for([] {}));
  EXPECT_FALSE(has_memory_for([] { throw std::bad_alloc(); }));
  EXPECT_FALSE(has_memory_for([] { torch::empty({std::int64_t{1} << 60}); }));
  EXPECT_FALSE(has_memory_for([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "none"); }));
  EXPECT_THROW(has_memory_for([] { throw std::runtime_error("other"); }), std::runtime_error);
  EXPECT_THROW(has_memory_for([] { TORCH_CHECK(false, "other"); }), c10::Error);
}

TEST(Pieces, EachHasItsImagesAndTheirTargets) {
  Inputs inputs;
  inputs.images = torch::arange(5).to(torch::kFloat32).reshape({5, 1, 1, 1});
  inputs.targets_N6 = torch::zeros({3, 6});
  inputs.targets_N6.select(1, 0).copy_(torch::tensor({0.0, 3.0, 4.0}));
  EXPECT_EQ(in_pieces(inputs, 0).size(), 1U);
  EXPECT_EQ(in_pieces(inputs, 5).size(), 1U);
  const auto pieces = in_pieces(inputs, 2);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[0].images.size(0), 1);
  EXPECT_EQ(pieces[1].images.size(0), 2);
  EXPECT_EQ(pieces[2].images.size(0), 2);
  EXPECT_EQ(pieces[1].targets_N6.size(0), 0);
  EXPECT_EQ(pieces[2].images[1].item<float>(), 4);
  EXPECT_EQ(pieces[2].targets_N6.select(1, 0)[0].item<float>(), 0);
  EXPECT_EQ(pieces[2].targets_N6.select(1, 0)[1].item<float>(), 1);
  EXPECT_EQ(inputs.targets_N6.select(1, 0)[2].item<float>(), 4) << "the whole is as it was";
}

/// Gives memory until it has done so a number of times, then refuses once.
class RefusingAllocator final : public c10::Allocator {
 public:
  explicit RefusingAllocator(std::int64_t given) : left_(given) { c10::SetCPUAllocator(this); }
  ~RefusingAllocator() override { c10::SetCPUAllocator(inner_); }
  RefusingAllocator(const RefusingAllocator&) = delete;
  RefusingAllocator& operator=(const RefusingAllocator&) = delete;
  c10::DataPtr allocate(std::size_t bytes) override {
    TORCH_CHECK_WITH(OutOfMemoryError, left_-- != 0, "none is left");
    return inner_->allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override { return inner_->raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    inner_->copy_data(to, from, bytes);
  }
  bool has_refused() const { return left_ < 0; }

 private:
  std::atomic<std::int64_t> left_;
  c10::Allocator* inner_ = c10::GetCPUAllocator();
};

/// Two batches of four images to an update.
struct SmallRun {
  explicit SmallRun(bool keeps_statistics = true) {
    state.seed = 11;
    state.model = testing::make_model("shallow", {.seed = 11});
    if (keeps_statistics) state.model->require_norm_values(1 << 20);
    place_model(*state.model, placement);
    state.model->train();
    state.ema = std::make_unique<Ema>(*state.model);
    state.optimizer = make_optimizer(*state.model, {"sgd", 0.01, 0.9, 5e-4});
    state.batches_per_epoch = 6;
    ScheduleOptions options;
    options.batches_per_epoch = 6;
    options.total_batch = 32;
    options.warmup_epochs = 0;
    options.min_warmup_steps = 0;
    schedule = std::make_unique<Schedule>(options);
    step = std::make_unique<TrainStep>(state, *schedule, loss, placement, *comm);
  }
  void train(int batches) {
    for (int i = 0; i < batches; ++i) {
      Batch batch = testing::global_batch(state.iteration, 4, 64);
      batch.global_images = batch.images;
      step->run(batch);
    }
  }
  std::vector<torch::Tensor> weights() const { return state.model->parameters(); }

  Placement placement;
  TrainState state;
  std::unique_ptr<Schedule> schedule;
  DetectionLoss loss{LossOptions{}};
  std::shared_ptr<Communicator> comm = make_single_process();
  std::unique_ptr<TrainStep> step;
};

void expect_same(const SmallRun& a, const SmallRun& b, const std::string& what) {
  const auto ours = a.weights(), theirs = b.weights();
  for (std::size_t i = 0; i < ours.size(); ++i)
    ASSERT_TRUE(torch::allclose(ours[i], theirs[i], 1e-4, 1e-6)) << what << ", parameter " << i;
  const auto loss = a.step->mean_items(), expected = b.step->mean_items();
  for (std::size_t i = 0; i < loss.size(); ++i) ASSERT_NEAR(loss[i], expected[i], 1e-5) << what;
  ASSERT_EQ(a.state.iteration, b.state.iteration) << what;
  ASSERT_EQ(a.state.ema->updates(), b.state.ema->updates()) << what;
}

TEST(OutOfMemory, PiecesAddUpToTheWhole) {
  SmallRun whole, pieces;
  pieces.state.micro_batch = 1;
  whole.train(6);
  pieces.train(6);
  EXPECT_GT(whole.state.ema->updates(), 2);
  expect_same(pieces, whole, "one image at a time");
}

TEST(OutOfMemory, WhereverItHappensTheUpdateIsDoneInHalves) {
  SmallRun whole;
  whole.train(4);
  int in_first = 0, in_second = 0;
  for (std::int64_t given = 0;; given += 97) {
    SmallRun run;
    run.train(2);
    ASSERT_EQ(run.state.micro_batch, 0);
    RefusingAllocator allocator(given);
    try {
      run.train(1);
      in_first += allocator.has_refused();
      run.train(1);
    } catch (const Error& error) {  // in the update itself, which cannot be done again
      ASSERT_EQ(error.kind(), ErrorKind::kMemory) << error.what() << ", refused after " << given;
      ASSERT_THAT(error.what(), HasSubstr("4 images of 64x64 are too many"));
      continue;
    }
    if (!allocator.has_refused()) break;
    // 0: LibTorch's convolutions take another kernel where memory for the first is refused.
    ASSERT_TRUE(run.state.micro_batch == 2 || run.state.micro_batch == 0) << given;
    in_second += run.state.micro_batch == 2;
    expect_same(run, whole, "refused after " + std::to_string(given));
  }
  EXPECT_GT(in_first, 3);
  EXPECT_GT(in_second, in_first + 3);
}

TEST(OutOfMemory, EndsTheRunWhereAnImageIsTooMuch) {
  SmallRun run;
  run.state.micro_batch = 1;
  const RefusingAllocator allocator(5);
  const Error error = testing::thrown_error([&] { run.train(1); });
  EXPECT_EQ(error.kind(), ErrorKind::kMemory);
  EXPECT_EQ(error.exit_code(), 1);
  EXPECT_THAT(error.what(), HasSubstr("an image of 64x64 is too much"));
}

class OutOfMemoryFile : public testing::TemporaryFolder {};

TEST_F(OutOfMemoryFile, ACheckpointRemembersThePieces) {
  SmallRun run, read;
  run.state.micro_batch = 3;
  mark_boundary(run.state);
  save_torch_file(path("last.pt"), checkpoint_of(run.state, {}, {"a", "b", "c"}));
  restore_state(read.state, load_torch_file(path("last.pt")), *make_single_process());
  EXPECT_EQ(read.state.micro_batch, 3);
}

}  // namespace
}  // namespace gannet
