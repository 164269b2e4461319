#include "gannet/evolve/study_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/evolve/shared_files.h"
#include "gannet/net/upload.h"
#include "gannet/viz/evolution_plot.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTable = "evolve.csv";
constexpr const char* kHypFile = "hyp_evolved.yaml";
constexpr const char* kPicture = "evolve.png";

/// What stays of a candidate that is not the best.
constexpr std::array kKept{"settings.yaml", "hyp.yaml", "results.txt", "results.csv", "results.png",
                           "results.json",  "log.txt",  "genes.json",  "result.json"};

bool is_kept(const std::string& name) {
  return name.starts_with("claim.") || std::find(kKept.begin(), kKept.end(), name) != kKept.end();
}

std::string line_of(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields)
    line += fmt::format("{}{:>20}", line.empty() ? "" : ",", field);
  return line + "\n";
}

std::string figure(double value) { return fmt::format("{:.5g}", value); }

std::vector<std::string> row_of(const CandidateResult& result) {
  const EpochFigures& f = result.best;
  std::vector<std::string> row;
  for (const double value :
       {f.precision, f.recall, f.map50, f.map, f.val_box, f.val_obj, f.val_cls})
    row.push_back(figure(value));
  for (const double value : result.genes) row.push_back(figure(value));
  row.push_back(fmt::format("{}", result.number));
  row.emplace_back(name_of(result.end));
  row.push_back(fmt::format("{}", result.best_so_far.size()));
  row.push_back(fmt::format("{}", result.best_epoch));
  return row;
}

void draw(const Study& study, const std::vector<CandidateResult>& results,
          const CandidateResult& best) {
  EvolutionPlot plot;
  for (const CandidateResult& result : results) {
    plot.fitness.push_back(result.fitness());
    if (&result == &best || result.number == best.number) plot.best = plot.fitness.size() - 1;
  }
  for (std::size_t g = 0; g < gene_table().size(); ++g) {
    GenePanel panel{gene_table()[g].column, {}};
    for (const CandidateResult& result : results) panel.values.push_back(result.genes[g]);
    plot.genes.push_back(std::move(panel));
  }
  // The suffix decides the format.
  const fs::path own = study.folder() / ("evolve." + unique_suffix() + ".png");
  const fs::path target = study.folder() / kPicture;
  try {
    plot_evolution(plot, own);
    fs::rename(own, target);
  } catch (const std::exception& error) {
    log_warning("{} could not be drawn: {}", target.string(), error.what());
  }
}

/// Only what a living process does not need: a finished candidate is never trained again.
void remove_ballast(const Study& study, const std::vector<CandidateResult>& results,
                    const CandidateResult& best) {
  std::error_code ignored;
  for (const CandidateResult& result : results) {
    if (result.number == best.number) continue;
    const fs::path folder = study.candidate_folder(result.number);
    std::vector<fs::path> ballast;
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      if (!is_kept(entry.path().filename().string())) ballast.push_back(entry.path());
    for (const fs::path& path : ballast) fs::remove_all(path, ignored);
  }
}

void upload(const Study& study) {
  const std::string& bucket = study.settings().train.bucket;
  if (bucket.empty()) return;
  try {
    const auto uploader = make_uploader(bucket, {.attempts = 2});
    for (const char* name : {kTable, kHypFile, kPicture})
      if (fs::exists(study.folder() / name)) uploader->put(study.folder() / name, name);
  } catch (const std::exception& error) {
    log_warning("upload to {} failed: {}; the next candidate tries again", bucket, error.what());
  }
}

}  // namespace

std::string evolve_csv(const std::vector<CandidateResult>& results) {
  std::vector<std::string> titles = {"metrics/precision",    "metrics/recall", "metrics/mAP_0.5",
                                     "metrics/mAP_0.5:0.95", "val/box_loss",   "val/obj_loss",
                                     "val/cls_loss"};
  for (const Gene& gene : gene_table()) titles.emplace_back(gene.column);
  for (const char* title : {"candidate", "end", "epochs", "best_epoch"}) titles.emplace_back(title);
  std::string table = line_of(titles);
  for (const CandidateResult& result : results) table += line_of(row_of(result));
  return table;
}

std::string evolved_hyp(const Settings& settings, const CandidateResult& best,
                        const CandidateResult* start) {
  Settings evolved = settings;
  set_genes(evolved, best.genes);
  const EpochFigures& f = best.best;
  std::string text = fmt::format("# Candidate {}, epoch {} of {}: fitness {:.5g}", best.number,
                                 best.best_epoch, settings.train.epochs, f.fitness);
  if (start != nullptr && start->number == 0 && best.number != 0)
    text += fmt::format("; the start values gave {:.5g}", start->fitness());
  text += fmt::format(
      "\n# precision {:.5g}, recall {:.5g}, mAP@.5 {:.5g}, mAP@.5:.95 {:.5g}\n"
      "# validation losses: box {:.5g}, objectness {:.5g}, class {:.5g}\n",
      f.precision, f.recall, f.map50, f.map, f.val_box, f.val_obj, f.val_cls);
  text += fmt::format("optimizer: {}\n", settings.train.optimizer);
  return text + hyperparameters_to_yaml(evolved.hyp);
}

void write_study_files(Study& study) {
  std::size_t written = 0;
  // Again where another process has finished a candidate meanwhile: the last to write knows all.
  while (study.results().size() > written) {
    const std::vector<CandidateResult> results = study.results();
    written = results.size();
    const CandidateResult& best = *best_of(results);
    replace_shared_file(study.folder() / kTable, evolve_csv(results));
    replace_shared_file(study.folder() / kHypFile,
                        evolved_hyp(study.settings(), best, &results.front()));
    draw(study, results, best);
    remove_ballast(study, results, best);
  }
  upload(study);
}

}  // namespace gannet
