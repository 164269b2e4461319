#include "gannet/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "gannet/core/error.h"
#include "tests/unit/io/pickle_bytes.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::number;

std::string file_of(const std::string& header, const std::string& data) {
  return number(header.size(), 8) + header + data;
}

std::string error_of(const std::string& file) {
  try {
    parse_safetensors(make_storage(file));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    return error.what();
  }
  return {};
}

using SafeTensorsOnDisk = testing::TemporaryFolder;

TEST_F(SafeTensorsOnDisk, RoundTripOfTypesViewsAndMetadata) {
  const std::string file = path("round_trip.safetensors");
  SafeTensors before;
  before.metadata["format"] = "gannet";
  const StoragePtr floats = make_storage(testing::four_floats());
  before.tensors.emplace_back("transposed", TensorData{DType::kF32, {2, 2}, {1, 2}, 0, floats});
  before.tensors.emplace_back("scalar", TensorData{DType::kF32, {}, {}, 3, floats});
  before.tensors.emplace_back("empty", contiguous_tensor(DType::kI64, {0, 3}, make_storage("")));
  for (const DType dtype : {DType::kF16, DType::kBF16, DType::kF64, DType::kI8, DType::kU8,
                            DType::kI16, DType::kI32, DType::kI64, DType::kBool}) {
    before.tensors.emplace_back(
        std::string(name(dtype)),
        contiguous_tensor(dtype, {3}, make_storage(std::string(3 * item_size(dtype), '\1'))));
  }
  save_safetensors(file, before);
  const SafeTensors after = load_safetensors(file);
  EXPECT_EQ(after.metadata, before.metadata);
  ASSERT_EQ(after.tensors.size(), before.tensors.size());
  for (const auto& [key, tensor] : before.tensors) {
    ASSERT_NE(after.find(key), nullptr) << key;
    EXPECT_EQ(after.find(key)->dtype, tensor.dtype) << key;
    EXPECT_EQ(after.find(key)->shape, tensor.shape) << key;
    EXPECT_EQ(after.find(key)->contiguous_bytes(), tensor.contiguous_bytes()) << key;
  }
  EXPECT_THAT(after.find("transposed")->to_doubles(), ElementsAre(1, 3, 2, 4));
  EXPECT_EQ(after.find("missing"), nullptr);
}

TEST(SafeTensorsTest, RefusesWhatDoesNotFit) {
  const std::string data(16, '\0');
  const auto one = [&](const std::string& entry) { return error_of(file_of(entry, data)); };
  EXPECT_EQ(one(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})"), "");
  EXPECT_THAT(one(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}})"),
              HasSubstr("a: a float32 tensor of shape [3] needs 12 bytes and has 16"));
  EXPECT_NE(one(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}})"), "");
  EXPECT_NE(one(R"({"a":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}})"), "");
  EXPECT_NE(one(R"({"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}})"), "");
  EXPECT_NE(one(R"({"a":{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}})"), "");
  EXPECT_NE(one(R"({"a":{"dtype":"C64","shape":[2],"data_offsets":[0,16]}})"), "");
  EXPECT_NE(one(R"({"a":{"dtype":"F32","shape":[4]}})"), "");
  EXPECT_NE(one(R"({"a":5})"), "");
  EXPECT_NE(one(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}})"),
            "");
  EXPECT_NE(one(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"), "") << "unused";
  EXPECT_NE(one(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
                R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})"),
            "")
      << "overlap";
  EXPECT_NE(one(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                R"("a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})"),
            "")
      << "twice";
  EXPECT_NE(one(R"({"__metadata__":{"a":1}})"), "");
}

TEST(SafeTensorsTest, RefusesDamagedHeaders) {
  EXPECT_THAT(error_of(number(1ULL << 62, 8) + "{}"), HasSubstr("claims"));
  EXPECT_NE(error_of(""), "");
  EXPECT_NE(error_of(file_of("[1]", "")), "");
  EXPECT_NE(error_of(file_of("{nonsense", "")), "");
  EXPECT_NE(error_of(file_of(std::string(200'000, '['), "")), "");
  EXPECT_EQ(error_of(file_of("{}", "")), "");
  const std::string file =
      file_of(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", std::string(16, 'x'));
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_NE(error_of(file.substr(0, length)), "") << length;
  }
}

TEST(SafeTensorsTest, RefusesToWriteOneNameTwice) {
  const TensorData tensor = contiguous_tensor(DType::kU8, {1}, make_storage("x"));
  EXPECT_ERROR(kCheckpoint, "two tensors have the name 'a'",
               save_safetensors("unused", {{{"a", tensor}, {"a", tensor}}, {}}));
}

}  // namespace
}  // namespace gannet
