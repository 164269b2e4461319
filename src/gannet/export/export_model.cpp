#include "gannet/export/export_model.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/numeric.h"
#include "gannet/export/checks.h"
#include "gannet/export/formats.h"
#include "gannet/nn/checkpoint.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

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

void require(bool holds, const char* flag, const std::string& what, const std::string& advice) {
  if (!holds) throw Error(ErrorKind::kUsage, what, {{}, 0, flag}, advice);
}

void check_options(const ExportFormat& row, const ExportOptions& options) {
  constexpr int kFirstOpset = 13, kLastOpset = 18;
  const bool nms = options.head == "nms";
  require(nms || options.head == "raw" || options.head == "decoded", "--head",
          fmt::format("'{}' is not known", options.head), "one of raw, decoded, nms");
  require(options.opset >= kFirstOpset && options.opset <= kLastOpset, "--opset",
          fmt::format("{} is not supported", options.opset), "13 to 18");
  require(options.batch_size > 0 && options.height > 0 && options.width > 0, "--img-size",
          "the batch and both sides must be positive", {});
  if (row.kind == ExportKind::kWeights) return;
  require(!nms || std::string(row.name) == "onnx", "--head",
          fmt::format("{} has no suppression inside", row.name), "take decoded");
  require(!nms || !options.dynamic, "--dynamic", "not together with --head nms",
          "take --head decoded, or fixed sizes");
}

ExportOptions with_whole_strides(ExportOptions options, int stride) {
  const auto rounded = [&](int side) { return static_cast<int>(ceil_to_multiple(side, stride)); };
  const int height = rounded(options.height), width = rounded(options.width);
  if (height != options.height || width != options.width)
    log_warning("image size {}x{} is not a multiple of {}: using {}x{}", options.height,
                options.width, stride, height, width);
  options.height = height;
  options.width = width;
  return options;
}

/// What a format compares by: logits of a small picture, or what the network gives for its own.
struct Comparison {
  torch::Tensor picture;
  std::string head;
};

Comparison comparison_of(const ExportFormat& row, const ExportOptions& options, int max_stride) {
  if (row.kind == ExportKind::kNetwork)
    return {test_picture(options.batch_size, options.height, options.width), options.head};
  const int side = 2 * std::max(max_stride, 32);
  return {test_picture(1, side, side), "raw"};
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
  check_options(row, options);
  const LoadedModel loaded = load_model(checkpoint);
  DetectionModel& model = *loaded.model;
  prepare_target(report.path, row, checkpoint);
  const bool is_network = row.kind == ExportKind::kNetwork;
  if (is_network) model.fuse();
  ExportOptions used = with_whole_strides(options, is_network ? model.max_stride() : 1);
  const Comparison comparison = comparison_of(row, used, model.max_stride());
  report.image_height = static_cast<int>(comparison.picture.size(2));
  report.image_width = static_cast<int>(comparison.picture.size(3));
  const auto before = predictions(model, comparison.picture, comparison.head);
  if (options.half) round_to_half(model);
  used.half = report.half = options.half || (!is_network && fits_half(model));

  const UncheckedFile file(report.path);
  row.write(loaded, file.path(), used);
  const auto after = is_network ? check_network(file.path(), row, loaded, used, report)
                                : check_weights(file.path(), loaded, report);
  report.rounding = relative_difference(after, before, comparison.head);
  report.num_bytes = fs::file_size(file.path());
  file.accept();
  return report;
}

}  // namespace gannet
