/* lanes: sixteen numbers side by side, the one type every kernel is written in.
 *
 * Three bodies stand behind the same names: one AVX-512 register, two AVX2 registers, or a plain
 * array (any machine, and the double twin). Each primitive rounds exactly once and the same way in
 * all of them, so kernels built from these alone give the same bits everywhere:
 *
 *     lanes_fma    a*b + c with one rounding: an instruction, or fmaf
 *     lanes_fold   ((0..7) + (8..15)), then 4 and 4, 2 and 2, 1 and 1
 *     lanes_max    a > b ? a : b, so the second operand when one is NaN (what vmaxps does)
 *
 * The body is chosen by what the compiler was told to emit; kernels.c is compiled once per choice.
 * `width` is the number of valid elements of a group, 16 except in the last group of an array;
 * nothing past it is read or written.
 */
#ifndef RILL_MATH_LANES_H
#define RILL_MATH_LANES_H

#include "math/real.h"
#include <math.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };

#if defined(__AVX512F__) && defined(__AVX512DQ__) && !defined(RILL_DOUBLE)
#include <immintrin.h>
#define LANES_NAME "avx512"
enum { LANES_CHAINS = 24 }; /* lanes that stay in registers */
typedef __m512 lanes;

INLINE lanes lanes_set(real a) {
    return _mm512_set1_ps(a);
}
INLINE lanes lanes_load(const real *x) {
    return _mm512_loadu_ps(x);
}
INLINE void lanes_store(real *x, lanes a) {
    _mm512_storeu_ps(x, a);
}
INLINE __mmask16 lanes_mask(int width) {
    return (__mmask16)((1u << width) - 1);
}
INLINE lanes lanes_part(const real *x, int width, real fill) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), lanes_mask(width), x);
}
INLINE void lanes_store_part(real *x, int width, lanes a) {
    _mm512_mask_storeu_ps(x, lanes_mask(width), a);
}
INLINE lanes lanes_add(lanes a, lanes b) {
    return _mm512_add_ps(a, b);
}
INLINE lanes lanes_sub(lanes a, lanes b) {
    return _mm512_sub_ps(a, b);
}
INLINE lanes lanes_mul(lanes a, lanes b) {
    return _mm512_mul_ps(a, b);
}
INLINE lanes lanes_div(lanes a, lanes b) {
    return _mm512_div_ps(a, b);
}
INLINE lanes lanes_sqrt(lanes a) {
    return _mm512_sqrt_ps(a);
}
INLINE lanes lanes_fma(lanes a, lanes b, lanes c) {
    return _mm512_fmadd_ps(a, b, c);
}
INLINE lanes lanes_fnma(lanes a, lanes b, lanes c) {
    return _mm512_fnmadd_ps(a, b, c);
}
INLINE lanes lanes_max(lanes a, lanes b) {
    return _mm512_max_ps(a, b);
}
INLINE lanes lanes_min(lanes a, lanes b) {
    return _mm512_min_ps(a, b);
}
INLINE lanes lanes_abs(lanes a) {
    return _mm512_abs_ps(a);
}
INLINE lanes lanes_copysign(lanes size, lanes sign) {
    return _mm512_or_ps(_mm512_abs_ps(size), _mm512_and_ps(sign, _mm512_set1_ps(-0.0f)));
}
/* a < b ? yes : no */
INLINE lanes lanes_less(lanes a, lanes b, lanes yes, lanes no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
/* a * 2^n for whole n with |n| <= 128 and a normal result; NaN stays NaN. */
INLINE lanes lanes_scale(lanes a, lanes n) {
    return _mm512_scalef_ps(a, n);
}
typedef struct lanes_half {
    __m256 v;
} lanes_half;
INLINE void lanes_split(lanes a, lanes_half *low, lanes_half *high) {
    low->v = _mm512_castps512_ps256(a);
    high->v = _mm512_extractf32x8_ps(a, 1);
}

#elif defined(__AVX2__) && defined(__FMA__) && !defined(RILL_DOUBLE)
#include <immintrin.h>
#define LANES_NAME "avx2"
enum { LANES_CHAINS = 6 };
typedef struct lanes {
    __m256 a, b; /* elements 0..7 and 8..15 */
} lanes;

INLINE lanes lanes_set(real a) {
    return (lanes){_mm256_set1_ps(a), _mm256_set1_ps(a)};
}
INLINE lanes lanes_load(const real *x) {
    return (lanes){_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)};
}
INLINE void lanes_store(real *x, lanes a) {
    _mm256_storeu_ps(x, a.a);
    _mm256_storeu_ps(x + 8, a.b);
}
/* All ones where element first + i stands below width. */
INLINE __m256i lanes_mask(int width, int first) {
    __m256i index =
        _mm256_add_epi32(_mm256_set1_epi32(first), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(width), index);
}
INLINE __m256 lanes_part_half(const real *x, __m256i mask, real fill) {
    return _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(x, mask),
                            _mm256_castsi256_ps(mask));
}
INLINE lanes lanes_part(const real *x, int width, real fill) {
    return (lanes){lanes_part_half(x, lanes_mask(width, 0), fill),
                   lanes_part_half(x + 8, lanes_mask(width, 8), fill)};
}
INLINE void lanes_store_part(real *x, int width, lanes a) {
    _mm256_maskstore_ps(x, lanes_mask(width, 0), a.a);
    _mm256_maskstore_ps(x + 8, lanes_mask(width, 8), a.b);
}
#define LANES_PAIR(f, x, y) ((lanes){f(x.a, y.a), f(x.b, y.b)})
INLINE lanes lanes_add(lanes x, lanes y) {
    return LANES_PAIR(_mm256_add_ps, x, y);
}
INLINE lanes lanes_sub(lanes x, lanes y) {
    return LANES_PAIR(_mm256_sub_ps, x, y);
}
INLINE lanes lanes_mul(lanes x, lanes y) {
    return LANES_PAIR(_mm256_mul_ps, x, y);
}
INLINE lanes lanes_div(lanes x, lanes y) {
    return LANES_PAIR(_mm256_div_ps, x, y);
}
INLINE lanes lanes_max(lanes x, lanes y) {
    return LANES_PAIR(_mm256_max_ps, x, y);
}
INLINE lanes lanes_min(lanes x, lanes y) {
    return LANES_PAIR(_mm256_min_ps, x, y);
}
INLINE lanes lanes_sqrt(lanes x) {
    return (lanes){_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)};
}
INLINE lanes lanes_fma(lanes x, lanes y, lanes z) {
    return (lanes){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
INLINE lanes lanes_fnma(lanes x, lanes y, lanes z) {
    return (lanes){_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)};
}
INLINE lanes lanes_abs(lanes x) {
    __m256 sign = _mm256_set1_ps(-0.0f);
    return (lanes){_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
INLINE lanes lanes_copysign(lanes size, lanes x) {
    __m256 sign = _mm256_set1_ps(-0.0f);
    lanes positive = lanes_abs(size);
    return (lanes){_mm256_or_ps(positive.a, _mm256_and_ps(sign, x.a)),
                   _mm256_or_ps(positive.b, _mm256_and_ps(sign, x.b))};
}
INLINE lanes lanes_less(lanes a, lanes b, lanes yes, lanes no) {
    return (lanes){_mm256_blendv_ps(no.a, yes.a, _mm256_cmp_ps(a.a, b.a, _CMP_LT_OQ)),
                   _mm256_blendv_ps(no.b, yes.b, _mm256_cmp_ps(a.b, b.b, _CMP_LT_OQ))};
}
/* The exponent field of a grows by n. A NaN converts to 2^31, whose low bits are all 0. */
INLINE __m256 lanes_scale_half(__m256 a, __m256 n) {
    __m256i power = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), power));
}
INLINE lanes lanes_scale(lanes x, lanes n) {
    return LANES_PAIR(lanes_scale_half, x, n);
}
typedef struct lanes_half {
    __m256 v;
} lanes_half;
INLINE void lanes_split(lanes a, lanes_half *low, lanes_half *high) {
    low->v = a.a;
    high->v = a.b;
}

