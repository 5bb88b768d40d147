/* op_crf: linear-chain conditional random field (Lafferty, McCallum, Pereira 2001).
 *
 * All recursions run in the log domain in double, one sequence at a time, over plain arrays; K is
 * small.
 *
 *     alpha_0(j)    = start(j) + x_0(j)
 *     alpha_t(j)    = x_t(j) + log sum over i of exp(alpha_{t-1}(i) + trans(i,j))
 *     beta_{T-1}(i) = end(i)
 *     beta_t(i)     = log sum over j of exp(trans(i,j) + x_{t+1}(j) + beta_{t+1}(j))
 *     log Z         = log sum over j of exp(alpha_{T-1}(j) + end(j))
 *     p(y_t = j)    = exp(alpha_t(j) + beta_t(j) - log Z)
 *
 * Loss = log Z - score(y); its gradient is expected minus observed counts. Forbidden steps have
 * potential minus infinity and never enter a sum.
 */
#include "tape/tape.h"

#include <math.h>
#include <string.h>

/* One sequence and its tables. alpha and beta belong to the sequence, the rest to the CRF. */
typedef struct chain {
    int T, K;
    const real *x;        /* [T,K] */
    double *step;         /* [K,K] transition potentials, -INFINITY where forbidden */
    double *start, *end;  /* [K] */
    double *alpha, *beta; /* [T,K] */
    double log_z;
} chain;

/* Is the step allowed? Index K is the start, K+1 the end. */
static bool may(const uint8_t *allowed, int K, int from, int to) {
    return !allowed || allowed[(size_t)from * (size_t)(K + 2) + (size_t)to];
}

/* Row t of a [T,K] table. */
static size_t row(const chain *c, int t) {
    return (size_t)t * (size_t)c->K;
}

/* Place of a step in a [K,K] table, which may have more places than an int. */
static size_t place(int K, int from, int to) {
    return (size_t)from * (size_t)K + (size_t)to;
}

/* Potentials with the forbidden steps taken out; false when out of memory. */
static bool chain_open(arena *a, chain *c, int K, const real *trans, const real *ends,
                       const uint8_t *allowed) {
    size_t k = (size_t)K;
    c->K = K;
    c->step = arena_alloc(a, k * k, sizeof *c->step);
    c->start = arena_alloc(a, k, sizeof *c->start);
    c->end = arena_alloc(a, k, sizeof *c->end);
    if (!c->step || !c->start || !c->end) return false;
    for (int i = 0; i < K; i++) {
        c->start[i] = may(allowed, K, K, i) ? (double)ends[i] : -INFINITY;
        c->end[i] = may(allowed, K, i, K + 1) ? (double)ends[K + i] : -INFINITY;
        for (int j = 0; j < K; j++) {
            size_t at = place(K, i, j);
            c->step[at] = may(allowed, K, i, j) ? (double)trans[at] : -INFINITY;
        }
    }
    return true;
}

/* log sum exp of v[0..n); -INFINITY when all are. */
static double log_sum(const double *v, int n) {
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) most = v[i] > most ? v[i] : most;
    if (most == -INFINITY) return most;
    for (int i = 0; i < n; i++) sum += exp(v[i] - most);
    return most + log(sum);
}

/* alpha and log Z; false when out of memory. T >= 1. */
static bool chain_forward(arena *a, chain *c) {
    int K = c->K;
    c->alpha = arena_alloc(a, row(c, c->T), sizeof(double));
    double *v = arena_alloc(a, (size_t)K, sizeof *v);
    if (!c->alpha || !v) return false;
    for (int t = 0; t < c->T; t++) {
        double *alpha = c->alpha + row(c, t);
        const real *x = c->x + row(c, t);
        for (int j = 0; j < K; j++) {
            for (int i = 0; t > 0 && i < K; i++) v[i] = alpha[i - K] + c->step[place(K, i, j)];
            alpha[j] = (t > 0 ? log_sum(v, K) : c->start[j]) + (double)x[j];
        }
    }
    const double *last = c->alpha + row(c, c->T - 1);
    for (int j = 0; j < K; j++) v[j] = last[j] + c->end[j];
    c->log_z = log_sum(v, K);
    return true;
}

