/* check_model_search: the search for answers against enumeration of every answer there is, and
 * small beams against a plain one, with a scorer whose next word hangs on the whole history.
 *
 * The scorer's state of a row is a hash of its item and all its words; log probabilities and
 * attention are random numbers of that state. So a row that continues the wrong one gives wrong
 * numbers.
 */
#include "check_model.h"

#include "base/rng.h"
#include "model/search.h"

#include <math.h>

enum {
    MOST_WORDS = 8,
    MOST_LENGTH = 8,
    MOST_SOURCE = 5,
    MOST_ANSWERS = 2000,
    END = 0,
    BEGIN = 1,
    FIRST = 2
};

typedef enum toy_mode {
    TOY_PLAIN,
    TOY_SURE,  /* one word is nearly certain, and the end a far second */
    TOY_EVEN,  /* every word is as likely as any other */
    TOY_NAN,   /* no number is one */
    TOY_HOLES, /* some are no numbers, some are infinite */
    TOY_NEVER, /* every probability is 0 */
    TOY_FAILS
} toy_mode;

typedef struct toy {
    toy_mode mode;
    bool alike; /* all items are the same */
    int words;
    uint64_t *state, *before; /* of the rows */
    const search_item *items;
    uint64_t calls;
} toy;

/* ---- the scorer */

static uint64_t toy_begin(const toy *y, const search_item *item) {
    return y->alike ? 5 : item->name * 7919 + 13;
}

static uint64_t toy_next(uint64_t state, int32_t word) {
    rng_words w = rng_block(state, 11, (uint64_t)word);
    return (uint64_t)w.v[0] << 32 | w.v[1];
}

static double toy_random(uint64_t state, int what, int i) {
    return (double)rng_float(rng_block(state, (uint64_t)what, (uint64_t)i).v[0]);
}

/* log softmax of random numbers, some way apart */
static void toy_logp(const toy *y, uint64_t state, real *logp) {
    double x[MOST_WORDS], sum = 0;
    for (int w = 0; w < y->words; w++) {
        x[w] = y->mode == TOY_EVEN ? 0 : 4 * toy_random(state, 1, w);
        if (y->mode == TOY_SURE)
            x[w] = w == FIRST + (int)(4 * toy_random(state, 1, 0)) ? 9 : w == END;
        sum += exp(x[w]);
    }
    for (int w = 0; w < y->words; w++) {
        logp[w] = (real)(x[w] - log(sum));
        int hole = y->mode == TOY_HOLES ? (int)(4 * toy_random(state, 2, w)) : 0;
        if (y->mode == TOY_NAN || hole == 1) logp[w] = (real)NAN;
        if (y->mode == TOY_NEVER || hole == 2) logp[w] = -(real)INFINITY;
        if (hole == 3 && w % 2) logp[w] = (real)INFINITY;
    }
}

static void toy_attention(uint64_t state, int source, real *a) {
    double sum = 0;
    for (int j = 0; j < source; j++) sum += 0.1 + toy_random(state, 3, j);
    for (int j = 0; j < source; j++) a[j] = (real)((0.1 + toy_random(state, 3, j)) / sum);
}

static int toy_step(void *self, int rows, const int32_t *item, const int32_t *parent,
                    const int32_t *last, real *logp, real *attention) {
    toy *y = self;
    if (y->mode == TOY_FAILS && y->calls == 2) return RILL_EDATA;
    uint64_t *fresh = calloc((size_t)rows, sizeof *fresh);
    ck_assert_ptr_nonnull(fresh);
    for (int r = 0; r < rows; r++) {
        const search_item *i = &y->items[item[r]];
        ck_assert(r == 0 || item[r] >= item[r - 1]);
        ck_assert_int_eq(parent[r] < 0, y->calls == 0);
        ck_assert(parent[r] >= 0 || last[r] == BEGIN);
        fresh[r] = parent[r] < 0 ? toy_begin(y, i) : toy_next(y->state[parent[r]], last[r]);
        toy_logp(y, fresh[r], logp + r * y->words);
        if (attention) toy_attention(fresh[r], i->source, attention), attention += i->source;
    }
    free(y->state);
    y->state = fresh;
    y->calls++;
    return 0;
}

