#include "gannet/ops/nms.h"

#include <torch/types.h>

#include <algorithm>

#include "gannet/core/processor.h"
#include "gannet/ops/thread_ranges.h"

namespace gannet {
namespace {

constexpr std::size_t kMaxMergeCandidates = 3000;

/// Candidates of one image as separate columns, so that the overlap loop vectorises.
struct Candidates {
  std::vector<ScoredBox> boxes;
  std::vector<float> x1, y1, x2, y2, area;  // shifted by class
};

// Whether each class is kept.
std::vector<bool> wanted_classes(int num_classes, const std::vector<int>& classes) {
  std::vector<bool> wanted(static_cast<std::size_t>(num_classes), classes.empty());
  for (const int id : classes)
    if (id >= 0 && id < num_classes) wanted[static_cast<std::size_t>(id)] = true;
  return wanted;
}

int best_class(const float* scores, int num_classes) {
  return static_cast<int>(std::max_element(scores, scores + num_classes) - scores);
}

// One candidate per row and class above the threshold; with a single class, the row itself. The
// surest first, at most so many as are looked at.
std::vector<ScoredBox> collect(const float* rows, std::int64_t num_rows, std::int64_t num_values,
                               const NmsOptions& options) {
  std::vector<ScoredBox> found;
  const auto threshold = static_cast<float>(options.conf_threshold);
  const auto num_classes = static_cast<int>(num_values - 5);
  const std::vector<bool> wanted = wanted_classes(num_classes, options.classes);
  for (std::int64_t i = 0; i < num_rows; ++i) {
    const float* row = rows + i * num_values;
    if (!(row[4] > threshold)) continue;
    const float half_w = row[2] / 2, half_h = row[3] / 2;
    const Box box{row[0] - half_w, row[1] - half_h, row[0] + half_w, row[1] + half_h};
    const int best = options.best_class ? best_class(row + 5, num_classes) : -1;
    for (int c = 0; c < num_classes; ++c) {
      if (options.best_class && c != best) continue;
      const float score = row[5 + c] * row[4];
      if (score > threshold && wanted[static_cast<std::size_t>(c)])
        found.push_back({box, score, c});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const ScoredBox& a, const ScoredBox& b) { return a.score > b.score; });
  if (found.size() > options.max_candidates) found.resize(options.max_candidates);
  return found;
}

Candidates shift_by_class(std::vector<ScoredBox> boxes, const NmsOptions& options) {
  Candidates c;
  c.boxes = std::move(boxes);
  for (auto* column : {&c.x1, &c.y1, &c.x2, &c.y2, &c.area}) column->reserve(c.boxes.size());
  for (const ScoredBox& b : c.boxes) {
    const float shift =
        options.agnostic ? 0 : static_cast<float>(b.class_id) * options.class_shift_px;
    c.x1.push_back(b.box.x1 + shift);
    c.y1.push_back(b.box.y1 + shift);
    c.x2.push_back(b.box.x2 + shift);
    c.y2.push_back(b.box.y2 + shift);
    c.area.push_back((c.x2.back() - c.x1.back()) * (c.y2.back() - c.y1.back()));
  }
  return c;
}

float overlap(const Candidates& c, std::size_t i, std::size_t j) {
  const float w = std::max(0.0f, std::min(c.x2[i], c.x2[j]) - std::max(c.x1[i], c.x1[j]));
  const float h = std::max(0.0f, std::min(c.y2[i], c.y2[j]) - std::max(c.y1[i], c.y1[j]));
  const float inter = w * h;
  return inter / (c.area[i] + c.area[j] - inter);
}

/// Boxes that stay, as columns of full blocks: what is not filled overlaps nothing.
class KeptBoxes {
 public:
  explicit KeptBoxes(int most) {
    const auto room = (static_cast<std::size_t>(std::max(most, 0)) / kBlock + 1) * kBlock;
    for (auto* column : {&x1_, &y1_, &x2_, &y2_}) column->resize(room, kNowhere);
    area_.resize(room, 0);
  }
  void add(const Candidates& c, std::size_t i) {
    x1_[count_] = c.x1[i];
    y1_[count_] = c.y1[i];
    x2_[count_] = c.x2[i];
    y2_[count_] = c.y2[i];
    area_[count_++] = c.area[i];
  }
  std::size_t count() const { return count_; }
  bool any_overlaps(const Candidates& c, std::size_t i, float threshold) const {
    const float box[5] = {c.x1[i], c.y1[i], c.x2[i], c.y2[i], c.area[i]};
    for (std::size_t begin = 0; begin < count_; begin += kBlock)
      if (block_overlaps(x1_.data() + begin, y1_.data() + begin, x2_.data() + begin,
                         y2_.data() + begin, area_.data() + begin, box, threshold))
        return true;
    return false;
  }

