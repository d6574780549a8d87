// A micro-kernel with vectors of 512 bits. avx512.c and bfloat16.c include this file once each, with these macros:
//
//     TILE_TARGET               the features of the target attribute
//     TILE_FUNCTION             the name of the function for a panel
//     MULTIPLY_ADD              the instruction for sum + a b on 16 words of 32 bits: a float each, or two bfloat16 numbers each
//
// A tile has up to 14 rows and 32 columns of words. Its sums are in 28 of the 32 vector registers, 16 floats each. Each step of the depth
// loads two vectors of a row of B, broadcasts 14 single words of A, and performs 28 multiply-adds: 16 loads for 28 operations, so two full
// 512-bit multiply-add units are the limit.
//
// The broadcast and the multiply-adds of a row are one assembler statement. From intrinsics, the compiler loads the broadcasts of many rows
// first if it has one general register less (a frame pointer, which SwiftPM keeps). Then the sums do not fit the registers: 110 GFLOP/s
// in place of 170 on an Emerald Rapids.

#include "CMicroKernels.h"
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline, target(TILE_TARGET)))

INLINE void request(struct drnet_prefetch_plan *plan) {
    const char *address = plan->address;
    for (ptrdiff_t row = 0; row < plan->rows; row++, address += plan->row_stride) {
        for (ptrdiff_t line = 0; line < plan->lines; line++) {
            __builtin_prefetch(address + 64 * line, 0, 3);
            if (plan->distance > 0) __builtin_prefetch(address + plan->distance + 64 * line, 0, 2);
        }
    }
    plan->address += plan->step;
    ptrdiff_t step = plan->step;
    plan->step = plan->next_step;
    plan->next_step = step;
}

// Operands of one tile. Strides are in bytes, so that an address needs no shift.
struct position {
    const char *left;
    const char *right;
    ptrdiff_t row_stride;
    ptrdiff_t row_stride3;
    ptrdiff_t step_stride;
    ptrdiff_t right_stride;
};

// The element of A at a row. Five rows share a base address: the others are 1, 2, 3 or 4 strides away, which needs no further register
// except for 3.
INLINE const float *left_element(const char *const bases[3], const struct position *p, int row) {
    const char *base = bases[row / 5];
    ptrdiff_t offset = row % 5 == 3 ? p->row_stride3 : (row % 5) * p->row_stride;
    return (const float *)(base + offset);
}

// sums += the element of A times a vector of B, or times two.
INLINE void add_row(__m512 sums[2], const float *element, __m512 b0, __m512 b1, const int vectors) {
    __m512 a;
    if (vectors > 1) {
        __asm__("vbroadcastss %3, %2\n\t" MULTIPLY_ADD " %4, %2, %0\n\t" MULTIPLY_ADD " %5, %2, %1"
                : "+v"(sums[0]), "+v"(sums[1]), "=&v"(a)
                : "m"(*element), "v"(b0), "v"(b1));
    } else {
        __asm__("vbroadcastss %2, %1\n\t" MULTIPLY_ADD " %3, %1, %0" : "+v"(sums[0]), "=&v"(a) : "m"(*element), "v"(b0));
    }
}

// Adds one step of the depth to the sums, and moves on.
INLINE void add_step(
    __m512 sums[DRNET_AVX512_ROWS][2], const char *bases[3], struct position *p, __mmask16 mask0, __mmask16 mask1, const int rows,
    const int vectors
) {
    // A masked-out element is zero and is not read.
    __m512 b0 = _mm512_maskz_loadu_ps(mask0, p->right);
    __m512 b1 = vectors > 1 ? _mm512_maskz_loadu_ps(mask1, p->right + 64) : _mm512_setzero_ps();
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
        add_row(sums[row], left_element(bases, p, row), b0, b1, vectors);
    }
    p->right += p->right_stride;
    bases[0] += p->step_stride;
    bases[1] += p->step_stride;
    bases[2] += p->step_stride;
}