/* Runs the search; results live in `a`. */
static int toy_search(toy *y, const search_config *c, const search_item *items, int count, arena *a,
                      search_result *results) {
    const search_scorer scorer = {.self = y, .words = y->words, .step = toy_step};
    y->items = items;
    y->calls = 0;
    int status = search_run(c, &scorer, cpu_kernels(), items, count, a, results);
    free(y->state);
    y->state = NULL;
    return status;
}

/* ---- answers by hand */

typedef struct answer {
    int32_t word[MOST_LENGTH];
    int length;
    bool done; /* an end stands behind */
    double logp, score;
} answer;

typedef struct answers {
    answer list[MOST_ANSWERS];
    int count;
} answers;

static uint64_t state_after(const toy *y, const search_item *item, const int32_t *word, int n) {
    uint64_t state = toy_begin(y, item);
    for (int i = 0; i < n; i++) state = toy_next(state, word[i]);
    return state;
}

/* The last n words of word[0..length) stand there once before. */
static bool repeats(const int32_t *word, int length, int n) {
    for (int at = 0; n > 0 && at + n < length; at++) {
        if (!memcmp(word + at, word + length - n, (size_t)n * sizeof *word)) return true;
    }
    return false;
}

/* Whether `next` may stand behind the words, as the rules are told in search.h. */
static bool allowed(const search_config *c, const search_item *item, const answer *h,
                    int32_t next) {
    answer longer = *h;
    if (h->length < item->prefix_length) return next == item->prefix[h->length];
    if (next == END) return h->length >= item->shortest || h->length >= item->longest;
    if (h->length >= item->longest || next == BEGIN || next == c->barred) return false;
    longer.word[longer.length++] = next;
    return !repeats(longer.word, longer.length, c->no_repeat);
}

/* Of an answer that looked at the source in so many steps. */
static double hand_score(const toy *y, const search_config *c, const search_item *item,
                         const answer *h, int steps) {
    double score = h->logp / pow(h->length + 1, c->power);
    for (int j = 0; c->coverage > 0 && j < item->source; j++) {
        double seen = 0;
        for (int n = 0; n < steps; n++) {
            real a[MOST_SOURCE];
            toy_attention(state_after(y, item, h->word, n), item->source, a);
            seen += (double)a[j];
        }
        score += c->coverage * log(fmax(fmin(seen, 1), 1e-9));
    }
    return score;
}

/* h and a word more; an end ends it. */
static answer longer(const toy *y, const search_config *c, const search_item *item, const answer *h,
                     int32_t word, double logp) {
    answer next = *h;
    next.logp += logp;
    next.done = word == END;
    if (word == END)
        next.score = hand_score(y, c, item, &next, next.length + 1);
    else
        next.word[next.length++] = word;
    return next;
}

static void enumerate(const toy *y, const search_config *c, const search_item *item,
                      const answer *h, answers *out) {
    real logp[MOST_WORDS];
    toy_logp(y, state_after(y, item, h->word, h->length), logp);
    for (int32_t w = 0; w < y->words; w++) {
        if (!allowed(c, item, h, w)) continue;
        answer next = longer(y, c, item, h, w, (double)logp[w]);
        if (!next.done) {
            enumerate(y, c, item, &next, out);
            continue;
        }
        ck_assert_int_lt(out->count, MOST_ANSWERS);
        out->list[out->count++] = next;
    }
}

static int by_score(const void *a, const void *b) {
    const answer *x = a, *y = b;
    return x->score != y->score ? x->score < y->score ? 1 : -1 : 0;
}

/* ---- a plain beam */

typedef struct choice {
    answer to;
    int row;
    int32_t word;
} choice;

static int by_worth(const void *a, const void *b) {
    const choice *x = a, *y = b;
    if (x->to.logp != y->to.logp) return x->to.logp < y->to.logp ? 1 : -1;
    return x->row != y->row ? x->row - y->row : x->word - y->word;
}

static int continue_all(const toy *y, const search_config *c, const search_item *item,
                        const answer *live, int rows, choice *all) {
    int count = 0;
    for (int r = 0; r < rows; r++) {
        real logp[MOST_WORDS];
        toy_logp(y, state_after(y, item, live[r].word, live[r].length), logp);
        for (int32_t w = 0; w < y->words; w++) {
            if (!allowed(c, item, &live[r], w)) continue;
            all[count++] = (choice){longer(y, c, item, &live[r], w, (double)logp[w]), r, w};
        }
    }
    qsort(all, (size_t)count, sizeof *all, by_worth);
    return count;
}

