#include "gannet/export/export_model.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>

#include "gannet/core/error.h"
#include "gannet/export/formats.h"
#include "gannet/nn/checkpoint.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr double kEqualOutput = 1e-5;  // relative; the same weights on the same code

torch::Tensor rounded_to_half(const torch::Tensor& tensor) {
  return tensor.to(torch::kFloat16).to(tensor.scalar_type());
}

bool fits_half(const DetectionModel& model) {
  const StateDict state = state_dict(model);
  return std::all_of(state.begin(), state.end(), [](const auto& entry) {
    return !entry.second.is_floating_point() ||
           torch::equal(rounded_to_half(entry.second), entry.second);
  });
}

void round_to_half(DetectionModel& model) {
  for (auto& [name, tensor] : state_dict(model)) {
    if (!tensor.is_floating_point()) continue;
    const auto rounded = rounded_to_half(tensor);
    if (!rounded.isfinite().equal(tensor.isfinite()))
      throw Error(ErrorKind::kCheckpoint, "a weight is too large for float16", {{}, 0, name},
                  "leave --half out");
    tensor.copy_(rounded);
  }
  model.detect().read_anchors_from_buffers();
}

/// A picture without a random number in it, (1, C, side, side).
torch::Tensor test_picture(int side) {
  const std::int64_t channels = 3;
  const auto values = torch::arange(channels * side * side, torch::kFloat32);
  return ((values * 0.37).sin() * 0.5 + 0.5).reshape({1, channels, side, side});
}

std::vector<torch::Tensor> predict_raw(DetectionModel& model, int side) {
  return model.forward(test_picture(side));
}

double relative_difference(const std::vector<torch::Tensor>& a,
                           const std::vector<torch::Tensor>& b) {
  double difference = 0, scale = 1e-30;
  for (std::size_t level = 0; level < a.size(); ++level) {
    difference = std::max(difference, (a[level] - b[level]).abs().max().item<double>());
    scale = std::max(scale, b[level].abs().max().item<double>());
  }
  return difference / scale;
}

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

void compare(const LoadedModel& actual, const LoadedModel& expected, ExportReport& report) {
  std::string difference = find_difference(actual, expected);
  report.num_tensors = static_cast<std::int64_t>(state_dict(*expected.model).size());
  report.difference = relative_difference(predict_raw(*actual.model, report.image_size),
                                          predict_raw(*expected.model, report.image_size));
  if (difference.empty() && !(report.difference <= kEqualOutput))
    difference = fmt::format("its predictions, by {:.2g} of the largest", report.difference);
  if (!difference.empty())
    throw Error(ErrorKind::kCheckpoint, "the file read again differs from the model: " + difference,
                {report.path, 0, {}});
}

/// "dir/best.safetensors" -> "dir/best.unchecked.safetensors"; gone with this object unless
/// renamed.
class UncheckedFile {
 public:
  explicit UncheckedFile(const fs::path& target) : target_(target), path_(target) {
    path_.replace_extension(".unchecked" + target.extension().string());
  }
  UncheckedFile(const UncheckedFile&) = delete;
  UncheckedFile& operator=(const UncheckedFile&) = delete;
  ~UncheckedFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  std::string path() const { return path_.string(); }
  void accept() const {
    std::error_code failure;
    fs::rename(path_, target_, failure);
    if (failure)
      throw Error(ErrorKind::kIo, "cannot write: " + failure.message(), {target_.string(), 0, {}});
  }

 private:
  fs::path target_, path_;
};

void prepare_target(const fs::path& target, const ExportFormat& row,
                    const std::string& checkpoint) {
  const std::string suffix = row.suffix, extension = suffix.substr(suffix.rfind('.'));
  if (target.extension() != extension)
    throw Error(ErrorKind::kUsage,
                fmt::format("a file of the format {} ends in {}", row.name, extension),
                {target.string(), 0, {}});
  std::error_code failure;
  if (fs::equivalent(target, checkpoint, failure))
    throw Error(ErrorKind::kUsage, "the export would overwrite the checkpoint that it is made from",
                {target.string(), 0, {}}, "give another path");
  if (!target.has_parent_path()) return;
  fs::create_directories(target.parent_path(), failure);
  if (failure)
    throw Error(ErrorKind::kIo, "cannot make the folder: " + failure.message(),
                {target.parent_path().string(), 0, {}});
}

}  // namespace

std::string default_export_path(const std::string& checkpoint, const std::string& format,
                                const std::string& folder) {
  const fs::path source(checkpoint);
  const std::string name = source.stem().string() + find_export_format(format).suffix;
  return ((folder.empty() ? source.parent_path() : fs::path(folder)) / name).string();
}

ExportReport export_model(const std::string& checkpoint, const std::string& format,
                          const std::string& path, const ExportOptions& options) {
  const torch::NoGradGuard no_grad;
  const ExportFormat& row = find_export_format(format);
  ExportReport report;
  report.format = format;
  report.path = path.empty() ? default_export_path(checkpoint, format) : path;
  const LoadedModel loaded = load_model(checkpoint);
  prepare_target(report.path, row, checkpoint);
  report.image_size = 2 * std::max(loaded.model->max_stride(), 32);
  const auto before = predict_raw(*loaded.model, report.image_size);
  if (options.half) round_to_half(*loaded.model);
  report.half = options.half || fits_half(*loaded.model);

  const UncheckedFile file(report.path);
  row.write(loaded, file.path(), report.half);
  const LoadedModel reloaded = load_model(file.path());
  compare(reloaded, loaded, report);
  report.rounding = relative_difference(predict_raw(*reloaded.model, report.image_size), before);
  report.num_bytes = fs::file_size(file.path());
  file.accept();
  return report;
}

}  // namespace gannet
