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
    // Requested lines per interval, at least 1, and the bytes from one to the next.
    ptrdiff_t lines;
    ptrdiff_t line_stride;
    // Bytes from a request to the next one. The two alternate.
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
    // Element (row, step) of A is left[row * left_stride + step], or left[step * left_stride + row] if A is transposed.
    const float *left;
    ptrdiff_t left_stride;
    int left_is_transposed;
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

// The columns of the widest tile of the AVX-512 set, and the rows of the highest one.
enum { DRNET_AVX512_COLUMNS = 64, DRNET_AVX512_ROWS = 14 };

// The rows of the highest tile with so many columns, 1 … DRNET_AVX512_COLUMNS. Its sums are in 24 to 28 of the 32 vector registers, in 14
// with a single vector of columns.
static inline ptrdiff_t drnet_avx512_rows(ptrdiff_t columns) { return columns <= 32 ? 14 : columns <= 48 ? 9 : 6; }

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
