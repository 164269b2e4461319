#include "gannet/train/run_checkpoint.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "gannet/core/error.h"
#include "gannet/io/torch_file.h"
#include "gannet/nn/checkpoint.h"
#include "gannet/ops/stored_tensor.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/rank_states.h"

namespace gannet {
namespace {

template <class Visitor, class Row>
void fields_of_row(Visitor&& visit, Row& r) {
  visit("epoch", r.epoch);
  visit("epochs", r.epochs);
  visit("memory_gib", r.memory_gib);
  visit("box", r.loss.box);
  visit("obj", r.loss.obj);
  visit("cls", r.loss.cls);
  visit("total", r.loss.total);
  visit("targets", r.targets);
  visit("image_size", r.image_size);
  visit("images_per_second", r.images_per_second);
  visit("data_wait_fraction", r.data_wait_fraction);
  visit("evaluated", r.evaluated);
  visit("precision", r.metrics.precision);
  visit("recall", r.metrics.recall);
  visit("map50", r.metrics.map50);
  visit("map", r.metrics.map);
  visit("map75", r.metrics.map75);
  visit("f1", r.metrics.best_f1.f1);
  visit("f1_confidence", r.metrics.best_f1.confidence);
  visit("val_box", r.val_loss.box);
  visit("val_obj", r.val_loss.obj);
  visit("val_cls", r.val_loss.cls);
  visit("val_images", r.val_images);
  visit("val_targets", r.val_targets);
  visit("lr0", r.lr[0]);
  visit("lr1", r.lr[1]);
  visit("lr2", r.lr[2]);
  visit("seconds", r.seconds);
}

struct RowReader {
  const Value& value;
  void operator()(const char* name, double& member) const {
    if (value.find(name) != nullptr) member = value.double_at(name);  // some came later
  }
  void operator()(const char* name, bool& member) const { member = value.bool_at(name); }
  void operator()(const char* name, int& member) const {
    member = static_cast<int>(value.int_at(name));
  }
  void operator()(const char* name, std::int64_t& member) const { member = value.int_at(name); }
};

Value to_value(const EpochRow& row) {
  Value value = Value::dict();
  fields_of_row([&value](const char* name, const auto& member) { value.set(name, member); }, row);
  return value;
}

void copy_exactly(const DetectionModel& model, const Value& source, const char* what) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_dict(model)) {
    const Value* found = source.find(name);
    const auto loaded = found == nullptr
                            ? torch::Tensor()
                            : gannet::to_state_dict(Value::dict({{name, *found}})).front().second;
    if (!loaded.defined() || loaded.sizes() != tensor.sizes())
      throw Error(ErrorKind::kCheckpoint, fmt::format("'{}' of the {} does not fit", name, what));
    tensor.copy_(loaded);
  }
}

// The model's entries with buffers as they were at the boundary.
Value boundary_entries(const TrainState& state, const std::vector<std::string>& names) {
  Value root = model_entries(*state.model, names, false);
  Value model = root.at("model");  // shares its entries
  std::size_t i = 0;
  for (const auto& buffer : state.model->named_buffers())
    model.set(buffer.key(), to_tensor_data(state.boundary.buffers.at(i++)));
  return root;
}

Value doubles(std::span<const double> values) {
  Value list = Value::list();
  for (const double value : values) list.append(value);
  return list;
}

/// Where F1 is best in the best epoch; 0 where nothing was evaluated.
double best_confidence(const TrainState& state) {
  for (const EpochRow& row : state.results)
    if (row.epoch == state.best_epoch) return row.metrics.best_f1.confidence;
  return 0;
}

