// The micro-kernel for AVX512-BF16 (tile512.h), and conversions to bfloat16. A word of 32 bits holds two bfloat16 numbers that follow each
// other along the depth, the first one in the upper half.
//
// VDPBF16PS adds the product of the upper halves and then that of the lower ones to a float. Products of bfloat16 numbers are exact in 32
// bits, so each addition is rounded once, as by a multiply-add of floats. Subnormal numbers count as zero.

#include "CMicroKernels.h"

#if defined(__x86_64__)

#define TILE_TARGET "avx512f,avx512bf16"
#define TILE_FUNCTION drnet_multiply_panel_bfloat16
#define MULTIPLY_ADD "vdpbf16ps"

#include "tile512.h"

int drnet_processor_has_bfloat16(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bf16") != 0;
}

// Sixteen floats as bfloat16 numbers, rounded to nearest, ties to even.
INLINE __m256i rounded(__mmask16 mask, const float *source) { return (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, source)); }

INLINE __mmask16 first(ptrdiff_t count) { return count >= 16 ? 0xFFFF : (__mmask16)((1u << count) - 1); }

__attribute__((target(TILE_TARGET))) void drnet_pair_along_row(const float *source, ptrdiff_t count, uint32_t *target) {
    const ptrdiff_t words = (count + 1) / 2;
    for (ptrdiff_t word = 0; word < words; word += 8) {
        // Elements beyond the end are not read and count as zero. Eight words are eight elements of a 512-bit vector, so a mask can be
        // used.
        __m512i pairs = _mm512_rol_epi32(_mm512_castsi256_si512(rounded(first(count - 2 * word), source + 2 * word)), 16);
        _mm512_mask_storeu_epi32(target + word, first(words - word) & 0xFF, pairs);
    }
}

__attribute__((target(TILE_TARGET))) void drnet_pair_two_rows(const float *even, const float *odd, ptrdiff_t count, uint32_t *target) {
    for (ptrdiff_t column = 0; column < count; column += 16) {
        __mmask16 mask = first(count - column);
        __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(rounded(mask, even + column)), 16);
        __m512i low = odd ? _mm512_cvtepu16_epi32(rounded(mask, odd + column)) : _mm512_setzero_si512();
        _mm512_mask_storeu_epi32(target + column, mask, _mm512_or_si512(low, high));
    }
}

#else

int drnet_processor_has_bfloat16(void) { return 0; }
void drnet_multiply_panel_bfloat16(const struct drnet_tile_panel *panel) {
    (void)panel;
    __builtin_trap();
}
void drnet_pair_along_row(const float *source, ptrdiff_t count, uint32_t *target) {
    (void)source, (void)count, (void)target;
    __builtin_trap();
}
void drnet_pair_two_rows(const float *even, const float *odd, ptrdiff_t count, uint32_t *target) {
    (void)even, (void)odd, (void)count, (void)target;
    __builtin_trap();
}

#endif