/* Enough answers, and none of them is behind what lives and would end now. */
static bool is_over(const toy *y, const search_config *c, const search_item *item,
                    const answer *live, int rows, const answers *done) {
    double now = -INFINITY;
    for (int r = 0; r < rows; r++) now = fmax(now, hand_score(y, c, item, &live[r], live[r].length));
    bool ahead = c->beam == 1; /* greedy */
    for (int i = 0; i < done->count; i++) ahead |= done->list[i].score >= now;
    return done->count >= c->beam && ahead;
}

static void plain_beam(const toy *y, const search_config *c, const search_item *item,
                       answers *out) {
    static choice all[64 * MOST_WORDS];
    answer live[64] = {{.length = 0}};
    int rows = 1, K = c->beam;
    ck_assert_int_le(K, 64);
    while (rows > 0 && !is_over(y, c, item, live, rows, out)) {
        int count = continue_all(y, c, item, live, rows, all);
        rows = 0;
        for (int i = 0; i < count && i < 2 * K && rows < K; i++) {
            if (!all[i].to.done)
                live[rows++] = all[i].to;
            else if (i < K)
                out->list[out->count++] = all[i].to;
        }
    }
}

/* Stable: equal ones stay in the order in which they were finished. */
static void sort_answers(answers *a) {
    for (int i = 1; i < a->count; i++) {
        answer x = a->list[i];
        int at = i;
        for (; at > 0 && by_score(&x, &a->list[at - 1]) < 0; at--) a->list[at] = a->list[at - 1];
        a->list[at] = x;
    }
}

/* ---- comparison */

/* What the search tells beside the words. */
static void check_details(const toy *y, const search_config *c, const search_item *item,
                          const search_answer *found) {
    double sum = 0;
    for (int n = 0; n <= found->length; n++) {
        real logp[MOST_WORDS], a[MOST_SOURCE];
        uint64_t state = state_after(y, item, found->word, n);
        toy_logp(y, state, logp);
        sum += (double)logp[n < found->length ? found->word[n] : END];
        ck_assert(found->each[n] == logp[n < found->length ? found->word[n] : END]);
        if (!c->attention) continue;
        toy_attention(state, item->source, a);
        ck_assert_mem_eq(a, found->attention + n * item->source, (size_t)item->source * sizeof *a);
    }
    ck_assert(c->attention || !found->attention);
    ck_assert_double_eq_tol(found->logp, sum, 1e-9);
}

static void compare(const toy *y, const search_config *c, const search_item *item, answers *wanted,
                    const search_result *found) {
    sort_answers(wanted);
    ck_assert_int_eq(found->count, wanted->count < c->nbest ? wanted->count : c->nbest);
    for (int i = 0; i < found->count; i++) {
        const search_answer *f = &found->answer[i];
        const answer *w = &wanted->list[i];
        ck_assert_msg(f->length == w->length &&
                          !memcmp(f->word, w->word, (size_t)w->length * sizeof *w->word),
                      "item %d, answer %d: score %.9f, expected %.9f", (int)item->name, i, f->score,
                      w->score);
        ck_assert_double_eq_tol(f->score, w->score, 1e-6);
        check_details(y, c, item, f);
    }
}

static search_config plain_config(int beam) {
    return (search_config){.beam = beam,
                           .nbest = beam,
                           .power = 1,
                           .temperature = 1,
                           .top_p = 1,
                           .seed = 3,
                           .end = END,
                           .begin = BEGIN,
                           .barred = -1};
}

static search_item plain_item(int name, int longest) {
    return (search_item){
        .longest = longest, .source = 1 + name % MOST_SOURCE, .name = (uint64_t)name};
}

/* Settings that a search may have; V stays small. */
static search_config varied_config(int beam, int i) {
    static const double power[] = {1, 0, 0.5, 2};
    search_config c = plain_config(beam);
    c.power = power[i % 4];
    c.coverage = i / 4 % 2 ? 0.4 : 0;
    c.attention = i / 4 % 2;
    c.no_repeat = i / 8 % 3;
    c.barred = i % 5 == 4 ? FIRST + 1 : -1;
    return c;
}

