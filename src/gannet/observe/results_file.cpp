#include "gannet/observe/results_file.h"

#include <string>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/observe/rows.h"

namespace gannet {

ResultsFileObserver::ResultsFileObserver(std::filesystem::path directory,
                                         std::vector<EpochRow> history)
    : directory_(std::move(directory)), history_(std::move(history)) {}

void ResultsFileObserver::on_run_start(const RunInfo& /*info*/) { write(); }

void ResultsFileObserver::on_epoch_end(const EpochRow& row) {
  history_.push_back(row);
  write();
}

void ResultsFileObserver::write() const {
  std::string text, csv = csv_header() + "\n";
  for (const EpochRow& row : history_) {
    text += results_line(row) + "\n";
    csv += csv_line(row) + "\n";
  }
  write_file_atomically(directory_ / "results.txt", text);
  write_file_atomically(directory_ / "results.csv", csv);
}

}  // namespace gannet
