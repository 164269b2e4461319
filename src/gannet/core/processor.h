// Inner loops over pixels are compiled more than once, and the widest form that the processor has
// is called. They use no fused multiply-add, so every form gives the same numbers.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// The sanitizers cannot bear the choice, which is made before they start.
#define GANNET_WIDE_LOOPS __attribute__((target_clones("avx2", "default"), optimize("O3")))
// Of training, whose convolutions differ between processors as well: with AVX-512 and fused
// multiply-add.
#define GANNET_WIDEST_LOOPS \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define GANNET_WIDE_LOOPS
#define GANNET_WIDEST_LOOPS
#endif
