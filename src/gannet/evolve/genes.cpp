#include "gannet/evolve/genes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "gannet/core/error.h"
#include "gannet/core/rng.h"

namespace gannet {
namespace {

constexpr double kMutationProbability = 0.8, kSigma = 0.2;
constexpr double kLeastFactor = 0.3, kMostFactor = 3;
constexpr double kDecimals = 1e5;  // of mutated values

/// Reads the number with this name.
struct NumberReader {
  const std::string key;
  double value = 0;
  bool found = false;
  template <class T>
  void operator()(const char* name, const T& member, const char*, Range) {
    if constexpr (std::is_same_v<T, double>) {
      if (key == name) value = member, found = true;
    }
  }
};

/// The best first; equal ones as they were tried.
std::vector<TriedGenes> best_of(std::vector<TriedGenes> tried, int count) {
  std::stable_sort(tried.begin(), tried.end(),
                   [](const TriedGenes& a, const TriedGenes& b) { return a.fitness > b.fitness; });
  tried.resize(std::min(tried.size(), static_cast<std::size_t>(std::max(1, count))));
  return tried;
}

/// Lead over the last of them; the little more lets equal ones (Q61) and the last be chosen.
std::vector<double> weights_of(const std::vector<TriedGenes>& parents) {
  constexpr double kLittle = 1e-6;
  std::vector<double> weights;
  double sum = 0;
  for (const TriedGenes& parent : parents) {
    weights.push_back(parent.fitness - parents.back().fitness + kLittle);
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

GeneValues weighted_mean(const std::vector<TriedGenes>& parents,
                         const std::vector<double>& weights) {
  GeneValues mean(parents.front().values.size());
  for (std::size_t p = 0; p < parents.size(); ++p)
    for (std::size_t g = 0; g < mean.size(); ++g) mean[g] += weights[p] * parents[p].values[g];
  return mean;
}

GeneValues parent_of(const std::vector<TriedGenes>& parents, bool weighted, Rng& rng) {
  const std::vector<double> weights = weights_of(parents);
  if (weighted) return weighted_mean(parents, weights);
  double left = rng.uniform();
  for (std::size_t p = 0; p < parents.size(); ++p)
    if ((left -= weights[p]) < 0) return parents[p].values;
  return parents.back().values;
}

/// One factor for each gene; not all of them 1.
std::vector<double> mutation_factors(Rng& rng) {
  const auto& genes = gene_table();
  std::vector<double> factors(genes.size(), 1.0);
  while (std::all_of(factors.begin(), factors.end(), [](double f) { return f == 1; })) {
    const double size = rng.uniform();
    for (std::size_t g = 0; g < genes.size(); ++g) {
      const bool changes = rng.uniform() < kMutationProbability;
      const double step = genes[g].gain * rng.normal() * size * kSigma;
      factors[g] = changes ? std::clamp(1 + step, kLeastFactor, kMostFactor) : 1;
    }
  }
  return factors;
}

}  // namespace

const std::vector<Gene>& gene_table() {
  static const std::vector<Gene> table = {
      {"lr0", "lr0", 1, 1e-5, 0.1},
      {"lrf", "lrf", 1, 0.01, 1},
      {"momentum", "momentum", 0.3, 0.6, 0.98},
      {"weight_decay", "weight_decay", 1, 0, 0.001},
      {"warmup_epochs", "warmup_epochs", 1, 0, 5},
      {"warmup_momentum", "warmup_momentum", 1, 0, 0.95},
      {"warmup_bias_lr", "warmup_bias_lr", 1, 0, 0.2},
      {"giou", "box", 1, 0.02, 0.2},
      {"cls", "cls", 1, 0.2, 4},
      {"cls_pw", "cls_pw", 1, 0.5, 2},
      {"obj", "obj", 1, 0.2, 4},
      {"obj_pw", "obj_pw", 1, 0.5, 2},
      {"anchor_t", "anchor_t", 1, 2, 8},
      {"fl_gamma", "fl_gamma", 0, 0, 2},
      {"hsv_h", "hsv_h", 1, 0, 0.1},
      {"hsv_s", "hsv_s", 1, 0, 0.9},
      {"hsv_v", "hsv_v", 1, 0, 0.9},
      {"degrees", "degrees", 1, 0, 45},
      {"translate", "translate", 1, 0, 0.9},
      {"scale", "scale", 1, 0, 0.9},
      {"shear", "shear", 1, 0, 10},
      {"perspective", "perspective", 0, 0, 0.001},
      {"flipud", "flipud", 1, 0, 1},
      {"fliplr", "fliplr", 0, 0, 1},
      {"mosaic", "mosaic", 1, 0, 1},
      {"mixup", "mixup", 1, 0, 1},
      {"copy_paste", "copy_paste", 1, 0, 1},
  };
  return table;
}

GeneValues genes_of(const Hyperparameters& hyp) {
  GeneValues values;
  for (const Gene& gene : gene_table()) {
    NumberReader reader{gene.key};
    fields_of_hyperparameters(reader, hyp);
    GANNET_CHECK(reader.found, gene.key);
    values.push_back(reader.value);
  }
  return values;
}

void set_genes(Settings& settings, const GeneValues& values) {
  const auto& genes = gene_table();
  for (std::size_t g = 0; g < genes.size(); ++g)
    assign_setting(settings, fmt::format("hyp.{}", genes[g].key), fmt::format("{}", values.at(g)));
}

GeneValues candidate_genes(const GeneValues& start, const std::vector<TriedGenes>& tried,
                           std::int64_t number, const SearchOptions& options) {
  if (number == 0) return start;
  const auto& genes = gene_table();
  Rng rng({options.seed, 0, static_cast<std::uint64_t>(number), Purpose::kEvolve});
  GeneValues values =
      tried.empty() ? start : parent_of(best_of(tried, options.population), options.weighted, rng);
  const std::vector<double> factors = mutation_factors(rng);
  for (std::size_t g = 0; g < genes.size(); ++g) {
    const Gene& gene = genes[g];
    if (gene.gain == 0) continue;
    values[g] = std::clamp(values[g] * factors[g], gene.low, gene.high);
    values[g] = std::round(values[g] * kDecimals) / kDecimals;
  }
  return values;
}

}  // namespace gannet
