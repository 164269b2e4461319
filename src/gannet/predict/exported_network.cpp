#include "gannet/predict/exported_network.h"

#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>
#include <utility>

#include "gannet/config/class_names.h"
#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/io/onnx_file.h"

namespace gannet {
namespace {

constexpr const char* kConfigFile = "config.txt";  // of a TorchScript file, as other tools name it

bool is_onnx(const std::string& path) { return path.ends_with(".onnx"); }

[[noreturn]] void refuse(const std::string& path, const std::string& what,
                         const std::string& advice = {}) {
  throw Error(ErrorKind::kCheckpoint, what, {path, 0, {}}, advice);
}

/// A TorchScript file, read: the network, and what the file says about it.
struct ScriptFile {
  std::string path, config;
  torch::jit::Module module;
};

ScriptFile read_torchscript(const std::string& path, torch::Device device) {
  torch::jit::ExtraFilesMap extra{{kConfigFile, ""}};
  try {
    torch::jit::Module module = torch::jit::load(path, device, extra);
    return {path, extra[kConfigFile], std::move(module)};
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    refuse(path, "is no TorchScript file: " + text.substr(0, text.find('\n')));
  }
}

/// The same of ONNX; the network is still bytes, because OpenCV does not run all that we write.
struct OnnxFile {
  std::string path, bytes;
  OnnxOutline outline;
};

OnnxFile read_onnx(const std::string& path) {
  OnnxFile file{path, read_file(path), {}};
  file.outline = parse_onnx_outline(file.bytes, path);
  return file;
}

class TorchScriptGraph final : public ExportedGraph {
 public:
  /// @param file on the placement's device
  TorchScriptGraph(ScriptFile file, const Placement& placement)
      : path_(std::move(file.path)), module_(std::move(file.module)) {
    module_.eval();
    // Convolutions follow the memory format of images and weights.
    const torch::NoGradGuard no_grad;
    for (const torch::Tensor& weight : module_.parameters())
      if (weight.dim() == 4) weight.set_data(weight.contiguous(placement.memory_format));
  }

  std::vector<torch::Tensor> run(const torch::Tensor& images) const override {
    const torch::NoGradGuard no_grad;
    // As recorded, without a compilation in the first calls that pays only much later.
    const torch::jit::GraphOptimizerEnabledGuard plain(false);
    torch::jit::Module module = module_;
    try {
      return tensors_of(module.forward({images}));
    } catch (const std::exception& error) {
      refuse(path_, fmt::format("cannot be run on {} images of {}x{}: {}", images.size(0),
                                images.size(3), images.size(2), last_line(error.what())));
    }
  }

 private:
  static std::string last_line(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    return text.substr(text.rfind('\n') + 1);
  }
  static std::vector<torch::Tensor> tensors_of(const c10::IValue& output) {
    if (output.isTensor()) return {output.toTensor()};
    if (output.isTensorList()) return output.toTensorVector();
    std::vector<torch::Tensor> tensors;
    for (const c10::IValue& item : output.toTupleRef().elements())
      if (item.isTensor()) tensors.push_back(item.toTensor());
    return tensors;
  }

  std::string path_;
  torch::jit::Module module_;
};

/// What OpenCV has to say it says by exceptions.
class QuietOpenCv {
 public:
  QuietOpenCv() : before_(cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT)) {}
  ~QuietOpenCv() { cv::utils::logging::setLogLevel(before_); }
  QuietOpenCv(const QuietOpenCv&) = delete;
  QuietOpenCv& operator=(const QuietOpenCv&) = delete;

 private:
  cv::utils::logging::LogLevel before_;
};

class OnnxGraph final : public ExportedGraph {
 public:
  OnnxGraph(const OnnxFile& file, const Placement& placement) : path_(file.path) {
    if (!placement.uses_host_threads())
      throw Error(ErrorKind::kUsage, "ONNX files are run on the CPU only", {path_, 0, {}},
                  "give --device cpu, or export to torchscript");
    for (const OnnxValue& output : file.outline.outputs) outputs_.push_back(output.name);
    const QuietOpenCv quiet;
    try {
      net_ = cv::dnn::readNetFromONNX(file.bytes.data(), file.bytes.size());
    } catch (const cv::Exception& error) {
      refuse(path_, "OpenCV cannot read it: " + error.err);
    }
  }

  std::vector<torch::Tensor> run(const torch::Tensor& images) const override {
    const torch::Tensor input = images.to(torch::kFloat32).contiguous();
    const std::vector<int> sizes(input.sizes().begin(), input.sizes().end());
    const cv::Mat blob(sizes, CV_32F, input.data_ptr<float>());
    const std::scoped_lock one_at_a_time(mutex_);
    const QuietOpenCv quiet;
    std::vector<cv::Mat> results;
    try {
      net_.setInput(blob);
      net_.forward(results, outputs_);
    } catch (const cv::Exception& error) {
      refuse(path_, "OpenCV cannot run it: " + error.err);
    }
    std::vector<torch::Tensor> tensors;
    for (const cv::Mat& result : results) tensors.push_back(copy_of(result));
    return tensors;
  }

 private:
  static torch::Tensor copy_of(const cv::Mat& result) {
    const std::vector<std::int64_t> sizes(result.size.p, result.size.p + result.dims);
    return torch::from_blob(result.data, sizes, torch::kFloat32).clone();
  }

