// A micro-kernel with vectors of 512 bits. avx512.c and bfloat16.c include this file once each, with these macros:
//
//     TILE_TARGET               the features of the target attribute
//     TILE_FUNCTION             the name of the function for a panel
//     MULTIPLY_ADD              the instruction for sum + a b on 16 words of 32 bits: a float each, or two bfloat16 numbers each
//
// A tile has up to 64 columns of words, in one to four vectors, and as many rows as the registers allow: the sums of a full tile are in 24
// to 28 of the 32 vector registers, 16 floats each. Each step of the depth loads the vectors of a row of B, broadcasts a word of A for each
// row, and performs a multiply-add for each vector of each row. 6 × 64 takes 10 loads for 24 multiply-adds, 14 × 32 takes 16 for 28. Both
// keep two full 512-bit multiply-add units busy. The wide tile is faster where two threads share the other units of a core, as do most
// virtual processors. For the same reason, the steps between two requests are unrolled: addresses are constants then.
//
// The broadcast and the multiply-adds of a row are one assembler statement. From intrinsics, the compiler loads the broadcasts of many rows
// first if it has one general register less (a frame pointer, which SwiftPM keeps). Then the sums do not fit the registers: 110 GFLOP/s
// in place of 170 on an Emerald Rapids.

#include "CMicroKernels.h"
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline, target(TILE_TARGET)))

INLINE void request(struct drnet_prefetch_plan *plan) {
    const char *address = plan->address;
#pragma clang loop unroll(disable)
    for (ptrdiff_t line = plan->lines; line > 0; line--, address += plan->line_stride) __builtin_prefetch(address, 0, 3);
    if (plan->distance > 0) {
        address = plan->address + plan->distance;
#pragma clang loop unroll(disable)
        for (ptrdiff_t line = plan->lines; line > 0; line--, address += plan->line_stride) __builtin_prefetch(address, 0, 2);
    }
    plan->address += plan->step;
    ptrdiff_t step = plan->step;
    plan->step = plan->next_step;
    plan->next_step = step;
}

// Where the steps of a tile read A.
struct left_operand {
    // A row, or an element of a step if A is transposed. Five rows of an A in row-major order share a base address: the others are 1, 2, 3
    // or 4 strides away, which needs no further register except for 3.
    const char *bases[3];
    // In bytes, so that an address needs no shift.
    ptrdiff_t stride;
    ptrdiff_t stride3;
};

INLINE struct left_operand left_operand(const char *left, ptrdiff_t stride) {
    return (struct left_operand){{left, left + 5 * stride, left + 10 * stride}, stride, 3 * stride};
}

// The element of A at a row. `step` counts from the bases; it is 0 if A is transposed.
INLINE const float *left_element(const struct left_operand *a, const int row, const int step, const int is_transposed) {
    if (is_transposed) return (const float *)a->bases[0] + row;
    const ptrdiff_t offset = row % 5 == 3 ? a->stride3 : (row % 5) * a->stride;
    return (const float *)(a->bases[row / 5] + offset) + step;
}

INLINE void move_on(struct left_operand *a, const int steps, const int is_transposed) {
    const ptrdiff_t bytes = is_transposed ? steps * a->stride : steps * (ptrdiff_t)sizeof(float);
    for (int base = 0; base < 3; base++) a->bases[base] += bytes;
}

// sums += the element of A times the vectors of B.
INLINE void add_row(__m512 sums[], const float *element, const __m512 b[], const int vectors) {
    __m512 a;
    switch (vectors) {
    case 1:
        __asm__("vbroadcastss %2, %1\n\t" MULTIPLY_ADD " %3, %1, %0" : "+v"(sums[0]), "=&v"(a) : "m"(*element), "v"(b[0]));
        break;
    case 2:
        __asm__("vbroadcastss %3, %2\n\t" MULTIPLY_ADD " %4, %2, %0\n\t" MULTIPLY_ADD " %5, %2, %1"
                : "+v"(sums[0]), "+v"(sums[1]), "=&v"(a)
                : "m"(*element), "v"(b[0]), "v"(b[1]));
        break;
    case 3:
        __asm__("vbroadcastss %4, %3\n\t" MULTIPLY_ADD " %5, %3, %0\n\t" MULTIPLY_ADD " %6, %3, %1\n\t" MULTIPLY_ADD " %7, %3, %2"
                : "+v"(sums[0]), "+v"(sums[1]), "+v"(sums[2]), "=&v"(a)
                : "m"(*element), "v"(b[0]), "v"(b[1]), "v"(b[2]));
        break;
    default:
        __asm__("vbroadcastss %5, %4\n\t" MULTIPLY_ADD " %6, %4, %0\n\t" MULTIPLY_ADD " %7, %4, %1\n\t" MULTIPLY_ADD
                " %8, %4, %2\n\t" MULTIPLY_ADD " %9, %4, %3"
                : "+v"(sums[0]), "+v"(sums[1]), "+v"(sums[2]), "+v"(sums[3]), "=&v"(a)
                : "m"(*element), "v"(b[0]), "v"(b[1]), "v"(b[2]), "v"(b[3]));
    }
}

// The constants of a function for one kind of tile, and the mask of its last vector of columns.
struct shape {
    int rows;
    int vectors;
    int is_transposed;
    __mmask16 last;
};

INLINE __mmask16 mask(const struct shape shape, const int vector) { return vector == shape.vectors - 1 ? shape.last : 0xFFFF; }

