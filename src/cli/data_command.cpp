#include <fmt/format.h>

#include "commands.h"
#include "gannet/curate/demo/demo.h"
#include "print.h"

namespace gannet::cli {

void add_data(CLI::App& app, Action& action) {
  CLI::App* data = app.add_subcommand("data", "make and inspect data sets");
  data->require_subcommand(1);
  add_data_check(*data, action);
  add_data_stats(*data, action);
  add_data_convert(*data, action);
  CLI::App* demo = data->add_subcommand("demo", "make the demo data set");
  auto folder = std::make_shared<std::string>();
  auto seed = std::make_shared<std::uint64_t>(0);
  demo->add_option("folder", *folder, "where to write it")->required();
  demo->add_option("--seed", *seed, "other seeds give other pictures")->capture_default_str();
  demo->callback([folder, seed, &action] {
    action = [folder, seed] {
      make_demo_dataset(*folder, *seed);
      print_line(
          "demo data set in {}: {} training, {} validation and {} unseen images; train with --data "
          "{}/demo.yaml",
          *folder, kDemoTrainImages, kDemoValImages, kDemoUnseenImages, *folder);
      return 0;
    };
  });
}

}  // namespace gannet::cli
