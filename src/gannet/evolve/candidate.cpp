#include "gannet/evolve/candidate.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/text.h"
#include "gannet/metrics/average_precision.h"

namespace gannet {
namespace {

using nlohmann::json;

constexpr std::array kEnds{CandidateEnd::kDone, CandidateEnd::kPruned, CandidateEnd::kFailed};

/// Calls `read` with the parsed text; what is wrong with it becomes an Error.
template <class Read>
auto from_json(const std::string& text, const std::filesystem::path& path, const Read& read) {
  try {
    return read(json::parse(text));
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kData, std::string("cannot be understood: ") + error.what(),
                {path.string(), 0, {}}, "remove the file: the candidate is then trained again");
  }
}

json genes_json(const GeneValues& values) {
  json genes = json::object();
  for (std::size_t g = 0; g < values.size(); ++g) genes[gene_table()[g].column] = values[g];
  return genes;
}

GeneValues values_of(const json& genes, const GeneValues& start) {
  GeneValues values;
  for (std::size_t g = 0; g < gene_table().size(); ++g)
    values.push_back(genes.value(gene_table()[g].column, start.at(g)));
  return values;
}

/// The places of columns in a header line.
struct Columns {
  std::vector<std::string> names;
  double value(const std::vector<std::string>& row, const std::string& name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    const auto at = static_cast<std::size_t>(found - names.begin());
    return at < row.size() ? std::strtod(row[at].c_str(), nullptr) : 0;
  }
  bool has(const std::vector<std::string>& row, const std::string& name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    const auto at = static_cast<std::size_t>(found - names.begin());
    return at < row.size() && !row[at].empty();
  }
};

EpochFigures figures_of(const Columns& columns, const std::vector<std::string>& row) {
  EpochFigures figures;
  figures.evaluated = columns.has(row, "metrics/mAP_0.5:0.95");
  if (!figures.evaluated) return figures;
  MeanMetrics metrics;
  metrics.precision = figures.precision = columns.value(row, "metrics/precision");
  metrics.recall = figures.recall = columns.value(row, "metrics/recall");
  metrics.map50 = figures.map50 = columns.value(row, "metrics/mAP_0.5");
  metrics.map = figures.map = columns.value(row, "metrics/mAP_0.5:0.95");
  figures.val_box = columns.value(row, "val/box_loss");
  figures.val_obj = columns.value(row, "val/obj_loss");
  figures.val_cls = columns.value(row, "val/cls_loss");
  figures.fitness = fitness(metrics);
  return figures;
}

/// The highest fitness of a finished candidate after so many epochs, or all that it had.
double best_after(const CandidateResult& result, int epochs) {
  const auto last = std::min(result.best_so_far.size(), static_cast<std::size_t>(epochs));
  return last == 0 ? 0 : result.best_so_far[last - 1];
}

}  // namespace

const char* name_of(CandidateEnd end) {
  return end == CandidateEnd::kDone ? "done" : end == CandidateEnd::kPruned ? "pruned" : "failed";
}

std::vector<EpochFigures> read_epoch_figures(const std::filesystem::path& results_csv) {
  std::error_code ignored;
  if (!std::filesystem::exists(results_csv, ignored)) return {};
  const std::vector<std::string> lines = split(read_file(results_csv), '\n');
  Columns columns;
  std::vector<EpochFigures> epochs;
  for (const std::string& line : lines) {
    if (line.empty()) continue;
    if (columns.names.empty())
      columns.names = split(line, ',');
    else
      epochs.push_back(figures_of(columns, split(line, ',')));
  }
  return epochs;
}

CandidateResult result_of(const std::vector<EpochFigures>& epochs, CandidateEnd end) {
  CandidateResult result;
  result.end = end;
  for (std::size_t e = 0; e < epochs.size(); ++e) {
    const bool better = result.best_epoch < 0 || epochs[e].fitness > result.best.fitness;
    if (epochs[e].evaluated && better) {
      result.best = epochs[e];
      result.best_epoch = static_cast<int>(e);
    }
    result.best_so_far.push_back(result.best.fitness);
  }
  if (end != CandidateEnd::kFailed) return result;
  result.best = {};
  result.best_epoch = -1;
  return result;
}

std::string result_to_json(const CandidateResult& result) {
  const EpochFigures& best = result.best;
  const json text = {{"candidate", result.number},
                     {"end", name_of(result.end)},
                     {"fitness", best.fitness},
                     {"precision", best.precision},
                     {"recall", best.recall},
                     {"map50", best.map50},
                     {"map", best.map},
                     {"val_losses", {best.val_box, best.val_obj, best.val_cls}},
                     {"best_epoch", result.best_epoch},
                     {"best_so_far", result.best_so_far},
                     {"seconds", result.seconds},
                     {"note", result.note},
                     {"genes", genes_json(result.genes)}};
  return text.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

CandidateResult result_from_json(const std::string& text, const std::filesystem::path& path) {
  return from_json(text, path, [&](const json& values) {
    CandidateResult result;
    result.number = values.at("candidate");
    const std::string end = values.at("end");
    for (const CandidateEnd known : kEnds)
      if (end == name_of(known)) result.end = known;
    const std::array<double, 3> losses = values.at("val_losses");
    result.best_epoch = values.at("best_epoch");
    result.best = {.evaluated = result.best_epoch >= 0,
                   .precision = values.at("precision"),
                   .recall = values.at("recall"),
                   .map50 = values.at("map50"),
                   .map = values.at("map"),
                   .val_box = losses[0],
                   .val_obj = losses[1],
                   .val_cls = losses[2],
                   .fitness = values.at("fitness")};
    result.best_so_far = values.at("best_so_far").get<std::vector<double>>();
    result.seconds = values.at("seconds");
    result.note = values.at("note");
    result.genes = values_of(values.at("genes"), GeneValues(gene_table().size()));
    return result;
  });
}

std::string genes_to_json(const GeneValues& values) { return genes_json(values).dump(1) + "\n"; }

GeneValues genes_from_json(const std::string& text, const std::filesystem::path& path,
                           const GeneValues& start) {
  return from_json(text, path, [&](const json& genes) { return values_of(genes, start); });
}

const CandidateResult* best_of(const std::vector<CandidateResult>& results) {
  const CandidateResult* best = nullptr;
  for (const CandidateResult& result : results)
    if (best == nullptr || result.fitness() > best->fitness()) best = &result;
  return best;
}

std::optional<double> pruning_bar(const std::vector<CandidateResult>& results, int epochs_done,
                                  int epochs) {
  constexpr std::size_t kLeastDone = 5;
  constexpr int kGrace = 4;  // a fourth of the epochs
  if (epochs_done < 1 || epochs_done * kGrace < epochs) return {};
  std::vector<double> reached;
  for (const CandidateResult& result : results)
    if (result.end == CandidateEnd::kDone) reached.push_back(best_after(result, epochs_done));
  if (reached.size() < kLeastDone) return {};
  std::sort(reached.begin(), reached.end());
  return 0.5 * (reached[(reached.size() - 1) / 2] + reached[reached.size() / 2]);
}

}  // namespace gannet