enum { VARIED = 24 };

static search_item varied_item(int name, int longest) {
    static const int32_t prefix[] = {FIRST + 2, FIRST, FIRST};
    search_item item = plain_item(name, longest);
    item.shortest = name % 4 == 1 ? longest / 2 : name % 4 == 2 ? longest : 0;
    item.prefix = prefix;
    item.prefix_length = name % 3 == 2 && longest >= 3 ? name % 4 : 0;
    return item;
}

/* ---- exact search */

/* With room for all answers nothing is missed and everything stands in order, whatever the rules.
 */
START_TEST(against_enumeration) {
    enum { ITEMS = 8, LONGEST = 4 };
    static answers all;
    toy y = {.words = 5};
    arena a = {0};
    search_result results[ITEMS];
    search_item items[ITEMS];
    search_config c = varied_config(121 + 1, _i);
    for (int i = 0; i < ITEMS; i++) items[i] = varied_item(i + 10 * _i, 1 + i % LONGEST);
    ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, results), 0);
    for (int i = 0; i < ITEMS; i++) {
        all.count = 0;
        enumerate(&y, &c, &items[i], &(answer){.length = 0}, &all);
        compare(&y, &c, &items[i], &all, &results[i]);
    }
    arena_free(&a);
}
END_TEST

START_TEST(against_plain_beam) {
    enum { ITEMS = 30 };
    static answers all;
    toy y = {.words = MOST_WORDS, .mode = _i % 3 == 2 ? TOY_EVEN : TOY_PLAIN};
    for (int beam = 1; beam <= 13; beam += 1 + beam / 3) {
        arena a = {0};
        search_result results[ITEMS];
        search_item items[ITEMS];
        search_config c = varied_config(beam, _i);
        for (int i = 0; i < ITEMS; i++) items[i] = varied_item(i + 50 * _i, 1 + i % MOST_LENGTH);
        ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, results), 0);
        for (int i = 0; i < ITEMS; i++) {
            all.count = 0;
            plain_beam(&y, &c, &items[i], &all);
            compare(&y, &c, &items[i], &all, &results[i]);
        }
        arena_free(&a);
    }
}
END_TEST

static void assert_same(const search_item *item, const search_result *a, const search_result *b) {
    ck_assert_int_eq(a->count, b->count);
    for (int k = 0; k < a->count; k++) {
        const search_answer *x = &a->answer[k], *y = &b->answer[k];
        size_t n = (size_t)x->length;
        ck_assert_int_eq(x->length, y->length);
        ck_assert_mem_eq(x->word, y->word, n * sizeof *x->word);
        ck_assert_mem_eq(x->each, y->each, (n + 1) * sizeof *x->each);
        ck_assert(x->logp == y->logp && x->score == y->score);
        if (!x->attention) continue;
        ck_assert_mem_eq(x->attention, y->attention,
                         (n + 1) * (size_t)item->source * sizeof *x->attention);
    }
}

/* Which items share a search makes no difference to any. */
START_TEST(neighbours) {
    enum { ITEMS = 12 };
    toy y = {.words = MOST_WORDS};
    arena a = {0};
    search_result together[ITEMS], alone;
    search_item items[ITEMS];
    search_config c = varied_config(4, 4 + _i);
    c.sample = _i % 2;
    for (int i = 0; i < ITEMS; i++) items[i] = varied_item(i, 1 + i * 5 % MOST_LENGTH);
    ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, together), 0);
    for (int i = 0; i < ITEMS; i++) {
        ck_assert_int_eq(toy_search(&y, &c, &items[i], 1, &a, &alone), 0);
        assert_same(&items[i], &together[i], &alone);
    }
    arena_free(&a);
}
END_TEST

START_TEST(greedy) {
    enum { ITEMS = 40 };
    toy y = {.words = MOST_WORDS};
    arena a = {0};
    search_result results[ITEMS];
    search_item items[ITEMS];
    const search_config c = plain_config(1);
    for (int i = 0; i < ITEMS; i++) items[i] = plain_item(i, 6);
    ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, results), 0);
    for (int i = 0; i < ITEMS; i++) {
        const search_answer *found = results[i].answer;
        ck_assert_int_eq(results[i].count, 1);
        for (int n = 0; n <= found->length && n < 6; n++) {
            real logp[MOST_WORDS];
            int32_t best = END;
            toy_logp(&y, state_after(&y, &items[i], found->word, n), logp);
            for (int32_t w = FIRST; w < MOST_WORDS; w++) best = logp[w] > logp[best] ? w : best;
            ck_assert_int_eq(best, n < found->length ? found->word[n] : END);
        }
    }
    arena_free(&a);
}
END_TEST

