/* search: see search.h.
 *
 * A hypothesis is a chain of nodes, one for each word, that share their beginnings:
 *
 *     hypo: word, its log probability, sum so far, attention row, -> hypo before
 *
 * Chains live in the caller's arena; answers are copied out of them at the end. Sums are doubles.
 */
#include "model/search.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SITE_SAMPLE = 77 };

typedef struct hypo {
    const struct hypo *before;
    int32_t word, length; /* words so far, this one counted */
    int32_t slot;         /* number of the sample */
    real logp;
    double sum;
    const real *attention; /* [S] or NULL */
} hypo;

typedef struct candidate {
    double sum;
    int32_t row, word; /* row: of the item */
    real logp;
} candidate;

typedef struct ended {
    const hypo *h;
    double score;
} ended;

/* The search for one item. */
typedef struct beam {
    int rows, first;   /* rows of this step, and the first one's number among all */
    const hypo **live; /* [K] their chains, NULL at the beginning */
    ended *done;       /* [K] the best ones that ended, best first */
    int finished;
} beam;

typedef struct search {
    const search_config *c;
    const search_scorer *scorer;
    const kernels *k;
    const search_item *items;
    int count;
    arena *a;
    beam *beams;
    int rows;                      /* of this step */
    int32_t *item, *parent, *last; /* [count*K] */
    real *logp;                    /* [count*K, V] */
    real *attention;               /* of this step */
    candidate *best;               /* [2K], best first */
    int found;
    struct choice *choice; /* [V], sampling */
} search;

/* ---- candidates */

static bool ahead(const candidate *a, const candidate *b) {
    if (a->sum != b->sum) return a->sum > b->sum;
    return a->row != b->row ? a->row < b->row : a->word < b->word;
}

static void offer(search *s, candidate c) {
    int most = 2 * s->c->beam;
    if (s->found == most && !ahead(&c, &s->best[most - 1])) return;
    int at = s->found < most ? s->found++ : most - 1;
    for (; at > 0 && ahead(&c, &s->best[at - 1]); at--) s->best[at] = s->best[at - 1];
    s->best[at] = c;
}

/* Most continuations of a row lose against the worst candidate, so that is asked first. */
static void offer_row(search *s, int row, double sum, const real *logp) {
    int most = 2 * s->c->beam;
    for (int32_t w = 0; w < s->scorer->words; w++) {
        double total = sum + (double)logp[w];
        if (s->found == most && total < s->best[most - 1].sum) continue;
        if (isfinite(total)) offer(s, (candidate){total, row, w, logp[w]});
    }
}

/* ---- rules */

/* Bars every word that would repeat n words of the chain in a row. */
static void bar_repeats(const search *s, const hypo *h, real *logp) {
    int n = s->c->no_repeat;
    for (const hypo *at = h; n > 0 && at && at->length >= n; at = at->before) {
        const hypo *x = at->before, *y = h;
        int same = 0;
        for (; same < n - 1 && x && y && x->word == y->word; same++) x = x->before, y = y->before;
        if (same == n - 1) logp[at->word] = -(real)INFINITY;
    }
}

static void allow_only(const search *s, int32_t word, real *logp) {
    real kept = logp[word];
    for (int32_t w = 0; w < s->scorer->words; w++) logp[w] = -(real)INFINITY;
    logp[word] = kept;
}

static void apply_rules(const search *s, const search_item *item, const hypo *h, real *logp) {
    int length = h ? h->length : 0;
    real end = logp[s->c->end];
    if (length < item->prefix_length) {
        allow_only(s, item->prefix[length], logp);
        return;
    }
    bar_repeats(s, h, logp);
    logp[s->c->end] = length < item->shortest ? -(real)INFINITY : end;
    if (s->c->barred >= 0) logp[s->c->barred] = -(real)INFINITY;
    if (s->c->begin >= 0) logp[s->c->begin] = -(real)INFINITY;
    if (length >= item->longest) {
        logp[s->c->end] = end;
        allow_only(s, s->c->end, logp);
    }
}

