#include "gannet/eval/evaluator.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <array>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/ops/prepare.h"
#include "gannet/ops/side_by_side.h"

namespace gannet {
namespace {

std::vector<ScoredBox> labels_of_image(const Batch& batch, int image, bool single_class) {
  std::vector<ScoredBox> labels;
  const auto width = static_cast<float>(batch.width), height = static_cast<float>(batch.height);
  for (const auto& t : batch.targets) {
    if (static_cast<int>(t[0]) != image) continue;
    const float cx = t[2] * width, cy = t[3] * height, w = t[4] * width, h = t[5] * height;
    const int id = single_class ? 0 : static_cast<int>(t[1]);
    labels.push_back({{cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2}, 1, id});
  }
  return labels;
}

ImageRecord record_image(const Batch& batch, int image, std::vector<ScoredBox> detections,
                         bool single_class) {
  const SampleInfo& sample = batch.samples[static_cast<std::size_t>(image)];
  ImageRecord record;
  record.index = sample.index;
  record.labels = labels_of_image(batch, image, single_class);
  record.detections = std::move(detections);
  for (ScoredBox& b : record.detections) {
    b.box = clip(b.box, static_cast<float>(batch.width), static_cast<float>(batch.height));
    if (single_class) b.class_id = 0;
  }
  record.hits = match_detections(record.detections, record.labels);
  for (auto* boxes : {&record.detections, &record.labels})
    for (ScoredBox& b : *boxes) b.box = to_original(b.box, sample.letterbox);
  return record;
}

/// Collects a rank's share, then the whole.
class Collector {
 public:
  Collector(const Predictor& predictor, const HeadSpec* head, const EvaluatorOptions& options,
            Communicator& comm, const EvaluatorEvents& events)
      : predictor_(predictor), head_(head), options_(options), comm_(comm), events_(events) {}

  void add(const Batch& batch) {
    const Prediction prediction = predictor_.predict(batch);
    BatchRecord record;
    record.number = batch.number;
    record.prepare_seconds = prediction.prepare_seconds;
    record.inference_seconds = prediction.inference_seconds;
    record.nms_seconds = prediction.nms_seconds;
    if (options_.loss != nullptr && head_ != nullptr && !prediction.raw.empty())
      record.loss = loss_of(batch, prediction);
    batches_.push_back(record);
    for (int image = 0; image < batch.images; ++image) {
      const auto i = static_cast<std::size_t>(image);
      if (batch.samples[i].replacement) continue;  // stands in for one that cannot be read
      images_.push_back(record_image(batch, image, prediction.boxes[i], options_.single_class));
    }
    if (events_.batch) events_.batch(batch, prediction.boxes);
  }

  bool wants_stop() { return stopped_ = events_.stop && events_.stop(); }

  Evaluation finish() {
    Evaluation evaluation;
    evaluation.images = gather_in_order(images_, comm_);
    evaluation.report = score(evaluation.images, options_.score, options_.ground);
    add_means(gather_in_order(batches_, comm_), evaluation.report);
    evaluation.report.stopped =
        comm_.sum("eval.stopped", torch::tensor({stopped_ ? 1.0 : 0.0}, torch::kFloat64))
            .item<double>() > 0;
    return evaluation;
  }

 private:
  // In the order of the batches: a sum of floating-point numbers depends on it.
  static void add_means(const std::vector<BatchRecord>& batches, EvalReport& report) {
    const double count = std::max<double>(1, static_cast<double>(batches.size()));
    const double images = std::max<double>(1, static_cast<double>(report.num_images));
    BatchRecord sum;
    for (const BatchRecord& b : batches) {
      for (std::size_t i = 0; i < sum.loss.size(); ++i) sum.loss[i] += b.loss[i];
      sum.prepare_seconds += b.prepare_seconds;
      sum.inference_seconds += b.inference_seconds;
      sum.nms_seconds += b.nms_seconds;
    }
    report.box_loss = sum.loss[0] / count;
    report.objectness_loss = sum.loss[1] / count;
    report.class_loss = sum.loss[2] / count;
    report.prepare_ms = sum.prepare_seconds * 1000 / images;
    report.inference_ms = sum.inference_seconds * 1000 / images;
    report.nms_ms = sum.nms_seconds * 1000 / images;
  }

  std::array<double, 3> loss_of(const Batch& batch, const Prediction& prediction) const {
    const torch::NoGradGuard no_grad;
    torch::Tensor items;
    for_each_side_by_side(1, 1, [&](int) {  // by one thread: sums depend on their number
      const auto parts = (*options_.loss)(prediction.raw, prepare_targets(batch), *head_);
      items = parts.items.to(torch::kCPU, torch::kFloat64);
    });
    return {items[0].item<double>(), items[1].item<double>(), items[2].item<double>()};
  }

  const Predictor& predictor_;
  const HeadSpec* head_;
  const EvaluatorOptions& options_;
  Communicator& comm_;
  const EvaluatorEvents& events_;
  std::vector<ImageRecord> images_;
  std::vector<BatchRecord> batches_;
  bool stopped_ = false;
};

}  // namespace

std::vector<std::size_t> batches_of_rank(std::size_t num_batches, std::int64_t main_batches,
                                         const Communicator& comm) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(comm.world_size()));
  std::vector<std::size_t> own;
  for (std::size_t i = 0; i < num_batches; ++i) {
    const bool for_main = static_cast<std::int64_t>(i) < main_batches;
    const auto rank = for_main ? counts.begin() : std::min_element(counts.begin(), counts.end());
    ++*rank;
    if (rank - counts.begin() == comm.rank()) own.push_back(i);
  }
  return own;
}

Evaluation evaluate_batches(DetectionModel& model, const Placement& placement, Loader& loader,
                            const std::vector<BatchPlan>& plans, const EvaluatorOptions& options,
                            const std::vector<std::string>& names, Communicator& comm,
                            const EvaluatorEvents& events) {
  const EvaluatedNetwork evaluated{make_network(model, placement, options.predict.augment),
                                   model.head().num_classes, &model.head()};
  return evaluate_batches(evaluated, placement, loader, plans, options, names, comm, events);
}

Evaluation evaluate_batches(const EvaluatedNetwork& evaluated, const Placement& placement,
                            Loader& loader, const std::vector<BatchPlan>& plans,
                            const EvaluatorOptions& options, const std::vector<std::string>& names,
                            Communicator& comm, const EvaluatorEvents& events) {
  EvaluatorOptions used = options;
  used.score.num_classes = options.single_class ? 1 : evaluated.num_classes;
  if (options.single_class) used.predict.nms.agnostic = true;
  const Predictor predictor(evaluated.network, placement, used.predict);
  std::vector<BatchPlan> share;
  for (const std::size_t i : batches_of_rank(plans.size(), options.main_batches, comm))
    share.push_back(plans[i]);
  Collector collector(predictor, evaluated.head, used, comm, events);
  const auto total = static_cast<std::int64_t>(share.size());
  std::int64_t done = 0;
  loader.start(std::move(share), 0);
  while (const auto batch = collector.wants_stop() ? std::nullopt : loader.next()) {
    collector.add(*batch);
    if (events.progress) events.progress(++done, total);
  }
  for (const FailedImage& failed : loader.failures())
    log_warning("{}: cannot be read, and is left out of the evaluation: {}", failed.path,
                failed.reason);
  Evaluation evaluation = collector.finish();
  evaluation.report.names = names;
  return evaluation;
}

}  // namespace gannet
