/* subword_pairs: the learner of merges, over words that are sequences of numbered units. */
#ifndef RILL_TEXT_SUBWORD_PAIRS_H
#define RILL_TEXT_SUBWORD_PAIRS_H

#include "base/bytes.h"

typedef struct pairs pairs;
MUST_USE int pairs_new(pairs **out, rill_error *error);
void pairs_free(pairs *p);
/* Words, in any order. */
MUST_USE int pairs_add(pairs *p, const int32_t *unit, size_t size, int64_t count,
                       rill_error *error);
/* Call once, after the last word. `unit` has the strings of the units and must outlive p. */
MUST_USE int pairs_index(pairs *p, const strmap *unit, rill_error *error);

/* The most frequent pair; among equals the one whose strings are greatest, left before right. Its
 * count is *count. False when no pair is left. */
bool pairs_best(pairs *p, int32_t *left, int32_t *right, int64_t *count);
/* Joins the pair that pairs_best gave, from left to right in each word, to unit `id`; or, with id
 * -1, leaves it for ever. */
MUST_USE int pairs_join(pairs *p, int32_t id, rill_error *error);

#endif