/* ---- sampling */

typedef struct choice {
    real p;
    int32_t word;
} choice;

static int by_probability(const void *a, const void *b) {
    const choice *x = a, *y = b;
    if (x->p != y->p) return x->p > y->p ? -1 : 1;
    return x->word < y->word ? -1 : x->word > y->word;
}

/* How many of the n choices may be drawn, and their share. They are sorted only where that matters:
 * a vocabulary is long. */
static int keep_choices(const search *s, choice *list, int n, double *share) {
    const bool few = s->c->top_k > 0 && s->c->top_k < n, some = s->c->top_p < 1;
    const int most = few ? s->c->top_k : n;
    int kept = 0;
    *share = 0;
    if (few || some) qsort(list, (size_t)n, sizeof *list, by_probability);
    while (kept < most && (kept == 0 || !some || *share < s->c->top_p)) {
        *share += (double)list[kept++].p;
    }
    return kept;
}

/* Barred words are infinitely unlikely; weights from a stranger may give no numbers at all. */
static bool drawable(real logp) {
    return logp > -1e30f && logp < 1e30f;
}

/* Draws the next word of a row, -1 where there is none to draw; logp is left as it is. */
static int32_t draw(search *s, const search_item *item, const hypo *h, int slot, const real *logp,
                    real *room) {
    int V = s->scorer->words, length = h ? h->length : 0;
    real cool = (real)(1 / s->c->temperature);
    for (int w = 0; w < V; w++) room[w] = drawable(logp[w]) ? logp[w] * cool : -1e30f;
    s->k->softmax(V, room, room);
    int n = 0;
    for (int w = 0; w < V; w++) {
        if (drawable(logp[w]) && room[w] > 0) s->choice[n++] = (choice){room[w], w};
    }
    double share;
    int kept = keep_choices(s, s->choice, n, &share);
    if (kept == 0) return -1;
    uint64_t key = rng_key(s->c->seed, SITE_SAMPLE);
    rng_words words = rng_block(key, item->name, (uint64_t)slot << 32 | (uint32_t)length);
    double u = (double)rng_float(words.v[0]) * share;
    for (int i = 0; i + 1 < kept; i++) {
        u -= (double)s->choice[i].p;
        if (u < 0) return s->choice[i].word;
    }
    return s->choice[kept - 1].word;
}

/* ---- scores */

static double coverage_of(const hypo *h, int source) {
    double sum = 0;
    for (int j = 0; j < source; j++) {
        double seen = 0;
        for (const hypo *at = h; at; at = at->before) seen += (double)at->attention[j];
        sum += log(fmax(fmin(seen, 1), 1e-9));
    }
    return sum;
}

static double by_length(const search *s, double sum, int length) {
    return s->c->power == 0 ? sum : sum / pow((double)length, s->c->power);
}

/* Of a hypothesis that ends with so many words. */
static double score_of(const search *s, const search_item *item, const hypo *h, int length) {
    double score = by_length(s, h->sum, length);
    if (s->c->coverage > 0) score += s->c->coverage * coverage_of(h, item->source);
    return score;
}

/* Keeps the K best; equal ones stand in the order in which they ended. */
static void keep_ended(const search *s, beam *b, const search_item *item, const hypo *h) {
    double score = score_of(s, item, h, h->length);
    int at = b->finished;
    for (; at > 0 && score > b->done[at - 1].score; at--) {
        if (at < s->c->beam) b->done[at] = b->done[at - 1];
    }
    if (at < s->c->beam) b->done[at] = (ended){h, score};
    if (b->finished < s->c->beam) b->finished++;
}

/* K answers are there, and no live hypothesis would stand before them if it ended now: a sure
 * model's beam is otherwise full of answers that ended far too early before the good one ends.
 * (The likeliest need not be the one that would, where coverage counts.) Greedy search takes what
 * it finds. */
