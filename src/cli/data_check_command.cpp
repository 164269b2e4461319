#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "commands.h"
#include "gannet/config/settings.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/curate/check/dataset_check.h"
#include "gannet/curate/check/fix.h"
#include "gannet/curate/check/report.h"
#include "print.h"
#include "progress.h"

namespace gannet::cli {
namespace {

struct CheckArguments {
  std::string data, picture, fix_to;
  CheckOptions options{
      .img_size = 640,
      .num_threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};
  bool json = false, verbose = false;
};

/// Path of the picture; none when the working directory cannot be written and no name was given.
std::optional<std::string> draw(const DatasetCheck& check, const std::string& wanted) {
  const std::string path =
      wanted.empty() ? std::filesystem::path(check.survey.data.file).stem().string() + "-check.png"
                     : wanted;
  try {
    plot_dataset_check(check, path);
  } catch (const Error& error) {
    if (!wanted.empty()) throw;
    log_warning("no picture: {}", error.what());
    return std::nullopt;
  }
  return path;
}

nlohmann::ordered_json fix_json(const FixReport& report) {
  return {{"data", report.description},
          {"images", report.images},
          {"labels", report.labels},
          {"images_left_out", report.images_left_out},
          {"images_unleaked", report.images_unleaked},
          {"rows_dropped", report.rows_dropped},
          {"rows_clipped", report.rows_clipped},
          {"label_files_changed", report.files_changed},
          {"problems_left", report.problems_left}};
}

void print_json(const DatasetCheck& check, const std::optional<std::string>& picture,
                const std::optional<FixReport>& fix) {
  auto json = nlohmann::ordered_json::parse(check_to_json(check));
  if (picture) json["picture"] = *picture;
  if (fix) json["fix"] = fix_json(*fix);
  fmt::print("{}\n", json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
}

int run(const CheckArguments& arguments) {
  constexpr std::size_t kShown = 5;
  const DatasetCheck check = check_dataset(load_data_description(find_config(arguments.data)),
                                           arguments.options, show_progress("checked"));
  const std::size_t shown = arguments.verbose ? std::numeric_limits<std::size_t>::max() : kShown;
  if (!arguments.json) print_line("{}", describe_check(check, shown));
  std::optional<FixReport> fix;
  if (!arguments.fix_to.empty()) {
    fix = write_fixed_copy(check, arguments.fix_to, show_progress("copied"));
  }
  const std::optional<std::string> picture = draw(check, arguments.picture);
  if (arguments.json) {
    print_json(check, picture, fix);
  } else {
    if (fix) print_line("repaired copy {}: {}", fix->description, fix_text(*fix));
    print_line("{}{}", summary_line(check), picture ? "; picture: " + *picture : "");
  }
  return check.would_harm_training() ? 1 : 0;
}

}  // namespace

void add_data_check(CLI::App& data, Action& action) {
  CLI::App* command = data.add_subcommand("check", "find and explain problems of a data set");
  auto arguments = std::make_shared<CheckArguments>();
  command->add_option("data", arguments->data, "data YAML")->required();
  command->add_option("--img-size", arguments->options.img_size, "image size of the training")
      ->check(CLI::Range(32, 16384))
      ->capture_default_str();
  command->add_option("--workers", arguments->options.num_threads, "threads")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--fix-to", arguments->fix_to, "write a repaired copy to this empty folder");
  command->add_option("--picture", arguments->picture, "one-page picture [NAME-check.png]");
  command->add_flag("--json", arguments->json, "print JSON with all findings instead of text");
  command->add_flag("--verbose", arguments->verbose, "print all findings, not the first of a kind");
  command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace gannet::cli
