/* metric_ngram: exact counts without hashing.
 *
 * An n-gram is the pair (number of the (n-1)-gram that starts here, item at its end), one 64-bit
 * key. Keys of all sides are sorted together; a run of equal keys is an n-gram, its entries tell
 * how often each side has it, and the run's number is what the next order builds on. An n-gram that
 * only one of the two parties has can't be the start of a shared longer one, so it is dropped: the
 * orders get cheaper and cheaper.
 */
#include "model/metric_ngram.h"
#include <stdlib.h>

struct ngram_entry {
    uint64_t key;
    uint32_t at, side;
};

#define DROPPED UINT32_MAX /* a gram that nobody shares */

void ngrams_clear(ngrams *g) {
    g->items = g->sides = g->order = 0;
}

int ngrams_side(ngrams *g, size_t count, int32_t **item) {
    if (count >= DROPPED - g->items) return RILL_ELIMIT;
    TRY(mem_grow(&g->item, &g->item_room, g->items + count, sizeof *g->item));
    TRY(mem_grow(&g->end, &g->end_room, g->sides + 1, sizeof *g->end));
    *item = g->item + g->items;
    g->items += count;
    g->end[g->sides++] = g->items;
    return 0;
}

static size_t side_begin(const ngrams *g, size_t side) {
    return side ? g->end[side - 1] : 0;
}

int64_t ngrams_total(const ngrams *g, size_t side) {
    size_t length = g->end[side] - side_begin(g, side);
    return length < g->order ? 0 : (int64_t)(length - g->order + 1);
}

static int entry_compare(const void *left, const void *right) {
    const ngram_entry *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return (a->side > b->side) - (a->side < b->side);
}

/* Entries of the current order, unsorted; their number. */
static size_t collect(ngrams *g) {
    size_t count = 0;
    for (size_t s = 0; s < g->sides; s++) {
        for (size_t i = side_begin(g, s); i + g->order <= g->end[s]; i++) {
            uint64_t start = g->order > 1 ? g->gram[i] : 0;
            if (start == DROPPED) continue;
            uint32_t last = (uint32_t)g->item[i + g->order - 1];
            g->entry[count++] = (ngram_entry){start << 32 | last, (uint32_t)i, (uint32_t)s};
        }
    }
    return count;
}

/* One n-gram: entries [begin,end), sorted by side. */
static bool run_count(const ngram_entry *entry, size_t begin, size_t end, int64_t *match,
                      int64_t *clipped) {
    int64_t own = 0, most = 0;
    size_t i = begin;
    while (i < end && entry[i].side == 0) i++;
    own = (int64_t)(i - begin);
    for (size_t from = i; own && i < end; from = i) {
        while (i < end && entry[i].side == entry[from].side) i++;
        int64_t theirs = (int64_t)(i - from);
        match[entry[from].side] += own < theirs ? own : theirs;
        if (theirs > most) most = theirs;
    }
    *clipped += own < most ? own : most;
    return own && most;
}

int ngrams_next(ngrams *g, int64_t *match, int64_t *clipped) {
    uint32_t number = 0;
    TRY(mem_grow(&g->gram, &g->gram_room, g->items, sizeof *g->gram));
    TRY(mem_grow(&g->entry, &g->entry_room, g->items, sizeof *g->entry));
    *clipped = 0;
    for (size_t s = 1; s < g->sides; s++) match[s] = 0;
    g->order++;
    size_t count = collect(g);
    if (count) qsort(g->entry, count, sizeof *g->entry, entry_compare);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && g->entry[end].key == g->entry[begin].key;) end++;
        bool shared = run_count(g->entry, begin, end, match, clipped);
        for (size_t i = begin; i < end; i++) g->gram[g->entry[i].at] = shared ? number : DROPPED;
        number++;
    }
    return 0;
}

void ngrams_free(ngrams *g) {
    free(g->item);
    free(g->end);
    free(g->gram);
    free(g->entry);
    *g = (ngrams){0};
}
