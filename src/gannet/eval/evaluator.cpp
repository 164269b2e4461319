#include "gannet/eval/evaluator.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/ops/prepare.h"
#include "gannet/ops/side_by_side.h"

namespace gannet {
namespace {

/// What one image adds to the statistics.
struct ImageRecord {
  std::int64_t index = 0;
  std::vector<DetectionRecord> detections;
  std::vector<int> label_classes;
};

template <class T>
void put(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <class T>
T take(const std::string& bytes, std::size_t& at) {
  GANNET_CHECK(at + sizeof(T) <= bytes.size(), "gathered evaluation records are cut off");
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  at += sizeof(T);
  return value;
}

/// What one batch adds: its mean loss and the time that it took.
struct BatchRecord {
  std::int64_t number = 0;
  std::array<double, 3> loss{};
  double inference_seconds = 0, nms_seconds = 0;
};

std::string pack(const std::vector<BatchRecord>& records) {
  std::string bytes;
  for (const BatchRecord& r : records) put(bytes, r);
  return bytes;
}

void unpack(const std::string& bytes, std::vector<BatchRecord>& records) {
  for (std::size_t at = 0; at < bytes.size();) records.push_back(take<BatchRecord>(bytes, at));
}

std::string pack(const std::vector<ImageRecord>& records) {
  std::string bytes;
  for (const ImageRecord& r : records) {
    put(bytes, r.index);
    put(bytes, r.detections.size());
    put(bytes, r.label_classes.size());
    for (const DetectionRecord& d : r.detections) put(bytes, d);
    for (const int id : r.label_classes) put(bytes, id);
  }
  return bytes;
}

void unpack(const std::string& bytes, std::vector<ImageRecord>& records) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    ImageRecord r;
    r.index = take<std::int64_t>(bytes, at);
    const auto num_detections = take<std::size_t>(bytes, at),
               num_labels = take<std::size_t>(bytes, at);
    for (std::size_t i = 0; i < num_detections; ++i)
      r.detections.push_back(take<DetectionRecord>(bytes, at));
    for (std::size_t i = 0; i < num_labels; ++i) r.label_classes.push_back(take<int>(bytes, at));
    records.push_back(std::move(r));
  }
}

/// The records of all ranks in the order that one rank alone would have made them in.
template <class Record, class Key>
std::vector<Record> gather_in_order(const std::string& name, const std::vector<Record>& own,
                                    Key Record::*key, Communicator& comm) {
  std::vector<Record> all;
  for (const std::string& share : comm.gather(name, pack(own))) unpack(share, all);
  std::stable_sort(all.begin(), all.end(),
                   [key](const Record& a, const Record& b) { return a.*key < b.*key; });
  return all;
}

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

ImageRecord score_image(const Batch& batch, int image, const std::vector<ScoredBox>& boxes,
                        bool single_class) {
  ImageRecord record;
  record.index = batch.samples[static_cast<std::size_t>(image)].index;
  const auto labels = labels_of_image(batch, image, single_class);
  std::vector<ScoredBox> clipped = boxes;
  for (ScoredBox& b : clipped)
    b.box = clip(b.box, static_cast<float>(batch.width), static_cast<float>(batch.height));
  const auto hits = match_detections(clipped, labels);
  for (std::size_t i = 0; i < clipped.size(); ++i)
    record.detections.push_back({hits[i], clipped[i].score, clipped[i].class_id});
  for (const ScoredBox& label : labels) record.label_classes.push_back(label.class_id);
  return record;
}

/// Collects a rank's share, then the whole.
class Evaluation {
 public:
  Evaluation(const Predictor& predictor, const EvaluatorOptions& options,
             const std::vector<std::string>& names, Communicator& comm,
             const EvaluatorEvents& events)
      : predictor_(predictor), options_(options), names_(names), comm_(comm), events_(events) {}

  void add(const Batch& batch) {
    BatchRecord record;
    record.number = batch.number;
    const Prediction prediction = predictor_.predict(batch);
    record.inference_seconds = prediction.inference_seconds;
    record.nms_seconds = prediction.nms_seconds;
    if (options_.loss != nullptr && !prediction.raw.empty())
      record.loss = loss_of(batch, prediction);
    batches_.push_back(record);
    for (int image = 0; image < batch.images; ++image) {
      if (batch.samples[static_cast<std::size_t>(image)].replacement)
        continue;  // stands in for one that cannot be read
      const auto& found = prediction.boxes[static_cast<std::size_t>(image)];
      images_.push_back(score_image(batch, image, found, options_.single_class));
      if (!events_.image) continue;
      const SampleInfo& sample = batch.samples[static_cast<std::size_t>(image)];
      events_.image({&sample, found, to_detections(found, sample.letterbox, names_)});
    }
    if (events_.batch) events_.batch(batch, prediction.boxes);
  }

