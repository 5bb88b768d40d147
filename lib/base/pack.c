/* pack: B sequences one after the other, and their time-major order.
 *
 * Everything is linear in B + N. live[t] counts the sequences longer than t; as ranks go longest
 * first, live[L] is also the first rank of the sequences of length L, which makes the stable
 * ranking a counting sort without a table of its own.
 */
#include "base/pack.h"

#include <string.h>

/* start[B+1] as prefix sums; N and T in *p. */
static int add_lengths(const int32_t *length, int32_t count, int32_t *start, pack *p) {
    int64_t total = 0;
    start[0] = 0;
    for (int32_t b = 0; b < count; b++) {
        if (length[b] < 0) return RILL_EUSAGE;
        total += length[b];
        if (total > INT32_MAX) return RILL_ELIMIT;
        start[b + 1] = (int32_t)total;
        if (length[b] > p->steps) p->steps = length[b];
    }
    p->total = (int32_t)total;
    return RILL_OK;
}

/* live[t] for all steps: sequences that end at t are counted, then summed from the far end. */
static void count_live(const int32_t *length, int32_t count, int32_t steps, int32_t *live) {
    for (int32_t b = 0; b < count; b++) {
        if (length[b] > 0) live[length[b] - 1]++;
    }
    for (int32_t t = steps - 2; t >= 0; t--) live[t] += live[t + 1];
}

/* Ranks longest first; next[L] is the next free rank among the sequences of length L. */
static void rank(const int32_t *length, int32_t count, int32_t *next, int32_t *order) {
    for (int32_t b = 0; b < count; b++) order[next[length[b]]++] = b;
}

/* On failure what was taken stays in the arena until its owner goes back; *out is not touched. */
int pack_make(arena *a, const int32_t *length, const uint64_t *name, int32_t count, pack *out) {
    if (count < 0) return RILL_EUSAGE;
    size_t B = (size_t)count;
    pack p = {.count = count};
    int32_t *start = arena_alloc(a, B + 1, sizeof *start);
    int32_t *order = arena_alloc(a, B, sizeof *order);
    uint64_t *names = name ? arena_alloc(a, B, sizeof *names) : NULL;
    if (!start || !order || (name && !names)) return RILL_ENOMEM;
    TRY(add_lengths(length, count, start, &p));
    size_t T = (size_t)p.steps;
    int32_t *live = arena_zero(a, T, sizeof *live);
    int32_t *first = arena_alloc(a, T + 1, sizeof *first);
    if (!live || !first) return RILL_ENOMEM;
    count_live(length, count, p.steps, live);
    memcpy(first, live,
           T * sizeof *first); /* `first` serves the ranking before it gets its values */
    first[T] = 0;
    rank(length, count, first, order);
    first[0] = 0;
    for (size_t t = 0; t < T; t++) first[t + 1] = first[t] + live[t];
    if (names && B) memcpy(names, name, B * sizeof *names);
    p.start = start;
    p.order = order;
    p.live = live;
    p.first = first;
    p.name = names;
    *out = p;
    return RILL_OK;
}

/* Row first[t] + r is step t of the sequence at rank r; read backwards, its t-th row from the end.
 */
void pack_rows(const pack *p, bool reversed, int32_t *natural) {
    for (int32_t t = 0; t < p->steps; t++) {
        int32_t *row = natural + p->first[t];
        for (int32_t r = 0; r < p->live[t]; r++) {
            int32_t b = p->order[r];
            row[r] = reversed ? p->start[b + 1] - 1 - t : p->start[b] + t;
        }
    }
}
