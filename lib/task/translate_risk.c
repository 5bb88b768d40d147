/* translate_risk: see translate_risk.h. */
#include "task/translate_risk.h"
#include "base/rng.h"
#include "model/consensus.h"

#include <math.h>
#include <stdlib.h>

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
    if (status == 0) r->packed = *net;
    if (status == 0 && params_borrow(&net->params, net->params.value, &c, &r->packed.params) < 0) {
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
    params_return(&r->packed.params);
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

/* Answers that tell something, as pairs, and what each of their words weighs. */
typedef struct answers {
    translate_pair *pair;
    real *merit;
    bool *cut; /* nobody drew its end */
    size_t count;
} answers;

static int list_answers(const translate_risk *r, arena *a, answers *out) {
    const size_t N = (size_t)r->o.nbest, most = r->count * N;
    *out = (answers){.pair = arena_alloc(a, most, sizeof *out->pair),
                     .merit = arena_alloc(a, most, sizeof *out->merit),
                     .cut = arena_alloc(a, most, sizeof *out->cut)};
    if (!out->pair || !out->merit || !out->cut) return RILL_ENOMEM;
    for (size_t i = 0; i < r->count; i++) {
        for (size_t k = 0; k < (size_t)r->result[i].count; k++) {
            const search_answer *answer = &r->result[i].answer[k];
            const double merit = r->merit[i * N + k];
            if (!tells(merit)) continue;
            translate_pair *p = &out->pair[out->count];
            *p = (translate_pair){
                .source = r->pair[i].source, .target = answer->word, .length = answer->length};
            p->source.name = rng_key(p->source.name, k + 1);
            out->merit[out->count] = (real)merit;
            out->cut[out->count++] = answer->cut;
        }
    }
    return 0;
}

static int make_batch(const translate_risk *r, arena *a, translate_batch *b) {
    answers told;
    TRY(list_answers(r, a, &told));
    if (told.count == 0) return 0;
    TRY(translate_batch_make(a, told.pair, told.count, b));
    b->worth = arena_alloc(a, (size_t)b->target.total, sizeof *b->worth);
    if (!b->worth) return RILL_ENOMEM;
    for (size_t i = 0; i < told.count; i++) {
        const int32_t end = b->target.start[i + 1] - 1;
        for (int32_t at = b->target.start[i]; at < end; at++) b->worth[at] = told.merit[i];
        b->worth[end] = told.cut[i] ? 0 : told.merit[i];
    }
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
