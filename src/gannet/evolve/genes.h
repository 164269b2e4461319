// What the search changes: the table of hyperparameters under search, their mutation and the choice
// of parents. Pure functions of values, fitness and counted random numbers (release-7.md 11, RB 9).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gannet/config/settings.h"

namespace gannet {

/// One hyperparameter under search.
struct Gene {
  const char* key;     // of Hyperparameters
  const char* column;  // its name in release 7.0, which the columns of evolve.csv have
  double gain;         // factor of its mutations; 0: it stays as it is
  double low, high;    // limits of a mutated value
};

/// Those of release 7.0, in its order. Left out are its `iou_t` and `anchors`, which do nothing.
const std::vector<Gene>& gene_table();

/// One value for each gene of the table.
using GeneValues = std::vector<double>;

GeneValues genes_of(const Hyperparameters& hyp);

/// Puts the values into the settings, as chosen by a person: no recipe changes them.
void set_genes(Settings& settings, const GeneValues& values);

/// Values that have been tried.
struct TriedGenes {
  GeneValues values;
  double fitness = 0;
};

struct SearchOptions {
  std::uint64_t seed = 0;
  int population = 5;     // so many of the best are parents
  bool weighted = false;  // the parent is their weighted mean, not one of them
};

/// The values of the candidate with this number, a pure function of its arguments. The first one
/// has the start values; the others those of a parent, each changed with a probability of 0.8 by a
/// normal number whose common size is random. Without anything tried the parent is the start.
/// @param number from 0
GeneValues candidate_genes(const GeneValues& start, const std::vector<TriedGenes>& tried,
                           std::int64_t number, const SearchOptions& options);

}  // namespace gannet
