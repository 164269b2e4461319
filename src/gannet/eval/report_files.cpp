#include "gannet/eval/report_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/parallel.h"
#include "gannet/data/images/image_io.h"
#include "gannet/eval/worst_images.h"
#include "gannet/viz/draw.h"
#include "gannet/viz/evaluation_plots.h"
#include "gannet/viz/worst_images.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

std::string name_of_class(const std::vector<std::string>& names, int id) {
  const auto i = static_cast<std::size_t>(id);
  return i < names.size() ? names[i] : std::to_string(id);
}

/// One member of the curves of all classes.
PlottedCurves curves_over(const EvalReport& report, std::vector<double> ClassCurves::*member) {
  PlottedCurves plotted;
  for (std::size_t i = 0; i < kNumCurvePoints; ++i) plotted.x.push_back(curve_position(i));
  for (const ClassMetrics& c : report.classes) {
    plotted.names.push_back(name_of_class(report.names, c.class_id));
    plotted.per_class.push_back(c.curves.*member);
  }
  return plotted;
}

void plot_precision_recall_of(const fs::path& path, const EvalReport& report) {
  std::vector<double> ap50;
  for (const ClassMetrics& c : report.classes) ap50.push_back(c.ap50());
  plot_precision_recall(curves_over(report, &ClassCurves::precision_at_recall), ap50, path);
}

void plot_over(std::vector<double> ClassCurves::*member, const char* title, const fs::path& path,
               const EvalReport& report) {
  plot_over_confidence(curves_over(report, member), title, path);
}

void plot_confusion(const fs::path& path, const EvalReport& report) {
  ConfusionCounts counts;
  for (int id = 0; id < report.confusion->num_classes(); ++id)
    counts.names.push_back(name_of_class(report.names, id));
  for (const std::int64_t count : report.confusion->counts())
    counts.counts.push_back(static_cast<double>(count));
  plot_confusion_matrix(counts, path);
}

cv::Mat picture_of(const std::string& path) {
  try {
    return decode_image(path);
  } catch (const Error&) {
    return {};  // evaluated a moment ago, gone now: its field stays empty
  }
}

void draw_worst(const fs::path& path, const EvalReport& report,
                const std::vector<ImageRecord>& images, const ImageIndex& index) {
  constexpr std::size_t kNumWorst = 12;
  std::vector<JudgedImage> worst;
  for (const JudgedRecord& record :
       worst_images(images, report.mean.best_f1.confidence, kNumWorst)) {
    const std::string& file = index.images.at(static_cast<std::size_t>(record.image->index)).path;
    JudgedImage image{fs::path(file).filename().string(), picture_of(file), {}, {}, {}};
    const auto add = [&](std::vector<JudgedBox>& to, const std::vector<ScoredBox>& from,
                         const std::vector<std::size_t>& which) {
      for (const std::size_t i : which)
        to.push_back({from[i].box, name_of_class(report.names, from[i].class_id)});
    };
    add(image.found, record.image->labels, record.found);
    add(image.missed, record.image->labels, record.missed);
    add(image.false_detections, record.image->detections, record.false_detections);
    worst.push_back(std::move(image));
  }
  if (!worst.empty()) save_picture(path, worst_images_mosaic(worst));
}

nlohmann::json figures(const MeanMetrics& m) {
  return {{"precision", m.precision},
          {"recall", m.recall},
          {"f1", m.f1},
          {"map50", m.map50},
          {"map75", m.map75},
          {"map", m.map},
          {"best_f1",
           {{"f1", m.best_f1.f1},
            {"confidence", m.best_f1.confidence},
            {"precision", m.best_f1.precision},
            {"recall", m.best_f1.recall}}}};
}

/// Null where no object of that size counts.
nlohmann::json or_null(double value) {
  return value < 0 ? nlohmann::json() : nlohmann::json(value);
}