/* beta; false when out of memory. */
static bool chain_backward(arena *a, chain *c) {
    int K = c->K;
    c->beta = arena_alloc(a, row(c, c->T), sizeof(double));
    double *v = arena_alloc(a, (size_t)K, sizeof *v);
    if (!c->beta || !v) return false;
    memcpy(c->beta + row(c, c->T - 1), c->end, (size_t)K * sizeof(double));
    for (int t = c->T - 2; t >= 0; t--) {
        const double *next = c->beta + row(c, t + 1);
        const real *x = c->x + row(c, t + 1);
        for (int i = 0; i < K; i++) {
            const double *step = c->step + place(K, i, 0);
            for (int j = 0; j < K; j++) v[j] = step[j] + (double)x[j] + next[j];
            c->beta[row(c, t) + (size_t)i] = log_sum(v, K);
        }
    }
    return true;
}

static double path_score(const chain *c, const int32_t *y) {
    double score = c->start[y[0]] + c->end[y[c->T - 1]];
    for (int t = 0; t < c->T; t++) {
        score += (double)c->x[row(c, t) + (size_t)y[t]];
        if (t > 0) score += c->step[place(c->K, y[t - 1], y[t])];
    }
    return score;
}

/* Where the gradients of one sequence go; each may be NULL. */
typedef struct chain_flow {
    real *x, *trans, *ends;
} chain_flow;

/* weight * (expected - observed) counts of the step from t-1 to t. */
static void step_gradient(const chain *c, const int32_t *y, int t, double weight, real *dtrans) {
    int K = c->K;
    const double *alpha = c->alpha + row(c, t - 1), *beta = c->beta + row(c, t);
    const real *x = c->x + row(c, t);
    for (int i = 0; i < K; i++) {
        for (int j = 0; j < K; j++) {
            size_t at = place(K, i, j);
            double p = exp(alpha[i] + c->step[at] + (double)x[j] + beta[j] - c->log_z);
            p -= y[t - 1] == i && y[t] == j;
            dtrans[at] += (real)(weight * p);
        }
    }
}

/* All of them: labels by their marginals (start and end are the steps at either side), steps above.
 * dx is written, the others are added to. */
static void chain_gradient(const chain *c, const int32_t *y, double weight, chain_flow d) {
    int K = c->K;
    for (int t = 0; t < c->T; t++) {
        const double *alpha = c->alpha + row(c, t), *beta = c->beta + row(c, t);
        for (int j = 0; j < K; j++) {
            double p = weight * (exp(alpha[j] + beta[j] - c->log_z) - (y[t] == j));
            if (d.x) d.x[row(c, t) + (size_t)j] = (real)p;
            if (d.ends && t == 0) d.ends[j] += (real)p;
            if (d.ends && t == c->T - 1) d.ends[K + j] += (real)p;
        }
        if (d.trans && t > 0) step_gradient(c, y, t, weight, d.trans);
    }
}

/* ---- the loss. Like op_entropy, gradients are made in the forward pass; dx is kept for the
 * backward one. */

static bool crf_one(arena *a, chain *c, const int32_t *y, double weight, chain_flow d,
                    double *sum) {
    arena_mark mark = arena_here(a);
    if (!chain_forward(a, c)) return false;
    *sum += weight * (c->log_z - path_score(c, y));
    if (d.x || d.trans || d.ends) {
        if (!chain_backward(a, c)) return false;
        chain_gradient(c, y, weight, d);
    }
    arena_back(a, mark);
    return true;
}

var op_crf(tape *t, var x, var trans, var ends, const crf_spec *spec, const pack *seq) {
    if (!x || !trans || !ends) return 0;
    var in[] = {x, trans, ends};
    var v = tape_push(t, OP_CRF, 1, 1, in, 3);
    if (!v) return 0;
    size_t K = (size_t)tape_node(t, x)->cols;
    chain_flow d = {NULL, tape_flow(t, trans), tape_flow(t, ends)};
    real *dx = tape_needs(t, x) ? tape_keep(t, (size_t)seq->total * K, sizeof *dx) : NULL;
    tape_node(t, v)->saved = dx;
    chain c = {0};
    if (!chain_open(&t->scratch, &c, (int)K, tape_value(t, trans), tape_value(t, ends),
                    spec->allowed)) {
        t->status = RILL_ENOMEM;
    }
    double sum = 0;
    for (int b = 0; t->status == 0 && b < seq->count; b++) {
        size_t at = (size_t)seq->start[b];
        c.T = pack_length(seq, b);
        c.x = tape_value(t, x) + at * K;
        if (c.T == 0) continue;
        d.x = dx ? dx + at * K : NULL;
        if (!crf_one(&t->scratch, &c, spec->target + at, spec->weight, d, &sum)) {
            t->status = RILL_ENOMEM;
        }
    }
    tape_value(t, v)[0] = (real)sum;
    return t->status < 0 ? 0 : v;
}

