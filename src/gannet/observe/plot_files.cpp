#include "gannet/observe/plot_files.h"

#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/viz/draw.h"
#include "gannet/viz/label_correlogram.h"
#include "gannet/viz/plots.h"
#include "gannet/viz/training_plots.h"

namespace gannet {
namespace {

using Figure = double (*)(const EpochRow&);

struct Panel {
  const char* title;
  Figure figure;
  bool of_evaluation;
  bool is_loss;
};

constexpr Panel kPanels[] = {
    {"Box", [](const EpochRow& row) { return row.loss.box; }, false, true},
    {"Objectness", [](const EpochRow& row) { return row.loss.obj; }, false, true},
    {"Classification", [](const EpochRow& row) { return row.loss.cls; }, false, true},
    {"Precision", [](const EpochRow& row) { return row.metrics.precision; }, true, false},
    {"Recall", [](const EpochRow& row) { return row.metrics.recall; }, true, false},
    {"val Box", [](const EpochRow& row) { return row.val_loss.box; }, true, true},
    {"val Objectness", [](const EpochRow& row) { return row.val_loss.obj; }, true, true},
    {"val Classification", [](const EpochRow& row) { return row.val_loss.cls; }, true, true},
    {"mAP@0.5", [](const EpochRow& row) { return row.metrics.map50; }, true, false},
    {"mAP@0.5:0.95", [](const EpochRow& row) { return row.metrics.map; }, true, false},
};

/// The evaluated epoch of the highest fitness, the first one of equals; NaN without one.
double best_epoch(const std::vector<EpochRow>& rows) {
  double best = std::numeric_limits<double>::quiet_NaN(), highest = -1;
  for (const EpochRow& row : rows) {
    if (!row.evaluated || !(fitness(row.metrics) > highest)) continue;
    highest = fitness(row.metrics);
    best = row.epoch;
  }
  return best;
}

/// The learning rates of the groups, and the momentum, over the epochs.
void plot_plan(const RunInfo& info, const std::filesystem::path& path) {
  std::vector<RateCurve> rates = {
      {"weights without decay", {}}, {"weights with decay", {}}, {"biases", {}}};
  RateCurve momentum{"momentum", {}};
  for (const PlannedRates& planned : info.plan) {
    for (std::size_t group = 0; group < rates.size(); ++group)
      rates[group].values.push_back(planned.lr[group]);
    momentum.values.push_back(planned.momentum);
  }
  plot_learning_rates(rates, momentum, info.epochs - info.plan_start, path);
}

/// Runs a drawing; what fails there is told, and the run goes on.
void draw_or_warn(const std::function<void()>& draw) {
  try {
    draw();
  } catch (const Error& error) {
    log_warning("no picture: {}", error.what());
  }
}

}  // namespace

void plot_results(const std::vector<EpochRow>& rows, const std::filesystem::path& path) {
  std::vector<CurvePanel> panels;
  for (const Panel& panel : kPanels) {
    CurvePanel curve{panel.title, {}, {}};
    for (const EpochRow& row : rows) {
      if (panel.of_evaluation && !row.evaluated) continue;
      const double value = panel.figure(row);
      if (panel.is_loss && value == 0) continue;  // the class loss of one class, for example
      curve.x.push_back(row.epoch);
      curve.y.push_back(value);
    }
    panels.push_back(std::move(curve));
  }
  plot_curves(panels,
              {.columns = 5,
               .x_title = "epoch",
               .smoothed = true,
               .best_x = best_epoch(rows),
               .best_name = "best epoch"},
              path);
}

PlotsObserver::PlotsObserver(std::filesystem::path directory, std::vector<EpochRow> history)
    : directory_(std::move(directory)), history_(std::move(history)) {}

void PlotsObserver::on_run_start(const RunInfo& info) {
  if (!info.plan.empty()) draw_or_warn([&] { plot_plan(info, directory_ / "LR.png"); });
  if (info.train_labels == nullptr) return;
  const std::vector<std::string> names =
      info.names != nullptr ? *info.names : std::vector<std::string>();
  draw_or_warn([&] { plot_labels(*info.train_labels, names, directory_ / "labels.jpg"); });
  draw_or_warn(
      [&] { plot_label_correlogram(*info.train_labels, directory_ / "labels_correlogram.jpg"); });
  draw_or_warn(
      [&] { plot_anchors(info.box_sizes_px, info.head.anchors_px, directory_ / "anchors.png"); });
}

void PlotsObserver::on_epoch_end(const EpochRow& row) {
  constexpr double kLargestShare = 0.02;
  history_.push_back(row);
  if (drawing_seconds_ <= kLargestShare * since_drawn_.seconds()) draw_results();
}

void PlotsObserver::on_batch_picture(const BatchPicture& picture) {
  if (picture.batch == nullptr || picture.batch->images == 0) return;
  const std::vector<std::string> names =
      picture.names != nullptr ? *picture.names : std::vector<std::string>();
  draw_or_warn([&] {
    const auto path = directory_ / (picture.stem + ".jpg");
    save_picture(path, picture.predictions != nullptr
                           ? batch_mosaic(*picture.batch, names, *picture.predictions)
                           : batch_mosaic(*picture.batch, names));
  });
}

void PlotsObserver::on_run_end(const RunSummary& /*summary*/) {
  if (!history_.empty()) draw_results();
}

void PlotsObserver::on_run_failed(const RunFailure& /*failure*/) {
  if (!history_.empty()) draw_results();
}

void PlotsObserver::draw_results() {
  const Stopwatch drawing;
  draw_or_warn([&] { plot_results(history_, directory_ / "results.png"); });
  drawing_seconds_ = drawing.seconds();
  since_drawn_ = Stopwatch();
}

}  // namespace gannet
