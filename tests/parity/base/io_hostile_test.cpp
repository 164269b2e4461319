// Damaged, lying and malicious checkpoints (vectors/hostile): each is refused or read as its index
// says, whatever it claims.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "gannet/core/error.h"
#include "gannet/io/safetensors.h"
#include "gannet/io/torch_file.h"
#include "tests/parity/vector_files.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const nlohmann::json& index() {
  static const nlohmann::json json = testing::read_vector_json("hostile/index.json");
  return json;
}

std::vector<std::string> files() {
  std::vector<std::string> names;
  for (const auto& entry : index().at("files")) names.push_back(entry.at("file"));
  return names;
}

/// Looks at all that was read, as a converter would. @return the number of tensors
int visit(const Value& value, int depth = 0) {
  int found = 0;
  if (depth > 1000) return found;
  if (value.is_tensor()) {
    EXPECT_LT(value.as_tensor().num_elements(), 1000);
    value.as_tensor().contiguous_bytes();
    ++found;
  } else if (value.is_sequence()) {
    for (const Value& item : value.as_list()) found += visit(item, depth + 1);
  } else if (value.is_dict()) {
    for (const auto& [key, item] : value.as_dict()) found += visit(item, depth + 1);
  }
  return found;
}

long peak_memory_kb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

class Hostile : public testing::TemporaryFolder, public ::testing::WithParamInterface<std::string> {
 protected:
  /// What the file's index says of it.
  static std::string expected() {
    for (const auto& entry : index().at("files"))
      if (entry.at("file") == GetParam()) return entry.at("expected");
    return {};
  }
  /// The root of the file's content; of safetensors a dictionary of its tensors.
  static Value load(const std::string& file) {
    if (!file.ends_with(".safetensors")) return load_torch_file(file);
    Value root = Value::dict();
    for (const auto& [name, tensor] : load_safetensors(file).tensors) root.set(name, tensor);
    return root;
  }
};

TEST_P(Hostile, IsRefusedOrReadAsItsIndexSays) {
  const std::string file = write(GetParam(), testing::read_vector("hostile/" + GetParam()));
  const long before_kb = peak_memory_kb();
  Value root;
  const Error error = testing::thrown_error([&] { root = load(file); });
  const bool was_read =
      error.kind() == ErrorKind::kInternal && error.message() == "nothing was thrown";
  if (!was_read) {
    EXPECT_TRUE(testing::is_error(error, ErrorKind::kCheckpoint, GetParam()));
    EXPECT_FALSE(expected().starts_with("read it") && !expected().starts_with("read it or"));
  } else {
    EXPECT_FALSE(expected().starts_with("refuse with an error")) << expected();
    visit(root);
    if (root.is_dict() && root.find("w") != nullptr && root.at("w").is_tensor() &&
        GetParam() != "duplicate_entries.pt")
      EXPECT_THAT(root.tensor_at("w").to_doubles(), ElementsAre(1, 2, 3, 4));
  }
  EXPECT_LT(peak_memory_kb() - before_kb, 300 * 1024) << "memory beyond what the file holds";
  EXPECT_FALSE(std::filesystem::exists(index().at("payload_marker").get<std::string>()));
}

INSTANTIATE_TEST_SUITE_P(Files, Hostile, ::testing::ValuesIn(files()), [](const auto& test) {
  std::string name = test.param;
  std::ranges::replace(name, '.', '_');
  return name;
});

}  // namespace
}  // namespace gannet
