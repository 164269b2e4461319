// What a run is made of, built from its settings: data, model, loss, schedule.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gannet/config/data_description.h"
#include "gannet/config/settings.h"
#include "gannet/data/index/image_index.h"
#include "gannet/data/loading/sampler.h"
#include "gannet/data/sample/sample.h"
#include "gannet/io/value.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/nn/model.h"
#include "gannet/ops/placement.h"
#include "gannet/train/schedule.h"

namespace gannet {

/// Data sets and the batches of every epoch.
class RunData {
 public:
  /// @param stride largest stride of the model; image sizes are raised to multiples of it
  RunData(const Settings& settings, DataDescription description, int stride);

  const DataDescription& description() const { return description_; }
  const ImageIndex& train_index() const { return *train_index_; }
  const ImageIndex& val_index() const { return *val_index_; }
  std::shared_ptr<const Dataset> train_set() const { return train_set_; }
  std::shared_ptr<const Dataset> val_set() const { return val_set_; }
  /// All global batches of an epoch.
  /// @param class_map mAP of each class so far, for image weights; empty: none is known
  std::vector<BatchPlan> train_plans(int epoch, const std::vector<double>& class_map = {}) const;
  std::vector<BatchPlan> val_plans() const;
  std::int64_t batches_per_epoch() const;
  /// From now on a last batch of fewer images joins the one before it.
  void merge_batches_below(std::size_t least) { least_batch_ = least; }
  int image_size() const { return image_size_; }

 private:
  Settings settings_;
  int stride_;
  int image_size_ = 0, val_size_ = 0;
  std::size_t least_batch_ = 0;
  DataDescription description_;
  std::shared_ptr<const ImageIndex> train_index_, val_index_;
  std::shared_ptr<const Dataset> train_set_, val_set_;
};

/// Data description of the settings; one class named "item" with single_cls.
DataDescription load_run_data_description(const TrainSettings& settings);

/// Model of the settings with initial or loaded weights, on the CPU.
/// @param checkpoint of a run that goes on: its own description, weights to be restored; none for a
/// new run
/// @param names of the data set's classes: rows of loaded weights go to the class of the same name
std::shared_ptr<DetectionModel> build_run_model(const Settings& settings,
                                                const std::vector<std::string>& names,
                                                const Value& checkpoint);

/// Absolute paths of everything that a run depends on, so that it can be repeated and resumed from
/// anywhere. Throws Error (kUsage) for a file that does not exist.
/// @param resumes the model comes from the checkpoint, its files may be gone
void make_paths_absolute(TrainSettings& settings, bool resumes);

LossOptions make_loss_options(const Settings& settings, int num_classes);
ScheduleOptions make_schedule_options(const Settings& settings, std::int64_t batches_per_epoch);
/// Weight decay scaled to the batch size and its accumulation (RB 6.1).
double scaled_weight_decay(const Settings& settings);

}  // namespace gannet
