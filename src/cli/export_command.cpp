#include <fmt/format.h>

#include "commands.h"
#include "gannet/export/export_model.h"
#include "print.h"

namespace gannet::cli {
namespace {

struct ExportArguments {
  std::string weights, output;
  std::vector<std::string> formats;
  std::vector<int> img_size{640};
  ExportOptions options;
};

void print_export(const ExportReport& report) {
  print_line("{}: {} ({:.1f} MB, {})", report.format, report.path,
             static_cast<double>(report.num_bytes) / 1e6, report.half ? "float16" : "float32");
  const std::string tensors = report.num_tensors == 0
                                  ? "run"
                                  : fmt::format("{} tensors equal bit for bit", report.num_tensors);
  print_line(
      "  read again: {}, predictions for a picture of {}x{} px differ by {:.1g} of the largest",
      tensors, report.image_width, report.image_height, report.difference);
  if (!report.remark.empty()) print_line("  {}", report.remark);
  if (report.rounding > report.difference)
    print_line("  --half changed the predictions by {:.1g} of the largest", report.rounding);
}

int run(ExportArguments arguments) {
  arguments.options.height = arguments.img_size.front();
  arguments.options.width = arguments.img_size.back();
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
  command
      ->add_option("--format,--include", arguments->formats,
                   "formats to write: a list, or given again")
      ->required()
      ->delimiter(',')
      ->check(CLI::IsMember(export_formats()));
  ExportOptions& options = arguments->options;
  command->add_flag("--half", options.half, "store the weights as float16");
  command
      ->add_option("--img-size", arguments->img_size,
                   "networks: height and width of the images, px")
      ->expected(1, 2)
      ->check(CLI::Range(32, 16384))
      ->capture_default_str();
  command->add_option("--batch-size", options.batch_size, "networks: images at a time")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_flag("--dynamic", options.dynamic, "networks: any size and batch");
  command
      ->add_option("--head", options.head, "networks: raw logits, decoded boxes, or onnx with nms")
      ->check(CLI::IsMember({"raw", "decoded", "nms"}))
      ->capture_default_str();
  command->add_option("--opset", options.opset, "onnx: version of the operators")
      ->check(CLI::Range(13, 18))
      ->capture_default_str();
  command->add_option("--conf-thres", options.confidence, "nms: least confidence")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--iou-thres", options.iou, "nms: overlap at which the weaker box goes")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--max-det", options.max_detections, "nms: most boxes of an image and class")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--output", arguments->output,
                      "folder for the files; default: beside the weights");
  command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace gannet::cli