void crf_back(tape *t, node *y) {
    tape_loss_back(t, y, 1);
}

/* ---- decoding */

int crf_marginals(arena *a, int T, int K, const real *x, const real *trans, const real *ends,
                  const uint8_t *allowed, double *marginal, double *log_z) {
    chain c = {.T = T, .x = x};
    *log_z = 0;
    if (T == 0) return 0;
    if (!chain_open(a, &c, K, trans, ends, allowed) || !chain_forward(a, &c)) return RILL_ENOMEM;
    *log_z = c.log_z;
    if (!marginal) return 0;
    if (!chain_backward(a, &c)) return RILL_ENOMEM;
    for (size_t i = 0; i < row(&c, T); i++) {
        bool some = c.log_z > -INFINITY;
        marginal[i] = some ? exp(c.alpha[i] + c.beta[i] - c.log_z) : 0;
    }
    return 0;
}

/* The k best ways to reach each label: list[label*k + rank], best first.
 *
 *     score [2][K*k]   of the step before and of this one, in turn; -INFINITY where there is no way
 *     from  [T][K*k]   index of the way it extends in the step before
 */
typedef struct ways {
    int k;
    size_t layer; /* K*k */
    double *score;
    int32_t *from;
} ways;

/* Keeps the k best of a list in order; equal scores keep the earlier one first. False when the
 * score is not among them. */
static bool way_insert(int k, double *score, int32_t *from, double new_score, int32_t new_from) {
    if (!(new_score > score[k - 1])) return false;
    int at = k - 1;
    while (at > 0 && new_score > score[at - 1]) {
        score[at] = score[at - 1];
        from[at] = from[at - 1];
        at--;
    }
    score[at] = new_score;
    from[at] = new_from;
    return true;
}

static void clear_ways(int k, double *score, int32_t *from) {
    for (int i = 0; i < k; i++) score[i] = -INFINITY, from[i] = -1;
}

/* All ways of `before`, each with the potential step[i*stride] of its label i, into one list. They
 * come best first, so the first that finds no place ends its label. */
static void merge_ways(const chain *c, const ways *w, const double *before, const double *step,
                       int stride, double x, double *score, int32_t *from) {
    clear_ways(w->k, score, from);
    for (int i = 0; i < c->K; i++) {
        const double potential = step[place(stride, i, 0)];
        for (int r = 0; r < w->k; r++) {
            int32_t at = (int32_t)(i * w->k + r);
            if (!way_insert(w->k, score, from, before[at] + potential + x, at)) break;
        }
    }
}

/* From step t-1 to step t. */
static void extend_ways(const chain *c, const ways *w, int t) {
    double *now = w->score + (t & 1) * w->layer, *before = w->score + (~t & 1) * w->layer;
    int32_t *from = w->from + (size_t)t * w->layer;
    for (int j = 0; j < c->K; j++, now += w->k, from += w->k) {
        double x = (double)c->x[row(c, t) + (size_t)j];
        if (t > 0) {
            merge_ways(c, w, before, c->step + j, c->K, x, now, from);
        } else {
            clear_ways(w->k, now, from);
            way_insert(w->k, now, from, c->start[j] + x, -1);
        }
    }
}

int crf_best(arena *a, int T, int K, const real *x, const real *trans, const real *ends,
             const uint8_t *allowed, int k, int32_t *path, double *score) {
    chain c = {.T = T, .x = x};
    if (T == 0 || k == 0) return 0;
    ways w = {.k = k, .layer = (size_t)K * (size_t)k};
    if (w.layer > INT32_MAX) return RILL_ENOMEM;
    w.score = arena_alloc(a, 2 * w.layer, sizeof *w.score);
    w.from = arena_alloc(a, (size_t)T * w.layer, sizeof *w.from);
    int32_t *last = arena_alloc(a, (size_t)k, sizeof *last);
    if (!w.score || !w.from || !last || !chain_open(a, &c, K, trans, ends, allowed)) {
        return RILL_ENOMEM;
    }
    for (int t = 0; t < T; t++) extend_ways(&c, &w, t);
    merge_ways(&c, &w, w.score + ((T - 1) & 1) * w.layer, c.end, 1, 0, score, last);
    /* A way names the one it extends: walk back from the end. */
    int found = 0;
    for (; found < k && score[found] > -INFINITY; found++) {
        int32_t at = last[found];
        for (int t = T - 1; t >= 0; t--) {
            path[(size_t)found * (size_t)T + (size_t)t] = at / k;
            at = w.from[(size_t)t * w.layer + (size_t)at];
        }
    }
    return found;
}
