// The text forms of a run's figures, shared by console and result files (RB 7.4, 8.3, 8.4).
#pragma once

#include <string>
#include <string_view>

#include "gannet/observe/events.h"

namespace gannet {

/// Titles of the eight columns of `progress_columns`, ten characters each.
std::string progress_header();
/// Epoch, memory, losses, targets, image size: the first eight columns of results.txt.
std::string progress_columns(const TrainProgress& progress);

/// Titles of `validation_row`. @param first that of the names
std::string validation_header(std::string_view first = "Class");

/// One line of an evaluation: a class, or "all".
struct ValidationRow {
  std::string_view name;
  std::int64_t images = 0, targets = 0;
  double precision = 0, recall = 0, map50 = 0, map = 0;
};
std::string validation_row(const ValidationRow& row);

/// The 15 columns of a line of results.txt, without newline. Zeros where nothing was evaluated.
std::string results_line(const EpochRow& row);

/// Header and line of results.csv, without newline: the 14 columns of release 7.0, then more. Empty
/// fields where nothing was evaluated.
std::string csv_header();
std::string csv_line(const EpochRow& row);

/// "0:42", "1:02:03".
std::string format_duration(double seconds);

}  // namespace gannet
