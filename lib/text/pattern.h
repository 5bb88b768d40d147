/* pattern: compiled regular expressions; the only user of pcre2.h.
 *
 * Patterns work on valid UTF-8 with Unicode properties (\w, \d, \b and case follow Unicode). The
 * text has been validated by unicode, so PCRE2 never checks it again: checking at every match of a
 * line is quadratic. A pattern is immutable and shared between threads; a session's
 * `pattern_scratch` holds what a match writes. Match, depth and heap limits turn a runaway pattern
 * into an error.
 */
#ifndef RILL_TEXT_PATTERN_H
#define RILL_TEXT_PATTERN_H

#include "base/bytes.h"

typedef struct pattern pattern;
typedef struct pattern_scratch pattern_scratch;

/* Compiles; a fault is reported at `file`:`line` with the column `column` + offset in the pattern
 * (file may be NULL). */
MUST_USE int pattern_new(bytes regex, const char *file, size_t line, size_t column, pattern **out,
                         rill_error *error);
void pattern_free(pattern *p);
int pattern_groups(const pattern *p); /* capturing groups */
/* False when no match begins with that byte: a cheap look before pattern_at. */
bool pattern_starts(const pattern *p, unsigned char byte);

/* Room for patterns of up to `groups` groups. */
MUST_USE int pattern_scratch_new(int groups, pattern_scratch **out, rill_error *error);
void pattern_scratch_free(pattern_scratch *s);

/* Matches at exactly `at`, looking no further than text.size; never empty. 1 and the end in *end
 * (at < *end), 0 when nothing matches there, RILL_ELIMIT when a limit was passed. */
MUST_USE int pattern_at(const pattern *p, pattern_scratch *s, bytes text, size_t at, size_t *end,
                        rill_error *error);
/* Group 1.. of the last match in byte offsets; false when it took no part. */
bool pattern_group(const pattern_scratch *s, int group, size_t *begin, size_t *end);

#endif
