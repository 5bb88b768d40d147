/* batch: which sequences go together, and in what order.
 *
 * Batches of about a budget of tokens come from length-sorted buckets of a shuffled corpus; the
 * order is a function of (lengths, budget, seed, epoch) only, never of threads or time:
 *
 *     shuffle all -> cut into buckets of 16 budgets -> sort each by length -> cut into batches ->
 *     shuffle the batches
 *
 * The batches of a bucket have nearly one size. An update follows the mean over its batch, so a small
 * rest of two or three sequences would pull as hard as all the others, mostly at random.
 */
#ifndef RILL_DATA_BATCH_H
#define RILL_DATA_BATCH_H

#include "base/mem.h"

/* Zeroed is empty; reused from epoch to epoch. */
typedef struct batch_plan {
    int32_t *item; /* [items] sequences, batch after batch */
    size_t items, item_room;
    int32_t *start; /* [batches + 1] */
    size_t batches, start_room;
    int32_t *scratch; /* [items] */
    size_t scratch_room;
} batch_plan;

/* Sequences of length 0 are left out. The lengths of a batch sum to at most `budget` and the longest of
 * them. */
MUST_USE int batch_shuffle(batch_plan *p, const int32_t *length, size_t count, int64_t budget,
                           uint64_t seed, uint64_t epoch);
/* Without shuffling: longest first, so equal lengths share a batch. For validation. */
MUST_USE int batch_sorted(batch_plan *p, const int32_t *length, size_t count, int64_t budget);
void batch_free(batch_plan *p);

/* Name of an item in random masks; again: of its second reading. Bit 62 is for names of other things. */
static inline uint64_t batch_name(int64_t epoch, int32_t item, bool again) {
    return (uint64_t)again << 63 | (uint64_t)epoch << 40 | (uint32_t)item;
}
/* Every item of a batch twice, first all of them, then all again (R-drop, Liang et al. 2021). The list
 * stands in the arena. */
MUST_USE int batch_twice(arena *a, const int32_t **item, int32_t *count);

#endif
