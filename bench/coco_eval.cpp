// COCO's evaluation at the size of COCO val2017: 5,000 pictures of 80 classes, 36,000 objects, 300
// detections a picture. Results on stdout.
//   coco_eval_bench                 times the evaluation of a set of fixed numbers
//   coco_eval_bench write FOLDER    writes the set as truth.json and detections.json
//   coco_eval_bench read FOLDER     reads these two, evaluates them, prints the twelve numbers

#include "gannet/metrics/coco_eval.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gannet/core/rng.h"
#include "gannet/core/stopwatch.h"
#include "gannet/data/labels/coco_detections.h"
#include "gannet/data/labels/coco_truth.h"

namespace {

namespace fs = std::filesystem;
constexpr int kImages = 5000, kClasses = 80, kObjects = 36'000, kDetectionsOfImage = 300;
constexpr double kWidth = 640, kHeight = 480;

struct Set {
  std::vector<gannet::CocoTruth> truth;
  std::vector<gannet::CocoDetection> detections;
  std::vector<std::int64_t> category_ids;
};

double rounded(double value) { return std::round(value * 1e3) / 1e3; }

std::array<double, 4> random_box(gannet::Rng& rng) {
  const double scale = rng.uniform() * rng.uniform();  // small ones are more common
  const double w = 4 + scale * (kWidth - 4), h = 4 + scale * rng.uniform(0.5, 1) * (kHeight - 4);
  return {rounded(rng.uniform() * (kWidth - w)), rounded(rng.uniform() * (kHeight - h)), rounded(w),
          rounded(h)};
}

/// As a detector of medium quality sees an object: moved, with a score that falls with the error.
gannet::CocoDetection seen(const gannet::CocoTruth& object, gannet::Rng& rng) {
  gannet::CocoDetection found{object.image_id, object.category_id, object.box_px, 0};
  const double error = 0.25 * rng.uniform();
  for (std::size_t k = 0; k < 4; ++k)
    found.box_px[k] = rounded(
        std::max(0.0, found.box_px[k] + error * rng.uniform(-1, 1) * object.box_px[2 + k % 2]));
  found.score = rounded(std::clamp(1 - 3 * error + rng.uniform(-0.2, 0.2), 0.001, 0.999));
  return found;
}

Set make_set() {
  gannet::Rng rng({.seed = 2026});
  Set set;
  for (int c = 1; c <= kClasses; ++c) set.category_ids.push_back(c);
  const auto any_class = [&] { return 1 + std::min(rng.below(kClasses), rng.below(kClasses)); };
  std::vector<int> num_detections(kImages, 0);
  for (int i = 0; i < kObjects; ++i) {
    gannet::CocoTruth object{1 + rng.below(kImages), any_class(), random_box(rng), 0,
                             rng.below(100) == 0};
    object.area_px = rounded(object.box_px[2] * object.box_px[3] * rng.uniform(0.4, 1));
    set.truth.push_back(object);
    for (auto n = 1 + rng.below(3); n > 0; --n) {
      set.detections.push_back(seen(object, rng));
      ++num_detections[static_cast<std::size_t>(object.image_id - 1)];
    }
  }
  for (int i = 0; i < kImages; ++i)
    while (num_detections[static_cast<std::size_t>(i)]++ < kDetectionsOfImage)
      set.detections.push_back({1 + i, any_class(), random_box(rng),
                                rounded(0.001 + 0.3 * rng.uniform() * rng.uniform())});
  return set;
}

void write_truth(const fs::path& path, const Set& set) {
  std::ofstream file(path);
  file << "{\"images\":[";
  for (int i = 1; i <= kImages; ++i)
    file << fmt::format("{}{{\"id\":{},\"file_name\":\"{}.jpg\"}}", i == 1 ? "" : ",\n", i, i);
  file << "],\"categories\":[";
  for (const auto id : set.category_ids)
    file << fmt::format("{}{{\"id\":{},\"name\":\"class {}\"}}", id == 1 ? "" : ",\n", id, id);
  file << "],\"annotations\":[";
  for (std::size_t i = 0; i < set.truth.size(); ++i) {
    const auto& [image, category, b, area, is_crowd] = set.truth[i];
    file << fmt::format(
        "{}{{\"id\":{},\"image_id\":{},\"category_id\":{},\"bbox\":[{},{},{},{}],\"area\":{},"
        "\"iscrowd\":{}}}",
        i == 0 ? "" : ",\n", i + 1, image, category, b[0], b[1], b[2], b[3], area,
        is_crowd ? 1 : 0);
  }
  file << "]}\n";
}

void evaluate(const Set& set, int num_threads) {
  const gannet::Stopwatch watch;
  const auto report =
      gannet::evaluate_coco(set.truth, set.detections, set.category_ids, num_threads);
  fmt::print("evaluate, threads {}: {:.2f} s (AP {:.4f}, {} objects, {} detections)\n", num_threads,
             watch.seconds(), report[gannet::CocoNumber::kAp], set.truth.size(),
             set.detections.size());
}

void read_and_evaluate(const fs::path& folder) {
  const gannet::Stopwatch whole;
  Set set;
  const auto truth = gannet::coco_truth(gannet::read_coco((folder / "truth.json").string()));
  set.detections = gannet::read_coco_detections((folder / "detections.json").string());
  const double reading = whole.seconds();
  const auto report = gannet::evaluate_coco(truth.objects, set.detections, truth.category_ids);
  fmt::print("gannet seconds: read {:.2f} evaluate {:.2f} total {:.2f}\n", reading,
             whole.seconds() - reading, whole.seconds());
  fmt::print("gannet numbers: {:.12f}\n", fmt::join(report.numbers, " "));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string action = argc > 2 ? argv[1] : "";
  if (action == "read") {
    read_and_evaluate(argv[2]);
    return 0;
  }
  const Set set = make_set();
  if (action == "write") {
    fs::create_directories(argv[2]);
    write_truth(fs::path(argv[2]) / "truth.json", set);
    gannet::write_coco_detections(fs::path(argv[2]) / "detections.json", set.detections);
    return 0;
  }
  for (const int num_threads : {1, 2, 0}) evaluate(set, num_threads);
  return 0;
}