// At the end of an epoch the checkpoint is what a roll-back goes to; within one it has that beside
// it.
void set_health(Value& root, const TrainState& state) {
  const NumericHealth& health = state.health;
  Value entry = Value::dict({{"bad_in_a_row", health.bad_in_a_row},
                             {"roll_backs", health.roll_backs},
                             {"lr_factor", health.lr_factor},
                             {"last_bad", health.last_bad}});
  const bool inside = state.boundary.iteration != state.epoch * state.batches_per_epoch;
  if (inside && !health.good.is_none()) entry.set("good", health.good);
  root.set("health", entry);
}

void restore_health(TrainState& state, const Value& checkpoint) {
  state.health = {};
  const Value* entry = checkpoint.find("health");
  if (entry == nullptr) return;  // of an earlier version
  state.health.bad_in_a_row = static_cast<int>(entry->int_at("bad_in_a_row"));
  state.health.roll_backs = static_cast<int>(entry->int_at("roll_backs"));
  state.health.lr_factor = entry->double_at("lr_factor");
  state.health.last_bad = entry->int_at("last_bad");
  if (const Value* good = entry->find("good")) state.health.good = *good;
}

// What a run came to, and on which data.
void set_results(Value& root, const TrainState& state) {
  root.set("data", Value::dict({{"train", state.data.train}, {"val", state.data.val}}));
  root.set("best_fitness", state.best_fitness);
  root.set("best_epoch", state.best_epoch);
  root.set("class_map", doubles(state.class_map));
  Value results = Value::list();
  for (const EpochRow& row : state.results) results.append(to_value(row));
  root.set("results", results);
}

void restore_results(TrainState& state, const Value& from) {
  state.best_fitness = from.double_at("best_fitness");
  state.best_epoch = static_cast<int>(from.int_at("best_epoch"));
  state.class_map.clear();
  if (from.find("class_map") != nullptr)
    for (const Value& value : from.list_at("class_map"))
      state.class_map.push_back(value.as_double());
  state.results.clear();
  for (const Value& row : from.list_at("results")) {
    EpochRow read;
    fields_of_row(RowReader{row}, read);
    state.results.push_back(read);
  }
}

void restore_progress(TrainState& state, const Value& checkpoint) {
  state.iteration = checkpoint.int_at("iteration");
  state.progress = {};
  const Value* progress = checkpoint.find("progress");  // none in files of whole epochs only
  if (progress == nullptr) return;
  const Value::List& sums = progress->list_at("item_sums");
  for (std::size_t i = 0; i < state.progress.item_sums.size() && i < sums.size(); ++i)
    state.progress.item_sums[i] = sums[i].as_double();
  state.progress.num_items = progress->int_at("num_items");
  state.progress.targets = progress->int_at("targets");
  state.progress.image_size = static_cast<int>(progress->int_at("image_size"));
}

}  // namespace

Value learned_entries(const TrainState& state, const std::vector<std::string>& names) {
  Value root = boundary_entries(state, names);
  root.set("ema", Value::dict({{"model", gannet::to_value(state_dict(state.ema->model()))},
                               {"updates", state.ema->updates()}}));
  root.set("optimizer", Value::dict({{"state", optimizer_state(*state.optimizer, *state.model)}}));
  root.set("scaler",
           Value::dict({{"scale", state.scaler.scale}, {"good_steps", state.scaler.good_steps}}));
  return root;
}

void restore_learned(TrainState& state, const Value& entries) {
  copy_exactly(*state.model, entries.at("model"), "model");
  state.model->detect().read_anchors_from_buffers();
  copy_exactly(state.ema->model(), entries.at({"ema", "model"}), "average");
  state.ema->model().detect().read_anchors_from_buffers();
  state.ema->set_updates(entries.at("ema").int_at("updates"));
  state.optimizer->state().clear();
  load_optimizer_state(*state.optimizer, *state.model, entries.at({"optimizer", "state"}));
  state.scaler.scale = entries.at("scaler").double_at("scale");
  state.scaler.good_steps = entries.at("scaler").int_at("good_steps");
}

