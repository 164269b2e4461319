// One training step: plan, prepare, forward, loss, backward, update, record (house style, section
// 3).
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gannet/core/rng.h"
#include "gannet/data/sample/batch.h"
#include "gannet/dist/communicator.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/ops/placement.h"
#include "gannet/train/schedule.h"
#include "gannet/train/shards.h"
#include "gannet/train/state.h"

namespace gannet {

/// How steps are computed beyond the plan of the schedule.
struct StepOptions {
  bool multi_scale = false;
  bool quad = false;            // four images in one, see four_in_one
  bool search_kernels = false;  // for a run long enough to repay seconds at its start
  int image_size = 640;
  GradientReducer* reducer = nullptr;             // null in a world of one
  std::shared_ptr<NormSync> norm_sync = nullptr;  // null: each rank's norms for themselves
  bool loss_per_rank = false;  // normalise by this rank's counts, as the original does
  double clip_gradients = 0;   // largest norm of all gradients together; 0: any
  int shard_threads = 0;       // deterministic by shards, this many side by side; 0: not
  int max_bad_steps = 3;       // in a row, until the state goes back; 0: the first ends the run
  bool learn_late = false;     // whether numbers are finite, without a wait for the device (SGD)
  bool in_one_piece = false;   // where memory runs out the run ends
  std::function<void()> before_update =
      {};  // what must have happened before weights change; may be empty
};

/// What ranks ask each other for; a wish of one is agreed by all in the next step.
struct Wishes {
  bool stop = false;  // end the run
  bool save = false;  // save the state
  bool end = false;   // rank 0's only: the time is up
};

/// Inputs of the network on its device.
struct Inputs {
  torch::Tensor images;      // (B, 3, H, W) in 0..1
  torch::Tensor targets_N6;  // (N, 6)
};

/// Four images in one (release-7.md 7.5): of each four either the first alone, enlarged to twice
/// its size, or all in a square, the second below the first. Images that are left over are
/// enlarged.
Inputs four_in_one(const Inputs& inputs, Rng& rng);

/// In runs of at most so many images; in one where there are no more, or `most` is 0.
std::vector<Inputs> in_pieces(const Inputs& inputs, std::int64_t most);

/// Takes a training state from batch to batch.
class TrainStep {
 public:
  /// All references must outlive the step.
  TrainStep(TrainState& state, const Schedule& schedule, const DetectionLoss& loss,
            const Placement& placement, Communicator& comm, StepOptions options = {});

  /// Trains on this rank's share of a global batch, which may have no image, and advances the
  /// state's iteration. An update whose loss or gradients are not finite on any rank is left out on
  /// all: it changes nothing but the state's health and is told as a warning, and after as many in
  /// a row as the options say the state goes back (numeric_health.h). Throws Error (kNumeric) where
  /// that has been done too often, or the options want none of it.
  /// Where memory runs out on any rank, the batches since the last update are done again by all,
  /// half as many images at once as before, which the state remembers; the images of an update and
  /// what the loss is divided by stay the same. Throws Error (kMemory) where a single image is too
  /// much, and where the options or shards want whole batches; then the state is spoilt.
  void run(const Batch& batch);

  /// Starts the running means of an epoch from nothing; with --compat original also drops pending
  /// gradients (Q19, R07).
  void begin_epoch();
  /// Counts the last step's loss too; all ranks must call it after the last step of an epoch.
  void count_last_step();
  /// Waits for what is not known yet of the last update. To be called before the state is copied.
  void settle();
  /// Means of box, objectness, class and total over the global batches of the epoch; a step is
  /// counted when the next one has run.
  std::array<double, 4> mean_items() const;
  /// Asks all ranks; they agree on the step.
  void request(const Wishes& wishes) { wishes_ = wishes; }
  const Wishes& agreed() const { return agreed_; }
  const StepPlan& last_plan() const { return plan_; }
  /// By rank: what the step before the last took it, without waiting for the others' sums. Empty
  /// where ranks work on shards, which wait in between.
  const std::vector<double>& rank_seconds() const { return rank_seconds_; }
  /// Box, objectness, class and total of the last batch, on the device.
  const torch::Tensor& last_items() const { return last_items_; }

 private:
  /// A batch and when it was trained.
  struct PlannedBatch {
    std::int64_t iteration = 0;
    Batch batch;
  };

  Inputs prepare(const Batch& batch, std::int64_t iteration) const;
  std::vector<torch::Tensor> forward(const Inputs& inputs, bool empty,
                                     const LayerTrace& trace = {});
  LossCounts sum_over_ranks(const LossCounts& own);
  bool compute(const Batch& batch, std::int64_t iteration);
  bool redo_in_halves(const Batch& batch);
  bool run_whole(const Batch& batch);
  void attempt(const std::function<void()>& work);
  void backward(const torch::Tensor& loss, bool completes_batch);
  bool join_without_gradients(const Batch& batch);
  void run_shards(const Inputs& inputs, const Batch& batch);
  bool update();
  bool ranks_had_memory();
  void update_where_finite(const std::vector<torch::Tensor>& gradients, const torch::Tensor& norm);
  void count_bad_update();
  void tell_skipped(const std::vector<PlannedBatch>& batches, bool with_gradients);
  void warn_of_skipped(const PlannedBatch& planned, const std::string& cause) const;
  std::string find_cause(const PlannedBatch& batch, bool with_gradients);
  void go_back();
  LayerTrace inspection();
  void record(const torch::Tensor& items_4, const Batch& batch);
  void count_items(const double* items);
  [[noreturn]] void throw_out_of_memory(const Batch& batch, std::int64_t images) const;
  void require_finite(const torch::Tensor& items_4) const;

  TrainState& state_;
  const Schedule& schedule_;
  const DetectionLoss& loss_;
  Placement placement_;
  Communicator& comm_;
  StepOptions options_;
  std::unique_ptr<ShardedStep> shards_;  // null: not deterministic
  StepPlan plan_;
  torch::Tensor last_items_;           // of this rank
  PlannedBatch recorded_;              // that they are of
  std::vector<PlannedBatch> batches_;  // since the last update
  torch::Tensor late_flag_;            // not 0: the last update did not count; may be undefined
  std::vector<PlannedBatch> late_batches_;       // of that update
  std::vector<PlannedBatch> bad_batches_;        // to be told of once the step under way is over
  std::int64_t num_told_ = 0, num_skipped_ = 0;  // in this run; in this epoch
  bool inspects_ = true, inspects_gradients_ = false;
  Wishes wishes_, agreed_;
  bool out_of_memory_ = false, any_out_of_memory_ = false;  // this rank; as agreed in the last sum
  double own_seconds_ = 0, waited_seconds_ = 0;             // of the last step, of this rank
  std::vector<double> rank_seconds_;
};

}  // namespace gannet
