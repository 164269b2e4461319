#include <fmt/format.h>
#include <unistd.h>

#include "commands.h"
#include "flags.h"
#include "gannet/eval/evaluate.h"
#include "gannet/ops/tensor_memory.h"
#include "gannet/ops/thread_waiting.h"
#include "print.h"
#include "ranks.h"
#include "report.h"

namespace gannet::cli {
namespace {

struct ValArguments {
  ValSettings settings;
  RankFlags ranks;
};

void print_speed(const EvalReport& report, const ValSettings& settings) {
  fmt::print(
      "speed: {:.1f}/{:.1f}/{:.1f}/{:.1f} ms pre-process/inference/NMS/total per image at {} px, "
      "batch {}\n",
      report.prepare_ms, report.inference_ms, report.nms_ms,
      report.prepare_ms + report.inference_ms + report.nms_ms, settings.img_size,
      settings.batch_size);
}

void print(const EvalReport& report, const ValSettings& settings) {
  if (settings.task != "speed") print_report(report, settings.verbose && report.classes.size() > 1);
  print_speed(report, settings);
  if (!report.json_path.empty()) print_line("detections in {}", report.json_path);
  if (!report.directory.empty()) print_line("results in {}", report.directory);
}

int study(const ValSettings& settings, std::shared_ptr<Communicator> ranks, bool is_main) {
  if (is_main)
    print_line("{:>10}{:>12}{:>12}{:>12}{:>12}{:>12}", "size px", "P", "R", "mAP@.5", "mAP@.5:.95",
               "ms/image");
  const auto print_row = [is_main](const StudyRow& row) {
    const EvalReport& r = row.report;
    if (is_main)
      print_line("{:>10}{:12.3g}{:12.3g}{:12.3g}{:12.3g}{:12.3g}", row.image_size, r.mean.precision,
                 r.mean.recall, r.mean.map50, r.mean.map, r.prepare_ms + r.inference_ms + r.nms_ms);
  };
  const auto rows = evaluate_sizes(settings, print_row, std::move(ranks));
  if (is_main) print_line("results in {}", rows.back().report.directory);
  return 0;
}

/// What the task speed means unless told otherwise (release 7.0, 2.2).
void set_speed_defaults(const CLI::App& command, ValSettings& settings) {
  if (settings.task != "speed") return;
  if (command.get_option("--conf-thres")->count() == 0) settings.conf_thres = 0.25;
  if (command.get_option("--iou-thres")->count() == 0) settings.iou_thres = 0.45;
}

int run(const ValArguments& arguments) {
  const ValSettings& settings = arguments.settings;
  const auto world = world_from_environment();
  if (arguments.ranks.nproc > 1 && !world) return launch_ranks(arguments.ranks.nproc);
  const bool is_main = !world || world->rank == 0;
  prepare_operator_threads();
  keep_tensor_memory();
  const auto ranks = join_ranks(world, settings.device, settings.dist_timeout);
  if (settings.task == "study") return study(settings, ranks, is_main);
  const bool shows_progress = is_main && ::isatty(STDERR_FILENO) != 0;
  const auto progress = [&](std::int64_t done, std::int64_t total) {
    if (shows_progress)
      fmt::print(stderr, "\rbatch {}/{}{}", done, total, done == total ? "\r\x1b[K" : "");
  };
  const EvalReport report = evaluate(settings, progress, ranks);
  if (is_main) print(report, settings);
  return 0;
}

}  // namespace

void add_val(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("val", "evaluate a checkpoint on a data set");
  command->alias("test");
  auto arguments = std::make_shared<ValArguments>();
  fields_of_val(FlagAdder{*command}, arguments->settings);
  arguments->ranks.add_to(*command);
  command->get_option("--weights")->required();
  command->callback([arguments, command, &action] {
    set_speed_defaults(*command, arguments->settings);
    action = [arguments] { return run(*arguments); };
  });
}

}  // namespace gannet::cli
