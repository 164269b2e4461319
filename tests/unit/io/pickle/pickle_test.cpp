// What the unpickler accepts, opcode by opcode, and what the pickler writes.
#include "gannet/io/pickle/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/io/pickle_bytes.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using testing::dict_of;
using ::testing::ElementsAre;
using testing::global;
using testing::integer;
using testing::number;
using testing::program;
using testing::raw;
using testing::text;
using testing::tuple;

Value read(const std::string& opcodes) { return unpickle(program(opcodes), {}); }

Value round_trip(const Value& value, PickleClasses classes = PickleClasses::kRefuse) {
  return unpickle(pickle(value, {}, classes), {});
}

TEST(UnpickleTest, Numbers) {
  EXPECT_EQ(read("K\xff").as_int(), 255);
  EXPECT_EQ(read("M\xff\xff").as_int(), 65535);
  EXPECT_EQ(read("J\xfe\xff\xff\xff").as_int(), -2);
  EXPECT_EQ(read(raw("\x8a\0")).as_int(), 0);
  EXPECT_EQ(read("\x8a\x01\xff").as_int(), -1);
  EXPECT_EQ(read(raw("\x8a\x02\xff\0")).as_int(), 255);
  EXPECT_EQ(read(raw("\x8b\x03\0\0\0\0\0\x80")).as_int(), -8388608);
  EXPECT_EQ(read(raw("G\x3f\xf8\0\0\0\0\0\0")).as_double(), 1.5);
  EXPECT_TRUE(read("\x88").as_bool());
  EXPECT_TRUE(read("N").is_none());
}

TEST(UnpickleTest, IntegersBeyond64BitsAreInert) {
  const Value big = read(raw("\x8a\x09\0\0\0\0\0\0\0\0\x01"));
  EXPECT_EQ(big.as_record().full_name(), "builtins.int");
  EXPECT_EQ(big.as_record().args.at(0).as_string(), "010000000000000000");
}

TEST(UnpickleTest, TextAndBytes) {
  EXPECT_EQ(read(text("h\xc3\xa9")).as_string(), "h\xc3\xa9");
  EXPECT_EQ(read("\x8c\x02hi").as_string(), "hi");
  EXPECT_EQ(read(raw("\x8d\x02\0\0\0\0\0\0\0hi")).as_string(), "hi");
  EXPECT_EQ(read(raw("U\x02hi")).as_string(), "hi");
  EXPECT_EQ(read(raw("T\x02\0\0\0\xff\xfe")).as_bytes(), "\xff\xfe");
  EXPECT_EQ(read(raw("C\x01\0")).as_bytes(), std::string(1, '\0'));
  EXPECT_EQ(read(raw("B\x02\0\0\0hi")).as_bytes(), "hi");
  EXPECT_EQ(read(global("_codecs", "encode") + tuple(text("\xc3\xbfz") + text("latin1")) + "R")
                .as_bytes(),
            "\xffz");
}

TEST(UnpickleTest, Containers) {
  EXPECT_EQ(read("](K\x01K\x02"
                 "e")
                .as_list()
                .size(),
            2U);
  EXPECT_EQ(read("(K\x01K\x02l").at(1).as_int(), 2);
  EXPECT_EQ(read("]K\x01"
                 "a")
                .at(0)
                .as_int(),
            1);
  EXPECT_EQ(read("K\x01K\x02K\x03\x87").kind(), Value::Kind::kTuple);
  EXPECT_EQ(read("(" + text("a") +
                 "K\x01"
                 "d")
                .int_at("a"),
            1);
  EXPECT_EQ(read("}(" + text("a") + "K\x01" + text("b") + "K\x02u").int_at("b"), 2);
  EXPECT_EQ(read("\x8f(K\x01K\x02\x90").as_list().size(), 2U);
  EXPECT_EQ(read("(K\x01\x91").kind(), Value::Kind::kList);
  EXPECT_EQ(read("K\x01K\x02"
                 "0")
                .as_int(),
            1);
  EXPECT_EQ(read("K\x01(K\x02K\x03"
                 "1")
                .as_int(),
            1);
  EXPECT_EQ(read("K\x07"
                 "2\x86")
                .at(1)
                .as_int(),
            7);
}

