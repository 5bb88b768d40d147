/* rng: counter-based random numbers, the only user of Random123's headers.
 *
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): ten rounds of
 * two 32x32 -> 64 bit products turn a 128-bit counter under a 64-bit key into 128 random bits.
 *
 *     counter words: [ low 31..0 | low 63..32 | high 31..0 | high 63..32 ]
 *     key words:     [ 31..0 | 63..32 ]
 */
#include "base/rng.h"

#include <Random123/philox.h>
#include <math.h>

rng_words rng_block(uint64_t key, uint64_t high, uint64_t low) {
    philox4x32_ctr_t counter = {
        {(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)high, (uint32_t)(high >> 32)}};
    philox4x32_key_t secret = {{(uint32_t)key, (uint32_t)(key >> 32)}};
    philox4x32_ctr_t r = philox4x32(counter, secret);
    return (rng_words){{r.v[0], r.v[1], r.v[2], r.v[3]}};
}

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection that spreads every bit. */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* The seed is mixed on its own first: seed+1 with consumer c-1 must not meet seed with c. */
uint64_t rng_key(uint64_t seed, uint64_t consumer) {
    return mix(mix(seed + 0x9E3779B97F4A7C15u) + consumer);
}

rng rng_make(uint64_t seed, uint64_t consumer, uint64_t high) {
    return (rng){.key = rng_key(seed, consumer), .high = high};
}

/* A block gives four words; `left` counts those not handed out. */
uint32_t rng_next(rng *r) {
    if (r->left == 0) {
        r->words = rng_block(r->key, r->high, r->low++);
        r->left = 4;
    }
    return r->words.v[4 - r->left--];
}

/* Two words, the first one low: part of what a seed means, like the order of the words. */
static uint64_t next64(rng *r) {
    uint64_t low = rng_next(r);
    return (uint64_t)rng_next(r) << 32 | low;
}

uint64_t rng_below(rng *r, uint64_t bound) {
    /* 2^64 mod bound numbers at the low end are refused; the rest is a whole multiple of bound. */
    uint64_t refuse = (0 - bound) % bound, x;
    do {
        x = next64(r);
    } while (x < refuse);
    return x % bound;
}

/* The upper 53 bits as a fraction: every double of that grid is equally likely. */
double rng_uniform(rng *r) {
    return (double)(next64(r) >> 11) * 0x1p-53;
}

/* Box and Muller 1958, one of the two values; keeping the other would make state that a checkpoint
 * had to store. */
double rng_normal(rng *r) {
    const double turn = 6.283185307179586476925;
    double radius = sqrt(-2.0 * log(1.0 - rng_uniform(r))); /* 1 - u lies in (0,1] */
    return radius * cos(turn * rng_uniform(r));
}

/* From the end: position i-1 gets one of the i items not placed yet. */
void rng_shuffle(rng *r, int32_t *items, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)rng_below(r, i);
        int32_t held = items[i - 1];
        items[i - 1] = items[j];
        items[j] = held;
    }
}
