/* translate_risk: see translate_risk.h. */
#include "task/translate_risk.h"
#include "base/rng.h"
#include "model/consensus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct translate_risk {
    const translate_net *net;
    translate_net packed; /* the same weights for drawing */
    translate_options o;  /* borrowed texts */
    pool *pool;
    int threads;
    translate_session **session; /* [threads] */
    bleu **judge;                /* [threads] */
    rill_error *why;             /* [threads] */
    int *status;                 /* [threads] */
    /* the present batch */
    const translate_pair *pair;
    size_t count;
    search_result *result; /* [count] */
    double *merit;         /* [count, N] of each answer: its weight in the loss */
};

/* Whatever else is set, draws come from the model as it is. */
static void plain_draws(translate_options *o) {
    o->sample = true;
    o->nbest = o->risk_samples;
    o->temperature = o->top_p = 1;
    o->top_k = o->mbr = o->no_repeat = o->min_length = o->max_length = 0;
    o->coverage = 0;
    o->replace_unk = o->align = false;
    o->picture = NULL;
}

int translate_risk_new(const translate_net *net, const translate_options *o, pool *pool,
                       translate_risk **out, rill_error *error) {
    translate_risk *r = mem_new(1, sizeof *r);
    if (!r) return status_nomem(error);
    *r = (translate_risk){.net = net, .o = *o, .pool = pool, .threads = pool_threads(pool)};
    plain_draws(&r->o);
    size_t n = (size_t)r->threads;
    r->session = mem_new(n, sizeof *r->session);
    r->judge = mem_new(n, sizeof *r->judge);
    r->why = mem_new(n, sizeof *r->why);
    r->status = mem_new(n, sizeof *r->status);
    int status = r->session && r->judge && r->why && r->status ? 0 : status_nomem(error);
    const compute c = {.k = cpu_kernels(), .pool = pool};
    if (status == 0 && translate_net_borrow(net, net->params.value, &c, &r->packed) < 0) {
        status = status_nomem(error);
    }
    for (size_t i = 0; status == 0 && i < n; i++) {
        status = translate_session_train(&r->packed, &r->o, &r->session[i], error);
        if (status == 0) status = bleu_new(NULL, &r->judge[i], error);
    }
    if (status == 0) *out = r;
    else translate_risk_free(r);
    return status;
}

void translate_risk_free(translate_risk *r) {
    if (!r) return;
    for (int i = 0; i < r->threads; i++) {
        if (r->session) translate_session_free(r->session[i]);
        if (r->judge) bleu_free(r->judge[i]);
    }
    translate_net_return(&r->packed);
    free(r->session);
    free(r->judge);
    free(r->why);
    free(r->status);
    free(r);
}

static int failed(int status, rill_error *error) {
    if (status == RILL_ELIMIT) return status_fail(error, status, "the text is too long");
    return status < 0 ? status_nomem(error) : 0;
}

/* ---- drawing and judging */

/* What lies above the mean of the pair's other answers, over their number. An update divides by the words of
 * all readings of a pair, so with two of them it weighs double. */
static int judge(translate_risk *r, bleu *b, size_t i) {
    const translate_pair *p = &r->pair[i];
    const search_result *found = &r->result[i];
    double *merit = r->merit + i * (size_t)r->o.nbest, mean = 0;
    const double weight = r->o.r_drop > 0 ? 2 * r->o.risk : r->o.risk;
    for (int k = 0; k < found->count; k++) {
        const search_answer *a = &found->answer[k];
        TRY(consensus_bleu(b, a->word, a->length, p->target, p->length, &merit[k]));
        mean += merit[k] / found->count;
    }
    for (int k = 0; k < found->count; k++) {
        merit[k] = found->count > 1 ? weight * (merit[k] - mean) / (found->count - 1) : 0;
    }
    return 0;
}

/* A thread's even share of the pairs. */
static void draw_task(void *data, int task, int worker) {
    (void)worker;
    translate_risk *r = data;
    const size_t n = (size_t)r->threads, t = (size_t)task;
    const size_t from = r->count * t / n, to = r->count * (t + 1) / n;
    translate_source *source = mem_new(to - from, sizeof *source);
    int status = source ? 0 : status_nomem(&r->why[t]);
    for (size_t i = from; source && i < to; i++) source[i - from] = r->pair[i].source;
    if (status == 0) {
        status = translate_session_run(r->session[t], source, to - from, r->result + from,
                                       &r->why[t]);
    }
    for (size_t i = from; status == 0 && i < to; i++) {
        status = failed(judge(r, r->judge[t], i), &r->why[t]);
    }
    free(source);
    r->status[t] = status;
}