TEST(UnpickleTest, MemoSharesContainers) {
  const Value pair = read(raw("]q\0h\0\x86"));
  EXPECT_EQ(pair.at(0).identity(), pair.at(1).identity());
  EXPECT_EQ(read(raw("]\x94j\0\0\0\0\x86")).as_list().size(), 2U);
}

TEST(UnpickleTest, HelpersThatCarryData) {
  EXPECT_TRUE(read(global("collections", "OrderedDict") + ")R").is_dict());
  EXPECT_EQ(read(global("collections", "OrderedDict") + "(](]" + text("k") + "a" +
                 "K\x05"
                 "aetR")
                .int_at("k"),
            5);
  EXPECT_TRUE(
      read(global("collections", "defaultdict") + global("builtins", "list") + "\x85R").is_dict());
  EXPECT_EQ(read(global("__builtin__", "set") + "](K\x01K\x02"
                                                "e\x85R")
                .as_list()
                .size(),
            2U);
  EXPECT_EQ(read(global("torch", "Size") + "(K\x02K\x03t\x85R").kind(), Value::Kind::kTuple);
  EXPECT_EQ(read(global("torch", "Size") + "(K\x02K\x03t\x85\x81").at(1).as_int(), 3);
  EXPECT_EQ(read(global("torch", "device") + text("cuda") + "K\x01\x86R").as_string(), "cuda:1");
  EXPECT_EQ(read(global("pathlib", "PosixPath") + tuple(text("/") + text("a") + text("b")) + "R")
                .as_string(),
            "/a/b");
}

TEST(UnpickleTest, InstancesAreInert) {
  const Value model = read(global("models.yolo", "Model") + ")\x81}" + text("nc") + "K\x05sb");
  EXPECT_EQ(model.as_record().full_name(), "models.yolo.Model");
  EXPECT_EQ(model.int_at("nc"), 5);
  const Value old = read(global("copy_reg", "_reconstructor") +
                         tuple(global("a", "B") + global("__builtin__", "object") + "N") + "R");
  EXPECT_EQ(old.as_record().name, "B");
  const Value mapping = read(global("easydict", "EasyDict") + ")\x81" + text("k") + "K\x01s");
  EXPECT_EQ(mapping.as_record().entries.int_at("k"), 1);
}

TEST(UnpickleTest, TypesAsData) {
  const Value dtype = read(global("torch", "float16"));
  EXPECT_EQ(dtype.as_record().form, Record::Form::kReference);
  EXPECT_EQ(dtype.as_record().full_name(), "torch.float16");
  EXPECT_EQ(read(text("torch") + text("float32") + "\x93").as_record().name, "float32");
}

std::string numpy_dtype(const std::string& code, const std::string& order = "<") {
  return global("numpy", "dtype") + tuple(text(code) + "\x89\x88") + "R" +
         tuple("K\x03" + text(order) + "NNN") + "b";
}

std::string numpy_array(const std::string& shape, const std::string& dtype, bool fortran,
                        const std::string& bytes) {
  return global("numpy.core.multiarray", "_reconstruct") +
         tuple(global("numpy", "ndarray") + raw("K\0\x85") +
               "C\x01"
               "b") +
         "R" +
         tuple("K\x01" + tuple(shape) + dtype + (fortran ? "\x88" : "\x89") + "C" +
               number(bytes.size(), 1) + bytes) +
         "b";
}

