// Data YAML: a description or an Error; what is accepted can be written and read again.
#include <string>

#include "fuzz/attempt.h"
#include "gannet/config/data_description.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gannet::fuzz::attempt([&] {
    const std::string text(gannet::fuzz::text_of(data, size));
    const gannet::DataDescription read = gannet::parse_data_description(text, "fuzz.yaml");
    const gannet::DataDescription again =
        gannet::parse_data_description(gannet::data_description_to_yaml(read), "fuzz.yaml");
    gannet::fuzz::require(again.num_classes == read.num_classes && again.names == read.names);
  });
  return 0;
}
