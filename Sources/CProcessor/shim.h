// What a thread tells its processor while it waits for another one: an instruction that Swift has no name for.
#if defined(__x86_64__)
#include <immintrin.h>
static inline void drnet_spin_hint(void) { _mm_pause(); }
#elif defined(__aarch64__)
static inline void drnet_spin_hint(void) { __asm__ volatile("yield"); }
#else
static inline void drnet_spin_hint(void) {}
#endif
