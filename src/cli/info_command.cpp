#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "commands.h"
#include "gannet/nn/info.h"
#include "print.h"

namespace gannet::cli {
namespace {

struct InfoArguments {
  std::string path;
  int image_size = 640;
  bool json = false;
};

void print_table(const ModelInfo& info) {
  print_line("{:>3}{:>18}{:>3}{:>10}  {:<16}{}", "", "from", "n", "params", "module", "arguments");
  for (const LayerInfo& layer : info.layers)
    print_line("{:>3}{:>18}{:>3}{:>10}  {:<16}{}", layer.index, layer.from, layer.repeats,
               layer.parameters, layer.module, layer.arguments);
  print_line("{} layers, {} parameters in {} tensors, {:.1f} GFLOPs at {} px", info.layers.size(),
             info.parameters, info.parameter_tensors, info.gflops, info.image_size);
  print_line("{} classes, strides {}", info.head.num_classes, fmt::join(info.head.strides, ", "));
  for (int l = 0; l < info.head.num_levels(); ++l) {
    std::string anchors;
    for (const auto& a : info.head.anchors_px[static_cast<std::size_t>(l)])
      anchors += fmt::format(" {:g},{:g}", a[0], a[1]);
    print_line("anchors at stride {:g}:{}", info.head.strides[static_cast<std::size_t>(l)],
               anchors);
  }
}

void print_json(const ModelInfo& info) {
  nlohmann::ordered_json json;
  for (const LayerInfo& layer : info.layers)
    json["layers"].push_back({{"index", layer.index},
                              {"from", layer.from},
                              {"n", layer.repeats},
                              {"params", layer.parameters},
                              {"module", layer.module},
                              {"args", layer.arguments}});
  json["params"] = info.parameters;
  json["param_tensors"] = info.parameter_tensors;
  json["nc"] = info.head.num_classes;
  json["stride"] = info.head.strides;
  json["anchors"] = info.head.anchors_px;
  json["names"] = info.names;
  json["gflops"] = info.gflops;
  json["image_size"] = info.image_size;
  fmt::print("{}\n", json.dump(1));
}

}  // namespace

void add_info(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("info", "layers, parameters, strides and GFLOPs of a model");
  auto arguments = std::make_shared<InfoArguments>();
  command->add_option("model", arguments->path, "model YAML or checkpoint")->required();
  command->add_option("--img-size", arguments->image_size, "image size for the GFLOPs")
      ->check(CLI::Range(32, 16384))
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "print JSON");
  command->callback([arguments, &action] {
    action = [arguments] {
      const ModelInfo info = describe_model(arguments->path, arguments->image_size);
      arguments->json ? print_json(info) : print_table(info);
      return 0;
    };
  });
}

}  // namespace gannet::cli