static bool is_over(const search *s, const beam *b, const search_item *item,
                    const hypo *const *live, int rows) {
    if (b->finished < s->c->beam) return false;
    for (int r = 0; r < rows && s->c->beam > 1; r++) {
        if (score_of(s, item, live[r], live[r]->length + 1) > b->done[0].score) return false;
    }
    return true;
}

/* ---- one step */

static const hypo *extend(search *s, const beam *b, const search_item *item, candidate c,
                          const real *attention) {
    const hypo *before = b->live[c.row];
    hypo *h = arena_alloc(s->a, 1, sizeof *h);
    if (!h) return NULL;
    *h = (hypo){.before = before,
                .word = c.word,
                .length = before ? before->length + 1 : 1,
                .slot = before ? before->slot : c.row,
                .logp = c.logp,
                .sum = c.sum};
    if (!attention) return h;
    real *row = arena_alloc(s->a, (size_t)item->source, sizeof *row);
    if (!row) return NULL;
    memcpy(row, attention + (size_t)c.row * (size_t)item->source,
           (size_t)item->source * sizeof *row);
    h->attention = row;
    return h;
}

/* Candidates of an item in the order of their worth; in sampling one of each row. */
static void find_candidates(search *s, const beam *b, const search_item *item) {
    size_t V = (size_t)s->scorer->words;
    s->found = 0;
    for (int r = 0; r < b->rows; r++) {
        const hypo *h = b->live[r];
        real *logp = s->logp + (size_t)(b->first + r) * V;
        double sum = h ? h->sum : 0;
        apply_rules(s, item, h, logp);
        if (!s->c->sample) {
            offer_row(s, r, sum, logp);
            continue;
        }
        real *room = s->logp + (size_t)s->count * (size_t)s->c->beam * V;
        int32_t word = draw(s, item, h, h ? h->slot : r, logp, room);
        if (word < 0) continue; /* this sample comes to nothing */
        s->best[s->found++] = (candidate){sum + (double)logp[word], r, word, logp[word]};
    }
}

/* The rows of the next step: finished hypotheses go aside, the best others go on. */
static int advance(search *s, beam *b, const search_item *item, const real *attention,
                   const hypo **next, int32_t *parent, int *rows) {
    int K = s->c->beam;
    *rows = 0;
    find_candidates(s, b, item);
    for (int i = 0; i < s->found && *rows < K; i++) {
        candidate c = s->best[i];
        bool end = c.word == s->c->end;
        if (end && i >= K) continue; /* a better one had the chance to go on */
        const hypo *h = extend(s, b, item, c, attention);
        if (!h) return RILL_ENOMEM;
        if (end) {
            keep_ended(s, b, item, h);
        } else {
            parent[*rows] = b->first + c.row;
            next[(*rows)++] = h;
        }
    }
    if (is_over(s, b, item, next, *rows)) *rows = 0;
    return 0;
}

/* Moves every item on; the rows of the next step replace those of this one. */
static int advance_all(search *s) {
    int K = s->c->beam, total = 0;
    const real *attention = s->attention;
    const hypo **next = arena_alloc(s->a, (size_t)K, sizeof *next);
    int32_t *parent = arena_alloc(s->a, (size_t)K, sizeof *parent);
    if (!next || !parent) return RILL_ENOMEM;
    for (int i = 0; i < s->count; i++) {
        beam *b = &s->beams[i];
        int rows, before = b->rows;
        if (before == 0) continue;
        TRY(advance(s, b, &s->items[i], attention, next, parent, &rows));
        if (attention) attention += (size_t)before * (size_t)s->items[i].source;
        b->rows = rows;
        b->first = total;
        for (int r = 0; r < rows; r++, total++) {
            b->live[r] = next[r];
            s->item[total] = i;
            s->parent[total] = parent[r];
            s->last[total] = next[r]->word;
        }
    }
    s->rows = total;
    return 0;
}

/* ---- answers */

