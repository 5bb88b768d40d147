/* subword_pairs: the learner of merges.
 *
 * Every word is a row of places in one long array; a merge leaves its unit at the left place and
 * makes the right one a hole. Each pair knows its count and where it begins; a merge touches just
 * these places and their neighbours:
 *
 *     x a b y   ->   x ab _ y       (x,a) -c   (b,y) -c   (x,ab) +c   (ab,y) +c   (a,b) -c
 *
 * which is exact, also for a a a and a b a b. A heap orders the pairs. A pair that gains is queued
 * with its new count when the merge is over; counts that fell are noticed when their entry comes to
 * the top, where it sinks to its place.
 *
 * Memory: 16 bytes a place (unit, word, steps to both sides), 8 for every place in a pair's list (a
 * merge takes one place away and adds two to lists, so all lists hold at most three times the
 * places), 40 a pair and its entries in the heap.
 */
#include "text/subword_pairs.h"
#include "text/subword_inner.h"
#include <stdlib.h>
#include <string.h>

typedef struct pair {
    int32_t left, right;
    int64_t count;
    int32_t first; /* newest node of its list, -1: none */
    uint32_t turn; /* the last merge in which it gained */
    bool barred;
} pair;

typedef struct node {
    int32_t place, next;
} node;

typedef struct queued {
    int64_t count;
    int32_t pair;
} queued;

struct pairs {
    const strmap *unit;
    int32_t *at;   /* [places] unit, or -1 for a hole */
    int32_t *word; /* [places] */
    int32_t *step; /* [places] to the next place that is no hole; back[]: to the one before */
    int32_t *back;
    size_t places, at_room, word_room;
    int64_t *count; /* [words] */
    size_t words, count_room;
    pair *pair;
    size_t pairs, pair_room;
    int32_t *slot; /* [slots] pair or -1 */
    size_t slots;
    node *node;
    size_t nodes, node_room;
    queued *heap;
    size_t heaped, heap_room;
    int32_t *list; /* places of the pair at work */
    size_t list_room;
    int32_t *fresh; /* pairs whose count rose in the merge at work */
    size_t freshes, fresh_room;
    uint32_t turn; /* counts merges, from 1 */
    int32_t best;
};

int pairs_new(pairs **out, rill_error *error) {
    *out = mem_new(1, sizeof **out);
    return *out ? 0 : status_nomem(error);
}

void pairs_free(pairs *p) {
    if (!p) return;
    free(p->at);
    free(p->word);
    free(p->step);
    free(p->back);
    free(p->count);
    free(p->pair);
    free(p->slot);
    free(p->node);
    free(p->heap);
    free(p->list);
    free(p->fresh);
    free(p);
}

int pairs_add(pairs *p, const int32_t *unit, size_t size, int64_t count, rill_error *error) {
    if (size < 2) return 0;
    if (size > INT32_MAX / 4 || p->places > INT32_MAX / 4 - size) {
        return status_fail(error, RILL_ELIMIT, "the words have too many characters to learn from");
    }
    if (mem_grow(&p->at, &p->at_room, p->places + size, sizeof *p->at) < 0 ||
        mem_grow(&p->word, &p->word_room, p->places + size, sizeof *p->word) < 0 ||
        mem_grow(&p->count, &p->count_room, p->words + 1, sizeof *p->count) < 0) {
        return status_nomem(error);
    }
    memcpy(p->at + p->places, unit, size * sizeof *unit);
    for (size_t i = 0; i < size; i++) p->word[p->places + i] = (int32_t)p->words;
    p->count[p->words++] = count;
    p->places += size;
    return 0;
}

/* ---- the table of pairs */

static size_t pair_place(const pairs *p, uint64_t key) {
    size_t i = pair_hash(key) & (p->slots - 1);
    while (p->slot[i] >= 0) {
        const pair *x = &p->pair[p->slot[i]];
        if (pair_key(x->left, x->right) == key) break;
        i = (i + 1) & (p->slots - 1);
    }
    return i;
}

