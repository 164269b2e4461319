#include "train_output.h"

#include <map>
#include <memory>
#include <utility>

#include "changed_settings.h"
#include "dashboard_observer.h"
#include "gannet/observe/console.h"
#include "gannet/observe/mlflow.h"
#include "gannet/observe/rows.h"
#include "gannet/observe/told_programs.h"
#include "print.h"
#include "report.h"

namespace gannet::cli {
namespace {

template <class Observer>
Observer* add(Trainer& trainer, std::unique_ptr<Observer> observer) {
  Observer* const added = observer.get();
  trainer.add_observer(std::move(observer));
  return added;
}

/// Those that are not the recipe's, and what decides the model.
MlflowTexts params_of(const Settings& settings) {
  const TrainSettings& train = settings.train;
  std::map<std::string, std::string> params = {
      {"train.cfg", train.cfg.empty() ? "auto" : train.cfg},
      {"train.weights", train.weights.empty() ? "none" : train.weights},
      {"train.data", train.data},
      {"train.recipe", train.recipe.empty() ? "none" : train.recipe}};
  for (const std::string& line : changed_settings(settings)) {
    const auto colon = line.find(": ");
    params[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return {params.begin(), params.end()};
}

}  // namespace

void print_settings(const Settings& settings) {
  const std::vector<std::string> changed = changed_settings(settings);
  const std::string& recipe = settings.train.recipe;
  print_line("settings: {}{} (settings.yaml in the run's directory has all)",
             recipe.empty() ? "the defaults" : "recipe " + recipe,
             changed.empty() ? "" : " but for");
  for (const std::string& line : changed) print_line("  {}", line);
}

const RunFigures* add_observers(Trainer& trainer, const TrainOutput& output) {
  add(trainer, std::make_unique<ConsoleObserver>());
  const RunFigures* figures = add(trainer, std::make_unique<RunFigures>());
  if (!output.log_json.empty()) add(trainer, std::make_unique<JsonLinesObserver>(output.log_json));
  if (!output.webhook.empty()) add(trainer, std::make_unique<WebhookObserver>(output.webhook));
  if (!output.mlflow.empty())
    add(trainer, std::make_unique<MlflowObserver>(MlflowOptions{
                     output.mlflow, output.mlflow_experiment, params_of(trainer.settings())}));
  if (output.dashboard >= 0) {
    add(trainer, std::make_unique<StepLogObserver>());
    add(trainer, std::make_unique<DashboardObserver>(output.dashboard_host, output.dashboard));
  }
  return figures;
}

void print_report(const TrainReport& report, const RunFigures& figures, bool verbose) {
  constexpr std::size_t kMostClasses = 20;
  const std::size_t classes = report.evaluation.classes.size();
  const bool per_class = classes > 1 && (verbose || classes <= kMostClasses);
  print_report(report.evaluation, per_class);
  if (classes > 1 && !per_class)
    print_line("{} classes: results.json has each, --verbose shows them", classes);
  print_summary(figures);
  if (report.time_is_up)
    print_line("the time is up; gannet train --resume {} goes on", report.last_checkpoint);
}

void print_summary(const RunFigures& figures) {
  const RunSummary& run = figures.summary();
  if (run.best_epoch >= 0) {
    print_line("\nbest epoch {}: mAP@.5 {:.3f}, mAP@.5:.95 {:.3f}", run.best_epoch, run.best.map50,
               run.best.map);
  } else {
    print_line("\nno epoch was evaluated");
  }
  print_line(
      "{} epochs in {}, {:.1f}% of the training time waiting for data, peak memory {:.2f} GiB",
      run.epochs_run, format_duration(run.seconds), 100 * figures.data_wait_fraction(),
      figures.peak_memory_gib());
  print_line("results in {}", run.directory.string());
  if (!run.checkpoint.empty()) print_line("best weights in {}", run.checkpoint.string());
}

}  // namespace gannet::cli
