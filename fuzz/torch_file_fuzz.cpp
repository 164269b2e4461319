// libFuzzer target over every reader of checkpoint bytes. Anything but an Error is a finding; what
// is accepted must also survive being copied out and written again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/attempt.h"
#include "gannet/io/safetensors.h"
#include "gannet/io/torch_file.h"

namespace {

using gannet::fuzz::attempt;

void visit(const gannet::Value& value) {
  if (value.is_tensor()) {
    if (value.as_tensor().num_elements() < 1'000'000) value.as_tensor().contiguous_bytes();
  } else if (value.is_sequence()) {
    for (const gannet::Value& item : value.as_list()) visit(item);
  } else if (value.is_dict()) {
    for (const auto& [key, item] : value.as_dict()) visit(item);
  } else if (value.is_record()) {
    visit(value.as_record().state);
    visit(value.as_record().entries);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gannet::StoragePtr file =
      gannet::make_storage(std::string(reinterpret_cast<const char*>(data), size));
  attempt([&] {
    const gannet::Value value = gannet::parse_torch_file(file);
    visit(value);
    gannet::write_torch_file([](const void*, std::size_t) {}, value, gannet::PickleClasses::kWrite);
  });
  attempt([&] { gannet::parse_safetensors(file); });
  // The bare pickle, so that mutations need not keep an archive's checksums right.
  attempt([&] {
    const auto storages = [](const gannet::StorageId&) {
      return gannet::make_storage(std::string(64, '\0'));
    };
    visit(gannet::unpickle({reinterpret_cast<const char*>(data), size}, storages));
  });
  return 0;
}
