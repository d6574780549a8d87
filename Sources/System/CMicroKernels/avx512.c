// The micro-kernel for AVX-512F (tile512.h).
//
// An element of C is one sum along the depth in one order, with one rounding for each term. The tiles in Swift (MicroTile) compute the same
// sums, so the results have the same bits.

#include "CMicroKernels.h"

#if defined(__x86_64__)

#define TILE_TARGET "avx512f"
#define TILE_FUNCTION drnet_multiply_panel_avx512
#define MULTIPLY_ADD "vfmadd231ps"

#include "tile512.h"

int drnet_processor_has_avx512(void) {
    __builtin_cpu_init();
    // The compiler's run-time library reads CPUID, and XCR0 with XGETBV.
    return __builtin_cpu_supports("avx512f") != 0;
}

#else

int drnet_processor_has_avx512(void) { return 0; }
void drnet_multiply_panel_avx512(const struct drnet_tile_panel *panel) {
    (void)panel;
    __builtin_trap();
}

#endif