#else
#define LANES_NAME "plain"
enum { LANES_CHAINS = 2 };
typedef struct lanes {
    real v[LANES];
} lanes;

#ifdef RILL_DOUBLE
/* The twin is never compared bit for bit, so it may round twice. */
INLINE real lanes_fma_one(real a, real b, real c) {
    return a * b + c;
}
INLINE real lanes_sqrt_one(real a) {
    return sqrt(a);
}
INLINE real lanes_sign_one(real size, real sign) {
    return copysign(size, sign);
}
#else
INLINE real lanes_fma_one(real a, real b, real c) {
    return fmaf(a, b, c);
}
INLINE real lanes_sqrt_one(real a) {
    return sqrtf(a);
}
INLINE real lanes_sign_one(real size, real sign) {
    return copysignf(size, sign);
}
#endif

/* Without an instruction for it, a fused multiply-add is a call of fmaf for every lane. Primitives
 * stay out of line then: inlined, they only make code that takes minutes to compile. */
#if (defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA)) && !defined(RILL_DOUBLE)
#define PLAIN INLINE
#else
#define LANES_OUT_OF_LINE
#define PLAIN static __attribute__((noinline, unused))
#endif

/* The body of a primitive: the expression for every lane i. */
#define LANES_EACH(expression)                                                                     \
    lanes r;                                                                                       \
    for (int i = 0; i < LANES; i++) r.v[i] = (expression);                                         \
    return r

