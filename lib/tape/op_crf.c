/* op_crf: linear-chain conditional random field (Lafferty, McCallum, Pereira 2001).
 *
 * All recursions run in the log domain in double, one sequence at a time, over plain arrays; K is small.
 *
 *     alpha_t(j) = x_t(j) + log sum_i exp(alpha_{t-1}(i) + trans(i,j)),   alpha_0(j) = start(j) + x_0(j)
 *     beta_t(i)  = log sum_j exp(trans(i,j) + x_{t+1}(j) + beta_{t+1}(j)), beta_{T-1}(i) = end(i)
 *     log Z      = log sum_j exp(alpha_{T-1}(j) + end(j))
 *     p(y_t=j)   = exp(alpha_t(j) + beta_t(j) - log Z)
 *
 * Loss = log Z - score(y); its gradient is expected minus observed counts. Forbidden steps have potential
 * minus infinity and never enter a sum.
 */
#include "tape/tape.h"

#include <math.h>
#include <string.h>

typedef struct chain {
    int T, K;
    const real *x;         /* [T,K] */
    double *step;          /* [K,K] transition potentials, -INFINITY where forbidden */
    double *start, *end;   /* [K] */
    double *alpha, *beta;  /* [T,K] */
    double log_z;
} chain;

static bool may(const uint8_t *allowed, int K, int from, int to) {
    return !allowed || allowed[(size_t)from * (size_t)(K + 2) + (size_t)to];
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
            c->step[i * K + j] = may(allowed, K, i, j) ? (double)trans[i * K + j] : -INFINITY;
        }
    }
    return true;
}

/* log sum exp of v[0..n), spaced by `stride`; -INFINITY when all are. */
static double log_sum(const double *v, int n, int stride) {
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) most = v[i * stride] > most ? v[i * stride] : most;
    if (most == -INFINITY) return most;
    for (int i = 0; i < n; i++) sum += exp(v[i * stride] - most);
    return most + log(sum);
}

static bool chain_forward(arena *a, chain *c) {
    int K = c->K;
    c->alpha = arena_alloc(a, (size_t)c->T * (size_t)K, sizeof(double));
    double *v = arena_alloc(a, (size_t)K, sizeof *v);
    if (!c->alpha || !v) return false;
    for (int t = 0; t < c->T; t++) {
        double *alpha = c->alpha + (size_t)t * (size_t)K;
        for (int j = 0; j < K; j++) {
            for (int i = 0; t > 0 && i < K; i++) v[i] = alpha[i - K] + c->step[i * K + j];
            alpha[j] = (t > 0 ? log_sum(v, K, 1) : c->start[j]) + (double)c->x[t * K + j];
        }
    }
    const double *last = c->alpha + (size_t)(c->T - 1) * (size_t)K;
    for (int j = 0; j < K; j++) v[j] = last[j] + c->end[j];
    c->log_z = log_sum(v, K, 1);
    return true;
}

static bool chain_backward(arena *a, chain *c) {
    int K = c->K;
    c->beta = arena_alloc(a, (size_t)c->T * (size_t)K, sizeof(double));
    double *v = arena_alloc(a, (size_t)K, sizeof *v);
    if (!c->beta || !v) return false;
    memcpy(c->beta + (size_t)(c->T - 1) * (size_t)K, c->end, (size_t)K * sizeof(double));
    for (int t = c->T - 2; t >= 0; t--) {
        double *beta = c->beta + (size_t)t * (size_t)K;
        for (int i = 0; i < K; i++) {
            for (int j = 0; j < K; j++) {
                v[j] = c->step[i * K + j] + (double)c->x[(t + 1) * K + j] + beta[K + j];
            }
            beta[i] = log_sum(v, K, 1);
        }
    }
    return true;
}

static double path_score(const chain *c, const int32_t *y) {
    double score = c->start[y[0]] + c->end[y[c->T - 1]];
    for (int t = 0; t < c->T; t++) {
        score += (double)c->x[t * c->K + y[t]];
        if (t > 0) score += c->step[y[t - 1] * c->K + y[t]];
    }
    return score;
}

/* Adds weight * (expected - observed) counts of one sequence. Any target may be NULL. */
static void chain_gradient(const chain *c, const int32_t *y, double weight, real *dx, real *dtrans,
                           real *dends) {
    int K = c->K;
    for (int t = 0; t < c->T; t++) {
        const double *alpha = c->alpha + (size_t)t * (size_t)K;
        const double *beta = c->beta + (size_t)t * (size_t)K;
        for (int j = 0; j < K; j++) {
            double p = weight * (exp(alpha[j] + beta[j] - c->log_z) - (y[t] == j));
            if (dx) dx[t * K + j] += (real)p;
            if (dends && t == 0) dends[j] += (real)p;
            if (dends && t == c->T - 1) dends[K + j] += (real)p;
        }
        for (int i = 0; dtrans && t > 0 && i < K; i++) {
            for (int j = 0; j < K; j++) {
                double p = exp(alpha[i - K] + c->step[i * K + j] + (double)c->x[t * K + j] +
                               beta[j] - c->log_z);
                p -= y[t - 1] == i && y[t] == j;
                dtrans[i * K + j] += (real)(weight * p);
            }
        }
    }
}


