// A model YAML, parsed and never evaluated (RB 2.1), and the plan of layers that it stands for.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace gannet {

/// The few expressions that a model file may use.
enum class ModelSymbol { kNumClasses, kNumAnchors, kHeadChannels, kAnchors };

/// An argument of a layer: null, number, text, symbol, or a list of these.
struct ModelArg {
  using List = std::vector<ModelArg>;
  std::variant<std::monostate, bool, std::int64_t, double, std::string, ModelSymbol, List> value;
};

/// One row [from, number, module, args] of backbone or head.
struct LayerRow {
  std::vector<int> from;
  bool from_is_list = false;
  int number = 1;
  std::string module;
  std::vector<ModelArg> args;
  int line = 0;
};

/// Which release's meaning the module names have.
enum class Generation {
  kJuly2020,  // LeakyReLU 0.1, norm eps 1e-4, output convolutions as layers
  kRelease7,  // SiLU, norm eps 1e-3, output convolutions inside Detect
};

struct ModelDescription {
  std::string file;
  std::string text;  // the YAML as read; checkpoints carry it
  int num_classes = 80;
  double depth_multiple = 1, width_multiple = 1;
  std::vector<std::vector<std::array<float, 2>>> anchors_px;
  std::vector<LayerRow> layers;  // backbone, then head
  std::size_t num_backbone_rows = 0;
  Generation generation = Generation::kJuly2020;
};

/// Throws Error (kConfig) with file and line for anything that is not known.
ModelDescription load_model_description(const std::string& path);
ModelDescription parse_model_description(const std::string& text, const std::string& file);

/// One layer with everything resolved: repeats scaled, channels known.
struct LayerPlan {
  int index = 0;
  std::vector<int> from;    // as printed: -1, or absolute when the head's inputs were found
  std::vector<int> inputs;  // absolute layer indices; -1 is the image
  int repeats = 1;          // copies in sequence
  std::string module;
  std::vector<ModelArg> args;  // as the module takes them, input channels first where it has any
  int out_channels = 0;
  double stride = 1;  // input pixels per cell
  int line = 0;
};

struct ModelPlan {
  std::vector<LayerPlan> layers;
  std::vector<int> save;  // layers whose output is needed later, sorted
  int num_classes = 80;
  Generation generation = Generation::kJuly2020;
  std::vector<std::vector<std::array<float, 2>>> anchors_px;
};

/// Scales depth and width, finds channels, strides and head inputs.
/// @param num_classes replaces the file's nc when positive
ModelPlan plan_model(const ModelDescription& description, int num_classes = 0, int in_channels = 3);

/// "[64, 3, None, 'nearest']" as the layer table prints it.
std::string to_string(const std::vector<ModelArg>& args);

/// Every name that the rows of a model file may have as module.
std::vector<std::string> module_names();

}  // namespace gannet
