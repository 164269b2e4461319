// The small pictures through index, evaluation data set and loader, against the original's samples.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "gannet/data/loading/datasets.h"
#include "gannet/data/loading/loader.h"
#include "gannet/data/loading/sampler.h"
#include "tests/parity/base/data_vectors.h"
#include "tests/unit/data/data_fixture.h"

namespace gannet::testing {
namespace {

class DataEvaluationParity : public DataFolder {
 protected:
  /// The stored pictures as files, without loss.
  std::shared_ptr<ImageIndex> small_index() const {
    for (int i = 0; i < 6; ++i) {
      cv::imwrite(path(fmt::format("images/{}.png", i)), small_image(fmt::format("image.{}", i)));
      std::string text;
      for (const Label& label : small_labels(fmt::format("labels.{}", i))) {
        text += fmt::format("{} {} {} {} {}\n", label.class_id, label.cx, label.cy, label.width,
                            label.height);
      }
      write_text(fmt::format("labels/{}.txt", i), text);
    }
    return index(80);
  }
};

TEST_F(DataEvaluationParity, SamplesInBatches) {
  const nlohmann::json& expected = small_json().at("evaluation");
  const auto images = small_index();
  const int side = expected.at("size").get<int>();
  const auto order = expected.at("order").get<std::vector<std::string>>();
  Loader loader(make_evaluation_dataset(images, side), {});
  loader.start(plan_rectangular(aspect_ratios(*images), expected.at("batch").get<int>(), side, 32,
                                expected.at("pad").get<double>()),
               0);
  std::size_t num_samples = 0;
  while (const auto batch = loader.next()) {
    for (std::size_t slot = 0; slot < batch->samples.size(); ++slot, ++num_samples) {
      // Pictures of equal shape may come in another order: found again by name.
      const std::string file = std::filesystem::path(batch->samples[slot].path).filename();
      const auto at = std::find(order.begin(), order.end(), file) - order.begin();
      const std::string name = fmt::format("evaluation_image_rgb.{}", at);
      const std::size_t bytes = batch->bytes() / batch->samples.size();
      const cv::Mat rgb(batch->height, batch->width, CV_8UC3, batch->pixels.get() + slot * bytes);
      cv::Mat bgr;
      cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
      expect_close(bgr, small_image(name), name);

      std::vector<Label> labels;
      for (const auto& row : batch->targets) {
        if (row[0] != static_cast<float>(slot)) continue;
        labels.push_back({static_cast<int>(row[1]), row[2], row[3], row[4], row[5]});
      }
      expect_close(labels, small_rows(fmt::format("evaluation_labels.{}", at)), name);

      const nlohmann::json& record = expected.at("shapes_records").at(static_cast<std::size_t>(at));
      const LetterboxRecord& actual = batch->samples[slot].letterbox;
      EXPECT_EQ(actual.original_height, record[0][0].get<int>());
      EXPECT_EQ(actual.original_width, record[0][1].get<int>());
      EXPECT_DOUBLE_EQ(actual.gain_h, record[1][0][0].get<double>());
      EXPECT_DOUBLE_EQ(actual.gain_w, record[1][0][1].get<double>());
      EXPECT_EQ(actual.pad_w, record[1][1][0].get<double>());
      EXPECT_EQ(actual.pad_h, record[1][1][1].get<double>());
    }
  }
  EXPECT_EQ(num_samples, order.size());
}

}  // namespace
}  // namespace gannet::testing
