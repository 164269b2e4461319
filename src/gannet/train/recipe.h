// Which recipe a run follows, and the one that is decided from the data (docs/recipes.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/config/settings.h"

namespace gannet {

class Communicator;
struct DataDescription;
struct ImageIndex;

/// The recipe of the release whose model the settings name: "july2020" or "v7". Throws Error where
/// there is no such file.
std::string recipe_of_model(const TrainSettings& train);

/// What `auto` looks at.
struct DataSummary {
  std::int64_t images = 0, boxes = 0;
  std::int64_t classes = 0;  // that have boxes
  std::int64_t rarest = 0;   // boxes of the class that has the fewest
  int image_side_px = 0;     // longer side, median
};
DataSummary summarise(const ImageIndex& index, int num_classes);

/// A value that `auto` chose.
struct Decision {
  std::string key, value;  // as for assign_setting
  std::string reason;
};

/// What `auto` makes of data and budget, on top of the values of v7; nothing for keys that a person
/// chose.
std::vector<Decision> decide_recipe(const Settings& settings, const DataSummary& data);

/// Looks at the training images of a recipe `auto`, puts its decisions into the settings and says
/// them. A second call decides nothing more. Rank 0 looks first. Throws Error as the scan does.
void decide_settings(Settings& settings, const DataDescription& description, Communicator& comm);

}  // namespace gannet
