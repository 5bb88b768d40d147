/* craft: model files with right checksums and any content, for tests and fuzzing.
 *
 * What a damaged file looks like is easy to make; a hostile one needs its seal and its hashes
 * redone. A recipe is the header's text behind the seal's digits, in which #b-e# stands for the
 * XXH3-128 of data[b..e):
 *
 *     ","rill_format":"1","xxh3.w":"#0-8#"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}
 */
#ifndef RILL_TESTS_CRAFT_H
#define RILL_TESTS_CRAFT_H

#include "model/bundle_rules.h"
#include <stdlib.h>
#include <string.h>

/* A #b-e# at the start of text: its size, 0 if there is none. */
static inline size_t craft_mark(bytes text, int64_t *begin, int64_t *end) {
    bytes rest = bytes_slice(text, 1, text.size), number;
    if (!bytes_split(&rest, '-', &number) || !bytes_to_int(number, begin)) return 0;
    if (!rest.data || !bytes_split(&rest, '#', &number) || !bytes_to_int(number, end)) return 0;
    return rest.data ? (size_t)(rest.data - text.data) : 0;
}

static inline void craft_header(bytes recipe, bytes data, buffer *out) {
    for (size_t i = 0; i < recipe.size;) {
        int64_t begin = 0, end = 0;
        size_t mark = 0;
        if (recipe.data[i] == '#') {
            mark = craft_mark(bytes_slice(recipe, i, recipe.size), &begin, &end);
        }
        if (!mark || begin < 0 || end < begin || (uint64_t)end > data.size) {
            buffer_add_char(out, recipe.data[i++]);
            continue;
        }
        char digits[33];
        hash128_hex(hash128_of(data.data + begin, (size_t)(end - begin)), digits);
        buffer_add_text(out, digits);
        i += mark;
    }
}

/* Redoes the length field and the seal of a header of `size` bytes, both parts included. */
static inline void craft_seal(char *file, size_t size) {
    uint64_t length = size - BUNDLE_PREFIX;
    hash128 seal;
    char digits[33];
    memcpy(file, &length, sizeof length);
    if (bundle_seal((bytes){file, size}, &seal) < 0) abort();
    hash128_hex(seal, digits);
    memcpy(file + BUNDLE_PREFIX + strlen(BUNDLE_OPENING), digits, BUNDLE_DIGITS);
}

/* A whole file in memory aligned as bundle_open_bytes wants it; release with free. */
static inline bytes craft_file(bytes recipe, bytes data) {
    buffer head = {0};
    buffer_add(&head, "\0\0\0\0\0\0\0\0" BUNDLE_OPENING "00000000000000000000000000000000",
               BUNDLE_PREFIX + strlen(BUNDLE_OPENING) + BUNDLE_DIGITS);
    craft_header(recipe, data, &head);
    while (head.size % BUNDLE_ALIGN) buffer_add_char(&head, ' ');
    craft_seal(head.data, head.size);
    size_t size = head.size + data.size;
    char *file =
        aligned_alloc(BUNDLE_ALIGN, (size + BUNDLE_ALIGN - 1) / BUNDLE_ALIGN * BUNDLE_ALIGN);
    if (!file) abort();
    memcpy(file, head.data, head.size);
    if (data.size) memcpy(file + head.size, data.data, data.size);
    buffer_free(&head);
    return (bytes){file, size};
}

#endif
