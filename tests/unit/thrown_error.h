// The Error that a call throws, for tests of its text and place.
#pragma once

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

}  // namespace gannet::testing
