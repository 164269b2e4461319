// The data sets of a run, and the batches of every epoch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gannet/config/data_description.h"
#include "gannet/config/settings.h"
#include "gannet/data/index/image_index.h"
#include "gannet/data/loading/sampler.h"
#include "gannet/data/sample/sample.h"

namespace gannet {

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

}  // namespace gannet
