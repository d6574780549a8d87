// Micro-kernels for instruction sets that Swift cannot express. Each function has the target attribute of its set, so the file needs no
// flags, and a program with these functions runs on every processor. Call a function only if `drnet_processor_has_…` returns 1.

#ifndef CMICROKERNELS_H
#define CMICROKERNELS_H

#include <stddef.h>
#include <stdint.h>

// The cache lines that a tile requests for later tiles, once every `DRNET_PREFETCH_INTERVAL` steps of the depth. Addresses beyond the end
// of an operand are harmless.
struct drnet_prefetch_plan {
    const char *address;
    // Requested rows per interval, and the cache lines of each row.
    ptrdiff_t rows;
    ptrdiff_t lines;
    // Bytes from one row of a request to the next, and from a request to the next one. The last two alternate.
    ptrdiff_t row_stride;
    ptrdiff_t step;
    ptrdiff_t next_step;
    // Bytes from a requested line to the one for the second-level cache; 0 for none.
    ptrdiff_t distance;
    // Bytes from the plan of one tile to that of the next.
    ptrdiff_t shift;
};

// A product C = A B of `count` vertically adjacent tiles with the same columns of B. Strides are in floats. For bfloat16, a float of A and
// B stands for a word of two numbers, and `depth` counts words.
struct drnet_tile_panel {
    // The terms of each sum.
    ptrdiff_t depth;
    // Element (row, step) of A is left[row * left_row_stride + step * left_step_stride].
    const float *left;
    ptrdiff_t left_row_stride;
    ptrdiff_t left_step_stride;
    const float *right;
    ptrdiff_t right_stride;
    float *result;
    ptrdiff_t result_stride;
    // The rows of each tile, and the columns. Nothing beyond the columns is read or written.
    ptrdiff_t rows;
    ptrdiff_t columns;
    ptrdiff_t count;
    // Whether the product is added to C.
    int accumulates;
    struct drnet_prefetch_plan prefetch;
};

enum { DRNET_PREFETCH_INTERVAL = 8 };

// The largest tile of the AVX-512 set.
enum { DRNET_AVX512_ROWS = 14, DRNET_AVX512_COLUMNS = 32 };

// Whether the processor has AVX-512F (CPUID), and the operating system saves its registers (XCR0). 0 on other architectures.
int drnet_processor_has_avx512(void);

// Multiplies a panel of floats with AVX-512F.
void drnet_multiply_panel_avx512(const struct drnet_tile_panel *panel);

// Whether the processor has AVX-512F and AVX512-BF16, and the operating system saves the registers. 0 on other architectures.
int drnet_processor_has_bfloat16(void);

// Multiplies a panel of bfloat16 pairs with AVX512-BF16.
void drnet_multiply_panel_bfloat16(const struct drnet_tile_panel *panel);

// Rounds `count` floats to bfloat16 pairs: (count + 1) / 2 words. A missing last number is zero. With AVX512-BF16.
void drnet_pair_along_row(const float *source, ptrdiff_t count, uint32_t *target);

// Rounds two rows of `count` floats to as many words, with the numbers of `even` in the upper halves. `odd` can be NULL for zeros. With
// AVX512-BF16.
void drnet_pair_two_rows(const float *even, const float *odd, ptrdiff_t count, uint32_t *target);

#endif
