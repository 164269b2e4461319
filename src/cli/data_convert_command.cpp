#include <fmt/format.h>

#include "commands.h"
#include "gannet/config/settings.h"
#include "gannet/curate/convert/convert.h"
#include "print.h"

namespace gannet::cli {
namespace {

struct ConvertFlags {
  std::string data, folder, format;
  ConvertOptions options;
};

int convert(const ConvertFlags& flags) {
  const DataDescription data = load_data_description(find_config(flags.data));
  const ConvertReport report =
      convert_dataset(data, flags.folder, annotation_format(flags.format), flags.options);
  print_line("{}: {} images, {} labels; train with --data {}", flags.folder, report.images,
             report.labels, report.data_file);
  for (const std::string& note : report.notes) print_line("not in the new set: {}", note);
  return 0;
}

}  // namespace

void add_data_convert(CLI::App& data, Action& action) {
  CLI::App* command = data.add_subcommand("convert", "write a data set in another format");
  auto flags = std::make_shared<ConvertFlags>();
  command->add_option("data", flags->data, "data description of the source")->required();
  command->add_option("folder", flags->folder, "where to write the new set")->required();
  command->add_option("--to", flags->format, "yolo, coco or voc")
      ->required()
      ->check(CLI::IsMember({"yolo", "coco", "voc"}));
  command->add_flag("--link", flags->options.link, "hard links instead of copies of images");
  command->add_flag("--outlines", flags->options.outlines,
                    "yolo: outlines even where their boxes differ from the objects' boxes");
  command->add_flag("--exist-ok", flags->options.exist_ok, "write into a folder that is not empty");
  command->callback([flags, &action] { action = [flags] { return convert(*flags); }; });
}

}  // namespace gannet::cli
