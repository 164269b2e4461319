// What threads that work beside the one that trains do first.
#pragma once

namespace gannet {

/// From here on signals go to other threads than this one and those that it starts.
void block_signals();

/// Lets the threads of training go first where processors are few.
void give_way_to_others();

}  // namespace gannet
