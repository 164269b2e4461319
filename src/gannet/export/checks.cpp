#include "gannet/export/checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>

#include "gannet/core/error.h"
#include "gannet/predict/exported_network.h"

namespace gannet {
namespace {

constexpr double kEqualOutput = 1e-5;    // relative; the same weights on the same code
constexpr double kEqualOnOthers = 1e-4;  // the same weights on other code, after folding norms

/// What is not the same in two models; empty where all is.
std::string find_difference(const LoadedModel& actual, const LoadedModel& expected) {
  const StateDict a = state_dict(*actual.model), e = state_dict(*expected.model);
  if (a.size() != e.size()) return fmt::format("{} tensors instead of {}", a.size(), e.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].first != e[i].first || !torch::equal(a[i].second, e[i].second)) return e[i].first;
  }
  if (actual.names != expected.names) return "the class names";
  const HeadSpec &first = actual.model->head(), &second = expected.model->head();
  return first.strides == second.strides && first.anchors_px == second.anchors_px ? ""
                                                                                  : "the anchors";
}

double largest_ratio(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  double difference = 0, scale = 1e-30;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, (a[i] - b[i]).abs().max().item<double>());
    scale = std::max(scale, b[i].abs().max().item<double>());
  }
  return difference / scale;
}

[[noreturn]] void refuse(const ExportReport& report, const std::string& difference) {
  throw Error(ErrorKind::kCheckpoint, "the file read again differs from the model: " + difference,
              {report.path, 0, {}});
}

/// NaN counts as a difference.
void require_small(double difference, double limit, const ExportReport& report) {
  if (!(difference <= limit))
    refuse(report, fmt::format("its predictions, by {:.2g} of the largest", difference));
}

/// What of these options makes an ONNX file that OpenCV does not run; empty: nothing.
std::string lacks_of_opencv(const ExportOptions& options) {
  std::vector<std::string> lacks;
  if (options.dynamic) lacks.emplace_back("free sizes");
  if (options.head == "nms") lacks.emplace_back("suppression inside");
  if (options.half) lacks.emplace_back("float16 weights");
  return fmt::format("{}", fmt::join(lacks, " and no "));
}

/// The same graph and weights in a form that OpenCV runs. Gone with this object.
class RunnableCopy {
 public:
  RunnableCopy(const std::string& path, const ExportFormat& format, const LoadedModel& loaded,
               ExportOptions options)
      : path_(path + ".runnable.onnx") {
    options.dynamic = options.half = false;
    if (options.head == "nms") options.head = "decoded";
    format.write(loaded, path_, options);
  }
  RunnableCopy(const RunnableCopy&) = delete;
  RunnableCopy& operator=(const RunnableCopy&) = delete;
  ~RunnableCopy() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<torch::Tensor> run_and_compare(const std::string& path, const LoadedModel& expected,
                                           const torch::Tensor& picture, const std::string& head,
                                           ExportReport& report) {
  const auto actual = open_exported_graph(path, Placement{})->run(picture);
  const double difference =
      relative_difference(actual, predictions(*expected.model, picture, head), head);
  require_small(difference, kEqualOnOthers, report);
  report.difference = std::max(report.difference, difference);
  return actual;
}

void check_info(const std::string& path, const LoadedModel& expected, const ExportReport& report) {
  const ExportedInfo info = read_exported_info(path);
  if (info.names != expected.names) refuse(report, "the class names");
  if (info.max_stride != expected.model->max_stride()) refuse(report, "the stride");
}

}  // namespace

torch::Tensor test_picture(int batch, int height, int width) {
  const std::int64_t channels = 3, sides = std::int64_t{height} * width;
  const auto values = torch::arange(batch * channels * sides, torch::kFloat32);
  return ((values * 0.37).sin() * 0.5 + 0.5).reshape({batch, channels, height, width});
}

std::vector<torch::Tensor> predictions(DetectionModel& model, const torch::Tensor& picture,
                                       const std::string& head) {
  auto raw = model.forward(picture);
  if (head == "raw") return raw;
  return {decode(raw, model.head())};
}

double relative_difference(const std::vector<torch::Tensor>& actual,
                           const std::vector<torch::Tensor>& expected, const std::string& head) {
  GANNET_CHECK(actual.size() == expected.size(), "as many outputs as the model has");
  for (std::size_t i = 0; i < actual.size(); ++i)
    GANNET_CHECK(actual[i].sizes() == expected[i].sizes(), "outputs of the model's shapes");
  if (head == "raw") return largest_ratio(actual, expected);
  const auto part = [](const std::vector<torch::Tensor>& decoded, std::int64_t begin,
                       std::int64_t end) -> std::vector<torch::Tensor> {
    return {decoded[0].slice(2, begin, end)};
  };
  const std::int64_t values = actual[0].size(2);
  return std::max(largest_ratio(part(actual, 0, 4), part(expected, 0, 4)),
                  largest_ratio(part(actual, 4, values), part(expected, 4, values)));
}

std::vector<torch::Tensor> check_weights(const std::string& path, const LoadedModel& expected,
                                         ExportReport& report) {
  const LoadedModel actual = load_model(path);
  const std::string difference = find_difference(actual, expected);
  if (!difference.empty()) refuse(report, difference);
  report.num_tensors = static_cast<std::int64_t>(state_dict(*expected.model).size());
  const auto picture = test_picture(1, report.image_height, report.image_width);
  auto raw = predictions(*actual.model, picture, "raw");
  report.difference = relative_difference(raw, predictions(*expected.model, picture, "raw"), "raw");
  require_small(report.difference, kEqualOutput, report);
  return raw;
}

std::vector<torch::Tensor> check_network(const std::string& path, const ExportFormat& format,
                                         const LoadedModel& expected, const ExportOptions& options,
                                         ExportReport& report) {
  check_info(path, expected, report);
  const auto picture = test_picture(options.batch_size, options.height, options.width);
  if (const std::string lacks = lacks_of_opencv(options);
      report.format == "onnx" && !lacks.empty()) {
    report.remark = fmt::format(
        "OpenCV, which runs ONNX here, takes no {}: compared was the same graph without", lacks);
    const RunnableCopy copy(path, format, expected, options);
    return run_and_compare(copy.path(), expected, picture, options.head, report);
  }
  if (options.dynamic)
    run_and_compare(path, expected,
                    test_picture(options.batch_size + 1,
                                 options.height + expected.model->max_stride(), options.width),
                    options.head, report);
  return run_and_compare(path, expected, picture, options.head, report);
}

}  // namespace gannet
