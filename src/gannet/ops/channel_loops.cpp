// Written with vectors of 16 values, which the compiler turns into what each processor has.
#include "gannet/ops/channel_loops.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "gannet/core/processor.h"

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors are only passed to inlined functions

#define GANNET_INLINE inline __attribute__((always_inline))

namespace gannet {
namespace {

constexpr std::int64_t kLanes = 16;
using Floats = float __attribute__((vector_size(64)));
using EightFloats = float __attribute__((vector_size(32)));
using EightDoubles = double __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
using Integers = std::int32_t __attribute__((vector_size(64)));
using HalfWords = std::uint16_t __attribute__((vector_size(32)));

template <ValueType kType>
GANNET_INLINE Floats load(const void* memory, std::int64_t i) {
  if constexpr (kType == ValueType::kFloat32) {
    Floats values;
    std::memcpy(&values, static_cast<const float*>(memory) + i, sizeof(values));
    return values;
  } else {
    HalfWords halves;
    std::memcpy(&halves, static_cast<const std::uint16_t*>(memory) + i, sizeof(halves));
    return reinterpret_cast<Floats>(__builtin_convertvector(halves, Words) << 16);
  }
}

// To the nearest bfloat16, ties to even.
template <ValueType kType>
GANNET_INLINE void store(void* memory, std::int64_t i, Floats values) {
  if constexpr (kType == ValueType::kFloat32) {
    std::memcpy(static_cast<float*>(memory) + i, &values, sizeof(values));
  } else {
    const auto bits = reinterpret_cast<Words>(values);
    const Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const Integers is_nan = values != values;
    const auto halves = __builtin_convertvector(is_nan ? Words{} + 0x7fc0 : rounded, HalfWords);
    std::memcpy(static_cast<std::uint16_t*>(memory) + i, &halves, sizeof(halves));
  }
}

GANNET_INLINE Floats channels(const float* table, std::int64_t c) {
  return load<ValueType::kFloat32>(table, c);
}

// exp by 2^n times a polynomial of the remainder (Cody and Waite 1980): to 2 units in the last
// place of float32, to 5e-5 where the result goes into a bfloat16.
template <ValueType kType>
GANNET_INLINE Floats exponential(Floats x) {
  const Floats most = Floats{} + 87.0f, least = Floats{} - 87.0f;
  x = x > most ? most : x;
  x = x < least ? least : x;
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it leaves whole numbers
  const Floats shifted = x * 1.44269504088896341f + kRounder;
  const Floats n = shifted - kRounder;
  const auto power = reinterpret_cast<Floats>((reinterpret_cast<Words>(shifted) + 127) << 23);
  if constexpr (kType == ValueType::kBFloat16) {
    const Floats r = x - n * 0.693147181f;
    return power * ((((r * 4.16666667e-2f + 1.66666667e-1f) * r + 0.5f) * r + 1.0f) * r + 1.0f);
  } else {
    const Floats r = x - n * 0.693359375f - n * -2.12194440e-4f;
    Floats p = Floats{} + 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return power * (p * r * r + r + 1.0f);
  }
}

// 1 / x for x in [1, 2^126]: a guess from the exponent, then a parabola that levels its error
// (to 1.2e-4), then Newton's method (to 2e-7); less than a division takes.
template <ValueType kType>
GANNET_INLINE Floats reciprocal(Floats x) {
  auto guess = reinterpret_cast<Floats>(0x7eb50000u - reinterpret_cast<Words>(x));
  guess = guess * (2.78678775f - 1.94128774f * (x * guess));
  return kType == ValueType::kBFloat16 ? guess : guess * (2.0f - x * guess);
}

template <ValueType kType>
GANNET_INLINE Floats sigmoid(Floats z) {
  return reciprocal<kType>(1.0f + exponential<kType>(-z));
}

constexpr float kLeakySlope = 0.1f;

template <ValueType kType, Activation kActivation>
GANNET_INLINE Floats activated(Floats z) {
  if constexpr (kActivation == Activation::kLeakyRelu) {
    const Floats leaked = z * kLeakySlope;
    return z > 0 ? z : leaked;
  } else if constexpr (kActivation == Activation::kSilu) {
    return z * sigmoid<kType>(z);
  } else {
    return z;
  }
}

// The derivative of the activation at z.
template <ValueType kType, Activation kActivation>
GANNET_INLINE Floats slope_at(Floats z) {
  const Floats one = Floats{} + 1.0f;
  if constexpr (kActivation == Activation::kLeakyRelu) {
    return z > 0 ? one : one * kLeakySlope;
  } else if constexpr (kActivation == Activation::kSilu) {
    const Floats s = sigmoid<kType>(z);
    return s * (one + z * (one - s));
  } else {
    return one;
  }
}

GANNET_INLINE void add_to(double* sums, std::int64_t c, EightDoubles values) {
  EightDoubles sum;
  std::memcpy(&sum, sums + c, sizeof(sum));
  sum += values;
  std::memcpy(sums + c, &sum, sizeof(sum));
}

GANNET_INLINE void add_to(double* sums, std::int64_t c, Floats values) {
  const EightFloats low = __builtin_shufflevector(values, values, 0, 1, 2, 3, 4, 5, 6, 7),
                    high = __builtin_shufflevector(values, values, 8, 9, 10, 11, 12, 13, 14, 15);
  add_to(sums, c, __builtin_convertvector(low, EightDoubles));
  add_to(sums, c + 8, __builtin_convertvector(high, EightDoubles));
}

constexpr std::int64_t size_of(ValueType type) { return type == ValueType::kFloat32 ? 4 : 2; }

/// The last values of a run, fewer than a vector, with zeros behind them.
struct Remainder {
  alignas(64) char bytes[64] = {};
};

/// The values of one vector: those from channel c of a row, `count` of them.
struct Place {
  std::int64_t row, c, count;
};

template <ValueType kType>
GANNET_INLINE Floats load_at(const Rows& rows, const Place& at) {
  const std::int64_t i = at.row * rows.stride + at.c;
  if (at.count == kLanes) return load<kType>(rows.data, i);
  Remainder some;
  std::memcpy(some.bytes, static_cast<const char*>(rows.data) + i * size_of(kType),
              static_cast<std::size_t>(at.count * size_of(kType)));
  return load<kType>(some.bytes, 0);
}

template <ValueType kType>
GANNET_INLINE void store_at(const WritableRows& rows, const Place& at, Floats values) {
  const std::int64_t i = at.row * rows.stride + at.c;
  if (at.count == kLanes) return store<kType>(rows.data, i, values);
  Remainder some;
  store<kType>(some.bytes, 0, values);
  std::memcpy(static_cast<char*>(rows.data) + i * size_of(kType), some.bytes,
              static_cast<std::size_t>(at.count * size_of(kType)));
}

// Calls `work(place)` vector by vector.
template <class Work>
GANNET_INLINE void for_each_vector(const ChannelRun& run, Work work) {
  for (std::int64_t row = run.first; row < run.last; ++row) {
    const std::int64_t values = run.values_of(row);
    std::int64_t c = 0;
    for (; c + kLanes <= values; c += kLanes) work(Place{row, c, kLanes});
    if (c < values) work(Place{row, c, values - c});
  }
}

struct Pair {
  Floats a, b;
};

// Adds a * b as float64 throughout.
GANNET_INLINE void add_product_to(double* sums, std::int64_t c, Floats a, Floats b) {
  const EightFloats a_low = __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7),
                    a_high = __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15),
                    b_low = __builtin_shufflevector(b, b, 0, 1, 2, 3, 4, 5, 6, 7),
                    b_high = __builtin_shufflevector(b, b, 8, 9, 10, 11, 12, 13, 14, 15);
  add_to(
      sums, c,
      __builtin_convertvector(a_low, EightDoubles) * __builtin_convertvector(b_low, EightDoubles));
  add_to(sums, c + 8,
         __builtin_convertvector(a_high, EightDoubles) *
             __builtin_convertvector(b_high, EightDoubles));
}

