#include "gannet/observe/tensorboard.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/text.h"
#include "gannet/data/images/image_header.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// As a block that Markdown leaves alone.
std::string verbatim(const std::string& text) {
  std::string block;
  for (const std::string& line : split(text, '\n')) block += "    " + line + "\n";
  return block;
}

EventCounts count_classes(const std::vector<Label>& labels, std::size_t num_classes) {
  EventCounts classes{"classes", std::vector<std::int64_t>(num_classes)};
  for (const Label& label : labels) {
    const auto id = static_cast<std::size_t>(std::max(0, label.class_id));
    if (id >= classes.counts.size()) classes.counts.resize(id + 1);
    ++classes.counts[id];
  }
  return classes;
}

}  // namespace

TensorBoardObserver::TensorBoardObserver(fs::path directory, StepRows rows)
    : directory_(std::move(directory)), rows_(std::move(rows)) {}

void TensorBoardObserver::on_run_start(const RunInfo& info) {
  last_epoch_ = info.start_epoch;
  epochs_of_run_ = info.epochs;
  epochs_.emplace(directory_, info.start_epoch);
  EventData data;
  data.step = info.start_epoch;
  for (const char* name : {"settings", "hyp", "data", "model"}) {
    const fs::path file = directory_ / (std::string(name) + ".yaml");
    std::error_code ignored;
    if (fs::exists(file, ignored)) data.texts.emplace_back(name, verbatim(read_file(file)));
  }
  if (info.train_labels != nullptr)
    data.histograms.push_back(
        count_classes(*info.train_labels, info.names != nullptr ? info.names->size() : 0));
  write(epochs_, data);
  for (const char* file : {"labels.jpg", "labels_correlogram.jpg", "anchors.png", "LR.png"})
    write_picture(file, info.start_epoch);
}

void TensorBoardObserver::on_step(const StepEvent& step) {
  if (failed_ || !rows_.wants(step)) return;
  const std::int64_t number = step.epoch * step.steps + step.step;
  try {
    if (!steps_) steps_.emplace(directory_ / "steps", number);
  } catch (const Error&) {
    failed_ = true;
    throw;
  }
  EventData data;
  data.step = number;
  data.scalars = {{"step/giou_loss", step.loss.box},
                  {"step/obj_loss", step.loss.obj},
                  {"step/cls_loss", step.loss.cls},
                  {"step/total_loss", step.loss.total},
                  {"step/images_per_second", step.images_per_second},
                  {"step/data_wait_fraction", step.data_wait_fraction},
                  {"step/memory_gib", step.memory_gib}};
  write(steps_, data);
}

void TensorBoardObserver::on_epoch_end(const EpochRow& row) {
  last_epoch_ = row.epoch;
  EventData data;
  data.step = row.epoch;
  data.scalars = {{"train/giou_loss", row.loss.box},
                  {"train/obj_loss", row.loss.obj},
                  {"train/cls_loss", row.loss.cls},
                  {"lr/0", row.lr[0]},
                  {"lr/1", row.lr[1]},
                  {"lr/2", row.lr[2]},
                  {"epoch/seconds", row.seconds}};
  if (row.evaluated) {
    const std::initializer_list<std::pair<std::string, double>> figures = {
        {"metrics/precision", row.metrics.precision},
        {"metrics/recall", row.metrics.recall},
        {"metrics/mAP_0.5", row.metrics.map50},
        {"metrics/mAP_0.5:0.95", row.metrics.map},
        {"val/giou_loss", row.val_loss.box},
        {"val/obj_loss", row.val_loss.obj},
        {"val/cls_loss", row.val_loss.cls}};
    data.scalars.insert(data.scalars.end(), figures);
  }
  write(epochs_, data);
}

void TensorBoardObserver::on_batch_picture(const BatchPicture& picture) {
  const auto epoch = static_cast<unsigned>(picture.epoch);
  if (epoch != 0 && !std::has_single_bit(epoch) && picture.epoch + 1 < epochs_of_run_) return;
  write_picture(picture.stem + ".jpg", picture.epoch);
}

void TensorBoardObserver::on_run_end(const RunSummary& /*summary*/) {
  for (const char* file : {"results.png", "PR_curve.png", "F1_curve.png", "confusion_matrix.png"})
    write_picture(file, last_epoch_);
}

/// Nothing where it could not be drawn.
void TensorBoardObserver::write_picture(const std::string& file, std::int64_t step) {
  const fs::path path = directory_ / file;
  const auto header = read_image_header(path.string());
  if (!header || failed_) return;
  EventData data;
  data.step = step;
  data.images.push_back({path.stem().string(), read_file(path), header->width, header->height});
  write(epochs_, data);
}

void TensorBoardObserver::write(std::optional<EventFile>& file, const EventData& data) {
  if (failed_ || !file) return;
  try {
    file->write(data);
  } catch (const Error&) {
    failed_ = true;
    throw;
  }
}

}  // namespace gannet