static int copy_answer(search *s, const search_item *item, const ended *end, search_answer *out) {
    const hypo *h = end->h;
    size_t n = (size_t)h->length, S = (size_t)item->source;
    int32_t *word = arena_alloc(s->a, n, sizeof *word);
    real *each = arena_alloc(s->a, n, sizeof *each);
    real *attention = s->c->attention ? arena_alloc(s->a, n * S, sizeof *attention) : NULL;
    if (!word || !each || (s->c->attention && !attention)) return RILL_ENOMEM;
    *out = (search_answer){.word = word,
                           .length = h->length - 1,
                           .cut = h->length > item->longest,
                           .logp = h->sum,
                           .score = end->score,
                           .each = each,
                           .attention = attention};
    for (const hypo *at = h; at; at = at->before) {
        size_t i = (size_t)at->length - 1;
        word[i] = at->word;
        each[i] = at->logp;
        if (attention) memcpy(attention + i * S, at->attention, S * sizeof *attention);
    }
    return 0;
}

static int finish_item(search *s, int i, search_result *out) {
    const beam *b = &s->beams[i];
    int count = b->finished < s->c->nbest ? b->finished : s->c->nbest;
    search_answer *all = arena_alloc(s->a, (size_t)count, sizeof *all);
    if (!all) return RILL_ENOMEM;
    for (int f = 0; f < count; f++) TRY(copy_answer(s, &s->items[i], &b->done[f], &all[f]));
    *out = (search_result){count, all};
    return 0;
}

/* ---- the whole search */

static int set_up(search *s) {
    size_t K = (size_t)s->c->beam, most = (size_t)s->count * K, V = (size_t)s->scorer->words;
    size_t widest = 0;
    s->beams = arena_zero(s->a, (size_t)s->count, sizeof *s->beams);
    s->item = arena_alloc(s->a, most, sizeof *s->item);
    s->parent = arena_alloc(s->a, most, sizeof *s->parent);
    s->last = arena_alloc(s->a, most, sizeof *s->last);
    s->logp = arena_alloc(s->a, most + 1, V * sizeof *s->logp); /* a row to draw in */
    s->best = arena_alloc(s->a, 2 * K, sizeof *s->best);
    s->choice = s->c->sample ? arena_alloc(s->a, V, sizeof *s->choice) : NULL;
    if (!s->beams || !s->item || !s->parent || !s->last || !s->logp || !s->best) return RILL_ENOMEM;
    if (s->c->sample && !s->choice) return RILL_ENOMEM;
    for (int i = 0; i < s->count; i++) {
        beam *b = &s->beams[i];
        widest += K * (size_t)s->items[i].source;
        b->live = arena_zero(s->a, K, sizeof *b->live);
        b->done = arena_alloc(s->a, K, sizeof *b->done);
        if (!b->live || !b->done) return RILL_ENOMEM;
        b->first = s->rows;
        b->rows = s->c->sample ? s->c->beam : 1;
        for (int r = 0; r < b->rows; r++, s->rows++) {
            s->item[s->rows] = i;
            s->parent[s->rows] = -1;
            s->last[s->rows] = s->c->begin;
        }
    }
    if (!s->c->attention && s->c->coverage <= 0) return 0;
    s->attention = arena_alloc(s->a, widest, sizeof *s->attention);
    return s->attention ? 0 : RILL_ENOMEM;
}

int search_run(const search_config *config, const search_scorer *scorer, const kernels *k,
               const search_item *items, int count, arena *a, search_result *results) {
    search s = {.c = config, .scorer = scorer, .k = k, .items = items, .count = count, .a = a};
    TRY(set_up(&s));
    while (s.rows > 0) {
        TRY(scorer->step(scorer->self, s.rows, s.item, s.parent, s.last, s.logp, s.attention));
        TRY(advance_all(&s));
    }
    for (int i = 0; i < count; i++) TRY(finish_item(&s, i, &results[i]));
    return 0;
}
