#include "gannet/ops/out_of_memory.h"

#include <c10/util/Exception.h>

#include <new>
#include <string>

namespace gannet {

bool has_memory_for(const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const c10::OutOfMemoryError&) {
  } catch (const c10::Error& error) {
    // LibTorch's own allocator for the CPU has no type for it.
    const std::string text = error.what_without_backtrace();
    if (text.find("can't allocate memory") == std::string::npos) throw;
  } catch (const std::bad_alloc&) {
  }
  return false;
}

}  // namespace gannet