/* Answers that end far too early may not fill the beam before the good one ends. */
START_TEST(sure_models) {
    enum { ITEMS = 10 };
    toy y = {.words = MOST_WORDS, .mode = TOY_SURE};
    arena a = {0};
    search_result wanted[ITEMS], found[ITEMS];
    search_item items[ITEMS];
    search_config c = plain_config(1);
    for (int i = 0; i < ITEMS; i++) items[i] = plain_item(i, MOST_LENGTH);
    ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, wanted), 0);
    c.beam = 2 + _i;
    c.nbest = 1;
    ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, found), 0);
    for (int i = 0; i < ITEMS; i++) {
        ck_assert_int_eq(found[i].answer->length, MOST_LENGTH);
        assert_same(&items[i], &wanted[i], &found[i]);
    }
    arena_free(&a);
}
END_TEST

/* ---- sampling */

static search_result sample_one(const search_config *c, const search_item *item, toy_mode mode,
                                arena *a) {
    toy y = {.words = MOST_WORDS, .mode = mode, .alike = true};
    search_result result;
    ck_assert_int_eq(toy_search(&y, c, item, 1, a, &result), 0);
    return result;
}

START_TEST(draws_repeat) {
    arena a = {0};
    search_config c = plain_config(4);
    search_item item = plain_item(9, 6), other = plain_item(10, 6);
    c.sample = true;
    search_result first = sample_one(&c, &item, TOY_EVEN, &a),
                  again = sample_one(&c, &item, TOY_EVEN, &a);
    assert_same(&item, &first, &again);
    again = sample_one(&c, &other, TOY_EVEN, &a);
    int same = 0;
    for (int k = 0; k < 4; k++) same += first.answer[k].logp == again.answer[k].logp;
    c.seed++;
    again = sample_one(&c, &item, TOY_EVEN, &a);
    for (int k = 0; k < 4; k++) same += first.answer[k].logp == again.answer[k].logp;
    ck_assert_int_lt(same, 8);
    arena_free(&a);
}
END_TEST

/* Very cold, or only one to choose from: the greedy answer. */
START_TEST(cold_draws) {
    enum { ITEMS = 30 };
    toy y = {.words = MOST_WORDS};
    arena a = {0};
    search_result wanted[ITEMS], found[ITEMS];
    search_item items[ITEMS];
    search_config c = plain_config(1);
    for (int i = 0; i < ITEMS; i++) items[i] = varied_item(i, 6);
    ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, wanted), 0);
    c.sample = true;
    if (_i == 0) c.temperature = 0.001;
    if (_i == 1) c.top_k = 1;
    if (_i == 2) c.top_p = 1e-6;
    ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, found), 0);
    for (int i = 0; i < ITEMS; i++) assert_same(&items[i], &wanted[i], &found[i]);
    arena_free(&a);
}
END_TEST

/* Probabilities of the first word as the options leave them: sorted, cut, made to sum up to 1. */
static void first_word(const search_config *c, const toy *y, const search_item *item, double *p) {
    real logp[MOST_WORDS];
    double sum = 0, seen = 0, kept = 0;
    bool keep[MOST_WORDS] = {false};
    toy_logp(y, toy_begin(y, item), logp);
    for (int w = 0; w < MOST_WORDS; w++) {
        p[w] = w == BEGIN ? 0 : exp((double)logp[w] / c->temperature);
        sum += p[w];
    }
    for (int w = 0; w < MOST_WORDS; w++) p[w] /= sum;
    for (int k = 0; k < (c->top_k ? c->top_k : MOST_WORDS) && seen < c->top_p; k++) {
        int best = -1;
        for (int w = 0; w < MOST_WORDS; w++) {
            if (!keep[w] && (best < 0 || p[w] > p[best])) best = w;
        }
        keep[best] = true;
        seen += p[best];
    }
    for (int w = 0; w < MOST_WORDS; w++) kept += p[w] = keep[w] ? p[w] : 0;
    for (int w = 0; w < MOST_WORDS; w++) p[w] /= kept;
}

