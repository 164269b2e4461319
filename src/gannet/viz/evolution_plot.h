// Picture of a search over hyperparameters: a panel for each of them, value against fitness.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace gannet {

struct GenePanel {
  std::string name;
  std::vector<double> values;  // by candidate
};

struct EvolutionPlot {
  std::vector<GenePanel> genes = {};
  std::vector<double> fitness = {};  // by candidate, in the order in which they were tried
  std::size_t best = 0;              // index of the best candidate
};

/// Six panels of 360 x 330 px a row. Colours go from the first candidate to the last; the best one
/// is ringed, and its value in the title. Works with one candidate. Throws Error (kIo).
void plot_evolution(const EvolutionPlot& plot, const std::filesystem::path& path);

}  // namespace gannet
