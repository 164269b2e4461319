// Work on several threads whose results do not depend on how many there are: LibTorch's own threads
// inside an operator change the rounding of some of them.
#pragma once

#include <functional>

namespace gannet {

/// Calls work(0) to work(count - 1) on several threads, each with one thread inside operators; see
/// parallel_for for failures.
void for_each_side_by_side(int count, int num_threads, const std::function<void(int)>& work);

}  // namespace gannet