Value checkpoint_of(const TrainState& state, const Settings& settings,
                    const std::vector<std::string>& names, const Value& rank_states) {
  const UpdateBoundary& boundary = state.boundary;
  Value root = learned_entries(state, names);
  Value optimizer = root.at("optimizer");  // shares its entries
  optimizer.set("kind", settings.train.optimizer);
  set_health(root, state);
  root.set("schedule",
           Value::dict({{"iteration", boundary.iteration}, {"start_epoch", state.schedule_start}}));
  root.set("sampler",
           Value::dict({{"epoch", state.epoch},
                        {"batch", boundary.iteration - state.epoch * state.batches_per_epoch},
                        {"batches", state.batches_per_epoch}}));
  root.set("progress", Value::dict({{"item_sums", doubles(boundary.progress.item_sums)},
                                    {"num_items", boundary.progress.num_items},
                                    {"targets", boundary.progress.targets},
                                    {"image_size", boundary.progress.image_size}}));
  if (!rank_states.is_none()) root.set("ranks", rank_states);
  if (state.micro_batch > 0) root.set("micro_batch", state.micro_batch);
  root.set("rng", Value::dict({{"seed", static_cast<std::int64_t>(state.seed)}}));
  root.set("epoch", state.epoch - 1);
  root.set("iteration", boundary.iteration);
  root.set("epochs_without_gain", state.epochs_without_gain);
  set_results(root, state);
  if (const double confidence = best_confidence(state); confidence > 0)
    root.set("confidence", confidence);
  root.set("settings", settings_to_yaml(settings));
  return root;
}

Settings settings_of_checkpoint(const Value& checkpoint, const std::string& path) {
  const Value* text = checkpoint.is_dict() ? checkpoint.find("settings") : nullptr;
  if (text == nullptr || checkpoint.find("optimizer") == nullptr)
    throw Error(ErrorKind::kCheckpoint, "holds no training state", {path, 0, {}},
                "it is finished or not from a gannet run; use --weights to start from it");
  return parse_settings(text->as_string(), path);
}

void restore_state(TrainState& state, const Value& checkpoint, const Communicator& comm) {
  restore_learned(state, checkpoint);
  restore_health(state, checkpoint);
  restore_progress(state, checkpoint);
  if (const Value* ranks = checkpoint.find("ranks")) restore_rank_states(state, *ranks, comm);
  mark_boundary(state);
  if (const Value* images = checkpoint.find("micro_batch")) state.micro_batch = images->as_int();
  if (const Value* start = checkpoint.at("schedule").find("start_epoch"))
    state.schedule_start = static_cast<int>(start->as_int());
  state.epoch = static_cast<int>(checkpoint.int_at("epoch")) + 1;
  state.epochs_without_gain = static_cast<int>(checkpoint.int_at("epochs_without_gain"));
  restore_results(state, checkpoint);
}

Value history_of(const TrainState& state, const Settings& settings) {
  Value history = Value::dict({{"epochs", state.epoch}, {"settings", settings_to_yaml(settings)}});
  set_results(history, state);
  return history;
}

void restore_finished(TrainState& state, const Value& checkpoint, const Value& history) {
  copy_exactly(*state.model, checkpoint.at("model"), "model");
  state.model->detect().read_anchors_from_buffers();
  copy_exactly(state.ema->model(), checkpoint.at("model"), "average");
  state.ema->copy_anchors(*state.model);
  state.epoch = state.schedule_start = static_cast<int>(history.int_at("epochs"));
  state.iteration = state.epoch * state.batches_per_epoch;
  restore_results(state, history);
}

std::uintmax_t strip_checkpoint(const std::string& path) {
  const LoadedModel loaded = load_model(path);
  Value root = model_entries(*loaded.model, loaded.names, true);
  root.set("epoch", loaded.epoch);
  if (loaded.confidence > 0) root.set("confidence", loaded.confidence);
  save_torch_file(path, root);
  return std::filesystem::file_size(path);
}

}  // namespace gannet
