// The original's own checkpoints, read without Python: types, shapes, sums, first values and
// SHA-256 of every state entry against the recorded ones (vectors/checkpoints).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "gannet/core/error.h"
#include "gannet/io/safetensors.h"
#include "gannet/io/torch_file.h"
#include "tests/parity/vector_files.h"

namespace gannet {
namespace {

using Json = nlohmann::json;
using State = std::map<std::string, TensorData>;

/// SHA-256 (FIPS 180-4), its constants derived from the primes as the standard says.
class Sha256 {
 public:
  Sha256() {
    std::size_t found = 0;
    for (int candidate = 2; found < 64; ++candidate) {
      bool is_prime = true;
      for (int d = 2; d * d <= candidate; ++d) is_prime = is_prime && candidate % d != 0;
      if (!is_prime) continue;
      const auto prime = static_cast<long double>(candidate);
      if (found < 8) state_[found] = fraction_bits(std::sqrt(prime));
      rounds_[found++] = fraction_bits(std::cbrt(prime));
    }
  }

  std::string of(const std::vector<std::byte>& message) {
    std::vector<std::uint8_t> padded;
    for (const std::byte b : message) padded.push_back(std::to_integer<std::uint8_t>(b));
    padded.push_back(0x80);
    while (padded.size() % 64 != 56) padded.push_back(0);
    const std::uint64_t bits = message.size() * 8;
    for (int i = 7; i >= 0; --i) padded.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
    for (std::size_t i = 0; i < padded.size(); i += 64) block(&padded[i]);
    std::string text;
    for (const std::uint32_t word : state_) {
      for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[word >> shift & 15U];
    }
    return text;
  }

 private:
  static std::uint32_t fraction_bits(long double value) {
    return static_cast<std::uint32_t>((value - std::floor(value)) * 4294967296.0L);
  }

  void block(const std::uint8_t* bytes) {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 16; ++i) {
      for (std::size_t k = 0; k < 4; ++k) w[i] = w[i] << 8U | bytes[4 * i + k];
    }
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t a = w[i - 15];
      const std::uint32_t b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3U) +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10U);
    }
    std::array<std::uint32_t, 8> s = state_;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
      const std::uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
      const std::uint32_t first = s[7] + choice + rounds_[i] + w[i] +
                                  (std::rotr(s[4], 6) ^ std::rotr(s[4], 11) ^ std::rotr(s[4], 25));
      const std::uint32_t second =
          majority + (std::rotr(s[0], 2) ^ std::rotr(s[0], 13) ^ std::rotr(s[0], 22));
      s = {first + second, s[0], s[1], s[2], s[3] + first, s[4], s[5], s[6]};
    }
    for (std::size_t i = 0; i < 8; ++i) state_[i] += s[i];
  }

  std::array<std::uint32_t, 8> state_{};
  std::array<std::uint32_t, 64> rounds_{};
};

/// Parameters and buffers of an inert torch module, named as state_dict() names them.
void collect(const Value& module, const std::string& prefix, State& state) {
  for (const char* group : {"_parameters", "_buffers"}) {
    for (const auto& [key, value] : module.at(group).as_dict()) {
      if (value.is_tensor()) state[prefix + key.as_string()] = value.as_tensor();
    }
  }
  for (const auto& [key, child] : module.at("_modules").as_dict()) {
    collect(child, prefix + key.as_string() + ".", state);
  }
}

void expect_entry(const TensorData& tensor, const Json& expected) {
  EXPECT_EQ(std::string(name(tensor.dtype)), expected["dtype"]);
  EXPECT_EQ(Json(tensor.shape), expected["shape"]);
  const std::vector<double> values = tensor.to_doubles();
  double sum = 0;
  for (const double value : values) sum += value;
  EXPECT_NEAR(sum, expected["sum"].get<double>(), 1e-9 * expected["abs_sum"].get<double>());
  for (std::size_t i = 0; i < expected["first"].size(); ++i) {
    EXPECT_EQ(values.at(i), expected["first"][i].get<double>());
  }
  EXPECT_EQ(Sha256().of(tensor.contiguous_bytes()), expected["sha256"]);
}

/// Content of a stored checkpoint.
Value load(const std::string& file) {
  return parse_torch_file(make_storage(testing::read_vector("checkpoints/" + file)));
}

/// @return how many entries were compared; stops at the first that is off
std::size_t compare_state(const State& state, const Json& expected) {
  EXPECT_EQ(state.size(), expected.size());
  std::size_t compared = 0;
  for (const auto& [key, entry] : expected.items()) {
    SCOPED_TRACE(key);
    const auto found = state.find(key);
    EXPECT_NE(found, state.end());
    if (found != state.end()) expect_entry(found->second, entry);
    if (::testing::Test::HasFailure()) break;
    ++compared;
  }
  return compared;
}

