#include "report.h"

#include <fmt/format.h>

#include <algorithm>

#include "gannet/observe/rows.h"
#include "print.h"

namespace gannet::cli {

void print_report(const EvalReport& report, bool per_class) {
  print_line("{}", validation_header(fmt::format("Class ({})", name_of(report.protocol))));
  const MeanMetrics& m = report.mean;
  print_line("{}", validation_row({"all", report.num_images, report.num_labels, m.precision,
                                   m.recall, m.map50, m.map}));
  for (const ClassMetrics& c : report.classes) {
    if (!per_class) break;
    const auto id = static_cast<std::size_t>(c.class_id);
    const std::string name =
        id < report.names.size() ? report.names[id] : std::to_string(c.class_id);
    print_line("{}", validation_row({name, report.num_images, c.num_labels, c.precision, c.recall,
                                     c.ap50(), c.mean_ap()}));
  }
  print_line("F1 {:.3f} at confidence {:.3f} (P {:.3f}, R {:.3f}), mAP@.75 {:.3f}", m.best_f1.f1,
             m.best_f1.confidence, m.best_f1.precision, m.best_f1.recall, m.map75);
  if (!report.coco) return;
  if (report.coco_truth_is_official) {
    for (const std::string& line : summary_lines(*report.coco)) print_line("{}", line);
    return;
  }
  const auto size = [&](CocoNumber number) {
    const double ap = (*report.coco)[number];
    return ap < 0 ? std::string("none") : fmt::format("{:.3f}", ap);
  };
  print_line("AP by object size (COCO\'s rule): small {}, medium {}, large {}",
             size(CocoNumber::kApSmall), size(CocoNumber::kApMedium), size(CocoNumber::kApLarge));
}

}  // namespace gannet::cli
