#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "commands.h"
#include "gannet/config/settings.h"
#include "gannet/curate/check/dataset_check.h"
#include "gannet/viz/plots.h"
#include "print.h"
#include "progress.h"

namespace gannet::cli {
namespace {

struct StatsArguments {
  std::string data, picture = "labels.png";
  int img_size = 640;
  bool json = false;
};

/// The labels of train, as training draws them.
std::vector<Label> training_labels(const DatasetSurvey& survey) {
  return survey.splits.empty() ? std::vector<Label>()
                               : labels_of(survey.splits.front(), survey.data.num_classes);
}

int run(const StatsArguments& arguments) {
  SurveyOptions options;
  options.decode = false;
  options.num_threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const DatasetSurvey survey = survey_dataset(load_data_description(find_config(arguments.data)),
                                              options, show_progress("read"));
  const std::vector<SplitSummary> splits = summarize(survey, arguments.img_size);
  if (arguments.json) {
    fmt::print("{}\n", splits_to_json(survey, splits, arguments.img_size));
  } else {
    print_line("{}", describe_splits(splits, survey.data.names, survey.data.names.size()));
  }
  plot_labels(training_labels(survey), survey.data.names, arguments.picture);
  if (!arguments.json) print_line("labels of train: {}", arguments.picture);
  return 0;
}

}  // namespace

void add_data_stats(CLI::App& data, Action& action) {
  CLI::App* command = data.add_subcommand("stats", "count and draw the labels of a data set");
  auto arguments = std::make_shared<StatsArguments>();
  command->add_option("data", arguments->data, "data YAML")->required();
  command->add_option("--img-size", arguments->img_size, "image size that box sizes are given for")
      ->check(CLI::Range(32, 16384))
      ->capture_default_str();
  command->add_option("--picture", arguments->picture, "classes, positions and sizes of the labels")
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "print JSON");
  command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace gannet::cli
