#include "gannet/eval/evaluator.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "gannet/core/error.h"

namespace gannet {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

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
    const auto num_detections = take<std::size_t>(bytes, at), num_labels = take<std::size_t>(bytes, at);
    for (std::size_t i = 0; i < num_detections; ++i) r.detections.push_back(take<DetectionRecord>(bytes, at));
    for (std::size_t i = 0; i < num_labels; ++i) r.label_classes.push_back(take<int>(bytes, at));
    records.push_back(std::move(r));
  }
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

ImageRecord score_image(const Batch& batch, int image, const std::vector<ScoredBox>& boxes, bool single_class) {
  ImageRecord record;
  record.index = batch.samples[static_cast<std::size_t>(image)].index;
  const auto labels = labels_of_image(batch, image, single_class);
  std::vector<ScoredBox> clipped = boxes;
  for (ScoredBox& b : clipped) b.box = clip(b.box, static_cast<float>(batch.width), static_cast<float>(batch.height));
  const auto hits = match_detections(clipped, labels);
  for (std::size_t i = 0; i < clipped.size(); ++i)
    record.detections.push_back({hits[i], clipped[i].score, clipped[i].class_id});
  for (const ScoredBox& label : labels) record.label_classes.push_back(label.class_id);
  return record;
}

/// Collects a rank's share, then the whole.
class Evaluation {
 public:
  Evaluation(const Predictor& predictor, const EvaluatorOptions& options, const std::vector<std::string>& names,
             Communicator& comm, const EvaluatorEvents& events)
      : predictor_(predictor), options_(options), names_(names), comm_(comm), events_(events) {}

  void add(const Batch& batch) {
    const auto prediction = predictor_.predict(prepare_images(batch, predictor_.placement()), options_.augment);
    inference_seconds_ += prediction.seconds;
    if (options_.loss != nullptr && !prediction.raw.empty()) add_loss(batch, prediction);
    const auto start = std::chrono::steady_clock::now();
    const auto boxes = non_max_suppression(prediction.decoded_BNV, options_.nms);
    nms_seconds_ += seconds_since(start);
    for (int image = 0; image < batch.images; ++image) {
      if (batch.samples[static_cast<std::size_t>(image)].replacement) continue;  // stands in for one that cannot be read
      const auto& found = boxes[static_cast<std::size_t>(image)];
      records_.push_back(score_image(batch, image, found, options_.single_class));
      if (!events_.image) continue;
      const SampleInfo& sample = batch.samples[static_cast<std::size_t>(image)];
      events_.image({&sample, found, to_detections(found, sample.letterbox, names_)});
    }
    if (events_.batch) events_.batch(batch, boxes);
  }

  bool wants_stop() { return stopped_ = events_.stop && events_.stop(); }

  EvalReport finish() {
    std::vector<ImageRecord> all;
    for (const std::string& share : comm_.gather("eval.records", pack(records_))) unpack(share, all);
    std::stable_sort(all.begin(), all.end(), [](const ImageRecord& a, const ImageRecord& b) { return a.index < b.index; });
    const auto sums = comm_.sum("eval.sums", torch::tensor({loss_[0], loss_[1], loss_[2], num_batches_, inference_seconds_, nms_seconds_, stopped_ ? 1.0 : 0.0}, torch::kFloat64));
    const double* total = sums.const_data_ptr<double>();

    EvalReport report;
    std::vector<DetectionRecord> detections;
    std::vector<int> label_classes;
    for (const ImageRecord& r : all) {
      detections.insert(detections.end(), r.detections.begin(), r.detections.end());
      label_classes.insert(label_classes.end(), r.label_classes.begin(), r.label_classes.end());
    }
    report.classes = average_precision(detections, label_classes);
    report.mean = mean_metrics(report.classes);
    report.num_images = static_cast<std::int64_t>(all.size());
    report.num_labels = static_cast<std::int64_t>(label_classes.size());
    const double batches = std::max(total[3], 1.0);
    report.box_loss = total[0] / batches;
    report.objectness_loss = total[1] / batches;
    report.class_loss = total[2] / batches;
    report.names = names_;
    const double images = std::max<double>(1, static_cast<double>(report.num_images));
    report.inference_ms = total[4] * 1000 / images;
    report.nms_ms = total[5] * 1000 / images;
    report.stopped = total[6] > 0;
    return report;
  }

 private:
  // Each rank has other batches, so the loss is that of a world of one.
  void add_loss(const Batch& batch, const Prediction& prediction) {
    const torch::NoGradGuard no_grad;
    const auto alone = make_single_process();
    const auto parts = (*options_.loss)(prediction.raw, prepare_targets(batch, predictor_.placement()), predictor_.model().head(), *alone);
    const auto items = parts.items.to(torch::kCPU, torch::kFloat64);
    for (std::int64_t i = 0; i < 3; ++i) loss_[static_cast<std::size_t>(i)] += items[i].item<double>();
    num_batches_ += 1;
  }

  const Predictor& predictor_;
  const EvaluatorOptions& options_;
  const std::vector<std::string>& names_;
  Communicator& comm_;
  const EvaluatorEvents& events_;
  std::vector<ImageRecord> records_;
  std::array<double, 3> loss_{};
  double num_batches_ = 0, inference_seconds_ = 0, nms_seconds_ = 0;
  bool stopped_ = false;
};

}  // namespace

EvalReport evaluate_batches(const Predictor& predictor, Loader& loader, const std::vector<BatchPlan>& plans,
                            const EvaluatorOptions& options, const std::vector<std::string>& names, Communicator& comm,
                            const EvaluatorEvents& events) {
  std::vector<BatchPlan> share;
  for (std::size_t i = static_cast<std::size_t>(comm.rank()); i < plans.size(); i += static_cast<std::size_t>(comm.world_size()))
    share.push_back(plans[i]);
  Evaluation evaluation(predictor, options, names, comm, events);
  const auto total = static_cast<std::int64_t>(share.size());
  std::int64_t done = 0;
  loader.start(std::move(share), 0);
  while (const auto batch = evaluation.wants_stop() ? std::nullopt : loader.next()) {
    evaluation.add(*batch);
    if (events.progress) events.progress(++done, total);
  }
  return evaluation.finish();
}

}  // namespace gannet