static int draw_all(translate_risk *r, rill_error *error) {
    const compute c = {.k = cpu_kernels(), .pool = r->pool};
    if (params_pack(&r->packed.params, &c) < 0) return status_nomem(error);
    pool_run(r->pool, r->threads, draw_task, r);
    for (int t = 0; t < r->threads; t++) {
        if (r->status[t] == 0) continue;
        if (error) *error = r->why[t];
        return r->status[t];
    }
    return 0;
}

/* ---- the batch */

static bool tells(double merit) { return fabs(merit) > 1e-9; }

typedef struct sides {
    int32_t *length[SIDES]; /* [answers] */
    uint64_t *name;         /* [answers] */
    int32_t answers;
} sides;

static int measure(const translate_risk *r, arena *a, sides *s) {
    const size_t N = (size_t)r->o.nbest, most = r->count * N;
    s->name = arena_alloc(a, most, sizeof *s->name);
    for (int side = 0; side < SIDES; side++) {
        s->length[side] = arena_alloc(a, most, sizeof *s->length[side]);
        if (!s->length[side] || !s->name) return RILL_ENOMEM;
    }
    for (size_t i = 0; i < r->count; i++) {
        for (int k = 0; k < r->result[i].count; k++) {
            if (!tells(r->merit[i * N + (size_t)k])) continue;
            const int32_t at = s->answers++;
            s->length[SOURCE][at] = r->pair[i].source.count + 1;
            s->length[TARGET][at] = r->result[i].answer[k].length + 1;
            s->name[at] = rng_key(r->pair[i].source.name, (uint64_t)k + 1);
        }
    }
    return 0;
}

/* The arrays of a batch while they are filled. */
typedef struct words {
    int32_t *source, *gold, *previous;
    real *worth;
} words;

static void fill_answer(const words *w, const translate_source *source, const search_answer *answer,
                        double merit) {
    const size_t n = (size_t)source->count, m = (size_t)answer->length;
    memcpy(w->source, source->id, n * sizeof *w->source);
    w->source[n] = SUBWORD_END;
    if (m > 0) memcpy(w->gold, answer->word, m * sizeof *w->gold);
    if (m > 0) memcpy(w->previous + 1, answer->word, m * sizeof *w->previous);
    w->gold[m] = SUBWORD_END;
    w->previous[0] = SUBWORD_BEGIN;
    for (size_t j = 0; j <= m; j++) w->worth[j] = (real)merit;
    if (answer->cut) w->worth[m] = 0; /* nobody drew this end */
}

/* All answers that tell something, one after the other. */
static void fill_words(const translate_risk *r, const translate_batch *b, words w) {
    const words first = w;
    int32_t at = 0;
    for (size_t i = 0; i < r->count; i++) {
        for (int k = 0; k < r->result[i].count; k++) {
            const double merit = r->merit[i * (size_t)r->o.nbest + (size_t)k];
            if (!tells(merit)) continue;
            w = (words){first.source + b->source.start[at], first.gold + b->target.start[at],
                        first.previous + b->target.start[at], first.worth + b->target.start[at]};
            fill_answer(&w, &r->pair[i].source, &r->result[i].answer[k], merit);
            at++;
        }
    }
}

static int make_batch(const translate_risk *r, arena *a, translate_batch *b) {
    sides s = {0};
    words w;
    TRY(measure(r, a, &s));
    if (s.answers == 0) return 0;
    TRY(pack_make(a, s.length[SOURCE], s.name, s.answers, &b->source));
    TRY(pack_make(a, s.length[TARGET], s.name, s.answers, &b->target));
    b->source_id = w.source = arena_alloc(a, (size_t)b->source.total, sizeof *w.source);
    b->previous = w.previous = arena_alloc(a, (size_t)b->target.total, sizeof *w.previous);
    b->gold = w.gold = arena_alloc(a, (size_t)b->target.total, sizeof *w.gold);
    b->worth = w.worth = arena_alloc(a, (size_t)b->target.total, sizeof *w.worth);
    if (!w.source || !w.previous || !w.gold || !w.worth) return RILL_ENOMEM;
    fill_words(r, b, w);
    return 0;
}

int translate_risk_draw(translate_risk *r, const translate_pair *pair, size_t count, arena *a,
                        translate_batch *out, rill_error *error) {
    *out = (translate_batch){0};
    r->pair = pair;
    r->count = count;
    r->result = arena_zero(a, count, sizeof *r->result);
    r->merit = arena_zero(a, count * (size_t)r->o.nbest, sizeof *r->merit);
    if (!r->result || !r->merit) return status_nomem(error);
    TRY(draw_all(r, error));
    return failed(make_batch(r, a, out), error);
}
