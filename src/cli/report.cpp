#include "report.h"

#include <fmt/format.h>

#include <algorithm>

#include "gannet/observe/rows.h"

namespace gannet::cli {

void print_report(const EvalReport& report, bool per_class) {
  fmt::print("{}\n", validation_header());
  const MeanMetrics& m = report.mean;
  fmt::print("{}\n", validation_row({"all", report.num_images, report.num_labels, m.precision,
                                     m.recall, m.map50, m.map}));
  if (!per_class) return;
  for (const ClassMetrics& c : report.classes) {
    const auto id = static_cast<std::size_t>(c.class_id);
    const std::string name =
        id < report.names.size() ? report.names[id] : std::to_string(c.class_id);
    fmt::print("{}\n", validation_row({name, report.num_images, c.num_labels, c.precision, c.recall,
                                       c.ap50(), c.mean_ap()}));
  }
}

}  // namespace gannet::cli
