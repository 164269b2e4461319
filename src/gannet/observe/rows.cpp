#include "gannet/observe/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gannet {

std::string progress_header() {
  return fmt::format("{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}", "Epoch", "mem", "GIoU",
                     "obj", "cls", "total", "targets", "img_size");
}

std::string progress_columns(const TrainProgress& p) {
  return fmt::format("{:>10}{:>10}{:10.4g}{:10.4g}{:10.4g}{:10.4g}{:10.4g}{:10.4g}",
                     fmt::format("{}/{}", p.epoch, p.epochs - 1),
                     fmt::format("{:.3g}G", p.memory_gib), p.loss.box, p.loss.obj, p.loss.cls,
                     p.loss.total, static_cast<double>(p.targets),
                     static_cast<double>(p.image_size));
}

std::string validation_header(std::string_view first) {
  return fmt::format("{:>20}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}", first, "Images", "Targets", "P",
                     "R", "mAP@.5", "mAP@.5:.95");
}

std::string validation_row(const ValidationRow& row) {
  return fmt::format("{:>20}{:12.3g}{:12.3g}{:12.3g}{:12.3g}{:12.3g}{:12.3g}", row.name,
                     static_cast<double>(row.images), static_cast<double>(row.targets),
                     row.precision, row.recall, row.map50, row.map);
}

std::string results_line(const EpochRow& row) {
  const EpochRow nothing;
  const EpochRow& figures = row.evaluated ? row : nothing;
  const MeanMetrics& m = figures.metrics;
  const LossMeans& v = figures.val_loss;
  return progress_columns(row) +
         fmt::format("{:10.4g}{:10.4g}{:10.4g}{:10.4g}{:10.4g}{:10.4g}{:10.4g}", m.precision,
                     m.recall, m.map50, m.map, v.box, v.obj, v.cls);
}

std::string csv_header() {
  return "epoch,train/box_loss,train/obj_loss,train/cls_loss,"
         "metrics/precision,metrics/recall,metrics/mAP_0.5,metrics/mAP_0.5:0.95,"
         "val/box_loss,val/obj_loss,val/cls_loss,x/lr0,x/lr1,x/lr2,"
         "train/total_loss,metrics/mAP_0.75,metrics/F1,metrics/F1_confidence,"
         "targets,image_size,seconds,memory_gib,images_per_second,data_wait_fraction";
}

std::string csv_line(const EpochRow& row) {
  const MeanMetrics& m = row.metrics;
  const LossMeans &t = row.loss, &v = row.val_loss;
  std::string figures(6, ','), more(2, ',');  // seven and three empty fields
  if (row.evaluated) {
    figures = fmt::format("{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}", m.precision, m.recall,
                          m.map50, m.map, v.box, v.obj, v.cls);
    more = fmt::format("{:.6g},{:.6g},{:.6g}", m.map75, m.best_f1.f1, m.best_f1.confidence);
  }
  // Rates there: biases, decayed weights, norms.
  return fmt::format("{},{:.6g},{:.6g},{:.6g},{},{:.6g},{:.6g},{:.6g},{:.6g},{},", row.epoch, t.box,
                     t.obj, t.cls, figures, row.lr[2], row.lr[1], row.lr[0], t.total, more) +
         fmt::format("{},{},{:.3f},{:.4g},{:.5g},{:.3g}", row.targets, row.image_size, row.seconds,
                     row.memory_gib, row.images_per_second, row.data_wait_fraction);
}

std::string format_duration(double seconds) {
  const double limited = std::isfinite(seconds) ? std::clamp(seconds, 0.0, 1e9) : 0.0;
  const auto whole = static_cast<std::int64_t>(std::llround(limited));
  const std::int64_t h = whole / 3600, m = whole / 60 % 60, s = whole % 60;
  return h > 0 ? fmt::format("{}:{:02}:{:02}", h, m, s) : fmt::format("{}:{:02}", m, s);
}

}  // namespace gannet