// Adds a and a * b of what `get(place)` gives to the sums, as float64. Of bfloat16 a few rows are
// added as float32 before, which holds them nearly exactly.
template <ValueType kType, class Get>
GANNET_INLINE void add_products(const ChannelRun& run, double* sum, double* product, Get get) {
  constexpr std::int64_t kRows = 4;
  std::int64_t row = run.first;
  if constexpr (kType == ValueType::kBFloat16) {
    for (; row + kRows <= run.last && run.values_of(row + kRows - 1) == run.width; row += kRows) {
      for (std::int64_t c = 0; c < run.width; c += kLanes) {
        Floats sums{}, products{};
        for (std::int64_t r = row; r < row + kRows; ++r) {
          const Pair pair = get(Place{r, c, kLanes});
          sums += pair.a;
          products += pair.a * pair.b;
        }
        add_to(sum, c, sums);
        add_to(product, c, products);
      }
    }
  }
  const ChannelRun rest{run.type, row, run.last, run.width, run.values};
  for_each_vector(
      rest, [&](const Place& at) __attribute__((always_inline)) {
        const Pair pair = get(at);
        add_to(sum, at.c, pair.a);
        add_product_to(product, at.c, pair.a, pair.b);
      });
}

template <ValueType kType>
GANNET_INLINE void moments_of(const ChannelRun& run, const Rows& x, double* sum, double* square) {
  add_products<kType>(
      run, sum, square, [&](const Place& at) __attribute__((always_inline)) {
        const Floats value = load_at<kType>(x, at);
        return Pair{value, value};
      });
}

