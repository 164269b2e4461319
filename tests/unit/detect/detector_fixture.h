// A checkpoint of an untrained model and pictures of noise, for tests of what detects.
#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

#include "gannet/core/rng.h"
#include "gannet/detect/detector.h"
#include "gannet/io/torch_file.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/run_checkpoint.h"
#include "tests/unit/nn/vector_models.h"
#include "tests/unit/temporary_folder.h"

namespace gannet::testing {

inline cv::Mat noise(int width, int height, std::uint64_t seed) {
  cv::Mat image(height, width, CV_8UC3);
  Rng rng({seed, 0, 0, Purpose::kTest});
  for (std::size_t i = 0; i < image.total() * 3; ++i)
    image.data[i] = static_cast<std::uint8_t>(rng.below(256));
  return image;
}

inline ImageView view(const cv::Mat& image, ChannelOrder order = ChannelOrder::kBgr) {
  return {image.data, image.cols, image.rows, static_cast<std::ptrdiff_t>(image.step), order};
}

/// A checkpoint of an untrained model whose scores differ, and a folder of pictures.
class DetectorFixture : public TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    TrainState state;
    state.model = make_model("shallow", {.seed = 3});
    disturb_norms(*state.model);
    state.ema = std::make_unique<Ema>(*state.model);
    state.optimizer = make_optimizer(*state.model, {"sgd", 0.01, 0.9, 5e-4});
    mark_boundary(state);
    save_torch_file(checkpoint(), checkpoint_of(state, Settings{}, {"a", "b", "c"}));
    make_folder("images");
    cv::imwrite(path("images/one.png"), noise(80, 60, 1));
    cv::imwrite(path("images/two.png"), noise(50, 90, 2));
  }
  std::string checkpoint() const { return path("model.pt"); }
  Detector load(DetectorOptions options = {}) const {
    options.device = "cpu";
    options.precision = "fp32";
    options.image_size = 64;
    options.confidence = 0.05;
    return Detector::load(checkpoint(), options);
  }
};

}  // namespace gannet::testing