PLAIN lanes lanes_set(real a) {
    LANES_EACH(a);
}
PLAIN lanes lanes_load(const real *x) {
    LANES_EACH(x[i]);
}
PLAIN void lanes_store(real *x, lanes a) {
    for (int i = 0; i < LANES; i++) x[i] = a.v[i];
}
PLAIN lanes lanes_part(const real *x, int width, real fill) {
    LANES_EACH(i < width ? x[i] : fill);
}
PLAIN void lanes_store_part(real *x, int width, lanes a) {
    for (int i = 0; i < width; i++) x[i] = a.v[i];
}
PLAIN lanes lanes_add(lanes a, lanes b) {
    LANES_EACH(a.v[i] + b.v[i]);
}
PLAIN lanes lanes_sub(lanes a, lanes b) {
    LANES_EACH(a.v[i] - b.v[i]);
}
PLAIN lanes lanes_mul(lanes a, lanes b) {
    LANES_EACH(a.v[i] * b.v[i]);
}
PLAIN lanes lanes_div(lanes a, lanes b) {
    LANES_EACH(a.v[i] / b.v[i]);
}
PLAIN lanes lanes_sqrt(lanes a) {
    LANES_EACH(lanes_sqrt_one(a.v[i]));
}
PLAIN lanes lanes_fma(lanes a, lanes b, lanes c) {
    LANES_EACH(lanes_fma_one(a.v[i], b.v[i], c.v[i]));
}
PLAIN lanes lanes_fnma(lanes a, lanes b, lanes c) {
    LANES_EACH(lanes_fma_one(-a.v[i], b.v[i], c.v[i]));
}
PLAIN lanes lanes_max(lanes a, lanes b) {
    LANES_EACH(a.v[i] > b.v[i] ? a.v[i] : b.v[i]);
}
PLAIN lanes lanes_min(lanes a, lanes b) {
    LANES_EACH(a.v[i] < b.v[i] ? a.v[i] : b.v[i]);
}
PLAIN lanes lanes_abs(lanes a) {
    LANES_EACH(lanes_sign_one(a.v[i], 1));
}
PLAIN lanes lanes_copysign(lanes a, lanes b) {
    LANES_EACH(lanes_sign_one(a.v[i], b.v[i]));
}
PLAIN lanes lanes_less(lanes a, lanes b, lanes yes, lanes no) {
    LANES_EACH(a.v[i] < b.v[i] ? yes.v[i] : no.v[i]);
}
#ifndef RILL_DOUBLE
INLINE real lanes_scale_one(real a, real n) {
    union {
        real value;
        uint32_t bits;
    } word = {.value = a};
    word.bits += n == n ? (uint32_t)(int32_t)n << 23 : 0;
    return word.value;
}
PLAIN lanes lanes_scale(lanes a, lanes n) {
    LANES_EACH(lanes_scale_one(a.v[i], n.v[i]));
}
#endif
#endif

#ifdef LANES_EACH
INLINE real lanes_fold(lanes a) {
    for (int half = LANES / 2; half; half /= 2) {
        for (int i = 0; i < half; i++) a.v[i] += a.v[i + half];
    }
    return a.v[0];
}
INLINE real lanes_fold_max(lanes a) {
    for (int half = LANES / 2; half; half /= 2) {
        for (int i = 0; i < half; i++) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
    }
    return a.v[0];
}
#else
INLINE real lanes_fold(lanes a) {
    lanes_half low, high;
    lanes_split(a, &low, &high);
    __m256 eight = _mm256_add_ps(low.v, high.v);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
INLINE real lanes_fold_max(lanes a) {
    lanes_half low, high;
    lanes_split(a, &low, &high);
    __m256 eight = _mm256_max_ps(low.v, high.v);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
#endif

INLINE lanes lanes_get(const real *x, int width) {
    return width == LANES ? lanes_load(x) : lanes_part(x, width, 0);
}
INLINE lanes lanes_get_or(const real *x, int width, real fill) {
    return width == LANES ? lanes_load(x) : lanes_part(x, width, fill);
}
INLINE void lanes_put(real *x, int width, lanes a) {
    if (width == LANES) {
        lanes_store(x, a);
    } else {
        lanes_store_part(x, width, a);
    }
}

/* Runs the statements for each group of 16 of n elements, with `at` its first element and `width`
 * its size. The statements are compiled twice: width is a constant in the full groups, so that
 * their loads and stores are plain ones, and a variable in the last, partial one. */
#define LANES_GROUPS(n, ...)                                                                       \
    do {                                                                                           \
        int64_t at = 0;                                                                            \
        for (; at + LANES <= (n); at += LANES) {                                                   \
            enum { width = LANES };                                                                \
            __VA_ARGS__                                                                            \
        }                                                                                          \
        if (at < (n)) {                                                                            \
            const int width = (int)((n)-at);                                                       \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    } while (0)

#endif
