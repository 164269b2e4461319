#include "gannet/core/threads.h"

#include <signal.h>
#include <sys/resource.h>

namespace gannet {

void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

void give_way_to_others() {
  constexpr int kNicer = 10;
  ::setpriority(PRIO_PROCESS, 0, kNicer);  // of this thread alone, on Linux
}

}  // namespace gannet