 private:
  static constexpr std::size_t kBlock = 32;
  static constexpr float kNowhere = -1e30f;
  // The same arithmetic as `overlap`, in the same order.
  GANNET_WIDE_LOOPS static bool block_overlaps(const float* x1, const float* y1, const float* x2,
                                               const float* y2, const float* area, const float* box,
                                               float threshold) {
    int hits = 0;
    for (std::size_t k = 0; k < kBlock; ++k) {
      const float w = std::max(0.0f, std::min(x2[k], box[2]) - std::max(x1[k], box[0]));
      const float h = std::max(0.0f, std::min(y2[k], box[3]) - std::max(y1[k], box[1]));
      const float inter = w * h;
      hits += inter / (area[k] + box[4] - inter) > threshold ? 1 : 0;
    }
    return hits > 0;
  }

  std::vector<float> x1_, y1_, x2_, y2_, area_;
  std::size_t count_ = 0;
};

// Greedy: a candidate stays unless a better one that stayed overlaps it.
std::vector<std::size_t> suppress(const Candidates& c, const NmsOptions& options) {
  std::vector<std::size_t> kept;
  const auto threshold = static_cast<float>(options.iou_threshold);
  KeptBoxes boxes(std::min(options.max_detections, static_cast<int>(c.boxes.size())));
  for (std::size_t i = 0; i < c.boxes.size(); ++i) {
    if (static_cast<int>(kept.size()) >= options.max_detections) break;
    if (boxes.any_overlaps(c, i, threshold)) continue;
    boxes.add(c, i);
    kept.push_back(i);
  }
  return kept;
}

// Kept boxes become score-weighted means of all that overlap them; lone boxes are dropped.
std::vector<ScoredBox> merge(const Candidates& c, const std::vector<std::size_t>& kept,
                             const NmsOptions& options) {
  const auto threshold = static_cast<float>(options.iou_threshold);
  std::vector<ScoredBox> merged;
  for (const std::size_t k : kept) {
    double total = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    int members = 0;
    for (std::size_t j = 0; j < c.boxes.size(); ++j) {
      if (!(overlap(c, k, j) > threshold)) continue;
      const Box& b = c.boxes[j].box;
      const double weight = c.boxes[j].score;
      total += weight;
      x1 += weight * b.x1;
      y1 += weight * b.y1;
      x2 += weight * b.x2;
      y2 += weight * b.y2;
      ++members;
    }
    if (members < 2) continue;
    ScoredBox box = c.boxes[k];
    box.box = {static_cast<float>(x1 / total), static_cast<float>(y1 / total),
               static_cast<float>(x2 / total), static_cast<float>(y2 / total)};
    merged.push_back(box);
  }
  return merged;
}

std::vector<ScoredBox> suppress_image(const float* rows, std::int64_t num_rows,
                                      std::int64_t num_values, const NmsOptions& options) {
  const Candidates candidates =
      shift_by_class(collect(rows, num_rows, num_values, options), options);
  const auto kept = suppress(candidates, options);
  const std::size_t count = candidates.boxes.size();
  if (options.merge && count > 1 && count < kMaxMergeCandidates)
    return merge(candidates, kept, options);
  std::vector<ScoredBox> result;
  for (const std::size_t k : kept) result.push_back(candidates.boxes[k]);
  return result;
}

/// Rows of all images, one image after the other.
struct HostRows {
  torch::Tensor rows_MV;            // float32
  std::vector<std::int64_t> begin;  // first row of each image, and the end
};

// From a device only rows sure enough to count come, those of the whole batch together.
HostRows rows_on_host(const torch::Tensor& prediction_BNV, double conf_threshold) {
  const std::int64_t images = prediction_BNV.size(0), rows = prediction_BNV.size(1);
  HostRows host;
  if (prediction_BNV.is_cpu()) {
    host.rows_MV = prediction_BNV.to(torch::kFloat32).contiguous().flatten(0, 1);
    for (std::int64_t image = 0; image <= images; ++image) host.begin.push_back(image * rows);
    return host;
  }
  const auto sure = prediction_BNV.select(2, 4).gt(conf_threshold);  // (B, N)
  const auto ends = sure.sum(1).cumsum(0).to(torch::kCPU);
  host.begin.push_back(0);
  for (std::int64_t image = 0; image < images; ++image)
    host.begin.push_back(ends.const_data_ptr<std::int64_t>()[image]);
  host.rows_MV = prediction_BNV.index({sure}).to(torch::kCPU, torch::kFloat32).contiguous();
  return host;
}

}  // namespace

std::vector<std::vector<ScoredBox>> non_max_suppression(const torch::Tensor& prediction_BNV,
                                                        const NmsOptions& options) {
  const HostRows host = rows_on_host(prediction_BNV.detach(), options.conf_threshold);
  const float* data = host.rows_MV.const_data_ptr<float>();
  const std::int64_t values = host.rows_MV.size(1);
  std::vector<std::vector<ScoredBox>> results(host.begin.size() - 1);
  const auto parts = std::min(static_cast<std::size_t>(num_thread_ranges()), results.size());
  for_each_part(static_cast<int>(parts), [&](int part) {
    for (auto b = static_cast<std::size_t>(part); b < results.size(); b += parts)
      results[b] = suppress_image(data + host.begin[b] * values, host.begin[b + 1] - host.begin[b],
                                  values, options);
  });
  return results;
}

}  // namespace gannet
