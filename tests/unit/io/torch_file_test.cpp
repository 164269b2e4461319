#include "gannet/io/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/io/pickle_bytes.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using testing::dict_of;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::integer;
using testing::number;
using testing::program;
using testing::raw;
using testing::tensor;
using testing::text;

using TorchFileOnDisk = testing::TemporaryFolder;

std::string bytes_of(const Value& value) {
  std::string file;
  write_torch_file([&](const void* data,
                       std::size_t size) { file.append(static_cast<const char*>(data), size); },
                   value);
  return file;
}

TEST(TorchFileTest, EveryTypeComesBack) {
  for (const DType dtype : {DType::kF16, DType::kBF16, DType::kF32, DType::kF64, DType::kI8,
                            DType::kU8, DType::kI16, DType::kI32, DType::kI64, DType::kBool}) {
    std::string content(6 * item_size(dtype), '\0');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i % 2);
    const TensorData before = contiguous_tensor(dtype, {2, 3}, make_storage(content));
    const Value back = parse_torch_file(make_storage(bytes_of(Value::dict({{"t", before}}))));
    const TensorData& after = back.tensor_at("t");
    EXPECT_EQ(after.dtype, dtype);
    EXPECT_THAT(after.shape, ElementsAre(2, 3));
    EXPECT_EQ(after.contiguous_bytes(), before.contiguous_bytes()) << name(dtype);
  }
}

TEST(TorchFileTest, SharedStoragesAreWrittenOnceAndStayShared) {
  const StoragePtr storage = make_storage(testing::four_floats());
  const std::string file = bytes_of(Value::dict(
      {{"whole", TensorData{DType::kF32, {4}, {1}, 0, storage}},
       {"transposed", TensorData{DType::kF32, {2, 2}, {1, 2}, 0, storage}},
       {"scalar", TensorData{DType::kF32, {}, {}, 2, storage}},
       {"expanded", TensorData{DType::kF32, {2, 2}, {0, 0}, 3, storage}},
       {"bits", TensorData{DType::kI32, {1}, {1}, 0, storage}},
       {"empty", TensorData{DType::kF32, {0, 3}, {3, 1}, 0, make_storage(std::string())}}}));
  const ZipReader zip(make_storage(file));
  EXPECT_TRUE(zip.contains("archive/data/2"));  // floats, integers, nothing
  EXPECT_FALSE(zip.contains("archive/data/3"));
  const Value back = parse_torch_file(make_storage(file));
  EXPECT_EQ(back.tensor_at("whole").storage, back.tensor_at("transposed").storage);
  EXPECT_THAT(back.tensor_at("transposed").to_doubles(), ElementsAre(1, 3, 2, 4));
  EXPECT_THAT(back.tensor_at("scalar").to_doubles(), ElementsAre(3));
  EXPECT_THAT(back.tensor_at("expanded").to_doubles(), ElementsAre(4, 4, 4, 4));
  EXPECT_THAT(back.tensor_at("bits").to_doubles(), ElementsAre(0x3F800000));
  EXPECT_THAT(back.tensor_at("empty").shape, ElementsAre(0, 3));
}

TEST(TorchFileTest, TensorsOutliveTheFile) {
  Value inner;
  {
    const Value back =
        parse_torch_file(make_storage(testing::checkpoint(program(dict_of(tensor({}))))));
    inner = back.at("w");
  }
  EXPECT_THAT(inner.as_tensor().to_doubles(), ElementsAre(1, 2, 3, 4));
}

TEST_F(TorchFileOnDisk, SavesAndLoadsOnDisk) {
  const std::string file = path("saved.pt");
  save_torch_file(file, Value::dict({{"epoch", 3}, {"nested", Value::list({1, Value::dict()})}}));
  const Value back = load_torch_file(file);
  EXPECT_EQ(back.int_at("epoch"), 3);
  EXPECT_EQ(back.list_at("nested").size(), 2U);
}

TEST_F(TorchFileOnDisk, AFailedSaveLeavesTheOldFile) {
  const std::string file = path("kept.pt");
  save_torch_file(file, Value::dict({{"epoch", 1}}));
  EXPECT_ERROR(kCheckpoint, "cannot be written as plain data",
               save_torch_file(file, Value::dict({{"model", Record{}}})));
  EXPECT_EQ(load_torch_file(file).int_at("epoch"), 1);
}

TEST_F(TorchFileOnDisk, ErrorsNameTheFile) {
  try {
    load_torch_file("/nowhere/x.pt");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/x.pt"));
  }
  const std::string file = path("page.pt");
  std::ofstream(file) << "<!DOCTYPE html><html>404</html>";
  try {
    load_torch_file(file);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr("page.pt: not a checkpoint: this looks like a web page"));
  }
  EXPECT_ERROR(kIo, "not a regular file", load_torch_file(folder_));
}

