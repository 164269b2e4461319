// The Error that a call throws, for tests of its kind, text and place.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "gannet/core/error.h"

namespace gannet::testing {

/// An Error of kind kInternal with the text "nothing was thrown" where the call succeeds.
template <class Function>
Error thrown_error(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::kInternal, "nothing was thrown");
}

inline ::testing::AssertionResult is_error(const Error& error, ErrorKind kind,
                                           const std::string& word) {
  const std::string text = error.what();
  if (error.kind() == kind && text.find(word) != std::string::npos)
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "kind " << static_cast<int>(error.kind()) << ", not " << static_cast<int>(kind)
         << ", or no '" << word << "' in: " << text;
}

}  // namespace gannet::testing

/// Expects a statement to throw an Error of this kind whose text holds a telling word. EXPECT_THROW
/// does not do: a failed check of our own throws an Error, too.
#define EXPECT_ERROR(kind, word, ...)                                           \
  EXPECT_TRUE(::gannet::testing::is_error(                                      \
      ::gannet::testing::thrown_error([&] { static_cast<void>(__VA_ARGS__); }), \
      ::gannet::ErrorKind::kind, word))
