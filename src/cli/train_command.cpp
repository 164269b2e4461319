#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include "commands.h"
#include "evolve_run.h"
#include "gannet/config/settings.h"
#include "gannet/core/stopwatch.h"
#include "gannet/ops/tensor_memory.h"
#include "gannet/ops/thread_waiting.h"
#include "gannet/train/trainer.h"
#include "print.h"
#include "ranks.h"
#include "train_flags.h"
#include "train_output.h"

namespace gannet::cli {
namespace {

struct TrainArguments {
  TrainFlags flags;
  std::string resume;  // "newest", "auto" or a checkpoint
  int evolve = 0;      // candidates of a search, 0 for a plain run
  bool dry_run = false;
  TrainOutput output;
  RankFlags ranks;
  int max_restarts = 0;
  int extend = 0;
  Stopwatch since_start;
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

/// Whether a launcher says that it has started this command before.
bool is_started_again() {
  for (const char* name : {"TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT"}) {
    const char* count = std::getenv(name);
    if (count != nullptr && std::atoi(count) > 0) return true;
  }
  return false;
}

/// A resumed run has its own recipe.
Settings resolve_settings(const TrainArguments& arguments) {
  return arguments.flags.resolve(arguments.resume.empty() || arguments.resume == "auto");
}

Trainer make_trainer(const TrainArguments& arguments, const std::shared_ptr<Communicator>& ranks) {
  const Settings settings = resolve_settings(arguments);
  if (arguments.extend > 0 && (arguments.resume.empty() || arguments.resume == "auto"))
    throw Error(ErrorKind::kUsage, "needs a finished run", {{}, 0, "--extend"},
                "name its last.pt with --resume");
  if (arguments.resume == "auto" || (arguments.resume.empty() && is_started_again()))
    return Trainer::resume_or_start(settings, ranks);
  if (arguments.resume.empty()) return Trainer(settings, ranks);
  if (!arguments.flags.settings_file.empty())
    throw Error(ErrorKind::kUsage, "--resume continues with the settings of the run",
                {{}, 0, "--settings"}, "leave one of the two out");
  if (!settings.train.weights.empty())
    throw Error(ErrorKind::kUsage, "--resume continues with its own weights", {{}, 0, "--weights"},
                "leave one of the two out");
  ResumeOptions options;
  options.extend = arguments.extend;
  options.overrides = arguments.flags.given();
  if (arguments.resume == "newest") {
    options.project = settings.train.project;
    options.overrides.erase("train.project");
  } else {
    options.checkpoint = arguments.resume;
  }
  return Trainer::resume(options, ranks);
}

/// The only variable of the environment that has a run tell somebody, and only if asked to.
constexpr const char* kOfEnvironment = "MLFLOW_TRACKING_URI";

void resolve_mlflow(std::string& address) {
  if (address != kOfEnvironment) return;
  const char* given = std::getenv(kOfEnvironment);
  if (given == nullptr || *given == '\0')
    throw Error(ErrorKind::kUsage, fmt::format("has no address, and {} is not set", kOfEnvironment),
                {{}, 0, "--mlflow"});
  address = given;
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

int search(const TrainArguments& arguments) {
  const std::pair<bool, const char*> others[] = {{!arguments.resume.empty(), "--resume"},
                                                 {arguments.dry_run, "--dry-run"},
                                                 {!arguments.output.log_json.empty(), "--log-json"},
                                                 {!arguments.output.webhook.empty(), "--webhook"},
                                                 {!arguments.output.mlflow.empty(), "--mlflow"},
                                                 {arguments.output.dashboard >= 0, "--dashboard"},
                                                 {arguments.extend > 0, "--extend"}};
  for (const auto& [is_given, flag] : others)
    if (is_given)
      throw Error(ErrorKind::kUsage, "cannot be combined with --evolve", {{}, 0, flag},
                  "gannet evolve --study DIR goes on with a search");
  EvolveOptions options;
  options.generations = arguments.evolve;
  return run_evolve(arguments.flags.resolve(), options, arguments.ranks);
}

int run(TrainArguments& arguments) {
  if (arguments.evolve > 0) return search(arguments);
  const auto world = world_from_environment();
  if (arguments.ranks.nproc > 1 && !world)
    return launch_ranks(arguments.ranks.nproc, arguments.max_restarts);
  const bool is_main = !world || world->rank == 0;
  prepare_operator_threads();
  keep_tensor_memory();
  resolve_mlflow(arguments.output.mlflow);
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
  arguments->flags.add_to(*command);
  command
      ->add_option(
          "--resume", arguments->resume,
          "continue a run: the newest, or that of a checkpoint; auto: that of this project "
          "and name, else start one")
      ->expected(0, 1)
      ->default_str("newest");
  command
      ->add_option("--evolve", arguments->evolve,
                   "search hyperparameters with this many runs, 300 where no number is said, as "
                   "gannet evolve --generations")
      ->expected(0, 1)
      ->default_str("300")
      ->check(CLI::Range(1, 1000000));
  command
      ->add_option("--extend", arguments->extend,
                   "with --resume of a finished run: so many epochs more, with a new schedule")
      ->check(CLI::Range(1, 1000000));
  command->add_flag("--dry-run", arguments->dry_run, "check everything, print the plan and stop");
  command->add_flag("--verbose", arguments->output.verbose,
                    "figures of each class at the end, also of more than 20");
  command->add_option("--log-json", arguments->output.log_json,
                      "file to which a line of JSON is added for each event of the run");
  command->add_option("--webhook", arguments->output.webhook,
                      "http(s) address that gets JSON at the run's end or failure");
  command
      ->add_option("--mlflow", arguments->output.mlflow,
                   "address of an MLflow server that is told of the run; alone: that of "
                   "MLFLOW_TRACKING_URI")
      ->expected(0, 1)
      ->default_str(kOfEnvironment);
  command
      ->add_option("--mlflow-experiment", arguments->output.mlflow_experiment,
                   "name of its experiment there")
      ->capture_default_str();
  command
      ->add_option("--dashboard", arguments->output.dashboard,
                   "port of a web page of this run, or the next one that is free; alone: 8080")
      ->expected(0, 1)
      ->default_str("8080")
      ->check(CLI::Range(0, 65535));
  command
      ->add_option("--dashboard-host", arguments->output.dashboard_host,
                   "address that the page listens at; 0.0.0.0: all of this machine, with a token")
      ->capture_default_str();
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