TEST(TorchFileTest, TellsWhatTheFileIsInstead) {
  EXPECT_THAT(error_of(""), HasSubstr("empty"));
  EXPECT_THAT(error_of("\xFF\xD8\xFF\xE0 JFIF"), HasSubstr("JPEG"));
  EXPECT_THAT(error_of("\x89PNG\r\n"), HasSubstr("PNG"));
  EXPECT_THAT(error_of("version https://git-lfs.github.com/spec/v1"), HasSubstr("Git LFS"));
  EXPECT_THAT(error_of("hello"), HasSubstr("text"));
  EXPECT_THAT(error_of(raw("\x10\0\0\0\0\0\0\0{}")), HasSubstr("safetensors"));
  EXPECT_THAT(error_of("\xfe\xff\x01"), HasSubstr("not a checkpoint"));
}

TEST(TorchFileTest, ArchivesThatAreNoCheckpoints) {
  const std::string content = program(dict_of(tensor({})));
  const std::string data = testing::four_floats();
  EXPECT_THAT(error_of(testing::zip_of({{"a/b", "c"}})), HasSubstr("no data.pkl"));
  EXPECT_THAT(error_of(testing::zip_of({{"a/data.pkl", content}, {"b/data.pkl", content}})),
              HasSubstr("two checkpoints"));
  EXPECT_THAT(error_of(testing::zip_of({{"a/data.pkl", content}, {"a/constants.pkl", ""}})),
              HasSubstr("TorchScript"));
  EXPECT_THAT(error_of(testing::zip_of(
                  {{"a/data.pkl", content}, {"a/data/0", data}, {"a/byteorder", "big"}})),
              HasSubstr("byte order"));
  EXPECT_THAT(error_of(testing::zip_of({{"a/data.pkl", content}})), HasSubstr("a/data/0"));
  EXPECT_THAT(error_of(testing::zip_of({{"a/data.pkl", content}, {"a/data/0", data + data}})),
              HasSubstr("claims 16 bytes and has 32"));
}

/// The stream form with one storage; the parts can be replaced by wrong ones.
struct Legacy {
  std::string magic = raw("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
  std::string protocol = "M\xe9\x03";
  std::string system = "}" + text("little_endian") + "\x88s";
  std::string content = dict_of(tensor({.legacy = true}));
  std::string keys = "]" + text("0") + "a";
  std::string data = number(4, 8) + testing::four_floats();

  std::string file() const {
    return program(magic) + program(protocol) + program(system) + program(content) + program(keys) +
           data;
  }
};

TEST(LegacyFileTest, Reads) {
  const Value value = parse_torch_file(make_storage(Legacy{}.file()));
  EXPECT_THAT(value.tensor_at("w").to_doubles(), ElementsAre(1, 2, 3, 4));
}

TEST(LegacyFileTest, RefusesWhatDoesNotAgree) {
  EXPECT_THAT(error_of(Legacy{.magic = "K\x01"}.file()), HasSubstr("not of torch.save"));
  EXPECT_THAT(error_of(Legacy{.protocol = "M\x0f\x27"}.file()), HasSubstr("version 9999"));
  EXPECT_THAT(error_of(Legacy{.system = "}" + text("little_endian") + "\x89s"}.file()),
              HasSubstr("big-endian"));
  EXPECT_THAT(error_of(Legacy{.keys = "]"}.file()), HasSubstr("not in the file"));
  EXPECT_THAT(error_of(Legacy{.keys = "]" + text("7") + "a"}.file()), HasSubstr("not used"));
  const Legacy twice{.keys = "](" + text("0") + text("0") + "e"};
  EXPECT_THAT(error_of(twice.file() + twice.data), HasSubstr("listed twice"));
  for (const std::uint64_t count : {std::uint64_t{1} << 60, ~std::uint64_t{3}, std::uint64_t{2}}) {
    EXPECT_THAT(error_of(Legacy{.data = number(count, 8) + testing::four_floats()}.file()),
                HasSubstr("where its tensors need 4"));
  }
  EXPECT_THAT(error_of(Legacy{.content = dict_of(
                                  tensor({.num_elements = std::int64_t{1} << 60, .legacy = true}))}
                           .file()),
              HasSubstr("elements"));
}

/// Every prefix is refused, and no single changed byte does harm.
void expect_robust(const std::string& file) {
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_NE(error_of(file.substr(0, length)), "") << length;
  }
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const int change : {1, 0x80, 0xFF}) {
      std::string changed = file;
      changed[i] = static_cast<char>(changed[i] ^ change);
      error_of(changed);
    }
  }
}

TEST(TorchFileTest, TruncationAndDamageAreHarmless) {
  expect_robust(testing::checkpoint(program(dict_of(tensor({})))));
}

TEST(LegacyFileTest, TruncationAndDamageAreHarmless) { expect_robust(Legacy{}.file()); }

}  // namespace
}  // namespace gannet
