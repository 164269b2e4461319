// Runs a model over a data set and scores it once (RB 7). Batches are dealt to the ranks; raw
// matches are gathered in image order, so the digits are the same for every number of processes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gannet/data/loading/loader.h"
#include "gannet/dist/communicator.h"
#include "gannet/eval/eval_report.h"
#include "gannet/eval/records.h"
#include "gannet/eval/scores.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/predict/predictor.h"

namespace gannet {

struct EvaluatorOptions {
  PredictOptions predict{.nms = {.conf_threshold = 0.001, .iou_threshold = 0.65},
                         .side_by_side = true};
  ScoreOptions score = {};
  const CocoGround* ground = nullptr;   // see `score`
  bool single_class = false;            // labels and detections are all of class 0
  const DetectionLoss* loss = nullptr;  // also average the loss, as in training
  std::int64_t main_batches = 1;        // so many of the first ones go to rank 0, which draws them
};

/// What listens while batches are evaluated; any member may be empty.
struct EvaluatorEvents {
  std::function<void(std::int64_t done, std::int64_t total)> progress;
  std::function<void(const Batch&, const std::vector<std::vector<ScoredBox>>&)> batch;
  std::function<bool()> stop;  // asked before each batch; true ends the evaluation of all ranks
};

/// Figures, and what they were made from: the images in the order of the data set.
struct Evaluation {
  EvalReport report;
  std::vector<ImageRecord> images;
};

/// Numbers of the batches that a rank evaluates, ascending. The first `main_batches` are rank 0's;
/// then each goes to the rank that has the fewest.
std::vector<std::size_t> batches_of_rank(std::size_t num_batches, std::int64_t main_batches,
                                         const Communicator& comm);

/// A network that is not ours to look into, only to run.
struct EvaluatedNetwork {
  std::shared_ptr<const Network> network;
  int num_classes = 0;
  const HeadSpec* head = nullptr;  // where the loss is averaged too
};

/// @param plans all batches of the set, the same on every rank
/// @param names of the model's classes, for the report
Evaluation evaluate_batches(const EvaluatedNetwork& evaluated, const Placement& placement,
                            Loader& loader, const std::vector<BatchPlan>& plans,
                            const EvaluatorOptions& options, const std::vector<std::string>& names,
                            Communicator& comm, const EvaluatorEvents& events = {});
/// Of a model.
Evaluation evaluate_batches(DetectionModel& model, const Placement& placement, Loader& loader,
                            const std::vector<BatchPlan>& plans, const EvaluatorOptions& options,
                            const std::vector<std::string>& names, Communicator& comm,
                            const EvaluatorEvents& events = {});

}  // namespace gannet