static int room_slots(pairs *p) {
    if (p->slots / 2 > p->pairs) return 0;
    size_t slots = p->slots ? 2 * p->slots : 1024;
    int32_t *slot = mem_new(slots, sizeof *slot);
    if (!slot) return RILL_ENOMEM;
    memset(slot, 0xFF, slots * sizeof *slot);
    free(p->slot);
    p->slot = slot;
    p->slots = slots;
    for (size_t i = 0; i < p->pairs; i++) {
        p->slot[pair_place(p, pair_key(p->pair[i].left, p->pair[i].right))] = (int32_t)i;
    }
    return 0;
}

/* The number of a pair, made when new. */
static int pair_of(pairs *p, int32_t left, int32_t right, int32_t *out) {
    TRY(room_slots(p));
    size_t i = pair_place(p, pair_key(left, right));
    if (p->slot[i] < 0) {
        TRY(mem_grow(&p->pair, &p->pair_room, p->pairs + 1, sizeof *p->pair));
        p->pair[p->pairs] = (pair){.left = left, .right = right, .first = -1};
        p->slot[i] = (int32_t)p->pairs++;
    }
    *out = p->slot[i];
    return 0;
}

/* One more occurrence, at `place`. */
static int gain(pairs *p, int32_t place, int32_t right, int64_t count) {
    int32_t id;
    TRY(pair_of(p, p->at[place], right, &id));
    TRY(mem_grow(&p->node, &p->node_room, p->nodes + 1, sizeof *p->node));
    pair *x = &p->pair[id];
    p->node[p->nodes] = (node){place, x->first};
    x->first = (int32_t)p->nodes++;
    x->count += count;
    if (x->turn == p->turn) return 0;
    TRY(mem_grow(&p->fresh, &p->fresh_room, p->freshes + 1, sizeof *p->fresh));
    p->fresh[p->freshes++] = id;
    x->turn = p->turn;
    return 0;
}

/* One less; the place stays in the list and is found to be out of date there. */
static void lose(pairs *p, int32_t left, int32_t right, int64_t count) {
    p->pair[p->slot[pair_place(p, pair_key(left, right))]].count -= count;
}

/* ---- the heap */

/* Left strings decide, then right ones; greatest first. */
static bool greater(const pairs *p, int32_t a, int32_t b) {
    const pair *x = &p->pair[a], *y = &p->pair[b];
    int order = x->left == y->left
                    ? 0
                    : bytes_compare(strmap_get(p->unit, x->left), strmap_get(p->unit, y->left));
    if (order) return order > 0;
    return bytes_compare(strmap_get(p->unit, x->right), strmap_get(p->unit, y->right)) > 0;
}

static bool above(const pairs *p, queued a, queued b) {
    if (a.count != b.count) return a.count > b.count;
    return a.pair != b.pair && greater(p, a.pair, b.pair);
}

static int heap_push(pairs *p, queued q) {
    TRY(mem_grow(&p->heap, &p->heap_room, p->heaped + 1, sizeof q));
    size_t i = p->heaped++;
    for (; i > 0 && above(p, q, p->heap[(i - 1) / 2]); i = (i - 1) / 2) {
        p->heap[i] = p->heap[(i - 1) / 2];
    }
    p->heap[i] = q;
    return 0;
}

/* Lets `q` sink from the top. */
static void heap_sink(pairs *p, queued q) {
    size_t i = 0, child;
    while ((child = 2 * i + 1) < p->heaped) {
        if (child + 1 < p->heaped && above(p, p->heap[child + 1], p->heap[child])) child++;
        if (!above(p, p->heap[child], q)) break;
        p->heap[i] = p->heap[child];
        i = child;
    }
    p->heap[i] = q;
}

static void heap_drop(pairs *p) {
    queued last = p->heap[--p->heaped];
    if (p->heaped) heap_sink(p, last);
}

