#include "gannet/io/value.h"

#include <gtest/gtest.h>

#include "gannet/core/error.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
    return error.what();
  }
  return {};
}

TEST(ValueTest, KnowsItsKind) {
  EXPECT_TRUE(Value().is_none());
  EXPECT_EQ(Value(true).kind(), Value::Kind::kBool);
  EXPECT_EQ(Value(7).kind(), Value::Kind::kInt);
  EXPECT_EQ(Value(0.5).kind(), Value::Kind::kFloat);
  EXPECT_EQ(Value("x").kind(), Value::Kind::kString);
  EXPECT_EQ(Value::bytes("x").kind(), Value::Kind::kBytes);
  EXPECT_EQ(Value::tuple({}).kind(), Value::Kind::kTuple);
  EXPECT_EQ(Value(TensorData{}).kind(), Value::Kind::kTensor);
  EXPECT_EQ(Value(Record{}).kind_name(), "record");
}

TEST(ValueTest, ConvertsNumbersUpwardsOnly) {
  EXPECT_EQ(Value(true).as_int(), 1);
  EXPECT_EQ(Value(3).as_double(), 3.0);
  EXPECT_ERROR(kCheckpoint, "an integer expected, found float", Value(3.0).as_int());
  EXPECT_ERROR(kCheckpoint, "a bool expected, found int", Value(1).as_bool());
}

TEST(ValueTest, ErrorsNameKeyAndFinding) {
  const Value value = Value::dict({{"epoch", "three"}});
  EXPECT_EQ(message_of([&] { value.int_at("epoch"); }), "epoch: an integer expected, found string");
  EXPECT_EQ(message_of([&] { value.int_at("step"); }), "step: no such entry");
  EXPECT_EQ(message_of([&] { value.at({"optimizer", "state"}); }), "optimizer: no such entry");
  const Value nested = Value::dict({{"a", Value::dict({{"b", 1}})}});
  EXPECT_EQ(message_of([&] { nested.at({"a", "c"}); }), "a/c: no such entry");
  EXPECT_EQ(nested.at({"a", "b"}).as_int(), 1);
}

TEST(ValueTest, CopiesShareContainers) {
  Value list = Value::list({1});
  const Value copy = list;
  list.append(2);
  EXPECT_EQ(copy.as_list().size(), 2U);
  EXPECT_EQ(copy.identity(), list.identity());
}

TEST(DictTest, KeepsInsertionOrderAndReplacesInPlace) {
  Value dict = Value::dict({{"b", 1}, {"a", 2}});
  dict.set("b", 3);
  ASSERT_EQ(dict.as_dict().size(), 2U);
  EXPECT_EQ(dict.as_dict().begin()[0].first.as_string(), "b");
  EXPECT_EQ(dict.int_at("b"), 3);
}

TEST(DictTest, FindsAmongManyAndTellsTypesApart) {
  Value dict = Value::dict();
  for (int i = 0; i < 1000; ++i) dict.set(i, 2 * i);
  dict.set("5", "text");
  EXPECT_EQ(dict.as_dict().find(Value(777))->as_int(), 1554);
  EXPECT_EQ(dict.as_dict().find(Value(5.0))->as_int(), 10);
  EXPECT_EQ(dict.string_at("5"), "text");
  EXPECT_EQ(dict.as_dict().find(Value(1000)), nullptr);
}

TEST(DictTest, RefusesKeysThatPythonRefuses) {
  Value dict = Value::dict();
  EXPECT_ERROR(kCheckpoint, "a list cannot be", dict.set(Value::list(), 1));
  EXPECT_ERROR(kCheckpoint, "a dict cannot be", dict.set(Value::tuple({Value::dict()}), 1));
  dict.set(Value::tuple({1, "x"}), 1);
  EXPECT_NE(dict.as_dict().find(Value::tuple({1, "x"})), nullptr);
}

TEST(RecordTest, AttributesAreFoundByName) {
  const Value model = Record{"models.yolo",
                             "Model",
                             Record::Form::kInstance,
                             Value::tuple({}),
                             Value::dict({{"nc", 80}}),
                             {}};
  EXPECT_EQ(model.int_at("nc"), 80);
  EXPECT_EQ(model.find("names"), nullptr);
  EXPECT_EQ(model.as_record().full_name(), "models.yolo.Model");
}

}  // namespace
}  // namespace gannet
