// Hints to the processor that Swift cannot express.

// Executed repeatedly by a thread that waits for another one: saves power and gives the core to a hyper-thread.
#if defined(__x86_64__)
#include <immintrin.h>
static inline void drnet_spin_hint(void) { _mm_pause(); }
#elif defined(__aarch64__)
static inline void drnet_spin_hint(void) { __asm__ volatile("yield"); }
#else
static inline void drnet_spin_hint(void) {}
#endif

// Prefetch a line that will be read soon into the first-level or the second-level cache. Any address is permitted: a wrong one only costs
// time.
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
