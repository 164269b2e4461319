#include <fmt/format.h>

#include <map>

#include "commands.h"
#include "flags.h"
#include "gannet/core/text.h"
#include "gannet/detect/detect_files.h"

namespace gannet::cli {
namespace {

// "3 stop, 1 yield", most certain class first
std::string count_classes(const std::vector<Detection>& detections) {
  std::map<int, std::pair<std::string, int>> counts;
  for (const Detection& d : detections) {
    counts[d.class_id].first = d.label;
    ++counts[d.class_id].second;
  }
  std::string text;
  for (const auto& [id, entry] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", entry.second, entry.first);
  return text.empty() ? "nothing" : text;
}

int run(const DetectSettings& settings) {
  const DetectSummary summary = detect_files(settings, [](const ImageDetections& image) {
    fmt::print("image {}/{} {}: {}x{} {}. ({:.3f} s)\n", image.number, image.total,
               printable(image.path), image.input_height, image.input_width,
               count_classes(image.detections), image.seconds);
  });
  fmt::print("{} objects in {} images, {:.1f} images/s; results in {}\n", summary.detections,
             summary.images, summary.images / std::max(summary.seconds, 1e-9), summary.output);
  return summary.images > 0 ? 0 : 1;
}

}  // namespace

void add_detect(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("detect", "find objects in images");
  auto settings = std::make_shared<DetectSettings>();
  fields_of_detect(FlagAdder{*command}, *settings);
  command->get_option("--weights")->required();
  command->get_option("--source")->required();
  command->callback([settings, &action] { action = [settings] { return run(*settings); }; });
}

}  // namespace gannet::cli
