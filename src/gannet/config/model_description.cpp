#include "gannet/config/model_description.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "gannet/config/yaml.h"
#include "gannet/core/atomic_file.h"

namespace gannet {
namespace {

template <class T>
std::optional<T> parse_number(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Parser {
 public:
  Parser(const std::string& text, std::string file) : file_(std::move(file)) {
    root_ = parse_yaml(text, file_);
    check_keys(root_,
               {"nc", "depth_multiple", "width_multiple", "anchors", "backbone", "head", "version"},
               file_, "model description");
    description_.file = file_;
    description_.text = text;
  }

  ModelDescription parse() {
    description_.num_classes = yaml_as<int>(require("nc"), file_, "nc", "a whole number");
    if (description_.num_classes < 1)
      throw Error(ErrorKind::kConfig, "there must be at least one class",
                  where_of(root_["nc"], file_, "nc"));
    description_.depth_multiple = positive("depth_multiple");
    description_.width_multiple = positive("width_multiple");
    read_anchors(require("anchors"));
    for (const char* section : {"backbone", "head"}) {
      const YAML::Node rows = require(section);
      if (!rows.IsSequence())
        throw Error(ErrorKind::kConfig, "expects a list of layers", where_of(rows, file_, section));
      for (const auto& row : rows) description_.layers.push_back(read_row(row));
      if (section == std::string_view("backbone"))
        description_.num_backbone_rows = description_.layers.size();
    }
    description_.generation = find_generation();
    return std::move(description_);
  }

 private:
  YAML::Node require(const std::string& key) const {
    const YAML::Node node = root_[key];
    if (!node)
      throw Error(ErrorKind::kConfig, "missing", {file_, 0, key}, "a model file needs this key");
    return node;
  }

  double positive(const std::string& key) const {
    const YAML::Node node = root_[key];
    if (!node) return 1;
    const double value = yaml_as<double>(node, file_, key, "a number");
    if (value > 0) return value;
    throw Error(ErrorKind::kConfig, "must be positive", where_of(node, file_, key));
  }

  void read_anchors(const YAML::Node& node) {
    if (!node.IsSequence() || node.size() == 0)
      throw Error(ErrorKind::kConfig, "expects one row of w,h pairs for each detection layer",
                  where_of(node, file_, "anchors"));
    for (const auto& row : node) {
      const auto values = yaml_as<std::vector<float>>(row, file_, "anchors", "a list of numbers");
      const bool same_count = description_.anchors_px.empty() ||
                              description_.anchors_px.front().size() * 2 == values.size();
      if (values.empty() || values.size() % 2 != 0 || !same_count)
        throw Error(ErrorKind::kConfig, "every row needs the same number of w,h pairs",
                    where_of(row, file_, "anchors"));
      std::vector<std::array<float, 2>> level;
      for (std::size_t i = 0; i < values.size(); i += 2) {
        if (values[i] <= 0 || values[i + 1] <= 0)
          throw Error(ErrorKind::kConfig, "sizes must be positive",
                      where_of(row, file_, "anchors"));
        level.push_back({values[i], values[i + 1]});
      }
      description_.anchors_px.push_back(std::move(level));
    }
  }

  LayerRow read_row(const YAML::Node& node) const {
    if (!node.IsSequence() || node.size() != 4)
      throw Error(ErrorKind::kConfig, "a layer is [from, number, module, args]",
                  where_of(node, file_));
    LayerRow row;
    row.line = node.Mark().line + 1;
    row.from_is_list = node[0].IsSequence();
    if (row.from_is_list) {
      for (const auto& item : node[0])
        row.from.push_back(yaml_as<int>(item, file_, "from", "a layer index"));
    } else {
      row.from.push_back(yaml_as<int>(node[0], file_, "from", "a layer index"));
    }
    row.number = yaml_as<int>(node[1], file_, "number", "a whole number");
    if (row.number < 1)
      throw Error(ErrorKind::kConfig, "number must be at least 1", {file_, row.line, {}});
    row.module = yaml_as<std::string>(node[2], file_, "module", "a module name");
    if (!node[3].IsSequence())
      throw Error(ErrorKind::kConfig, "args must be a list", {file_, row.line, {}});
    for (const auto& item : node[3]) row.args.push_back(read_arg(item));
    return row;
  }

  ModelArg read_arg(const YAML::Node& node) const {
    if (node.IsSequence()) {
      ModelArg::List list;
      for (const auto& item : node) list.push_back(read_arg(item));
      return {list};
    }
    if (node.IsNull()) return {std::monostate{}};
    if (!node.IsScalar())
      throw Error(ErrorKind::kConfig, "a map is not an argument", where_of(node, file_));
    std::string text = node.Scalar();
    text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
    if (text == "None") return {std::monostate{}};
    if (text == "True" || text == "true") return {true};
    if (text == "False" || text == "false") return {false};
    if (text == "nc") return {ModelSymbol::kNumClasses};
    if (text == "na") return {ModelSymbol::kNumAnchors};
    if (text == "na*(nc+5)") return {ModelSymbol::kHeadChannels};
    if (text == "anchors") return {ModelSymbol::kAnchors};
    if (text == "nearest" || text == "bilinear") return {text};
    if (const auto whole = parse_number<std::int64_t>(text)) return {*whole};
    if (const auto number = parse_number<double>(text)) return {*number};
    throw Error(ErrorKind::kConfig, fmt::format("expression '{}' is not known", node.Scalar()),
                where_of(node, file_),
                "model files may use numbers, True, False, None, nearest, nc, na, anchors and na * "
                "(nc + 5)");
  }

  // Files of 2020 name plain output convolutions as Detect's inputs, or none; later ones feed it
  // features and keep those convolutions inside.
  Generation find_generation() const {
    if (const YAML::Node version = root_["version"]) {
      const int number = yaml_as<int>(version, file_, "version", "a release number");
      if (number == 7) return Generation::kRelease7;
      if (number == 1) return Generation::kJuly2020;
      throw Error(ErrorKind::kConfig, fmt::format("release {} is not known", number),
                  where_of(version, file_, "version"), "1 for July 2020, 7 for release 7.0");
    }
    for (std::size_t i = 0; i < description_.layers.size(); ++i) {
      const LayerRow& row = description_.layers[i];
      if (row.module != "Detect" || row.from.empty()) continue;
      const int source =
          row.from.front() < 0 ? static_cast<int>(i) + row.from.front() : row.from.front();
      const bool valid = source >= 0 && source < static_cast<int>(i);
      if (valid && description_.layers[static_cast<std::size_t>(source)].module != "nn.Conv2d")
        return Generation::kRelease7;
    }
    return Generation::kJuly2020;
  }

  std::string file_;
  YAML::Node root_;
  ModelDescription description_;
};

}  // namespace

ModelDescription parse_model_description(const std::string& text, const std::string& file) {
  return Parser(text, file).parse();
}

ModelDescription load_model_description(const std::string& path) {
  return parse_model_description(read_file(path), path);
}

std::string to_string(const std::vector<ModelArg>& args) {
  struct Printer {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool b) const { return b ? "True" : "False"; }
    std::string operator()(std::int64_t i) const { return fmt::format("{}", i); }
    std::string operator()(double d) const {
      return d == static_cast<double>(static_cast<std::int64_t>(d)) ? fmt::format("{:.1f}", d)
                                                                    : fmt::format("{}", d);
    }
    std::string operator()(const std::string& s) const { return "'" + s + "'"; }
    std::string operator()(ModelSymbol) const { return "?"; }
    std::string operator()(const ModelArg::List& list) const { return to_string(list); }
  };
  std::vector<std::string> parts;
  for (const ModelArg& arg : args) parts.push_back(std::visit(Printer{}, arg.value));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

}  // namespace gannet
