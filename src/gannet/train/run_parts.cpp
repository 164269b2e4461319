#include "gannet/train/run_parts.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "gannet/core/class_match.h"
#include "gannet/core/error.h"
#include "gannet/core/fault.h"
#include "gannet/core/log.h"
#include "gannet/data/index/anchors.h"
#include "gannet/data/index/fingerprint.h"
#include "gannet/dist/agreement.h"
#include "gannet/net/upload.h"
#include "gannet/train/equal_ranks.h"
#include "gannet/train/few_values.h"
#include "gannet/train/optimizer.h"
#include "gannet/train/recipe.h"
#include "gannet/train/run_checkpoint.h"
#include "gannet/train/run_model.h"
#include "gannet/train/run_options.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

// Memory that a GPU reads by itself, while the step before is computed.
std::shared_ptr<std::uint8_t[]> page_locked(std::size_t bytes) {
  auto memory = torch::empty({static_cast<std::int64_t>(bytes)},
                             torch::dtype(torch::kUInt8).pinned_memory(true));
  auto* const data = memory.mutable_data_ptr<std::uint8_t>();
  return {data, [memory](std::uint8_t*) {}};
}

void refuse_to_replace_weights(const TrainSettings& train) {
  if (!train.exist_ok || train.weights.empty()) return;
  const fs::path own = fs::path(train.project) / (train.name.empty() ? "exp" : train.name);
  std::error_code ignored;
  if (fs::equivalent(fs::path(train.weights).parent_path(), own / "weights", ignored))
    throw Error(ErrorKind::kUsage, "would replace the weights that the run starts from",
                {train.weights, 0, "--exist-ok"}, "give the new run another --name");
}

RunData scan_data(const Settings& settings, const DataDescription& description, int stride,
                  Communicator& comm) {
  std::optional<RunData> data;
  comm.one_first("the scan of the data set", [&] {
    fault_point("scan", comm.rank());
    data.emplace(settings, description, stride);
  });
  return *std::move(data);
}

void adapt_anchors(const Settings& settings, const RunData& data, TrainState& state) {
  const AnchorCheck check = check_anchors(
      data.train_index(), state.model->head(),
      {data.image_size(), settings.hyp.anchor_t, settings.hyp.anchor_recall, state.seed});
  log_info("anchors: best possible recall {:.4f}{}", check.recall_before,
           check.replaced ? fmt::format(", new anchors reach {:.4f}", check.recall_after) : "");
  if (check.replaced) state.model->detect().set_anchors(check.head);
}

/// What a resumed run compares: content and order of the data decide its numbers.
DataFingerprint fingerprint_of(const RunData& data) {
  return {fingerprint(data.train_index()), fingerprint(data.val_index())};
}

// Weights as the run starts with them, and what accompanies them.
void complete_state(TrainState& state, const Settings& settings, const Placement& placement,
                    const RunData& data) {
  place_model(*state.model, placement);
  state.ema =
      std::make_unique<Ema>(*state.model, EmaOptions{settings.hyp.ema_decay, settings.hyp.ema_tau});
  state.optimizer =
      make_optimizer(*state.model, {settings.train.optimizer, settings.hyp.lr0,
                                    settings.hyp.momentum, scaled_weight_decay(settings)});
  if (settings.quirks() == Quirks::kRelease7) round_to_half(*state.model);
  constexpr double kFirstLossScale = 65536;
  state.scaler.enabled = placement.compute == torch::kFloat16;
  if (state.scaler.enabled) state.scaler.scale = kFirstLossScale;
  state.batches_per_epoch = data.batches_per_epoch();
  state.data = fingerprint_of(data);
}

