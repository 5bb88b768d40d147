/* rng: counter-based random numbers (Philox4x32-10 of Random123), the only user of its headers.
 *
 * rng_block is a pure function of key and counter: who draws, in which order and on which thread
 * makes no difference. A `rng` is a counter that walks, for shuffles and initial weights.
 */
#ifndef RILL_BASE_RNG_H
#define RILL_BASE_RNG_H

#include "base/status.h"
#include <stdint.h>

typedef struct rng_words {
    uint32_t v[4];
} rng_words;

rng_words rng_block(uint64_t key, uint64_t high, uint64_t low);

/* Mixes a seed and the number of a consumer (an op, a parameter) into a key. */
uint64_t rng_key(uint64_t seed, uint64_t consumer);

/* Uniform in [0,1) with 24 bits. */
static inline float rng_float(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

typedef struct rng {
    uint64_t key, high, low;
    rng_words words;
    int left;
} rng;

rng rng_make(uint64_t seed, uint64_t consumer, uint64_t high);
uint32_t rng_next(rng *r);
uint64_t rng_below(rng *r, uint64_t bound); /* unbiased, bound > 0 */
double rng_uniform(rng *r);                 /* [0,1), 53 bits */
double rng_normal(rng *r);                  /* mean 0, variance 1 (Box-Muller) */
void rng_shuffle(rng *r, int32_t *items, size_t count); /* Fisher-Yates */

#endif
