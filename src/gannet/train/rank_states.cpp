#include "gannet/train/rank_states.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "gannet/core/error.h"
#include "gannet/io/torch_file.h"
#include "gannet/ops/stored_tensor.h"

namespace gannet {
namespace {

// Running statistics of the model at its boundary and of the average, one after the other.
std::vector<torch::Tensor> statistics(const std::vector<torch::Tensor>& model_buffers,
                                      const Ema& ema) {
  std::vector<torch::Tensor> floating;
  for (const auto& list : {model_buffers, ema.model().buffers()})
    for (const auto& buffer : list)
      if (buffer.is_floating_point()) floating.push_back(buffer);
  return floating;
}

void set_statistics(TrainState& state, const torch::Tensor& flat) {
  std::int64_t at = 0;
  for (torch::Tensor& buffer : statistics(state.model->buffers(), *state.ema)) {
    if (at + buffer.numel() > flat.numel())
      throw Error(ErrorKind::kCheckpoint, "the running statistics of the ranks do not fit");
    buffer.copy_(flat.slice(0, at, at + buffer.numel()).reshape(buffer.sizes()));
    at += buffer.numel();
  }
}

std::string pack(const Value& value) {
  std::string bytes;
  write_torch_file(
      [&bytes](const void* data, std::size_t size) {
        bytes.append(static_cast<const char*>(data), size);
      },
      value);
  return bytes;
}

}  // namespace

Value gather_rank_states(const TrainState& state, bool common_statistics, Communicator& comm) {
  if (comm.world_size() == 1) return {};
  const torch::NoGradGuard no_grad;
  Value own = Value::dict();
  if (!common_statistics) {
    std::vector<torch::Tensor> flat;
    for (const auto& buffer : statistics(state.boundary.buffers, *state.ema))
      flat.push_back(buffer.flatten());
    own.set("statistics", to_tensor_data(torch::cat(flat)));
  }
  const auto& items = state.boundary.progress.uncounted_items;
  if (items.defined()) own.set("items", to_tensor_data(items));
  Value all = Value::list();
  for (const std::string& part : comm.gather("rank states", pack(own)))
    all.append(parse_torch_file(make_storage(part)));
  return all;
}

void restore_rank_states(TrainState& state, const Value& rank_states, const Communicator& comm) {
  const Value::List& ranks = rank_states.as_list();
  const torch::NoGradGuard no_grad;
  const bool same_world = static_cast<int>(ranks.size()) == comm.world_size();
  torch::Tensor sum, items;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    if (same_world && static_cast<int>(rank) != comm.rank()) continue;
    if (const Value* flat = ranks[rank].find("statistics")) {
      const auto own = to_tensor(flat->as_tensor()).to(torch::kFloat64);
      sum = sum.defined() ? sum + own : own;
    }
    if (const Value* part = ranks[rank].find("items")) {
      const auto own = to_tensor(part->as_tensor());
      items = items.defined() ? items + own : own;
    }
  }
  if (sum.defined())
    set_statistics(state, same_world ? sum : sum / static_cast<double>(ranks.size()));
  if (items.defined())
    state.progress.uncounted_items =
        same_world || comm.is_main() ? items : torch::zeros_like(items);
}

}  // namespace gannet