TEST(UnpickleTest, NumpyArraysAndScalars) {
  const Value row = read(numpy_array("K\x02", numpy_dtype("i2"), false, raw("\x01\0\x02\0")));
  EXPECT_EQ(row.as_tensor().dtype, DType::kI16);
  EXPECT_THAT(row.as_tensor().to_doubles(), ElementsAre(1, 2));
  const Value columns =
      read(numpy_array("K\x02K\x02", numpy_dtype("u1"), true, "\x01\x02\x03\x04"));
  EXPECT_THAT(columns.as_tensor().to_doubles(), ElementsAre(1, 3, 2, 4));
  const auto scalar = [](const std::string& dtype, const std::string& bytes) {
    return read(global("numpy._core.multiarray", "scalar") + dtype + "C" + number(bytes.size(), 1) +
                bytes + "\x86R");
  };
  EXPECT_EQ(scalar(numpy_dtype("f8"), raw("\0\0\0\0\0\0\xf8\x3f")).as_double(), 1.5);
  EXPECT_EQ(scalar(numpy_dtype("i8"), number(~0ULL, 8)).as_int(), -1);
  EXPECT_EQ(scalar(numpy_dtype("b1"), "\x01").as_bool(), true);
  EXPECT_ERROR(kCheckpoint, "reaches element 0", scalar(numpy_dtype("f8"), "\x01"));
  EXPECT_ERROR(kCheckpoint, "big-endian", scalar(numpy_dtype("f8", ">"), number(0, 8)));
  EXPECT_ERROR(kCheckpoint, "type 'O8'", scalar(numpy_dtype("O8"), number(0, 8)));
  EXPECT_ERROR(kCheckpoint, "reaches element 2",
               read(numpy_array("K\x03", numpy_dtype("i2"), false, raw("\x01\0\x02\0"))));
}

TEST(UnpickleTest, ReportsWhereThePickleEnds) {
  std::size_t used = 0;
  unpickle(program("K\x01") + "more", {}, &used);
  EXPECT_EQ(used, 5U);
}

TEST(PickleTest, PlainValuesComeBack) {
  Value many = Value::list();
  Value table = Value::dict();
  for (int i = 0; i < 2500; ++i) {
    many.append(i);
    table.set(i, Value::tuple({i, "x"}));
  }
  const Value back = round_trip(Value::dict({{"none", {}},
                                             {"bool", true},
                                             {"float", 0.1},
                                             {"text", "caf\xc3\xa9"},
                                             {"many", many},
                                             {"bytes", Value::bytes("\xff\x80"
                                                                    "a")},
                                             {"table", table},
                                             {7, "key"},
                                             {"empty", Value::list()},
                                             {"unit", Value::tuple({})}}));
  EXPECT_TRUE(back.at("none").is_none());
  EXPECT_EQ(back.double_at("float"), 0.1);
  EXPECT_EQ(back.string_at("text"), "caf\xc3\xa9");
  EXPECT_EQ(back.at("bytes").as_bytes(),
            "\xff\x80"
            "a");
  EXPECT_EQ(back.at("many").at(2499).as_int(), 2499);
  EXPECT_EQ(back.at("table").as_dict().find(Value(2499))->at(0).as_int(), 2499);
  EXPECT_EQ(back.as_dict().find(Value(7))->as_string(), "key");
  EXPECT_TRUE(back.list_at("empty").empty());
  EXPECT_EQ(back.at("unit").kind(), Value::Kind::kTuple);
}

TEST(PickleTest, IntegersOfEverySize) {
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{255}, std::int64_t{256}, std::int64_t{-1},
        std::int64_t{1} << 31, -(std::int64_t{1} << 31), Limits::max(), Limits::min()}) {
    EXPECT_EQ(round_trip(value).as_int(), value);
  }
}

TEST(PickleTest, ClassesOnlyOnRequest) {
  const Value model = Record{"models.yolo",
                             "Model",
                             Record::Form::kInstance,
                             Value::tuple({}),
                             Value::dict({{"nc", 3}}),
                             Value::dict({{"k", 1}})};
  EXPECT_ERROR(kCheckpoint, "cannot be written as plain data", round_trip(model));
  const Value back = round_trip(model, PickleClasses::kWrite);
  EXPECT_EQ(back.int_at("nc"), 3);
  EXPECT_EQ(back.as_record().entries.int_at("k"), 1);
  const Value call =
      Record{"torch", "Size", Record::Form::kCall, Value::tuple({Value::tuple({1, 2})}), {}, {}};
  EXPECT_EQ(round_trip(call, PickleClasses::kWrite).at(1).as_int(), 2);
}

TEST(PickleTest, RefusesBadTextAndEndlessNesting) {
  EXPECT_ERROR(kCheckpoint, "is not UTF-8", round_trip("\xff"));
  Value list = Value::list();
  list.append(list);
  EXPECT_ERROR(kCheckpoint, "nests too deeply", pickle(list, {}));
  list.as_list().clear();
}

}  // namespace
}  // namespace gannet
