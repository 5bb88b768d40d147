/* pack: B sequences one after the other, and their time-major order. Plain integers.
 *
 * Packed (natural) order: sequence b occupies rows start[b] .. start[b+1], N rows in all.
 * Time-major order, used by recurrent ops only: sequences are ranked longest first (ties keep their
 * order), step t holds the live[t] ranks longer than t, in rows first[t] .. first[t+1].
 *
 *     lengths 2 3 1     natural: a0 a1 | b0 b1 b2 | c0      order: b a c
 *     time-major: b0 a0 c0 | b1 a1 | b2                     live: 3 2 1     first: 0 3 5 6
 *
 * `name` identifies each sequence for random masks (see rng.h): a corpus line, so that a mask does
 * not depend on the batch it was drawn in. It may be NULL where nothing random is done.
 */
#ifndef RILL_BASE_PACK_H
#define RILL_BASE_PACK_H

#include "base/mem.h"

typedef struct pack {
    int32_t count;        /* B */
    int32_t total;        /* N */
    int32_t steps;        /* T, the longest length */
    const int32_t *start; /* [B+1] */
    const int32_t *order; /* [B] sequence at each rank */
    const int32_t *live;  /* [T] */
    const int32_t *first; /* [T+1] */
    const uint64_t *name; /* [B] or NULL */
} pack;

/* Builds a pack in the arena. Lengths may be 0. Fails with RILL_ELIMIT when N passes INT32_MAX.
 * `name` is copied when not NULL. */
MUST_USE int pack_make(arena *a, const int32_t *length, const uint64_t *name, int32_t count,
                       pack *out);
static inline int32_t pack_length(const pack *p, int32_t b) { return p->start[b + 1] - p->start[b]; }
/* Natural row of every time-major row [N]; reversed: step t of a sequence is its t-th last token. */
void pack_rows(const pack *p, bool reversed, int32_t *natural);

#endif