nlohmann::json class_rows(const EvalReport& report) {
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t i = 0; i < report.classes.size(); ++i) {
    const ClassMetrics& c = report.classes[i];
    nlohmann::json row = {
        {"id", c.class_id},       {"name", name_of_class(report.names, c.class_id)},
        {"labels", c.num_labels}, {"precision", c.precision},
        {"recall", c.recall},     {"f1", c.f1},
        {"ap50", c.ap50()},       {"ap75", c.ap75()},
        {"ap", c.mean_ap()}};
    if (i < report.class_ap_by_size.size()) {
      const auto& sizes = report.class_ap_by_size[i];
      row["ap_by_size"] = {{"small", or_null(sizes[0])},
                           {"medium", or_null(sizes[1])},
                           {"large", or_null(sizes[2])}};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::string report_to_json(const EvalReport& report) {
  nlohmann::ordered_json json;
  json["protocol"] = name_of(report.protocol);
  json["images"] = report.num_images;
  json["labels"] = report.num_labels;
  for (const auto protocol :
       {MetricProtocol::kJuly2020, MetricProtocol::kV7, MetricProtocol::kCoco})
    json["protocols"][std::string(name_of(protocol))] =
        figures(report.by_protocol[static_cast<std::size_t>(protocol)]);
  json["classes"] = class_rows(report);
  if (report.coco) {
    constexpr std::array kNames{"AP",  "AP50", "AP75",  "APs", "APm", "APl",
                                "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"};
    json["coco"]["truth"] = report.coco_truth_is_official ? "annotation file" : "labels";
    for (std::size_t i = 0; i < kNames.size(); ++i)
      json["coco"][kNames[i]] = or_null(report.coco->numbers[i]);
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void write_report(const fs::path& directory, const EvalReport& report,
                  const std::vector<ImageRecord>& images, const ImageIndex& index) {
  write_file_atomically(directory / "results.json", report_to_json(report));
  const std::function<void()> drawings[] = {
      [&] { draw_worst(directory / "worst_images.jpg", report, images, index); },
      [&] { plot_confusion(directory / "confusion_matrix.png", report); },
      [&] { plot_precision_recall_of(directory / "PR_curve.png", report); },
      [&] { plot_over(&ClassCurves::f1, "F1", directory / "F1_curve.png", report); },
      [&] { plot_over(&ClassCurves::precision, "Precision", directory / "P_curve.png", report); },
      [&] { plot_over(&ClassCurves::recall, "Recall", directory / "R_curve.png", report); }};
  parallel_for(std::size(drawings), static_cast<int>(std::thread::hardware_concurrency()),
               [&](std::size_t i) { drawings[i](); });
}

void write_detection_labels(const fs::path& folder, const std::vector<ImageRecord>& images,
                            const ImageIndex& index, const std::vector<int>& numbers,
                            bool with_confidence) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Error(ErrorKind::kIo, "cannot make the folder: " + error.message(), {folder, 0, {}});
  std::set<std::string> used;
  for (const ImageRecord& image : images) {
    const IndexedImage& entry = index.images.at(static_cast<std::size_t>(image.index));
    const std::string stem = fs::path(entry.path).stem().string();
    std::string name = stem;
    for (int n = 2; !used.insert(name).second; ++n) name = fmt::format("{}_{}", stem, n);
    std::string text;
    const double width = entry.width, height = entry.height;
    for (const ScoredBox& d : image.detections) {
      const int number = numbers.at(static_cast<std::size_t>(d.class_id));
      if (number < 0) continue;  // the data set has no such class
      text += fmt::format("{} {:g} {:g} {:g} {:g}", number, (d.box.x1 + d.box.x2) / 2 / width,
                          (d.box.y1 + d.box.y2) / 2 / height, d.box.width() / width,
                          d.box.height() / height);
      text += with_confidence ? fmt::format(" {:g}\n", d.score) : "\n";
    }
    if (!text.empty()) write_file_atomically(folder / (name + ".txt"), text);
  }
}

}  // namespace gannet
