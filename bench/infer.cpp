// Time of the network for pictures of one size: gannet as it detects, in fp32 and in the precision
// that the processor is built for, against the same network unfused, in fp32 and contiguous, as
// eager PyTorch runs it. The three take turns, so that a machine whose speed drifts hurts all.
// Usage: infer_bench [MODEL_YAML [SIZE [BATCH [ROUNDS]]]]
#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "gannet/config/settings.h"
#include "gannet/core/memory.h"
#include "gannet/core/stopwatch.h"
#include "gannet/predict/predictor.h"

namespace gannet {
namespace {

std::shared_ptr<DetectionModel> make_model(const std::string& file) {
  auto model =
      std::make_shared<DetectionModel>(load_model_description(find_config(file)), ModelOptions{});
  model->eval();
  return model;
}

struct Way {
  std::string name;
  std::shared_ptr<DetectionModel> model;
  Placement placement;
  std::unique_ptr<Predictor> predictor;
  std::vector<double> milliseconds = {};

  void run(const torch::Tensor& images, bool counts) {
    const auto input = images.contiguous(placement.memory_format);
    const Stopwatch watch;
    predictor->forward(input);
    if (counts) milliseconds.push_back(watch.seconds() * 1000);
  }
  double median() {
    std::sort(milliseconds.begin(), milliseconds.end());
    return milliseconds[milliseconds.size() / 2];
  }
};

Way make_way(const std::string& name, const std::string& file, const std::string& precision,
             bool prepared, bool side_by_side) {
  Way way{name, make_model(file),
          resolve_placement("cpu", precision, prepared ? "channels_last" : "contiguous"), nullptr};
  prepared ? prepare_for_inference(*way.model, way.placement)
           : place_model(*way.model, way.placement);
  PredictOptions options;
  options.side_by_side = side_by_side;
  way.predictor = std::make_unique<Predictor>(*way.model, way.placement, options);
  return way;
}

void run(const std::string& file, int size, int batch, int rounds) {
  std::vector<Way> ways;
  ways.push_back(make_way("unfused fp32 contiguous", file, "fp32", false, false));
  ways.push_back(make_way("gannet fp32", file, "fp32", true, batch > 1));
  ways.push_back(make_way("gannet auto", file, "auto", true, batch > 1));
  const auto images = torch::rand({batch, 3, size, size});
  for (int round = -2; round < rounds; ++round)
    for (Way& way : ways) way.run(images, round >= 0);
  const double eager = ways.front().median();
  fmt::print("{} {} px, batch {}, {} threads\n", file, size, batch, torch::get_num_threads());
  for (Way& way : ways)
    fmt::print("  {:24} {:8.2f} ms, {:6.1f} images/s, {:.2f} of the first ({})\n", way.name,
               way.median(), 1000 * batch / way.median(), way.median() / eager,
               way.placement.describe());
}

}  // namespace
}  // namespace gannet

int main(int argc, char** argv) {
  gannet::keep_freed_memory();  // as `gannet detect` does
  try {
    const auto number = [&](int i, int fallback) {
      return argc > i ? std::atoi(argv[i]) : fallback;
    };
    gannet::run(argc > 1 ? argv[1] : "yolov5s.yaml", number(2, 640), number(3, 1), number(4, 15));
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
