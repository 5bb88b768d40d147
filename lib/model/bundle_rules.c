/* bundle_rules: the rules of the container that reader and writer share. See bundle.h for the map.
 *
 * They stand in one place so that the two can't drift apart: what is written is what is read back.
 */
#include "model/bundle_rules.h"
#include "text/unicode.h"
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensor data are mapped as they stand in the file, which is little-endian");

/* Spelt as safetensors spells them; by size the order is the one the data stand in. */
static const struct {
    const char *name;
    size_t size;
} types[BUNDLE_TYPES] = {
    [BUNDLE_I64] = {"I64", 8},   [BUNDLE_F32] = {"F32", 4}, [BUNDLE_I32] = {"I32", 4},
    [BUNDLE_BF16] = {"BF16", 2}, [BUNDLE_I8] = {"I8", 1},   [BUNDLE_U8] = {"U8", 1},
};

const char *bundle_type_name(bundle_type type) {
    return types[type].name;
}
size_t bundle_type_size(bundle_type type) {
    return types[type].size;
}

bundle_type bundle_type_of(const char *name) {
    bundle_type type = 0;
    while (type < BUNDLE_TYPES && strcmp(types[type].name, name) != 0) type++;
    return type;
}

bool bundle_name_ok(const char *name, size_t limit) {
    size_t size = 0;
    for (; name[size]; size++) {
        if (size == limit || name[size] <= ' ' || name[size] > '~') return false;
    }
    return size > 0;
}

bool bundle_key_reserved(const char *key) {
    return strcmp(key, "header_xxh3") == 0 || strcmp(key, "rill_format") == 0 ||
           strncmp(key, BUNDLE_HASH_KEY, strlen(BUNDLE_HASH_KEY)) == 0;
}

/* The sizes come from a file: a product that wraps around would make a small range look right. */
bool bundle_measure(bundle_entry *e) {
    e->count = 1;
    for (int i = 0; i < e->rank; i++) {
        if (e->shape[i] < 0) return false;
        if (!size_mul(e->count, (size_t)e->shape[i], &e->count)) return false;
    }
    return size_mul(e->count, types[e->type].size, &e->size) && e->size <= INT64_MAX;
}

/* A negative size is one that the caller left open. */
void bundle_describe(bundle_type type, int rank, const int64_t *shape, char *text) {
    size_t used = (size_t)snprintf(text, BUNDLE_SHAPE_TEXT, "%s [", types[type].name);
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0) {
            used += (size_t)snprintf(text + used, BUNDLE_SHAPE_TEXT - used, "%s?", i ? "," : "");
        } else {
            used += (size_t)snprintf(text + used, BUNDLE_SHAPE_TEXT - used, "%s%lld", i ? "," : "",
                                     (long long)shape[i]);
        }
    }
    snprintf(text + used, BUNDLE_SHAPE_TEXT - used, "]");
}

/* NaN and infinity are the numbers whose exponent bits are all set. All weights are looked at each
 * time a model is opened: whole blocks without a branch, which compilers turn into vectors, then
 * one by one where the fault is. */
enum { BLOCK = 1024 };

static bool block_finite_f32(const uint32_t *word) {
    uint32_t bad = 0;
    for (size_t i = 0; i < BLOCK; i++) bad |= (word[i] & 0x7f800000u) == 0x7f800000u;
    return !bad;
}

static size_t first_infinite_f32(const uint32_t *word, size_t count) {
    size_t i = 0;
    while (count - i >= BLOCK && block_finite_f32(word + i)) i += BLOCK;
    while (i < count && (word[i] & 0x7f800000u) != 0x7f800000u) i++;
    return i;
}

static bool block_finite_bf16(const uint16_t *word) {
    uint16_t bad = 0;
    for (size_t i = 0; i < BLOCK; i++) bad |= (word[i] & 0x7f80u) == 0x7f80u;
    return !bad;
}

static size_t first_infinite_bf16(const uint16_t *word, size_t count) {
    size_t i = 0;
    while (count - i >= BLOCK && block_finite_bf16(word + i)) i += BLOCK;
    while (i < count && (word[i] & 0x7f80u) != 0x7f80u) i++;
    return i;
}

size_t bundle_first_infinite(const bundle_entry *e) {
    if (e->type == BUNDLE_F32) return first_infinite_f32(e->data, e->count);
    if (e->type == BUNDLE_BF16) return first_infinite_bf16(e->data, e->count);
    return e->count;
}

/* Each string by itself must be UTF-8, not just the text: an offset inside a character is refused.
 */
bool bundle_list_ok(bytes text, const int64_t *start, size_t count, char *why) {
    if (count > INT32_MAX) {
        snprintf(why, BUNDLE_WHY, "%zu strings are too many", count);
        return false;
    }
    if (start[0] != 0 || start[count] < 0 || (uint64_t)start[count] != text.size) {
        snprintf(why, BUNDLE_WHY, "offsets run from %lld to %lld, expected 0 to %zu",
                 (long long)start[0], (long long)start[count], text.size);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        /* Ascending from 0 and below the end, so that the slice is inside the text. */
        if (start[i + 1] < start[i] || start[i + 1] > start[count]) {
            snprintf(why, BUNDLE_WHY, "offset %zu is %lld after %lld", i + 1,
                     (long long)start[i + 1], (long long)start[i]);
            return false;
        }
        if (!utf8_valid(bytes_slice(text, (size_t)start[i], (size_t)start[i + 1]), NULL)) {
            snprintf(why, BUNDLE_WHY, "string %zu is not UTF-8", i);
            return false;
        }
    }
    return true;
}

/* The digits are part of what they seal, so they count as zeros. */
int bundle_seal(bytes head, hash128 *out) {
    static const char zeros[BUNDLE_DIGITS + 1] = "00000000000000000000000000000000";
    size_t digits = BUNDLE_PREFIX + strlen(BUNDLE_OPENING), rest = digits + BUNDLE_DIGITS;
    hasher *h = hasher_new();
    if (!h) return RILL_ENOMEM;
    hasher_add(h, head.data, digits);
    hasher_add(h, zeros, BUNDLE_DIGITS);
    hasher_add(h, head.data + rest, head.size - rest);
    *out = hasher_result(h);
    hasher_free(h);
    return 0;
}
