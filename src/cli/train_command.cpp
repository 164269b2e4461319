#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <map>

#include "commands.h"
#include "flags.h"
#include "gannet/config/settings.h"
#include "gannet/core/stopwatch.h"
#include "gannet/train/recipe.h"
#include "gannet/train/trainer.h"
#include "print.h"
#include "ranks.h"
#include "train_output.h"

namespace gannet::cli {
namespace {

struct TrainArguments {
  Settings flags;  // values of the flags that were given
  std::string settings_file;
  std::string resume;  // "newest", "auto" or a checkpoint
  std::vector<std::string> assignments;
  bool dry_run = false;
  TrainOutput output;
  RankFlags ranks;
  int max_restarts = 0;
  int extend = 0;
  Stopwatch since_start;
  CLI::App* command = nullptr;
};

Trainer* running = nullptr;

// The first signal ends the run after the step under way, the second one at once.
extern "C" void stop_on_signal(int signal) {
  std::signal(signal, SIG_DFL);
  if (running != nullptr) running->request_stop();
}

/// Stops this trainer on SIGINT and SIGTERM for as long as it trains. What follows takes a moment:
/// then a launcher's SIGTERM, sent because another rank has ended first, must not change the exit
/// code.
class SignalsWhileTraining {
 public:
  explicit SignalsWhileTraining(Trainer& trainer) {
    running = &trainer;
    std::signal(SIGINT, stop_on_signal);
    std::signal(SIGTERM, stop_on_signal);
  }
  ~SignalsWhileTraining() {
    std::signal(SIGTERM, SIG_IGN);
    std::signal(SIGINT, SIG_DFL);
    running = nullptr;
  }
  SignalsWhileTraining(const SignalsWhileTraining&) = delete;
  SignalsWhileTraining& operator=(const SignalsWhileTraining&) = delete;
};

/// Copies the members whose flags were given over those of a file.
struct GivenFlags {
  const CLI::App& command;
  std::map<std::string, std::string>& values;
  template <class T>
  void operator()(const char* name, T&, const char*, Range) const {
    const CLI::Option* option = command.get_option(FlagAdder::flag(name));
    if (option->count() == 0) return;
    std::string text;
    if constexpr (std::is_same_v<T, bool>) {
      text = "true";
    } else if constexpr (std::is_same_v<T, std::vector<int>>) {
      for (const std::string& item : option->results()) text += (text.empty() ? "[" : ", ") + item;
      text += "]";
    } else if constexpr (std::is_same_v<T, std::string>) {
      text = '"' + option->results().back() + '"';
    } else {
      text = option->results().back();
    }
    values["train." + std::string(name)] = text;
  }
};

std::map<std::string, std::string> given_flags(TrainArguments& arguments) {
  std::map<std::string, std::string> given;
  fields_of_train(GivenFlags{*arguments.command, given}, arguments.flags.train);
  for (const std::string& assignment : arguments.assignments) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos)
      throw Error(ErrorKind::kUsage, fmt::format("'{}' is not KEY=VALUE", assignment),
                  {{}, 0, "--set"});
    given[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  return given;
}

/// The recipe that was asked for, else that of the settings file, else that of the model.
std::string recipe_for(const TrainArguments& arguments,
                       const std::map<std::string, std::string>& given) {
  if (given.contains("train.recipe")) return arguments.flags.train.recipe;
  Settings known = load_settings(arguments.settings_file);
  if (!known.train.recipe.empty()) return known.train.recipe;
  for (const char* key : {"train.cfg", "train.weights"})
    if (given.contains(key)) assign_setting(known, key, given.at(key));
  return recipe_of_model(known.train);
}

/// Later ones win: recipe, settings file, hyperparameter file, flags.
Settings resolve_settings(TrainArguments& arguments) {
  const auto given = given_flags(arguments);
  Settings settings;
  if (arguments.resume.empty() || arguments.resume == "auto")
    apply_recipe(settings, recipe_for(arguments, given));
  const std::string recipe = settings.train.recipe;
  if (!arguments.settings_file.empty()) overlay_settings(settings, arguments.settings_file);
  settings.train.recipe = recipe;
  if (given.contains("train.hyp")) settings.train.hyp = arguments.flags.train.hyp;
  const bool is_in_file = !arguments.settings_file.empty() && !given.contains("train.hyp");
  if (!settings.train.hyp.empty() && !is_in_file)  // its values are those of the file
    overlay_hyperparameters(settings, find_config(settings.train.hyp));
  for (const auto& [key, value] : given) assign_setting(settings, key, value);
  return settings;
}

/// Whether a launcher says that it has started this command before.
bool is_started_again() {
  for (const char* name : {"TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT"}) {
    const char* count = std::getenv(name);
    if (count != nullptr && std::atoi(count) > 0) return true;
  }
  return false;
}

Trainer make_trainer(TrainArguments& arguments, const std::shared_ptr<Communicator>& ranks) {
  const Settings settings = resolve_settings(arguments);
  if (arguments.extend > 0 && (arguments.resume.empty() || arguments.resume == "auto"))
    throw Error(ErrorKind::kUsage, "needs a finished run", {{}, 0, "--extend"},
                "name its last.pt with --resume");
  if (arguments.resume == "auto" || (arguments.resume.empty() && is_started_again()))
    return Trainer::resume_or_start(settings, ranks);
  if (arguments.resume.empty()) return Trainer(settings, ranks);
  if (!arguments.settings_file.empty())
    throw Error(ErrorKind::kUsage, "--resume continues with the settings of the run",
                {{}, 0, "--settings"}, "leave one of the two out");
  if (!settings.train.weights.empty())
    throw Error(ErrorKind::kUsage, "--resume continues with its own weights", {{}, 0, "--weights"},
                "leave one of the two out");
  ResumeOptions options;
  options.extend = arguments.extend;
  options.overrides = given_flags(arguments);
  if (arguments.resume == "newest") {
    options.project = settings.train.project;
    options.overrides.erase("train.project");
  } else {
    options.checkpoint = arguments.resume;
  }
  return Trainer::resume(options, ranks);
}

/// @param figures of rank 0, else null
TrainReport train(Trainer& trainer, const RunFigures* figures) {
  const SignalsWhileTraining signals(trainer);
  try {
    return trainer.run();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted && figures != nullptr) print_summary(*figures);
    throw;
  }
}

int run(TrainArguments& arguments) {
  const auto world = world_from_environment();
  if (arguments.ranks.nproc > 1 && !world)
    return launch_ranks(arguments.ranks.nproc, arguments.max_restarts);
  const bool is_main = !world || world->rank == 0;
  const TrainSettings settings = resolve_settings(arguments).train;
  const auto ranks = join_ranks(world, settings.device, settings.dist_timeout);
  Trainer trainer = make_trainer(arguments, ranks);
  if (is_main) print_settings(trainer.settings());
  if (arguments.dry_run) {
    const std::string plan = trainer.describe_plan();
    if (is_main) print_line("{}", plan);
    return 0;
  }
  trainer.count_time_from(arguments.since_start);
  const RunFigures* figures = is_main ? add_observers(trainer, arguments.output) : nullptr;
  if (is_main) tell_launcher_of_run(trainer);
  const TrainReport report = train(trainer, figures);
  if (is_main) print_report(report, *figures, arguments.output.verbose);
  return 0;
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("train", "train a detector");
  auto arguments = std::make_shared<TrainArguments>();
  arguments->command = command;
  fields_of_train(FlagAdder{*command}, arguments->flags.train);
  command
      ->add_option(
          "--resume", arguments->resume,
          "continue a run: the newest, or that of a checkpoint; auto: that of this project "
          "and name, else start one")
      ->expected(0, 1)
      ->default_str("newest");
  command
      ->add_option("--extend", arguments->extend,
                   "with --resume of a finished run: so many epochs more, with a new schedule")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--settings", arguments->settings_file, "settings.yaml of a run to repeat");
  command->add_option("--set", arguments->assignments,
                      "KEY=VALUE of a hyperparameter; may be given again");
  command->add_flag_callback(
      "--cos-lr", [arguments] { arguments->assignments.emplace_back("train.linear_lr=false"); },
      "cosine learning rate, as 7.0 spells it");
  command->add_flag("--dry-run", arguments->dry_run, "check everything, print the plan and stop");
  command->add_flag("--verbose", arguments->output.verbose,
                    "figures of each class at the end, also of more than 20");
  command->add_option("--log-json", arguments->output.log_json,
                      "file to which a line of JSON is added for each event of the run");
  command->add_option("--webhook", arguments->output.webhook,
                      "http(s) address that gets JSON at the run's end or failure");
  arguments->ranks.add_to(*command);
  command
      ->add_option("--max-restarts", arguments->max_restarts,
                   "after a failure, start the processes of --nproc again from the last "
                   "checkpoint, this often at most")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace gannet::cli
