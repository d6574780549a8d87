// Processor hints that Swift cannot express.

// A thread calls this repeatedly while it spins. The hint saves power and yields the core to the other hyper-thread.
#if defined(__x86_64__)
#include <immintrin.h>
static inline void drnet_spin_hint(void) { _mm_pause(); }
#elif defined(__aarch64__)
static inline void drnet_spin_hint(void) { __asm__ volatile("yield"); }
#else
static inline void drnet_spin_hint(void) {}
#endif

// Prefetch a cache line that will be read soon, into the first-level or the second-level cache. Any address is permitted. A wrong one only
// costs time.
static inline void drnet_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
static inline void drnet_prefetch_second_level(const void *address) { __builtin_prefetch(address, 0, 2); }

// Whether the code that imports this header is compiled for AVX2 and FMA.
static inline int drnet_compiled_with_avx2(void) {
#if defined(__AVX2__) && defined(__FMA__)
    return 1;
#else
    return 0;
#endif
}
