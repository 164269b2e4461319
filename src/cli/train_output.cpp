#include "train_output.h"

#include <map>
#include <memory>
#include <utility>

#include "changed_settings.h"
#include "dashboard_observer.h"
#include "gannet/observe/console.h"
#include "gannet/observe/mlflow.h"
#include "gannet/observe/rows.h"
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

TrainObservers add_observers(Trainer& trainer, const TrainOutput& output) {
  TrainObservers observers;
  add(trainer, std::make_unique<ConsoleObserver>());
  observers.figures = add(trainer, std::make_unique<RunFigures>());
  if (!output.log_json.empty())
    observers.of_failure.push_back(
        add(trainer, std::make_unique<JsonLinesObserver>(output.log_json)));
  if (!output.webhook.empty())
    observers.of_failure.push_back(add(trainer, std::make_unique<WebhookObserver>(output.webhook)));
  if (!output.mlflow.empty())
    observers.of_failure.push_back(
        add(trainer, std::make_unique<MlflowObserver>(MlflowOptions{
                         output.mlflow, output.mlflow_experiment, params_of(trainer.settings())})));
  if (output.dashboard >= 0) {
    observers.of_failure.push_back(add(trainer, std::make_unique<StepLogObserver>()));
    add(trainer, std::make_unique<DashboardObserver>(output.dashboard_host, output.dashboard));
  }
  return observers;
}

void print_summary(const TrainReport& report, const RunFigures& figures, bool verbose) {
  constexpr std::size_t kMostClasses = 20;
  const std::size_t classes = report.evaluation.classes.size();
  const bool per_class = classes > 1 && (verbose || classes <= kMostClasses);
  print_report(report.evaluation, per_class);
  if (classes > 1 && !per_class)
    print_line("{} classes: results.json has each, --verbose shows them", classes);
  const MeanMetrics& best = report.evaluation.mean;
  print_line("\nbest epoch {}: mAP@.5 {:.3f}, mAP@.5:.95 {:.3f}", report.best_epoch, best.map50,
             best.map);
  print_line(
      "{} epochs in {}, {:.1f}% of the training time waiting for data, peak memory {:.2f} GiB",
      report.epochs_run, format_duration(report.seconds), 100 * figures.data_wait_fraction(),
      figures.peak_memory_gib());
  print_line("results in {}\nbest weights in {}", report.directory.string(),
             report.best_checkpoint);
}

}  // namespace gannet::cli