START_TEST(draws_have_their_share) {
    enum { ITEMS = 20000 };
    static search_result results[ITEMS];
    static search_item items[ITEMS];
    toy y = {.words = MOST_WORDS, .alike = true};
    arena a = {0};
    double p[MOST_WORDS], count[MOST_WORDS] = {0};
    search_config c = plain_config(2);
    c.sample = true;
    if (_i == 1) c.temperature = 0.5;
    if (_i == 2) c.temperature = 3;
    if (_i == 3) c.top_k = 3;
    if (_i == 4) c.top_p = 0.8;
    for (int i = 0; i < ITEMS; i++) items[i] = plain_item(i, 1), items[i].source = 1;
    ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, results), 0);
    for (int i = 0; i < ITEMS; i++) {
        for (int k = 0; k < 2; k++)
            count[results[i].answer[k].length ? results[i].answer[k].word[0] : END]++;
    }
    first_word(&c, &y, &items[0], p);
    for (int w = 0; w < MOST_WORDS; w++) {
        double n = 2.0 * ITEMS, off = fabs(count[w] / n - p[w]);
        ck_assert_msg(off <= 4.5 * sqrt(p[w] * (1 - p[w]) / n),
                      "word %d: share %.4f, probability %.4f", w, count[w] / n, p[w]);
    }
    arena_free(&a);
}
END_TEST

/* ---- scorers that go wrong */

/* Weights of a stranger may give no numbers: fewer answers, none at worst, and never a word too
 * many. */
START_TEST(numbers_that_are_none) {
    enum { ITEMS = 20 };
    static const toy_mode modes[] = {TOY_NAN, TOY_HOLES, TOY_NEVER};
    toy y = {.words = MOST_WORDS, .mode = modes[_i % 3]};
    arena a = {0};
    search_result results[ITEMS];
    search_item items[ITEMS];
    search_config c = varied_config(3, 1 + 4 * (_i / 6));
    c.sample = _i / 3 % 2;
    for (int i = 0; i < ITEMS; i++) items[i] = varied_item(i, 5);
    ck_assert_int_eq(toy_search(&y, &c, items, ITEMS, &a, results), 0);
    for (int i = 0; i < ITEMS; i++) {
        ck_assert(results[i].count >= 0 && results[i].count <= 3);
        ck_assert(y.mode == TOY_HOLES || results[i].count == 0);
        for (int k = 0; k < results[i].count; k++) {
            const search_answer *x = &results[i].answer[k];
            ck_assert(x->length >= items[i].shortest && x->length <= items[i].longest);
            ck_assert(isfinite(x->logp));
            for (int n = 0; n < x->length; n++)
                ck_assert(x->word[n] >= FIRST && x->word[n] < MOST_WORDS);
        }
    }
    arena_free(&a);
}
END_TEST

START_TEST(a_scorer_that_fails) {
    toy y = {.words = MOST_WORDS, .mode = TOY_FAILS};
    arena a = {0};
    search_result result;
    search_config c = plain_config(3);
    search_item item = plain_item(1, 6);
    item.shortest = 6;
    ck_assert_int_eq(toy_search(&y, &c, &item, 1, &a, &result), RILL_EDATA);
    arena_free(&a);
    a.limit = 64;
    y.mode = TOY_PLAIN;
    ck_assert_int_eq(toy_search(&y, &c, &item, 1, &a, &result), RILL_ENOMEM);
    arena_free(&a);
}
END_TEST

void model_search_cases(Suite *suite) {
    TCase *c = tcase_create("search");
    tcase_add_loop_test(c, against_enumeration, 0, VARIED);
    tcase_add_loop_test(c, against_plain_beam, 0, VARIED);
    tcase_add_loop_test(c, neighbours, 0, 6);
    tcase_add_test(c, greedy);
    tcase_add_loop_test(c, sure_models, 0, 5);
    tcase_add_test(c, draws_repeat);
    tcase_add_loop_test(c, cold_draws, 0, 3);
    tcase_add_loop_test(c, draws_have_their_share, 0, 5);
    tcase_add_loop_test(c, numbers_that_are_none, 0, 12);
    tcase_add_test(c, a_scorer_that_fails);
    suite_add_tcase(suite, c);
}
