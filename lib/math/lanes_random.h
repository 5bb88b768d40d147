/* lanes_random: Philox4x32-10, eight blocks side by side, for dropout masks. Part of kernels.c.
 *
 * A block is four words a b c d of a counter. One of ten rounds, with 64-bit products p and q:
 *
 *     p = 0xD2511F53 a,  q = 0xCD9E8D57 c
 *     a b c d  <-  high(q) ^ b ^ key0,  low(q),  high(p) ^ d ^ key1,  low(p)
 *
 * (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). Each word stands in the low
 * half of a 64-bit lane, where the products come out; the high halves hold rubbish that no step
 * looks at. Lane j works on block (j mod 2) * 4 + j / 2, so that interleaving the even and the odd
 * lanes leaves the blocks in order.
 */
#ifndef RILL_MATH_LANES_RANDOM_H
#define RILL_MATH_LANES_RANDOM_H

#include "math/lanes.h"

enum { RANDOM_BLOCKS = 8, RANDOM_WORDS = 4 * RANDOM_BLOCKS };

#if defined(__AVX512F__) && defined(__AVX512DQ__) && !defined(RILL_DOUBLE)
typedef __m512i words;

INLINE words words_set(uint64_t a) {
    return _mm512_set1_epi64((long long)a);
}
INLINE words words_count(uint64_t first) {
    return _mm512_add_epi64(words_set(first), _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7));
}
INLINE words words_product(words a, words b) {
    return _mm512_mul_epu32(a, b);
}
INLINE words words_high(words a) {
    return _mm512_srli_epi64(a, 32);
}
INLINE words words_xor(words a, words b, words c) {
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}
/* b above a in each lane. */
INLINE __m512i words_join(words a, words b) {
    return _mm512_mask_blend_epi32(0xAAAA, a, _mm512_slli_epi64(b, 32));
}
/* The upper 24 bits of each word as a number. */
INLINE lanes words_number(__m512i a) {
    return _mm512_cvtepi32_ps(_mm512_srli_epi32(a, 8));
}
INLINE void words_numbers(words a, words b, words c, words d, lanes out[2]) {
    __m512i low = words_join(a, b), high = words_join(c, d);
    out[0] = words_number(_mm512_unpacklo_epi64(low, high));
    out[1] = words_number(_mm512_unpackhi_epi64(low, high));
}

#elif defined(__AVX2__) && !defined(RILL_DOUBLE)
typedef struct words {
    __m256i a, b;
} words;

INLINE words words_set(uint64_t a) {
    __m256i all = _mm256_set1_epi64x((long long)a);
    return (words){all, all};
}
INLINE words words_count(uint64_t first) {
    __m256i all = _mm256_set1_epi64x((long long)first);
    return (words){_mm256_add_epi64(all, _mm256_setr_epi64x(0, 4, 1, 5)),
                   _mm256_add_epi64(all, _mm256_setr_epi64x(2, 6, 3, 7))};
}
INLINE words words_product(words x, words y) {
    return (words){_mm256_mul_epu32(x.a, y.a), _mm256_mul_epu32(x.b, y.b)};
}
INLINE words words_high(words x) {
    return (words){_mm256_srli_epi64(x.a, 32), _mm256_srli_epi64(x.b, 32)};
}
INLINE words words_xor(words x, words y, words z) {
    return (words){_mm256_xor_si256(_mm256_xor_si256(x.a, y.a), z.a),
                   _mm256_xor_si256(_mm256_xor_si256(x.b, y.b), z.b)};
}
INLINE __m256i words_join(__m256i a, __m256i b) {
    return _mm256_blend_epi32(a, _mm256_slli_epi64(b, 32), 0xAA);
}
INLINE __m256 words_number(__m256i a) {
    return _mm256_cvtepi32_ps(_mm256_srli_epi32(a, 8));
}
INLINE void words_numbers(words a, words b, words c, words d, lanes out[2]) {
    __m256i low_a = words_join(a.a, b.a), high_a = words_join(c.a, d.a);
    __m256i low_b = words_join(a.b, b.b), high_b = words_join(c.b, d.b);
    out[0] = (lanes){words_number(_mm256_unpacklo_epi64(low_a, high_a)),
                     words_number(_mm256_unpacklo_epi64(low_b, high_b))};
    out[1] = (lanes){words_number(_mm256_unpackhi_epi64(low_a, high_a)),
                     words_number(_mm256_unpackhi_epi64(low_b, high_b))};
}

#else
typedef struct words {
    uint64_t v[RANDOM_BLOCKS];
} words;

#define WORDS_EACH(expression)                                                                     \
    words r;                                                                                       \
    for (int i = 0; i < RANDOM_BLOCKS; i++) r.v[i] = (expression);                                 \
    return r

INLINE words words_set(uint64_t a) {
    WORDS_EACH(a);
}
INLINE words words_count(uint64_t first) {
    WORDS_EACH(first + (uint64_t)(i % 2 * 4 + i / 2));
}
INLINE words words_product(words a, words b) {
    WORDS_EACH((a.v[i] & UINT32_MAX) * (b.v[i] & UINT32_MAX));
}
INLINE words words_high(words a) {
    WORDS_EACH(a.v[i] >> 32);
}
INLINE words words_xor(words a, words b, words c) {
    WORDS_EACH(a.v[i] ^ b.v[i] ^ c.v[i]);
}
INLINE void words_numbers(words a, words b, words c, words d, lanes out[2]) {
    for (int i = 0; i < RANDOM_BLOCKS; i++) {
        real *to = out[i % 2].v + i / 2 * 4;
        to[0] = (real)((uint32_t)a.v[i] >> 8);
        to[1] = (real)((uint32_t)b.v[i] >> 8);
        to[2] = (real)((uint32_t)c.v[i] >> 8);
        to[3] = (real)((uint32_t)d.v[i] >> 8);
    }
}
#endif

/* The upper 24 bits of the words of eight blocks, from counter (high, low) on, in order. */
INLINE void random_numbers(uint64_t key, uint64_t high, uint64_t low, lanes out[2]) {
    const words by_a = words_set(0xD2511F53u), by_c = words_set(0xCD9E8D57u);
    words a = words_count(low), b = words_high(a), c = words_set(high), d = words_high(c);
    uint32_t key_a = (uint32_t)key, key_b = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        words p = words_product(a, by_a), q = words_product(c, by_c);
        a = words_xor(words_high(q), b, words_set(key_a));
        c = words_xor(words_high(p), d, words_set(key_b));
        b = q;
        d = p;
        key_a += 0x9E3779B9u;
        key_b += 0xBB67AE85u;
    }
    words_numbers(a, b, c, d, out);
}

#endif