  std::string path_;
  std::vector<cv::String> outputs_;
  mutable cv::dnn::Net net_;
  mutable std::mutex mutex_;
};

class ExportedNetwork final : public Network {
 public:
  ExportedNetwork(std::unique_ptr<ExportedGraph> graph, const std::optional<InputShape>& shape)
      : graph_(std::move(graph)), shape_(shape) {}

  NetworkOutput forward(const torch::Tensor& images) const override {
    const torch::Tensor input = images.to(torch::kFloat32);
    if (!shape_ || input.size(0) == shape_->batch) return {{}, decoded(input)};
    std::vector<torch::Tensor> parts;
    for (const torch::Tensor& part : input.split(shape_->batch)) {
      const std::int64_t lacking = shape_->batch - part.size(0);
      const torch::Tensor full =
          lacking == 0 ? part : torch::constant_pad_nd(part, {0, 0, 0, 0, 0, 0, 0, lacking});
      parts.push_back(decoded(full).slice(0, 0, part.size(0)));
    }
    return {{}, torch::cat(parts)};
  }

 private:
  torch::Tensor decoded(const torch::Tensor& images) const {
    return graph_->run(images).at(0).to(images.options());
  }

  std::unique_ptr<ExportedGraph> graph_;
  std::optional<InputShape> shape_;
};

double number_of(const std::string& text, const std::string& path, const char* key) {
  try {
    return std::stod(text);
  } catch (const std::exception&) {
    refuse(path, fmt::format("its metadata are malformed: {} is '{}'", key, text));
  }
}

ExportedInfo info_of_texts(const std::map<std::string, std::string>& texts,
                           const std::string& path) {
  const auto find = [&](const char* key) -> const std::string* {
    const auto found = texts.find(key);
    return found == texts.end() ? nullptr : &found->second;
  };
  ExportedInfo info;
  const std::string *stride = find("stride"), *names = find("names");
  if (stride == nullptr || names == nullptr)
    refuse(path, "does not say its stride and class names", "export it with gannet export");
  info.max_stride = static_cast<int>(number_of(*stride, path, "stride"));
  if (info.max_stride < 1) refuse(path, "its stride is not positive");
  info.names = parse_class_names(*names, path);
  if (const std::string* head = find("head")) info.head = *head;
  if (const std::string* generation = find("generation")) info.release7 = *generation == "release7";
  if (const std::string* confidence = find("confidence"))
    info.confidence = number_of(*confidence, path, "confidence");
  return info;
}

/// The shape of an input, where all its sides are numbers.
std::optional<InputShape> fixed_shape(const std::vector<OnnxSide>& sides) {
  std::vector<std::int64_t> numbers;
  for (const OnnxSide& side : sides)
    if (const auto* number = std::get_if<std::int64_t>(&side)) numbers.push_back(*number);
  if (numbers.size() != 4) return std::nullopt;
  return InputShape{numbers[0], numbers[2], numbers[3]};
}

ExportedInfo info_of(const OnnxFile& file) {
  ExportedInfo info = info_of_texts(file.outline.metadata, file.path);
  const std::vector<OnnxValue>& inputs = file.outline.inputs;
  if (inputs.size() != 1 || inputs[0].shape.size() != 4)
    refuse(file.path, "does not take one batch of images");
  info.shape = fixed_shape(inputs[0].shape);
  return info;
}

ExportedInfo info_of(const ScriptFile& file) {
  const auto config = nlohmann::json::parse(file.config, nullptr, false);
  if (!config.is_object()) refuse(file.path, "does not say its stride and class names");
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : config.items())
    texts[key] = value.is_string() ? value.get<std::string>() : value.dump();
  ExportedInfo info = info_of_texts(texts, file.path);
  if (config.value("dynamic", false)) return info;
  std::vector<OnnxSide> sides;
  for (const auto& side : config.value("shape", nlohmann::json::array()))
    if (side.is_number_integer()) sides.emplace_back(side.get<std::int64_t>());
  info.shape = fixed_shape(sides);
  return info;
}

void require_decoded(const ExportedInfo& info, const std::string& path) {
  if (info.head == "decoded") return;
  throw Error(ErrorKind::kUsage, fmt::format("its outputs are '{}', not decoded boxes", info.head),
              {path, 0, {}}, "export it with --head decoded");
}

template <class Graph, class File>
ExportedNetworkFile network_of(File file, const Placement& placement) {
  const ExportedInfo info = info_of(file);
  require_decoded(info, file.path);
  auto graph = std::make_unique<Graph>(std::move(file), placement);
  return {info, std::make_unique<ExportedNetwork>(std::move(graph), info.shape)};
}

}  // namespace

bool is_exported_network(const std::string& path) {
  return is_onnx(path) || path.ends_with(".torchscript");
}

ExportedInfo read_exported_info(const std::string& path) {
  return is_onnx(path) ? info_of(read_onnx(path)) : info_of(read_torchscript(path, torch::kCPU));
}

std::unique_ptr<ExportedGraph> open_exported_graph(const std::string& path,
                                                   const Placement& placement) {
  if (is_onnx(path)) return std::make_unique<OnnxGraph>(read_onnx(path), placement);
  return std::make_unique<TorchScriptGraph>(read_torchscript(path, placement.device), placement);
}

ExportedNetworkFile load_exported_network(const std::string& path, const Placement& placement) {
  if (is_onnx(path)) return network_of<OnnxGraph>(read_onnx(path), placement);
  return network_of<TorchScriptGraph>(read_torchscript(path, placement.device), placement);
}

}  // namespace gannet
