/* bytes: views of byte ranges, growable buffers, and the string map.
 */
#ifndef RILL_BASE_BYTES_H
#define RILL_BASE_BYTES_H

#include "base/mem.h"

typedef struct bytes {
    const char *data; /* not terminated */
    size_t size;
} bytes;

#define BYTES(literal) ((bytes){(literal), sizeof(literal) - 1})
bytes bytes_of(const char *text);
bool bytes_equal(bytes a, bytes b);
int bytes_compare(bytes a, bytes b); /* memcmp order, shorter first on a tie */
bool bytes_starts(bytes text, bytes prefix);
bytes bytes_slice(bytes text, size_t begin, size_t end);
/* Next field up to `separator`; *rest moves behind it. False when *rest was exhausted (a text with
 * k separators has k+1 fields). Start with rest = whole text; rest->data becomes NULL at the end. */
bool bytes_split(bytes *rest, char separator, bytes *field);
bytes bytes_trim(bytes text); /* without ASCII blanks at both ends */
bytes bytes_unmarked(bytes text); /* without the byte order mark (U+FEFF in UTF-8) in front */
/* Whole text as a number; false if anything else stands there or it is out of range. */
bool bytes_to_int(bytes text, int64_t *value);
bool bytes_to_real(bytes text, double *value);

/* A growable byte string. Zeroed is empty. Once an append fails `failed` stays set, later appends
 * do nothing, and buffer_status says RILL_ENOMEM: check once, at the end. */
typedef struct buffer {
    char *data; /* always NUL terminated when not NULL */
    size_t size, capacity;
    bool failed;
} buffer;

void buffer_add(buffer *b, const void *data, size_t size);
void buffer_add_bytes(buffer *b, bytes text);
void buffer_add_text(buffer *b, const char *text);
void buffer_add_char(buffer *b, char c);
void buffer_printf(buffer *b, const char *format, ...) PRINTF_LIKE(2, 3);
/* The shortest decimal that reads back as the same double; "." in every locale. Finite values. */
void buffer_add_real(buffer *b, double value);
/* So many decimals, rounded as printf does, but without "-0"; "." in every locale. Finite values. */
void buffer_add_fixed(buffer *b, double value, int decimals);
void buffer_clear(buffer *b); /* keeps the memory, forgets the failure */
void buffer_free(buffer *b);
bytes buffer_view(const buffer *b);
MUST_USE int buffer_status(const buffer *b, rill_error *error);

/* String map: strings to ids 0, 1, 2, ... in order of first insertion. Open addressing over XXH3;
 * the strings stand one after the other in `text`, string i is text[start[i] .. start[i+1]). That
 * pair of arrays is what a model file stores; the table is rebuilt at load. Zeroed is empty. */
typedef struct strmap {
    buffer text;
    int64_t *start;    /* [count + 1] */
    size_t start_room;
    int32_t *slot;     /* [slots], id or -1 */
    size_t slots;      /* power of two or 0 */
    int32_t count;
} strmap;

/* Id of the string, inserting it when it is new. `text` must not lie in the map itself. */
MUST_USE int strmap_add(strmap *m, bytes text, int32_t *id);
int32_t strmap_find(const strmap *m, bytes text); /* id or -1 */
bytes strmap_get(const strmap *m, int32_t id);    /* view, valid until the next insertion */
/* Fills an empty map from the stored pair; refuses bad offsets and duplicates. */
MUST_USE int strmap_load(strmap *m, bytes text, const int64_t *start, size_t count,
                         rill_error *error);
void strmap_free(strmap *m);

#endif
