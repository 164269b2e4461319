#include "gannet/train/world.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cstring>
#include <sstream>

#include "gannet/core/error.h"
#include "gannet/core/hash.h"

namespace gannet {
namespace {

/// Text that differs wherever the bytes do.
class Fingerprint {
 public:
  void add(const void* data, std::size_t size) { value_ = checksum64(data, size) ^ (value_ * kOddFactor); }
  std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  static constexpr std::uint64_t kOddFactor = 0x9E3779B97F4A7C15u;
  std::uint64_t value_ = 0;
};

// Paths may differ from machine to machine; sizes and labels may not.
std::string describe(const ImageIndex& index) {
  Fingerprint hash;
  for (const IndexedImage& image : index.images) {
    hash.add(&image.width, sizeof image.width);
    hash.add(&image.height, sizeof image.height);
    for (const Label& label : image.labels) hash.add(&label, sizeof label);
  }
  return fmt::format("{} images, {} labels ({})", index.images.size(), index.num_labels(), hash.text());
}

// Without running statistics, which ranks have for themselves in the middle of an epoch.
std::string describe(const DetectionModel& model) {
  Fingerprint hash;
  for (const auto& [name, tensor] : state_dict(model)) {
    if (name.find(".running_") != std::string::npos) continue;
    const auto values = tensor.detach().to(torch::kCPU).contiguous();
    hash.add(name.data(), name.size());
    hash.add(values.const_data_ptr(), static_cast<std::size_t>(values.nbytes()));
  }
  return hash.text();
}

// Lines "name: value". What may differ between ranks is left out.
std::string fingerprint(const Settings& settings, const ImageIndex& train, const ImageIndex& val, const DetectionModel& model) {
  Settings shared = settings;
  shared.train.device.clear();
  shared.train.workers = 0;
  shared.train.data.clear();
  shared.train.weights.clear();
  shared.train.project.clear();
  return fmt::format("version: {}\n{}training set: {}\nvalidation set: {}\nmodel: {}\n", GANNET_VERSION, settings_to_yaml(shared),
                     describe(train), describe(val), describe(model));
}

std::vector<torch::Tensor> floating_buffers(const DetectionModel& model) {
  std::vector<torch::Tensor> buffers;
  for (const auto& buffer : model.buffers())
    if (buffer.is_floating_point()) buffers.push_back(buffer);
  return buffers;
}

}  // namespace

std::string device_of_rank(const std::string& device, const Communicator& comm) {
  if (comm.world_size() == 1) return device;
  const auto local = static_cast<std::size_t>(comm.local_rank());
  if (device.empty()) return torch::cuda::is_available() ? fmt::format("cuda:{}", local) : "cpu";
  std::vector<std::string> entries;
  std::istringstream list(device);
  for (std::string entry; std::getline(list, entry, ',');) entries.push_back(entry);
  if (entries.size() == 1) return entries.front();
  if (local < entries.size()) return entries[local];
  throw Error(ErrorKind::kUsage, fmt::format("'{}' names {} devices, but this machine has a process {}", device, entries.size(), local + 1), {{}, 0, "--device"});
}

void require_equal_ranks(const Settings& settings, const ImageIndex& train, const ImageIndex& val, const DetectionModel& model,
                         Communicator& comm) {
  if (comm.world_size() == 1) return;
  const auto all = comm.gather("fingerprint", fingerprint(settings, train, val, model));
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    std::istringstream first(all[0]), other(all[rank]);
    std::string expected, found;
    while (std::getline(first, expected) && std::getline(other, found) && expected == found) continue;
    throw Error(ErrorKind::kDistributed, fmt::format("rank {} has '{}' where rank 0 has '{}'", rank, found, expected), {},
                "start all ranks with the same program, settings and data");
  }
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
    bytes.append(static_cast<const char*>(values.const_data_ptr()), static_cast<std::size_t>(values.nbytes()));
  }
  bytes = comm.broadcast(name, bytes);
  std::size_t at = 0;
  for (const auto& [key, tensor] : state) {
    auto values = torch::empty(tensor.sizes(), tensor.options().device(torch::kCPU).memory_format(torch::MemoryFormat::Contiguous));
    GANNET_CHECK(at + static_cast<std::size_t>(values.nbytes()) <= bytes.size(), "broadcast state is too short");
    std::memcpy(values.mutable_data_ptr(), bytes.data() + at, static_cast<std::size_t>(values.nbytes()));
    at += static_cast<std::size_t>(values.nbytes());
    torch::Tensor(tensor).copy_(values);
  }
}

}  // namespace gannet