// Adds a step of the depth to the sums.
INLINE void add_step(__m512 sums[][4], const struct left_operand *a, const int step, const char *right, const struct shape shape) {
    __m512 b[4];
    // A masked-out element is zero and is not read.
#pragma clang loop unroll(full)
    for (int vector = 0; vector < shape.vectors; vector++) b[vector] = _mm512_maskz_loadu_ps(mask(shape, vector), right + 64 * vector);
#pragma clang loop unroll(full)
    for (int row = 0; row < shape.rows; row++) {
        add_row(sums[row], left_element(a, row, step, shape.is_transposed), b, shape.vectors);
    }
}

// The sums of a tile.
INLINE void add_steps(
    __m512 sums[][4], const struct drnet_tile_panel *panel, const char *left, struct drnet_prefetch_plan plan, const struct shape shape
) {
    struct left_operand a = left_operand(left, panel->left_stride * (ptrdiff_t)sizeof(float));
    const char *right = (const char *)panel->right;
    const ptrdiff_t right_stride = panel->right_stride * (ptrdiff_t)sizeof(float);
    for (ptrdiff_t interval = panel->depth / DRNET_PREFETCH_INTERVAL; interval > 0; interval--) {
        request(&plan);
#pragma clang loop unroll(full)
        for (int step = 0; step < DRNET_PREFETCH_INTERVAL; step++) {
            add_step(sums, &a, shape.is_transposed ? 0 : step, right, shape);
            if (shape.is_transposed) move_on(&a, 1, 1);
            right += right_stride;
        }
        if (!shape.is_transposed) move_on(&a, DRNET_PREFETCH_INTERVAL, 0);
    }
    for (ptrdiff_t step = panel->depth % DRNET_PREFETCH_INTERVAL; step > 0; step--) {
        add_step(sums, &a, 0, right, shape);
        move_on(&a, 1, shape.is_transposed);
        right += right_stride;
    }
}

INLINE void store(__m512 sum, float *target, __mmask16 mask, int accumulates) {
    if (accumulates) sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, target), sum);
    _mm512_mask_storeu_ps(target, mask, sum);
}

// All tiles of a panel. The shape is constant.
INLINE void multiply(const struct drnet_tile_panel *panel, const struct shape shape) {
    const ptrdiff_t row_stride = shape.is_transposed ? 1 : panel->left_stride;
    const float *left = panel->left;
    float *result = panel->result;
    struct drnet_prefetch_plan plan = panel->prefetch;
    for (ptrdiff_t tile = 0; tile < panel->count; tile++) {
        __m512 sums[DRNET_AVX512_ROWS][4];
#pragma clang loop unroll(full)
        for (int row = 0; row < shape.rows; row++) {
            for (int vector = 0; vector < shape.vectors; vector++) sums[row][vector] = _mm512_setzero_ps();
        }
        add_steps(sums, panel, (const char *)left, plan, shape);
#pragma clang loop unroll(full)
        for (int row = 0; row < shape.rows; row++) {
            for (int vector = 0; vector < shape.vectors; vector++) {
                store(sums[row][vector], result + row * panel->result_stride + 16 * vector, mask(shape, vector), panel->accumulates);
            }
        }
        left += shape.rows * row_stride;
        result += shape.rows * panel->result_stride;
        plan.address += plan.shift;
    }
}

// One function for each height and number of vectors, so that the loops over them have constant bounds and the sums stay in registers.
#define TILE(ROWS, VECTORS)                                                                                        \
    static __attribute__((target(TILE_TARGET))) __attribute__((noinline)) void multiply##ROWS##x##VECTORS(         \
        const struct drnet_tile_panel *panel                                                                       \
    ) {                                                                                                            \
        const __mmask16 last = (__mmask16)(0xFFFFu >> (16 * VECTORS - panel->columns));                            \
        if (panel->left_is_transposed) {                                                                           \
            multiply(panel, (struct shape){ROWS, VECTORS, 1, last});                                               \
        } else {                                                                                                   \
            multiply(panel, (struct shape){ROWS, VECTORS, 0, last});                                               \
        }                                                                                                          \
    }
#define UP_TO_6(DO, VECTORS) DO(1, VECTORS) DO(2, VECTORS) DO(3, VECTORS) DO(4, VECTORS) DO(5, VECTORS) DO(6, VECTORS)
#define UP_TO_9(DO, VECTORS) UP_TO_6(DO, VECTORS) DO(7, VECTORS) DO(8, VECTORS) DO(9, VECTORS)
#define UP_TO_14(DO, VECTORS) \
    UP_TO_9(DO, VECTORS) DO(10, VECTORS) DO(11, VECTORS) DO(12, VECTORS) DO(13, VECTORS) DO(14, VECTORS)

UP_TO_14(TILE, 1)
UP_TO_14(TILE, 2)
UP_TO_9(TILE, 3)
UP_TO_6(TILE, 4)

typedef void (*tile_function)(const struct drnet_tile_panel *);
#define ENTRY(ROWS, VECTORS) multiply##ROWS##x##VECTORS,

// By the number of vectors and of rows.
static const tile_function functions[4][DRNET_AVX512_ROWS] = {
    {UP_TO_14(ENTRY, 1)}, {UP_TO_14(ENTRY, 2)}, {UP_TO_9(ENTRY, 3)}, {UP_TO_6(ENTRY, 4)},
};

void TILE_FUNCTION(const struct drnet_tile_panel *panel) {
    if (panel->count > 0) functions[(panel->columns - 1) / 16][panel->rows - 1](panel);
}
