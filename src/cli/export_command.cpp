#include <fmt/format.h>

#include "commands.h"
#include "gannet/export/export_model.h"

namespace gannet::cli {
namespace {

struct ExportArguments {
  std::string weights, output;
  std::vector<std::string> formats;
  ExportOptions options;
};

void print_export(const ExportReport& report) {
  fmt::print("{}: {} ({:.1f} MB, {})\n", report.format, report.path,
             static_cast<double>(report.num_bytes) / 1e6, report.half ? "float16" : "float32");
  fmt::print(
      "  read again: {} tensors equal bit for bit, predictions for a picture of {} px differ by "
      "{:.1g} of the largest\n",
      report.num_tensors, report.image_size, report.difference);
  if (report.rounding > report.difference)
    fmt::print("  --half changed the predictions by {:.1g} of the largest\n", report.rounding);
}

int run(const ExportArguments& arguments) {
  for (const std::string& format : arguments.formats) {
    const std::string path = default_export_path(arguments.weights, format, arguments.output);
    print_export(export_model(arguments.weights, format, path, arguments.options));
  }
  return 0;
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("export", "write a checkpoint in other formats");
  auto arguments = std::make_shared<ExportArguments>();
  command->add_option("--weights", arguments->weights, "checkpoint to export")->required();
  command->add_option("--format", arguments->formats, "format to write; may be given again")
      ->required()
      ->check(CLI::IsMember(export_formats()));
  command->add_flag("--half", arguments->options.half, "store the weights as float16");
  command->add_option("--output", arguments->output,
                      "folder for the files; default: beside the weights");
  command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace gannet::cli