  bool wants_stop() { return stopped_ = events_.stop && events_.stop(); }

  EvalReport finish() {
    const auto images = gather_in_order("eval.images", images_, &ImageRecord::index, comm_);
    EvalReport report = score(images);
    report.names = names_;
    const auto batches = gather_in_order("eval.batches", batches_, &BatchRecord::number, comm_);
    add_means(batches, report);
    report.stopped =
        comm_.sum("eval.stopped", torch::tensor({stopped_ ? 1.0 : 0.0}, torch::kFloat64))
            .item<double>() > 0;
    return report;
  }

 private:
  static EvalReport score(const std::vector<ImageRecord>& images) {
    EvalReport report;
    std::vector<DetectionRecord> detections;
    std::vector<int> label_classes;
    for (const ImageRecord& r : images) {
      detections.insert(detections.end(), r.detections.begin(), r.detections.end());
      label_classes.insert(label_classes.end(), r.label_classes.begin(), r.label_classes.end());
    }
    report.classes = average_precision(detections, label_classes);
    report.mean = mean_metrics(report.classes);
    report.num_images = static_cast<std::int64_t>(images.size());
    report.num_labels = static_cast<std::int64_t>(label_classes.size());
    return report;
  }

  // In the order of the batches: a sum of floating-point numbers depends on it.
  static void add_means(const std::vector<BatchRecord>& batches, EvalReport& report) {
    const double count = std::max<double>(1, static_cast<double>(batches.size()));
    const double images = std::max<double>(1, static_cast<double>(report.num_images));
    BatchRecord sum;
    for (const BatchRecord& b : batches) {
      for (std::size_t i = 0; i < sum.loss.size(); ++i) sum.loss[i] += b.loss[i];
      sum.inference_seconds += b.inference_seconds;
      sum.nms_seconds += b.nms_seconds;
    }
    report.box_loss = sum.loss[0] / count;
    report.objectness_loss = sum.loss[1] / count;
    report.class_loss = sum.loss[2] / count;
    report.inference_ms = sum.inference_seconds * 1000 / images;
    report.nms_ms = sum.nms_seconds * 1000 / images;
  }

  std::array<double, 3> loss_of(const Batch& batch, const Prediction& prediction) const {
    const torch::NoGradGuard no_grad;
    torch::Tensor items;
    for_each_side_by_side(1, 1, [&](int) {  // by one thread: sums depend on their number
      const auto parts =
          (*options_.loss)(prediction.raw, prepare_targets(batch, predictor_.placement()),
                           predictor_.model().head());
      items = parts.items.to(torch::kCPU, torch::kFloat64);
    });
    return {items[0].item<double>(), items[1].item<double>(), items[2].item<double>()};
  }

  const Predictor& predictor_;
  const EvaluatorOptions& options_;
  const std::vector<std::string>& names_;
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

EvalReport evaluate_batches(DetectionModel& model, const Placement& placement, Loader& loader,
                            const std::vector<BatchPlan>& plans, const EvaluatorOptions& options,
                            const std::vector<std::string>& names, Communicator& comm,
                            const EvaluatorEvents& events) {
  const Predictor predictor(model, placement, options.predict);
  std::vector<BatchPlan> share;
  for (const std::size_t i : batches_of_rank(plans.size(), options.main_batches, comm))
    share.push_back(plans[i]);
  Evaluation evaluation(predictor, options, names, comm, events);
  const auto total = static_cast<std::int64_t>(share.size());
  std::int64_t done = 0;
  loader.start(std::move(share), 0);
  while (const auto batch = evaluation.wants_stop() ? std::nullopt : loader.next()) {
    evaluation.add(*batch);
    if (events.progress) events.progress(++done, total);
  }
  for (const FailedImage& failed : loader.failures())
    log_warning("{}: cannot be read, and is left out of the evaluation: {}", failed.path,
                failed.reason);
  return evaluation.finish();
}

}  // namespace gannet