void require_same_data(const RunStart& start, const RunData& data) {
  const bool extends = !start.history.is_none();
  const Value* then = (extends ? start.history : start.checkpoint).find("data");
  if (then == nullptr) return;  // of an earlier version
  const auto refuse = [&](const std::string& had, const std::string& has) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("the run was made with {}, {} has {}", had, start.settings.train.data, has),
        {start.resumed_from, 0, "--data"},
        "resume with the same data set, or start a new run with --weights");
  };
  std::vector<std::string> names;
  for (const Value& name : start.checkpoint.list_at("names")) names.push_back(name.as_string());
  const auto& now_names = data.description().names;
  if (names != now_names)
    refuse("the classes " + list_names(names), "the classes " + list_names(now_names));
  const DataFingerprint now = fingerprint_of(data);
  if (then->string_at("train") != now.train)
    refuse("train: " + then->string_at("train"), now.train);
  if (then->string_at("val") != now.val) refuse("val: " + then->string_at("val"), now.val);
}

void require_same_batches(const RunStart& start, std::int64_t batches_per_epoch) {
  const Value* then = start.checkpoint.at("sampler").find("batches");
  if (then == nullptr || then->as_int() == batches_per_epoch) return;
  throw Error(
      ErrorKind::kUsage,
      fmt::format("an epoch had {} batches and now has {}", then->as_int(), batches_per_epoch),
      {start.resumed_from, 0, {}},
      "resume with the same images, or start a new run with --weights");
}

// The checkpoint's memory is given back.
void restore(TrainState& state, RunStart& start, const RunData& data, const Communicator& comm) {
  require_same_data(start, data);
  if (!start.history.is_none()) {
    restore_finished(state, start.checkpoint, start.history);
    start.checkpoint = Value();
    if (comm.is_main())
      log_info(
          "a warm restart: {} epochs more after the {} that are done, from the last weights, with "
          "a new schedule and a fresh optimizer; best so far: epoch {}",
          start.settings.train.epochs - state.epoch, state.epoch, state.best_epoch);
    return;
  }
  restore_state(state, start.checkpoint, comm);
  require_same_batches(start, state.batches_per_epoch);
  start.checkpoint = Value();
  if (!comm.is_main()) return;
  const std::int64_t done = state.iteration - state.epoch * state.batches_per_epoch;
  if (state.epoch >= start.settings.train.epochs)
    log_info("all {} epochs are done; the end of the run is left", state.epoch);
  else
    log_info("goes on in epoch {} after {} of {} steps{}", state.epoch, done,
             state.batches_per_epoch,
             state.micro_batch > 0
                 ? fmt::format(", {} images at a time, as memory ran out before", state.micro_batch)
                 : "");
}

// From here on the ranks have equal states, and gradients are summed.
RankLinks join_ranks(const Settings& settings, const RunData& data, DetectionModel& model,
                     Communicator& comm) {
  const TrainSettings& train = settings.train;
  RankLinks links;
  if (train.sync_bn) {  // in a world of one too: the same arithmetic for every number of ranks
    links.norm_sync = std::make_shared<NormSync>(NormSync{comm});
    model.synchronise_norms(links.norm_sync);
  }
  if (comm.world_size() == 1) return links;
  if (settings.compat_original() && train.batch_size % comm.world_size() != 0)
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{} is not a multiple of {} processes", train.batch_size, comm.world_size()),
        {{}, 0, "--batch-size"}, "without --compat original any batch size goes");
  require_equal_ranks(settings, data.train_index(), data.val_index(), model, comm);
  if (train.deterministic) return links;  // shards exchange their gradients themselves
  std::vector<torch::Tensor> parameters;
  for (const auto& p : model.parameters())
    if (p.requires_grad()) parameters.push_back(p);
  links.reducer =
      comm.reduce_gradients(std::move(parameters), gradient_compression(train.grad_compress));
  return links;
}

LoaderOptions loader_options(const Settings& settings, const Placement& placement) {
  LoaderOptions options;
  options.num_threads = settings.train.workers;
  options.seed = static_cast<std::uint64_t>(settings.train.seed);
  if (placement.wants_page_locked()) options.allocate = page_locked;
  return options;
}