template <ValueType kType, Activation kActivation>
GANNET_INLINE void activation_of(const ChannelRun& run, const ScaledActivation& how, const Rows& x,
                                 const Rows& residual, const WritableRows& y) {
  for_each_vector(
      run, [&](const Place& at) __attribute__((always_inline)) {
        Floats result = activated<kType, kActivation>(
            load_at<kType>(x, at) * channels(how.scale, at.c) + channels(how.shift, at.c));
        if (residual.data != nullptr) result += load_at<kType>(residual, at);
        store_at<kType>(y, at, result);
      });
}

template <ValueType kType, Activation kActivation>
GANNET_INLINE void gradient_moments_of(const ChannelRun& run, const ScaledActivation& how,
                                       const Rows& x, const Rows& grad_y, double* sum,
                                       double* product) {
  add_products<kType>(
      run, sum, product, [&](const Place& at) __attribute__((always_inline)) {
        const Floats value = load_at<kType>(x, at);
        const Floats z = value * channels(how.scale, at.c) + channels(how.shift, at.c);
        return Pair{load_at<kType>(grad_y, at) * slope_at<kType, kActivation>(z), value};
      });
}

template <ValueType kType, Activation kActivation>
GANNET_INLINE void gradient_of(const ChannelRun& run, const ScaledActivation& how,
                               const GradientLine& line, const Rows& x, const Rows& grad_y,
                               const WritableRows& grad_x) {
  for_each_vector(
      run, [&](const Place& at) __attribute__((always_inline)) {
        const Floats value = load_at<kType>(x, at), scale = channels(how.scale, at.c);
        const Floats z = value * scale + channels(how.shift, at.c);
        const Floats before = load_at<kType>(grad_y, at) * slope_at<kType, kActivation>(z);
        store_at<kType>(
            grad_x, at,
            scale * before + (value * channels(line.slope, at.c) + channels(line.offset, at.c)));
      });
}

// Calls work<type, activation>().
template <class Work>
GANNET_INLINE void with_type_and_activation(ValueType type, Activation activation, Work work) {
  const auto with_type = [&]<ValueType kType>() __attribute__((always_inline)) {
    if (activation == Activation::kLeakyRelu)
      work.template operator()<kType, Activation::kLeakyRelu>();
    else if (activation == Activation::kSilu)
      work.template operator()<kType, Activation::kSilu>();
    else
      work.template operator()<kType, Activation::kNone>();
  };
  if (type == ValueType::kFloat32)
    with_type.template operator()<ValueType::kFloat32>();
  else
    with_type.template operator()<ValueType::kBFloat16>();
}

}  // namespace

ChannelPattern::ChannelPattern(std::int64_t num_channels) : channels(num_channels) {
  // Long enough for the sums of one round to be in memory when the next one needs them.
  constexpr std::int64_t kLeast = 128;
  const std::int64_t step = std::lcm(num_channels, kLanes);
  length = (kLeast + step - 1) / step * step;
}

GANNET_WIDEST_LOOPS
void add_moments(const ChannelRun& run, Rows x, double* sum, double* square_sum) {
  if (run.type == ValueType::kFloat32)
    moments_of<ValueType::kFloat32>(run, x, sum, square_sum);
  else
    moments_of<ValueType::kBFloat16>(run, x, sum, square_sum);
}

GANNET_WIDEST_LOOPS
void apply_activation(const ChannelRun& run, const ScaledActivation& how, Rows x, Rows residual,
                      WritableRows y) {
  with_type_and_activation(
      run.type, how.activation,
      [&]<ValueType kType, Activation kActivation>() __attribute__((always_inline)) {
        activation_of<kType, kActivation>(run, how, x, residual, y);
      });
}

GANNET_WIDEST_LOOPS
void add_gradient_moments(const ChannelRun& run, const ScaledActivation& how, Rows x, Rows grad_y,
                          double* sum, double* product_sum) {
  with_type_and_activation(
      run.type, how.activation,
      [&]<ValueType kType, Activation kActivation>() __attribute__((always_inline)) {
        gradient_moments_of<kType, kActivation>(run, how, x, grad_y, sum, product_sum);
      });
}

GANNET_WIDEST_LOOPS
void apply_gradient(const ChannelRun& run, const ScaledActivation& how, const GradientLine& line,
                    Rows x, Rows grad_y, WritableRows grad_x) {
  with_type_and_activation(
      run.type, how.activation,
      [&]<ValueType kType, Activation kActivation>() __attribute__((always_inline)) {
        gradient_of<kType, kActivation>(run, how, line, x, grad_y, grad_x);
      });
}

}  // namespace gannet
