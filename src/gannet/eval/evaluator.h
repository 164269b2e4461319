// Runs a model over a data set and scores it once (RB 7). Batches are dealt to the ranks; raw
// matches are gathered in image order, so the digits are the same for every number of processes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/data/loading/loader.h"
#include "gannet/dist/communicator.h"
#include "gannet/eval/evaluate.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/predict/predictor.h"

namespace gannet {

struct EvaluatorOptions {
  PredictOptions predict{.nms = {.conf_threshold = 0.001, .iou_threshold = 0.65},
                         .side_by_side = true};
  bool single_class = false;            // all labels are class 0
  const DetectionLoss* loss = nullptr;  // also average the loss, as in training
  std::int64_t main_batches = 1;        // so many of the first ones go to rank 0, which draws them
};

/// One image's detections, in pixels of the network's input and of the original.
struct ImageResult {
  const SampleInfo* sample = nullptr;
  std::vector<ScoredBox> boxes;
  std::vector<Detection> detections;
};

/// What listens while batches are evaluated; any member may be empty.
struct EvaluatorEvents {
  std::function<void(std::int64_t done, std::int64_t total)> progress;
  std::function<void(const Batch&, const std::vector<std::vector<ScoredBox>>&)> batch;
  std::function<void(const ImageResult&)> image;
  std::function<bool()> stop;  // asked before each batch; true ends the evaluation of all ranks
};

/// Numbers of the batches that a rank evaluates, ascending. The first `main_batches` are rank 0's;
/// then each goes to the rank that has the fewest.
std::vector<std::size_t> batches_of_rank(std::size_t num_batches, std::int64_t main_batches,
                                         const Communicator& comm);

/// @param plans all batches of the set, the same on every rank
/// @param names class names for ImageResult::detections
EvalReport evaluate_batches(DetectionModel& model, const Placement& placement, Loader& loader,
                            const std::vector<BatchPlan>& plans, const EvaluatorOptions& options,
                            const std::vector<std::string>& names, Communicator& comm,
                            const EvaluatorEvents& events = {});

}  // namespace gannet
