#include <fmt/format.h>
#include <unistd.h>

#include "commands.h"
#include "flags.h"
#include "gannet/eval/evaluate.h"
#include "report.h"

namespace gannet::cli {
namespace {

int run(const ValSettings& settings) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const EvalReport report = evaluate(settings, [&](std::int64_t done, std::int64_t total) {
    if (terminal) fmt::print(stderr, "\rbatch {}/{}{}", done, total, done == total ? "\r\x1b[K" : "");
  });
  print_report(report, settings.verbose && report.classes.size() > 1);
  fmt::print("speed: {:.1f}/{:.1f}/{:.1f} ms inference/NMS/total per image at {} px, batch {}\n", report.inference_ms, report.nms_ms,
             report.inference_ms + report.nms_ms, settings.img_size, settings.batch_size);
  if (!report.json_path.empty()) fmt::print("detections in {}\n", report.json_path);
  return 0;
}

}  // namespace

void add_val(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("val", "evaluate a checkpoint on a data set");
  command->alias("test");
  auto settings = std::make_shared<ValSettings>();
  fields_of_val(FlagAdder{*command}, *settings);
  command->get_option("--weights")->required();
  command->callback([settings, &action] { action = [settings] { return run(*settings); }; });
}

}  // namespace gannet::cli
