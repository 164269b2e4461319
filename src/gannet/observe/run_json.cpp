#include "gannet/observe/run_json.h"

#include <nlohmann/json.hpp>

namespace gannet {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);  // names of any bytes
}

Json losses(const LossMeans& loss) {
  return {{"giou", loss.box}, {"obj", loss.obj}, {"cls", loss.cls}, {"total", loss.total}};
}

Json progress(const char* event, const TrainProgress& at) {
  return {{"event", event},
          {"epoch", at.epoch},
          {"epochs", at.epochs},
          {"train_loss", losses(at.loss)},
          {"image_size", at.image_size},
          {"images_per_second", at.images_per_second},
          {"data_wait_fraction", at.data_wait_fraction},
          {"memory_gib", at.memory_gib}};
}

Json run(const char* event, const RunSummary& summary) {
  return {{"event", event},
          {"directory", summary.directory.string()},
          {"epochs_run", summary.epochs_run},
          {"seconds", summary.seconds},
          {"best_epoch", summary.best_epoch},
          {"best_fitness", summary.best_fitness}};
}

}  // namespace

std::string run_start_json(const RunInfo& info) {
  Json json = {{"event", "run_start"},
               {"directory", info.directory.string()},
               {"start_epoch", info.start_epoch},
               {"epochs", info.epochs},
               {"batch_size", info.batch_size},
               {"image_size", info.image_size},
               {"parameters", info.num_parameters},
               {"train_images", info.train_images},
               {"val_images", info.val_images}};
  if (info.names != nullptr) json["names"] = *info.names;
  return text_of(json);
}

std::string step_json(const StepEvent& step) {
  Json json = progress("step", step);
  json["step"] = step.step;
  json["steps"] = step.steps;
  json["seconds_left"] = step.seconds_left;
  if (!step.rank_seconds.empty()) json["rank_seconds"] = step.rank_seconds;
  return text_of(json);
}

std::string epoch_json(const EpochRow& row) {
  Json json = progress("epoch", row);
  json["seconds"] = row.seconds;
  json["lr"] = row.lr;
  if (row.evaluated) {
    json["val_loss"] = losses(row.val_loss);
    json["metrics"] = {{"precision", row.metrics.precision},
                       {"recall", row.metrics.recall},
                       {"mAP_0.5", row.metrics.map50},
                       {"mAP_0.75", row.metrics.map75},
                       {"mAP_0.5:0.95", row.metrics.map}};
  }
  return text_of(json);
}

std::string checkpoint_json(const CheckpointEvent& checkpoint) {
  return text_of({{"event", "checkpoint"},
                  {"path", checkpoint.path.string()},
                  {"epoch", checkpoint.epoch},
                  {"best", checkpoint.best}});
}

std::string run_end_json(const RunSummary& summary) {
  Json json = run("run_end", summary);
  json["time_is_up"] = summary.time_is_up;
  return text_of(json);
}

std::string run_failed_json(const RunFailure& failure) {
  Json json = run("run_failed", failure.so_far);
  json["error"] = failure.error;
  json["interrupted"] = failure.interrupted;
  return text_of(json);
}

}  // namespace gannet
