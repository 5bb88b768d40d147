/* hash: XXH3, the only user of xxhash.h.
 *
 * 64 bits serve hash tables, 128 bits serve checksums: they catch accidents, not attacks. XXH3's
 * values are frozen since version 0.8 and do not depend on the machine, so files may hold them.
 */
#include "base/hash.h"

#include <string.h>
#include <xxhash.h>

uint64_t hash64(const void *data, size_t size) {
    return XXH3_64bits(data, size);
}

static hash128 from_xxh(XXH128_hash_t h) {
    return (hash128){.high = h.high64, .low = h.low64};
}

hash128 hash128_of(const void *data, size_t size) {
    return from_xxh(XXH3_128bits(data, size));
}

bool hash128_equal(hash128 a, hash128 b) {
    return a.high == b.high && a.low == b.low;
}

/* xxHash's canonical form: the high half first, most significant digit first. */
void hash128_hex(hash128 h, char text[33]) {
    for (int i = 0; i < 32; i++) {
        uint64_t half = i < 16 ? h.high : h.low;
        text[i] = "0123456789abcdef"[half >> (60 - i % 16 * 4) & 15];
    }
    text[32] = '\0';
}

/* Upper-case digits are refused: a header has one spelling, or equal models differ in bytes. */
bool hash128_parse(const char *text, size_t size, hash128 *h) {
    if (size != 32) return false;
    uint64_t half[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        char c = text[i];
        uint64_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (uint64_t)(c - 'a') + 10;
        } else {
            return false;
        }
        half[i / 16] = half[i / 16] << 4 | digit;
    }
    *h = (hash128){.high = half[0], .low = half[1]};
    return true;
}

/* A hasher is XXH3's own state under our name; xxhash allocates it with the alignment it wants. */
hasher *hasher_new(void) {
    XXH3_state_t *state = XXH3_createState();
    if (state) XXH3_128bits_reset(state);
    return (hasher *)state;
}

void hasher_add(hasher *h, const void *data, size_t size) {
    XXH3_128bits_update((XXH3_state_t *)h, data, size);
}

hash128 hasher_result(const hasher *h) {
    return from_xxh(XXH3_128bits_digest((const XXH3_state_t *)h));
}

void hasher_free(hasher *h) {
    XXH3_freeState((XXH3_state_t *)h);
}
