/* json: the only user of jansson.h; other rooms reach jansson through this header.
 *
 * Reading is strict: duplicate keys, trailing bytes, NUL in strings, bad UTF-8 and more
 * than a million lists and objects are refused. Writing is canonical: keys in insertion order, no
 * spaces, numbers with 17 digits at most, so equal values give equal bytes.
 */
#ifndef RILL_BASE_JSON_H
#define RILL_BASE_JSON_H

#include "base/bytes.h"
#include <jansson.h>

MUST_USE int json_read(bytes text, const char *file, json_t **out, rill_error *error);
/* Appends the canonical form. */
MUST_USE int json_write(const json_t *value, buffer *out, rill_error *error);
/* A string of arbitrary bytes: invalid UTF-8 becomes U+FFFD. NULL when out of memory. */
json_t *json_text(bytes text);
/* Adds `item` to a list, or sets it in an object, and takes it. When that fails, or `item` is NULL for want
 * of memory, *to is released and becomes NULL, and stays so: a chain is checked once, at its end. */
void json_add(json_t **to, json_t *item);
void json_put(json_t **to, const char *key, json_t *item);
/* A JSON string literal of arbitrary bytes (invalid UTF-8 becomes U+FFFD), appended with quotes. */
void json_quote(bytes text, buffer *out);

#endif
