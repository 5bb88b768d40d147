/* hash: XXH3, the only user of xxhash.h. */
#ifndef RILL_BASE_HASH_H
#define RILL_BASE_HASH_H

#include "base/status.h"
#include <stdint.h>

typedef struct hash128 {
    uint64_t high, low;
} hash128;

uint64_t hash64(const void *data, size_t size);
hash128 hash128_of(const void *data, size_t size);
bool hash128_equal(hash128 a, hash128 b);
void hash128_hex(hash128 h, char text[33]); /* 32 lower-case digits and NUL, high half first */
bool hash128_parse(const char *text, size_t size, hash128 *h); /* exactly 32 lower-case digits */

/* Hash of data that arrives in parts. */
typedef struct hasher hasher;
hasher *hasher_new(void); /* NULL when out of memory */
void hasher_add(hasher *h, const void *data, size_t size);
hash128 hasher_result(const hasher *h);
void hasher_free(hasher *h);

#endif
