#include "gannet/train/equal_ranks.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstring>

#include "gannet/core/error.h"
#include "gannet/data/index/fingerprint.h"
#include "gannet/dist/agreement.h"
#include "gannet/nn/fingerprint.h"

namespace gannet {
namespace {

// Lines "name: value". What may differ between ranks is left out.
std::string lines_to_compare(const Settings& settings, const ImageIndex& train,
                             const ImageIndex& val, const DetectionModel& model) {
  Settings shared = settings;
  shared.train.device.clear();
  shared.train.workers = 0;
  shared.train.data.clear();
  shared.train.cfg.clear();  // the model itself is compared
  shared.train.hyp.clear();  // and its values
  shared.train.weights.clear();
  shared.train.project.clear();
  return fmt::format("version: {}\n{}training set: {}\nvalidation set: {}\nmodel: {}\n",
                     GANNET_VERSION, settings_to_yaml(shared), fingerprint(train), fingerprint(val),
                     fingerprint(model, false));
}

std::vector<torch::Tensor> floating_buffers(const DetectionModel& model) {
  std::vector<torch::Tensor> buffers;
  for (const auto& buffer : model.buffers())
    if (buffer.is_floating_point()) buffers.push_back(buffer);
  return buffers;
}

}  // namespace

void require_equal_ranks(const Settings& settings, const ImageIndex& train, const ImageIndex& val,
                         const DetectionModel& model, Communicator& comm) {
  if (comm.world_size() == 1) return;
  require_equal_lines(lines_to_compare(settings, train, val, model), comm);
}

void average_buffers(DetectionModel& model, Communicator& comm) {
  if (comm.world_size() == 1) return;
  const torch::NoGradGuard no_grad;
  const auto buffers = floating_buffers(model);
  if (buffers.empty()) return;
  std::vector<torch::Tensor> flat;
  for (const auto& buffer : buffers) flat.push_back(buffer.flatten().to(torch::kFloat64));
  const auto mean = comm.sum("buffers", torch::cat(flat)) / static_cast<double>(comm.world_size());
  std::int64_t at = 0;
  for (const auto& buffer : buffers) {
    buffer.copy_(mean.slice(0, at, at + buffer.numel()).reshape(buffer.sizes()));
    at += buffer.numel();
  }
}

void broadcast_state(DetectionModel& model, const std::string& name, Communicator& comm) {
  if (comm.world_size() == 1) return;
  const torch::NoGradGuard no_grad;
  const StateDict state = state_dict(model);
  std::string bytes;
  for (const auto& [key, tensor] : state) {
    const auto values = tensor.to(torch::kCPU).contiguous();
    bytes.append(static_cast<const char*>(values.const_data_ptr()),
                 static_cast<std::size_t>(values.nbytes()));
  }
  bytes = comm.broadcast(name, bytes);
  std::size_t at = 0;
  for (const auto& [key, tensor] : state) {
    auto values = torch::empty(
        tensor.sizes(),
        tensor.options().device(torch::kCPU).memory_format(torch::MemoryFormat::Contiguous));
    GANNET_CHECK(at + static_cast<std::size_t>(values.nbytes()) <= bytes.size(),
                 "broadcast state is too short");
    std::memcpy(values.mutable_data_ptr(), bytes.data() + at,
                static_cast<std::size_t>(values.nbytes()));
    at += static_cast<std::size_t>(values.nbytes());
    torch::Tensor(tensor).copy_(values);
  }
}

}  // namespace gannet
