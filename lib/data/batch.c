/* batch: see batch.h. */
#include "data/batch.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKET = 16 /* budgets */, SHUFFLE = 0x5f }; /* consumer number of the random stream */

/* Stable sort by length, longest first: merge sort over `scratch`. */
static void sort_lengths(int32_t *item, int32_t *scratch, size_t n, const int32_t *length) {
    if (n < 2) return;
    size_t half = n / 2, a = 0, b = half;
    sort_lengths(item, scratch, half, length);
    sort_lengths(item + half, scratch, n - half, length);
    memcpy(scratch, item, n * sizeof *item);
    for (size_t i = 0; i < n; i++) {
        bool left = b == n || (a < half && length[scratch[a]] >= length[scratch[b]]);
        item[i] = left ? scratch[a++] : scratch[b++];
    }
}

static int collect(batch_plan *p, const int32_t *length, size_t count) {
    p->items = p->batches = 0;
    TRY(mem_grow(&p->item, &p->item_room, count + 1, sizeof *p->item));
    TRY(mem_grow(&p->scratch, &p->scratch_room, count + 1, sizeof *p->scratch));
    TRY(mem_grow(&p->start, &p->start_room, count + 1, sizeof *p->start));
    for (size_t i = 0; i < count; i++) {
        if (length[i] > 0) p->item[p->items++] = (int32_t)i;
    }
    p->start[0] = 0;
    return 0;
}

static int64_t sum_of(const batch_plan *p, const int32_t *length, size_t from, size_t to) {
    int64_t sum = 0;
    for (size_t i = from; i < to; i++) sum += length[p->item[i]];
    return sum;
}

/* Cuts items from..to-1 into batches of nearly one size: an item belongs to the share of the sum that its
 * middle lies in. */
static void cut(batch_plan *p, const int32_t *length, size_t from, size_t to, int64_t budget) {
    int64_t total = sum_of(p, length, from, to), shares = (total + budget - 1) / budget;
    int64_t share = 0, done = 0;
    for (size_t i = from; i < to; i++) {
        int64_t now = length[p->item[i]], mine = (2 * done + now) * shares / (2 * total);
        if (i > from && mine > share) p->start[++p->batches] = (int32_t)i;
        share = mine;
        done += now;
    }
    if (to > from) p->start[++p->batches] = (int32_t)to;
}

/* Puts the batches into a random order. */
static int shuffle_batches(batch_plan *p, rng *r) {
    size_t n = p->batches;
    int32_t *order = mem_new(n + 1, sizeof *order), *begin = mem_new(n + 1, sizeof *begin);
    if (!order || !begin) {
        free(order);
        free(begin);
        return RILL_ENOMEM;
    }
    memcpy(begin, p->start, (n + 1) * sizeof *begin);
    memcpy(p->scratch, p->item, p->items * sizeof *p->item);
    for (size_t i = 0; i < n; i++) order[i] = (int32_t)i;
    rng_shuffle(r, order, n);
    int32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t from = begin[order[i]], size = begin[order[i] + 1] - from;
        memcpy(p->item + at, p->scratch + from, (size_t)size * sizeof *p->item);
        at += size;
        p->start[i + 1] = at;
    }
    free(order);
    free(begin);
    return 0;
}

int batch_shuffle(batch_plan *p, const int32_t *length, size_t count, int64_t budget, uint64_t seed,
                  uint64_t epoch) {
    TRY(collect(p, length, count));
    rng r = rng_make(seed, SHUFFLE, epoch);
    rng_shuffle(&r, p->item, p->items);
    int64_t total = sum_of(p, length, 0, p->items), buckets = total / (budget * BUCKET) + 1;
    size_t from = 0;
    while (from < p->items) {
        size_t to = from;
        for (int64_t sum = 0; to < p->items && sum < total / buckets + 1; to++) {
            sum += length[p->item[to]];
        }
        sort_lengths(p->item + from, p->scratch, to - from, length);
        cut(p, length, from, to, budget);
        from = to;
    }
    return shuffle_batches(p, &r);
}

int batch_sorted(batch_plan *p, const int32_t *length, size_t count, int64_t budget) {
    TRY(collect(p, length, count));
    sort_lengths(p->item, p->scratch, p->items, length);
    cut(p, length, 0, p->items, budget);
    return 0;
}

void batch_free(batch_plan *p) {
    free(p->item);
    free(p->start);
    free(p->scratch);
    *p = (batch_plan){0};
}

int batch_twice(arena *a, const int32_t **item, int32_t *count) {
    const size_t n = (size_t)*count;
    int32_t *list = arena_alloc(a, 2 * n, sizeof *list);
    if (!list) return RILL_ENOMEM;
    memcpy(list, *item, n * sizeof *list);
    memcpy(list + n, *item, n * sizeof *list);
    *item = list;
    *count *= 2;
    return 0;
}