INLINE void store(__m512 sum, float *target, __mmask16 mask, int accumulates) {
    if (accumulates) sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, target), sum);
    _mm512_mask_storeu_ps(target, mask, sum);
}

// All tiles of a panel, for a constant number of rows and of vectors.
INLINE void multiply(const struct drnet_tile_panel *panel, const int rows, const int vectors) {
    const __mmask16 mask0 = panel->columns >= 16 ? 0xFFFF : (__mmask16)((1u << panel->columns) - 1);
    const __mmask16 mask1 = panel->columns >= 32 ? 0xFFFF : panel->columns <= 16 ? 0 : (__mmask16)((1u << (panel->columns - 16)) - 1);
    const ptrdiff_t row_stride = panel->left_row_stride * (ptrdiff_t)sizeof(float);
    const char *left = (const char *)panel->left;
    float *result = panel->result;
    const char *prefetch = panel->prefetch.address;
    for (ptrdiff_t tile = 0; tile < panel->count; tile++) {
        struct position p = {
            left,
            (const char *)panel->right,
            row_stride,
            3 * row_stride,
            panel->left_step_stride * (ptrdiff_t)sizeof(float),
            panel->right_stride * (ptrdiff_t)sizeof(float),
        };
        struct drnet_prefetch_plan plan = panel->prefetch;
        plan.address = prefetch;
        const char *bases[3] = {left, left + 5 * row_stride, left + 10 * row_stride};
        __m512 sums[DRNET_AVX512_ROWS][2];
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) sums[row][0] = sums[row][1] = _mm512_setzero_ps();
        for (ptrdiff_t interval = panel->depth / DRNET_PREFETCH_INTERVAL; interval > 0; interval--) {
            request(&plan);
#pragma clang loop unroll(disable)
            for (int step = 0; step < DRNET_PREFETCH_INTERVAL; step++) add_step(sums, bases, &p, mask0, mask1, rows, vectors);
        }
        for (ptrdiff_t step = panel->depth % DRNET_PREFETCH_INTERVAL; step > 0; step--) {
            add_step(sums, bases, &p, mask0, mask1, rows, vectors);
        }
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) {
            store(sums[row][0], result + row * panel->result_stride, mask0, panel->accumulates);
            if (vectors > 1) store(sums[row][1], result + row * panel->result_stride + 16, mask1, panel->accumulates);
        }
        left += rows * row_stride;
        result += rows * panel->result_stride;
        prefetch += panel->prefetch.shift;
    }
}

// One function for each height, so that the loops over rows have constant bounds and the sums stay in registers.
#define HEIGHT(ROWS)                                                                               \
    static __attribute__((target(TILE_TARGET))) __attribute__((noinline)) void multiply##ROWS(const struct drnet_tile_panel *panel) { \
        if (panel->columns > 16) {                                                                 \
            multiply(panel, ROWS, 2);                                                              \
        } else {                                                                                   \
            multiply(panel, ROWS, 1);                                                              \
        }                                                                                          \
    }

HEIGHT(1)
HEIGHT(2)
HEIGHT(3)
HEIGHT(4)
HEIGHT(5)
HEIGHT(6)
HEIGHT(7)
HEIGHT(8)
HEIGHT(9)
HEIGHT(10)
HEIGHT(11)
HEIGHT(12)
HEIGHT(13)
HEIGHT(14)

typedef void (*height_function)(const struct drnet_tile_panel *);

static const height_function heights[DRNET_AVX512_ROWS] = {
    multiply1, multiply2, multiply3, multiply4, multiply5, multiply6, multiply7,
    multiply8, multiply9, multiply10, multiply11, multiply12, multiply13, multiply14,
};

void TILE_FUNCTION(const struct drnet_tile_panel *panel) {
    if (panel->count > 0) heights[panel->rows - 1](panel);
}
