/* metric_ngram: n-grams that a system's line shares with its references, order after order.
 *
 * Sides are sequences of items (ids of words, or code points): side 0 is the system's, the others
 * are references. Zeroed is empty; used again for line after line.
 */
#ifndef RILL_MODEL_METRIC_NGRAM_H
#define RILL_MODEL_METRIC_NGRAM_H

#include "base/mem.h"

typedef struct ngram_entry ngram_entry;

typedef struct ngrams {
    int32_t *item; /* [N] items of all sides, one side after the other */
    size_t items, item_room;
    size_t *end; /* [sides] where the side ends in item */
    size_t sides, end_room;
    size_t order;   /* of the n-grams below, 0 before the first */
    uint32_t *gram; /* [N] number of the n-gram that starts here */
    size_t gram_room;
    ngram_entry *entry; /* [N] scratch */
    size_t entry_room;
} ngrams;

void ngrams_clear(ngrams *g);
/* Room for a side's items, which the caller fills in; RILL_ELIMIT when the line is too long. */
MUST_USE int ngrams_side(ngrams *g, size_t count, int32_t **item);
/* On to the next order, 1 at first. match[s] gets the n-grams that side 0 and side s share, each
 * counted as often as it stands in both; *clipped the same against the union of all references
 * (an n-gram's count there is its largest one). match[0] is not set. */
MUST_USE int ngrams_next(ngrams *g, int64_t *match, int64_t *clipped);
/* N-grams of the current order on a side. */
int64_t ngrams_total(const ngrams *g, size_t side);
void ngrams_free(ngrams *g);

#endif
