// Damaged, lying and malicious pickles inside sound archives: one clear line each, no harm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gannet/io/pickle/pickle.h"
#include "tests/unit/io/pickle_bytes.h"

namespace gannet {
namespace {

using testing::dict_of;
using testing::global;
using ::testing::HasSubstr;
using testing::integer;
using testing::number;
using testing::opcodes_error;
using testing::raw;
using testing::tensor;
using testing::text;
using testing::tuple;

TEST(PickleRefusalTest, ControlIsAccepted) { EXPECT_EQ(opcodes_error(dict_of(tensor({}))), ""); }

TEST(PickleRefusalTest, CallsOfAnythingElse) {
  const std::string argument = tuple(text("touch HOSTILE_PAYLOAD_RAN"));
  const std::pair<std::string, std::string> callables[] = {{"os", "system"},
                                                           {"posix", "system"},
                                                           {"nt", "system"},
                                                           {"builtins", "eval"},
                                                           {"__builtin__", "eval"},
                                                           {"builtins", "getattr"},
                                                           {"torch.hub", "load"},
                                                           {"torch.serialization", "load"},
                                                           {"torch.storage", "_load_from_bytes"},
                                                           {"numpy", "load"},
                                                           {"models.yolo", "Model"},
                                                           {"collections.OrderedDict", "x"}};
  for (const auto& [module, name] : callables) {
    const std::string expected = "would run code ('" + module + "." + name + "'): refused";
    EXPECT_THAT(opcodes_error(global(module, name) + argument + "R"), HasSubstr(expected));
    EXPECT_THAT(opcodes_error(text(module) + text(name) + "\x93" + argument + "R"),
                HasSubstr(expected));
  }
}

TEST(PickleRefusalTest, InstancesOfSystemClasses) {
  EXPECT_THAT(opcodes_error(global("subprocess", "Popen") + "(]t\x81"), HasSubstr("run code"));
  EXPECT_THAT(opcodes_error(global("subprocess", "Popen") + ")\x81"), HasSubstr("run code"));
  EXPECT_THAT(opcodes_error("(" + text("x") + "ios\nsystem\n"), HasSubstr("run code"));
  EXPECT_THAT(opcodes_error(global("unknown", "Thing") + "K\x01\x85\x81"), HasSubstr("run code"));
  EXPECT_THAT(opcodes_error(global("torch", "Tensor") + ")}" + text("a") + "K\x01s\x92"),
              HasSubstr("named arguments"));
}

TEST(PickleRefusalTest, CodeAmongTheData) {
  EXPECT_THAT(opcodes_error(dict_of(global("os", "system"))), HasSubstr("reference to code"));
  EXPECT_THAT(opcodes_error(global("collections", "OrderedDict") + ")R}" + text("__class__") +
                            global("os", "system") + "sb"),
              HasSubstr("__class__"));
  EXPECT_THAT(opcodes_error(global("models.yolo", "Model") + ")\x81}" + text("forward") +
                            global("os", "system") + "sb"),
              HasSubstr("reference to code"));
  EXPECT_THAT(opcodes_error(global("models.yolo", "Model") + ")\x81N}" + text("__reduce__") +
                            "Ns\x86"
                            "b"),
              HasSubstr("__reduce__"));
  EXPECT_THAT(opcodes_error(global("models.yolo", "Model") + "}b"), HasSubstr("of a class"));
}

TEST(PickleRefusalTest, TensorsThatLie) {
  const std::int64_t huge = std::int64_t{1} << 31;
  const std::int64_t vast = std::int64_t{1} << 60;
  const testing::TensorSpec bad[] = {{.num_elements = vast},
                                     {.num_elements = -4},
                                     {.num_elements = 5},
                                     {.num_elements = 3},
                                     {.type = "DoubleStorage"},
                                     {.type = "QuaternionStorage"},
                                     {.key = "../../etc/hostname"},
                                     {.key = "7"},
                                     {.offset = -1},
                                     {.offset = 2},
                                     {.shape = {-4}},
                                     {.shape = {5}},
                                     {.strides = {-1}},
                                     {.strides = {2}},
                                     {.strides = {1, 1}},
                                     {.shape = {huge, huge}, .strides = {1, 1}},
                                     {.shape = {huge, huge, huge}, .strides = {0, 0, 0}},
                                     {.shape = {vast}, .strides = {0}},
                                     {.shape = {std::int64_t{1} << 40}, .strides = {0}}};
  for (const testing::TensorSpec& spec : bad) {
    EXPECT_NE(opcodes_error(dict_of(tensor(spec))), "");
  }
  EXPECT_EQ(opcodes_error(dict_of(tensor({.shape = {100, 4}, .strides = {0, 1}}))), "");
}

TEST(PickleRefusalTest, PersistentIds) {
  EXPECT_NE(opcodes_error(text("0") + "Q"), "");
  EXPECT_THAT(opcodes_error(tuple(text("magic") + text("x")) + "Q"), HasSubstr("'magic'"));
  EXPECT_THAT(opcodes_error(tuple(text("storage") + global("os", "system") + text("0") +
                                  text("cpu") + "K\x04") +
                            "Q"),
              HasSubstr("os.system"));
}

TEST(PickleRefusalTest, LengthsBeyondTheEnd) {
  for (const std::string& opcodes :
       {"X" + number(0x7FFFFFFF, 4), raw("\x8e") + number(1ULL << 62, 8),
        raw("\x8d") + number(~0ULL, 8), raw("\x8b") + number(0x7FFFFFFF, 4),
        raw("\x8b") + number(0xFFFFFFFB, 4), raw("\x95") + number(1000, 8), "B" + number(9, 4)}) {
    EXPECT_THAT(opcodes_error(opcodes), HasSubstr("ends")) << opcodes;
  }
}

TEST(PickleRefusalTest, BrokenMachines) {
  EXPECT_THAT(opcodes_error("s"), HasSubstr("takes more"));
  EXPECT_THAT(opcodes_error("(0"
                            "0"),
              HasSubstr("takes more"));
  EXPECT_THAT(opcodes_error("](K\x01"
                            "a"),
              HasSubstr("takes more"));
  EXPECT_THAT(opcodes_error("t"), HasSubstr("misses a mark"));
  EXPECT_THAT(opcodes_error("h\x05"), HasSubstr("never set"));
  EXPECT_THAT(opcodes_error("\xfe"), HasSubstr("unknown opcode 0xfe"));
  EXPECT_THAT(opcodes_error("K\x01K\x02K\x03s"), HasSubstr("sets items"));
  EXPECT_THAT(opcodes_error("K\x01K\x02"
                            "a"),
              HasSubstr("appends"));
  EXPECT_THAT(opcodes_error(")K\x02"
                            "a"),
              HasSubstr("appends"));
  EXPECT_THAT(opcodes_error("}]K\x01s"), HasSubstr("dictionary key"));
  EXPECT_THAT(opcodes_error("}(K\x01u"), HasSubstr("without a value"));
  EXPECT_THAT(opcodes_error("\x80\x09N"), HasSubstr("protocol 9"));
  EXPECT_THAT(opcodes_error(text("\xff\xfe")), HasSubstr("not UTF-8"));
  EXPECT_THAT(opcodes_error("K\x01)R"), HasSubstr("calls"));
  EXPECT_THAT(opcodes_error("K\x05"), HasSubstr("not a checkpoint"));
  EXPECT_THAT(opcodes_error("cos"), HasSubstr("middle of a line"));
}

TEST(PickleRefusalTest, MemoIsNoTable) { EXPECT_EQ(opcodes_error("}r\xff\xff\xff\xff"), ""); }

TEST(PickleRefusalTest, Cycles) {
  EXPECT_THAT(opcodes_error(raw("]q\0h\0"
                                "a")),
              HasSubstr("contains itself"));
  EXPECT_THAT(opcodes_error(raw("}q\0") + text("a") + raw("h\0s")), HasSubstr("contains itself"));
  EXPECT_THAT(opcodes_error(global("a", "B") + raw(")\x81q\0h\0b")), HasSubstr("contains itself"));
  // A cycle that is dropped again must not leak either (the sanitizers see to that).
  EXPECT_EQ(opcodes_error(raw("]q\0h\0"
                              "a0}")),
            "");
}

TEST(PickleRefusalTest, DepthWithoutStackOverflow) {
  constexpr std::size_t kDeep = 300'000;
  const std::string too_deep = "nests too deeply";
  EXPECT_THAT(opcodes_error("]" + std::string(kDeep, '\x85')), HasSubstr(too_deep));
  std::string lists;
  for (std::size_t i = 0; i < kDeep; ++i) lists += "]";
  EXPECT_THAT(opcodes_error(lists + std::string(kDeep - 1, 'a')), HasSubstr(too_deep));
  // Built from the outside in: each list is deep only once all are linked.
  std::string chain = raw("]q\0q\x01");
  for (std::size_t i = 0; i < kDeep; ++i)
    chain +=
        raw("]q\x02"
            "ah\x02q\x01");
  EXPECT_THAT(opcodes_error(chain + raw("0h\0")), HasSubstr(too_deep));
  EXPECT_EQ(opcodes_error(chain + "]"), "");  // dropped, not part of the result
  EXPECT_EQ(opcodes_error("]" + std::string(400, '\x85')), "");
}

TEST(PickleRefusalTest, SharingThatUnfoldsWithoutEnd) {
  std::string opcodes = raw("]q\0");
  for (int i = 0; i < 60; ++i) opcodes += raw("h\0\x86q\0");
  EXPECT_THAT(opcodes_error(opcodes), HasSubstr("repeats itself"));
}

TEST(PickleRefusalTest, CopiesOutOfProportion) {
  std::string opcodes = raw("](") + std::string(50'000, 'N') + "eq" + '\0' +
                        global("builtins", "set") +
                        raw("q\x01"
                            "0");
  for (int i = 0; i < 50'000; ++i) opcodes += raw("h\x01h\0\x85R0");
  EXPECT_THAT(opcodes_error(opcodes), HasSubstr("out of proportion"));
}

TEST(PickleRefusalTest, NumpyArrayWithoutContent) {
  EXPECT_THAT(opcodes_error(dict_of(global("numpy.core.multiarray", "_reconstruct") +
                                    tuple(global("numpy", "ndarray") + raw("K\0\x85NR")))),
              ::testing::Not(""));
  EXPECT_NE(opcodes_error(dict_of(global("numpy.core.multiarray", "_reconstruct") +
                                  global("numpy", "ndarray") + "\x85R")),
            "");
}

TEST(PickleRefusalTest, ControlCharactersAreDataButEscapedInMessages) {
  EXPECT_EQ(opcodes_error("}" + text("a\nb\x1b[31m") + "Ns"), "");
  EXPECT_THAT(opcodes_error(global("os\x1b[31m", "x") + ")R"), HasSubstr("os\\x1b[31m.x"));
}

}  // namespace
}  // namespace gannet