/* Like op_entropy, gradients are made in the forward pass; dx is kept for the backward one. */
static bool crf_one(tape *t, chain *c, const int32_t *y, double weight, real *dx, real *dtrans,
                    real *dends, double *sum) {
    arena_mark mark = arena_here(&t->scratch);
    if (!chain_forward(&t->scratch, c)) return false;
    *sum += weight * (c->log_z - path_score(c, y));
    if (dx || dtrans) {
        if (!chain_backward(&t->scratch, c)) return false;
        chain_gradient(c, y, weight, dx, dtrans, dends);
    }
    arena_back(&t->scratch, mark);
    return true;
}

var op_crf(tape *t, var x, var trans, var ends, const crf_spec *spec, const pack *seq) {
    if (!x || !trans || !ends) return 0;
    var in[] = {x, trans, ends};
    var v = tape_push(t, OP_CRF, 1, 1, in, 3);
    if (!v) return 0;
    size_t K = (size_t)tape_node(t, x)->cols, size = (size_t)seq->total * K;
    real *dx = NULL;
    if (tape_needs(t, x)) {
        dx = tape_keep(t, size, sizeof *dx);
        if (!dx) return 0;
        memset(dx, 0, size * sizeof *dx);
        tape_node(t, v)->saved = dx;
    }
    real *dtrans = tape_flow(t, trans), *dends = tape_flow(t, ends);
    arena_mark mark = arena_here(&t->scratch);
    chain c = {0};
    bool ok = chain_open(&t->scratch, &c, (int)K, tape_value(t, trans), tape_value(t, ends),
                         spec->allowed);
    double sum = 0;
    for (int b = 0; ok && b < seq->count; b++) {
        size_t at = (size_t)seq->start[b];
        c.T = pack_length(seq, b);
        c.x = tape_value(t, x) + at * K;
        if (c.T == 0) continue;
        ok = crf_one(t, &c, spec->target + at, spec->weight, dx ? dx + at * K : NULL, dtrans, dends,
                     &sum);
    }
    if (!ok) t->status = RILL_ENOMEM;
    arena_back(&t->scratch, mark);
    tape_value(t, v)[0] = (real)sum;
    return ok ? v : 0;
}

void crf_back(tape *t, node *y) {
    real *dx = tape_flow(t, y->in[0]);
    const node *x = tape_node(t, y->in[0]);
    if (dx) t->c.k->axpy((int64_t)x->rows * x->cols, y->grad[0], y->saved, dx);
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
    for (int i = 0; i < T * K; i++) marginal[i] = exp(c.alpha[i] + c.beta[i] - c.log_z);
    return 0;
}

/* One of the k best ways to reach label j at step t. */
typedef struct way {
    double score; /* -INFINITY: no such way */
    int32_t label, rank; /* where it came from */
} way;

/* Keeps the k best of `list` in order; equal scores keep the earlier one first. */
static void way_insert(way *list, int k, way w) {
    if (!(w.score > list[k - 1].score)) return;
    int at = k - 1;
    while (at > 0 && w.score > list[at - 1].score) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = w;
}

static void clear_ways(way *list, int k) {
    for (int i = 0; i < k; i++) list[i] = (way){-INFINITY, -1, -1};
}

static void extend_ways(const chain *c, int t, int k, const way *before, way *now) {
    int K = c->K;
    for (int j = 0; j < K; j++) {
        way *list = now + (size_t)j * (size_t)k;
        double x = (double)c->x[t * K + j];
        clear_ways(list, k);
        if (t == 0) {
            way_insert(list, k, (way){c->start[j] + x, -1, 0});
            continue;
        }
        for (int i = 0; i < K; i++) {
            for (int r = 0; r < k; r++) {
                double score = before[i * k + r].score + c->step[i * K + j] + x;
                way_insert(list, k, (way){score, i, r});
            }
        }
    }
}

int crf_best(arena *a, int T, int K, const real *x, const real *trans, const real *ends,
             const uint8_t *allowed, int k, int32_t *path, double *score) {
    chain c = {.T = T, .x = x};
    if (T == 0 || k == 0) return 0;
    size_t layer = (size_t)K * (size_t)k;
    way *ways = arena_alloc(a, (size_t)T * layer, sizeof *ways);
    way *final = arena_alloc(a, (size_t)k, sizeof *final);
    if (!ways || !final || !chain_open(a, &c, K, trans, ends, allowed)) return RILL_ENOMEM;
    for (int t = 0; t < T; t++) {
        way *now = ways + (size_t)t * layer;
        extend_ways(&c, t, k, t > 0 ? now - layer : NULL, now);
    }
    clear_ways(final, k);
    const way *last = ways + (size_t)(T - 1) * layer;
    for (int j = 0; j < K; j++) {
        for (int r = 0; r < k; r++) {
            way_insert(final, k, (way){last[j * k + r].score + c.end[j], j, r});
        }
    }
    int found = 0;
    while (found < k && final[found].score > -INFINITY) {
        way at = final[found];
        score[found] = at.score;
        for (int t = T - 1; t >= 0; t--) {
            path[(size_t)found * (size_t)T + (size_t)t] = at.label;
            at = ways[(size_t)t * layer + (size_t)at.label * (size_t)k + (size_t)at.rank];
        }
        found++;
    }
    return found;
}