static int queue_fresh(pairs *p) {
    for (size_t i = 0; i < p->freshes; i++) {
        TRY(heap_push(p, (queued){p->pair[p->fresh[i]].count, p->fresh[i]}));
    }
    p->freshes = 0;
    p->turn++;
    return 0;
}

/* ---- work */

static int index_places(pairs *p) {
    p->step = mem_new(p->places, sizeof *p->step);
    p->back = mem_new(p->places, sizeof *p->back);
    if (!p->step || !p->back) return RILL_ENOMEM;
    for (size_t i = 0; i < p->places; i++) {
        p->step[i] = i + 1 < p->places && p->word[i + 1] == p->word[i];
        p->back[i] = i > 0 && p->word[i - 1] == p->word[i];
    }
    for (size_t i = 0; i < p->places; i++) {
        if (p->step[i]) TRY(gain(p, (int32_t)i, p->at[i + 1], p->count[p->word[i]]));
    }
    return queue_fresh(p);
}

int pairs_index(pairs *p, const strmap *unit, rill_error *error) {
    p->unit = unit;
    p->best = -1;
    p->turn = 1;
    return index_places(p) < 0 ? status_nomem(error) : 0;
}

bool pairs_best(pairs *p, int32_t *left, int32_t *right, int64_t *count) {
    while (p->heaped) {
        queued top = p->heap[0];
        pair *x = &p->pair[top.pair];
        if (x->count <= 0 || x->barred) {
            heap_drop(p);
        } else if (x->count != top.count) {
            heap_sink(p, (queued){x->count, top.pair});
        } else {
            p->best = top.pair;
            *left = x->left;
            *right = x->right;
            *count = x->count;
            return true;
        }
    }
    return false;
}

static int compare_places(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Where the pair may stand, ascending, into p->list; the list of the pair is emptied. Lists are in
 * order but for units that several merges make. */
static int take_list(pairs *p, pair *x, size_t *count) {
    size_t n = 0;
    bool sorted = true;
    for (int32_t i = x->first; i >= 0; i = p->node[i].next) n++;
    TRY(mem_grow(&p->list, &p->list_room, n, sizeof *p->list));
    size_t at = n;
    for (int32_t i = x->first; i >= 0; i = p->node[i].next) p->list[--at] = p->node[i].place;
    for (size_t i = 1; i < n; i++) sorted &= p->list[i - 1] < p->list[i];
    if (!sorted) qsort(p->list, n, sizeof *p->list, compare_places);
    x->first = -1;
    *count = n;
    return 0;
}

/* Joins at one place, if the pair still stands there. */
static int join_at(pairs *p, int32_t place, int32_t left, int32_t right, int32_t id) {
    int32_t *at = p->at, step = p->step[place], next = place + step;
    if (at[place] != left || step == 0 || at[next] != right) return 0;
    int64_t count = p->count[p->word[place]];
    int32_t before = place - p->back[place], after = next + p->step[next];
    lose(p, left, right, count);
    if (before != place) lose(p, at[before], left, count);
    if (after != next) lose(p, right, at[after], count);
    at[place] = id;
    at[next] = -1;
    p->step[place] = after != next ? after - place : 0;
    if (after != next) p->back[after] = after - place;
    if (before != place) TRY(gain(p, before, id, count));
    return after != next ? gain(p, place, at[after], count) : 0;
}

static int join(pairs *p, int32_t id) {
    size_t n;
    pair x = p->pair[p->best];
    TRY(take_list(p, &p->pair[p->best], &n));
    for (size_t i = 0; i < n; i++) TRY(join_at(p, p->list[i], x.left, x.right, id));
    return queue_fresh(p);
}

int pairs_join(pairs *p, int32_t id, rill_error *error) {
    if (id < 0) {
        p->pair[p->best].barred = true;
        return 0;
    }
    return join(p, id) < 0 ? status_nomem(error) : 0;
}
