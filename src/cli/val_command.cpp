#include <fmt/format.h>
#include <unistd.h>

#include "commands.h"
#include "flags.h"
#include "gannet/eval/evaluate.h"
#include "ranks.h"
#include "report.h"

namespace gannet::cli {
namespace {

struct ValArguments {
  ValSettings settings;
  RankFlags ranks;
};

void print(const EvalReport& report, const ValSettings& settings) {
  print_report(report, settings.verbose && report.classes.size() > 1);
  fmt::print("speed: {:.1f}/{:.1f}/{:.1f} ms inference/NMS/total per image at {} px, batch {}\n",
             report.inference_ms, report.nms_ms, report.inference_ms + report.nms_ms,
             settings.img_size, settings.batch_size);
  if (!report.json_path.empty()) fmt::print("detections in {}\n", report.json_path);
}

int run(const ValArguments& arguments) {
  const ValSettings& settings = arguments.settings;
  const auto world = world_from_environment();
  if (arguments.ranks.nproc > 1 && !world) return launch_ranks(arguments.ranks.nproc);
  const bool is_main = !world || world->rank == 0;
  const bool shows_progress = is_main && ::isatty(STDERR_FILENO) != 0;
  const auto progress = [&](std::int64_t done, std::int64_t total) {
    if (shows_progress)
      fmt::print(stderr, "\rbatch {}/{}{}", done, total, done == total ? "\r\x1b[K" : "");
  };
  const EvalReport report =
      evaluate(settings, progress, join_ranks(world, settings.device, settings.dist_timeout));
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
  command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace gannet::cli