/// Of a thousand steps of the schedule, or all if there are fewer.
std::vector<PlannedRates> plan_of(const Schedule& schedule) {
  constexpr std::int64_t kMoments = 1000;
  const std::int64_t steps = schedule.num_iterations();
  const std::int64_t moments = std::min(steps, kMoments);
  std::vector<PlannedRates> plan;
  for (std::int64_t i = 0; i < moments; ++i) {
    const StepPlan step = schedule.at(schedule.first_iteration() +
                                      (moments > 1 ? i * (steps - 1) / (moments - 1) : 0));
    plan.push_back({step.lr, step.momentum});
  }
  return plan;
}

}  // namespace

RunParts assemble_run(RunStart start, std::shared_ptr<Communicator> comm) {
  Settings& settings = start.settings;
  const bool resumes = !start.checkpoint.is_none();
  make_paths_absolute(settings.train, resumes);
  if (comm->is_main() && !settings.train.bucket.empty())
    make_uploader(settings.train.bucket);  // a wrong address is told at once
  if (!resumes) refuse_to_replace_weights(settings.train);
  const Placement placement =
      resolve_placement(device_of_rank(settings.train.device, *comm), settings.train.precision,
                        settings.train.memory_format);
  const DataDescription description = load_run_data_description(settings.train);
  TrainState state;
  state.seed = static_cast<std::uint64_t>(settings.train.seed);
  state.model = build_run_model(settings, description.names, start.checkpoint);
  std::optional<RunMemory> memory;
  if (settings.wants_batch_size() || start.plans_memory)
    memory = plan_memory(settings, description, *state.model, placement, *comm);
  if (settings.train.recipe == "auto" && !resumes) decide_settings(settings, description, *comm);
  fault_point("start", comm->rank());
  RunData data = scan_data(settings, description, state.model->max_stride(), *comm);
  avoid_few_values(settings, data, *state.model, *comm);
  if (!settings.train.noautoanchor && !resumes) adapt_anchors(settings, data, state);
  complete_state(state, settings, placement, data);
  if (resumes) restore(state, start, data, *comm);
  mark_boundary(state);
  ScheduleOptions schedule = make_schedule_options(settings, state.batches_per_epoch);
  schedule.first_epoch = state.epoch;
  schedule.start_epoch = state.schedule_start;
  const LossOptions loss = make_loss_options(settings, state.model->head(), data.image_size());
  RankLinks links = join_ranks(settings, data, *state.model, *comm);
  const LoaderOptions loading = loader_options(settings, placement);
  return {.settings = settings,
          .resumed_from = start.resumed_from,
          .directory = start.directory,
          .memory = std::move(memory),
          .comm = std::move(comm),
          .placement = placement,
          .links = std::move(links),
          .data = data,
          .train_loader = Loader(data.train_set(), loading),
          .val_loader = Loader(data.val_set(), loading),
          .state = std::move(state),
          .schedule = Schedule(schedule),
          .loss = DetectionLoss(loss)};
}

RunInfo describe(const RunParts& parts) {
  RunInfo info;
  const int size = parts.data.image_size();
  for (const BoxSize& box : label_sizes(parts.data.train_index(), size))
    info.box_sizes_px.push_back({static_cast<float>(box[0]), static_cast<float>(box[1])});
  info.head = parts.state.model->head();
  info.plan = plan_of(parts.schedule);
  info.plan_start = parts.state.schedule_start;
  info.start_epoch = parts.state.epoch;
  info.epochs = parts.settings.train.epochs;
  info.batch_size = parts.settings.train.batch_size;
  info.image_size = size;
  for (const auto& p : parts.state.model->parameters()) info.num_parameters += p.numel();
  info.train_images = static_cast<std::int64_t>(parts.data.train_index().images.size());
  info.val_images = static_cast<std::int64_t>(parts.data.val_index().images.size());
  info.names = &parts.data.description().names;
  return info;
}

}  // namespace gannet