struct Stored {
  const char* content;
  const char* form;
};

class CheckpointParity : public ::testing::TestWithParam<Stored> {};

TEST_P(CheckpointParity, EveryStateEntryIsRead) {
  const std::string content = GetParam().content;
  const Json expected = testing::read_vector_json("checkpoints/" + content + ".json");
  const Value checkpoint = load(content + "." + GetParam().form + ".pt");

  std::vector<std::string> keys;
  for (const auto& [key, value] : checkpoint.as_dict()) keys.push_back(key.as_string());
  EXPECT_EQ(Json(keys), expected["keys"]);
  EXPECT_EQ(checkpoint.int_at("epoch"), expected["entries"]["epoch"]);
  const Value& model = checkpoint.at("model");
  EXPECT_EQ(model.as_record().full_name(), expected["model"]["class"]);
  EXPECT_EQ(model.int_at("nc"), expected["model"]["nc"]);
  EXPECT_EQ(Json(model.tensor_at("stride").to_doubles()), expected["model"]["stride"]);

  State state;
  collect(model, "", state);
  EXPECT_GT(compare_state(state, expected["state"]), 300U);
}

INSTANTIATE_TEST_SUITE_P(Files, CheckpointParity,
                         ::testing::Values(Stored{"best_stripped", "zip"},
                                           Stored{"v7_stripped", "zip"},
                                           Stored{"pretrained", "legacy"},  // tagged cuda:0
                                           Stored{"last_mid_training", "legacy"}),
                         [](const auto& test) { return std::string(test.param.content); });

TEST(CheckpointParityDetails, APlainStateDictionaryIsRead) {
  State state;
  const Value root = load("state_dict.zip.pt");
  for (const auto& [key, value] : root.as_dict()) state[key.as_string()] = value.as_tensor();
  const Json expected = testing::read_vector_json("checkpoints/last_stripped.json");
  EXPECT_GT(compare_state(state, expected["state"]), 300U);
}

// Views that share storage, scalars, all types.
class OddTensors : public ::testing::TestWithParam<const char*> {};

TEST_P(OddTensors, AreReadAsTheyWere) {
  const Value root = load(std::string("odd_tensors.") + GetParam() + ".pt");
  const Json expected = testing::read_vector_json("checkpoints/odd_tensors.json");
  int compared = 0;
  for (const auto& [key, entry] : expected.items()) {
    if (!entry.is_object() || !entry.contains("sha256")) continue;
    SCOPED_TRACE(key);
    expect_entry(root.tensor_at(key), entry);
    EXPECT_EQ(Json(root.tensor_at(key).strides), entry["stride"]);
    ++compared;
  }
  EXPECT_EQ(compared, 14);
  EXPECT_EQ(root.tensor_at("whole").storage, root.tensor_at("view").storage);
  EXPECT_EQ(root.string_at("text"), expected["text"]);
  EXPECT_TRUE(root.at("none").is_none());
  EXPECT_EQ(root.at({"nested", "list"}).as_list().size(), 4U);
  EXPECT_THAT(root.tensor_at("array").to_doubles(), ::testing::ElementsAre(0.25));
}

INSTANTIATE_TEST_SUITE_P(Forms, OddTensors, ::testing::Values("zip", "legacy"));

TEST(CheckpointParityDetails, NumpyArraysAndPathsBecomePlain) {
  const Value best = load("best_stripped.zip.pt");
  EXPECT_THAT(best.tensor_at("best_fitness").to_doubles(),
              ::testing::ElementsAre(0.005450355645267101));
  EXPECT_THAT(best.string_at("training_results"), ::testing::HasSubstr("0/3"));
  const Value v7 = load("v7_stripped.zip.pt");
  EXPECT_EQ(v7.at({"opt", "weights"}).as_string(), "yolov5n.pt");
  EXPECT_EQ(v7.at({"opt", "hyp"}).double_at("lr0"), 0.01);
}

TEST(CheckpointParityDetails, RecordedTensorsAreReadFromSafetensors) {
  const SafeTensors file = parse_safetensors(
      make_storage(testing::read_vector("checkpoints/best_stripped.forward.safetensors")));
  ASSERT_FALSE(file.tensors.empty());
  for (const auto& [name_of, tensor] : file.tensors) {
    EXPECT_EQ(tensor.dtype, DType::kF32) << name_of;
    EXPECT_GT(tensor.num_elements(), 0) << name_of;
  }
}

}  // namespace
}  // namespace gannet
