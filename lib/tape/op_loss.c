/* op_loss: softmax cross entropy fused with its projection; binary cross entropy; agreement.
 *
 * Rows go through in chunks: logits = x W^T + b, p = softmax of each group of columns, and with
 * target y and smoothing e over the V columns of the group
 *
 *     q = (1-e) onehot(y) + e/V,   loss = -sum q log p,   dlogits = weight * balance[y] * (p - q)
 *
 * When recording, dlogits of a chunk go at once into dW, db and (kept) dx, so [N,V] never exists.
 *
 * With `worth` each row has a further weight. With `agree` the second half of the rows reads the first
 * half again (R-drop, Liang et al. 2021): a chunk holds as many rows of either half, one after the
 * other, and what `agree` below computes is added to loss and dlogits of both.
 */
#include "math/vmath.h"
#include "tape/tape.h"

#include <string.h>

enum { CHUNK = PORTION(512, 4) }; /* rows, of both halves; a constant: the bytes of db depend on it */

typedef struct entropy_run {
    const kernels *k;
    entropy_spec spec;
    const int32_t *group; /* [groups+1] */
    int halves;           /* 1, or 2: rows i and N/2 + i are readings of one thing */
    int N, D, V;          /* V: all columns */
    int first, n;         /* rows of the chunk, of each half */
    bool record;
    real *logits; /* [halves*n,V] */
    real *apart;  /* [n,V] difference of both halves' logits */
    real *rows;   /* [halves*n,D] of x, where they do not stand together */
    double *loss; /* [N] */
} entropy_run;

/* One softmax over V columns: its loss; logits become probabilities. What the loss needs of the
 * logits is read before the softmax overwrites them. */
static double softmax_loss(const entropy_run *r, int V, int target, double weight, real *logits) {
    double e = r->spec.smoothing, mean = 0;
    double hit = logits[target];
    if (e > 0) mean = (double)r->k->sum(V, logits) / V;
    double log_z = r->k->softmax(V, logits, logits);
    return weight * (log_z - (1 - e) * hit - e * mean);
}

/* From probabilities to the gradient of the logits. */
static void softmax_slope(const entropy_run *r, int V, int target, double weight, real *p) {
    double e = r->spec.smoothing;
    real scale = (real)weight, even = (real)(weight * e / V);
    for (int j = 0; j < V; j++) p[j] = scale * p[j] - even;
    p[target] -= (real)(weight * (1 - e));
}

/* The agreement of p and q, both softmaxes of logits whose difference is d: the mean of both
 * Kullback-Leibler divergences, half of sum (p - q) d, since the normalisers fall out. Its gradients are
 * added to the slopes that p and q turn into. */
static double pair_loss(const entropy_run *r, int V, int target, double weight, real *p, real *q,
                        const real *d) {
    const real half = (real)(r->spec.agree / 2), pd = r->k->dot(V, p, d), qd = r->k->dot(V, q, d);
    const double e = r->spec.smoothing;
    const real scale = (real)weight, even = (real)(weight * e / V);
    for (int j = 0; r->record && j < V; j++) {
        const real x = p[j], y = q[j];
        p[j] = scale * x - even + half * (x - y + x * (d[j] - pd));
        q[j] = scale * y - even - half * (x - y + y * (d[j] - qd));
    }
    if (r->record) {
        p[target] -= (real)(weight * (1 - e));
        q[target] -= (real)(weight * (1 - e));
    }
    return r->spec.agree / 2 * ((double)pd - (double)qd);
}

/* Row i of the chunk, in both halves, and one group of columns. */
static void entropy_group(entropy_run *r, int64_t i, int g) {
    const int from = r->group[g], V = r->group[g + 1] - from, row = r->first + (int)i;
    const int target = r->spec.target[(size_t)row * (size_t)r->spec.groups + (size_t)g];
    const size_t half = (size_t)r->n * (size_t)r->V;
    double weight = r->spec.weight;
    real *a = r->logits + (size_t)i * (size_t)r->V + from, *b = a + half;
    if (target < 0) {
        for (int h = 0; h < r->halves; h++) memset(a + (size_t)h * half, 0, (size_t)V * sizeof *a);
        return;
    }
    if (r->spec.balance) weight *= (double)r->spec.balance[from + target];
    if (r->spec.worth) weight *= (double)r->spec.worth[row];
    if (r->halves == 1) {
        r->loss[row] += softmax_loss(r, V, target, weight, a);
        if (r->record) softmax_slope(r, V, target, weight, a);
        return;
    }
    real *d = r->apart + (size_t)i * (size_t)r->V + from;
    memcpy(d, a, (size_t)V * sizeof *d);
    r->k->axpy(V, -1, b, d);
    r->loss[row] += softmax_loss(r, V, target, weight, a);
    r->loss[row] += softmax_loss(r, V, target, weight, b);
    r->loss[row] += pair_loss(r, V, target, weight, a, b, d);
}

static void entropy_rows(void *data, int64_t begin, int64_t end) {
    entropy_run *r = data;
    for (int64_t i = begin; i < end; i++) {
        for (int g = 0; g < r->spec.groups; g++) entropy_group(r, i, g);
    }
}

/* First row of the chunk in a half, as a row of x. */
static size_t half_row(const entropy_run *r, int half) {
    return (size_t)r->first + (size_t)half * (size_t)(r->N / 2);
}

/* Rows of x of the chunk, one after the other. */
static const real *chunk_rows(const entropy_run *r, const real *x) {
    const size_t size = (size_t)r->n * (size_t)r->D;
    if (r->halves == 1) return x + half_row(r, 0) * (size_t)r->D;
    for (int h = 0; h < 2; h++) {
        memcpy(r->rows + (size_t)h * size, x + half_row(r, h) * (size_t)r->D, size * sizeof *x);
    }
    return r->rows;
}

/* What the chunk's dlogits send to the weights and to dx [N,D]. */
static void send_chunk(tape *t, const var *in, const entropy_run *r, const real *rows, real *dx) {
    const int count = r->halves * r->n, D = r->D, V = r->V;
    real *dw = tape_flow(t, in[1]), *db = tape_flow(t, in[2]);
    if (dw) tape_outer(t, count, r->logits, V, rows, D, dw);
    if (db) vmath_colsum(&t->c, count, V, r->logits, V, db);
    const panels *back = dx ? tape_panels(t, in[1], true) : NULL;
    for (int h = 0; back && h < r->halves; h++) {
        const real *part = r->logits + (size_t)h * (size_t)r->n * (size_t)V;
        panel_multiply(&t->c, r->n, part, V, back, NULL, dx + half_row(r, h) * (size_t)D, D, false);
    }
}

static bool entropy_memory(tape *t, entropy_run *r) {
    const int rows = r->N / r->halves, most = CHUNK / r->halves;
    const size_t n = (size_t)(rows < most ? rows : most), V = (size_t)r->V;
    r->loss = tape_scratch(t, (size_t)r->N, sizeof *r->loss);
    r->logits = tape_scratch(t, n * (size_t)r->halves * V, sizeof(real));
    if (r->halves == 2) {
        r->apart = tape_scratch(t, n * V, sizeof(real));
        r->rows = tape_scratch(t, 2 * n * (size_t)r->D, sizeof(real));
    }
    if (t->status == 0) memset(r->loss, 0, (size_t)r->N * sizeof *r->loss);
    return t->status == 0;
}

var op_entropy(tape *t, var x, var w, var b, const entropy_spec *spec) {
    if (!x || !w) return 0;
    var in[] = {x, w, b};
    var v = tape_push(t, OP_ENTROPY, 1, 1, in, 3);
    if (!v) return 0;
    node *y = tape_node(t, v);
    const int32_t whole[] = {0, tape_node(t, w)->rows};
    entropy_run r = {.k = t->c.k, .spec = *spec, .group = spec->group ? spec->group : whole,
                     .halves = spec->agree > 0 ? 2 : 1, .N = tape_node(t, x)->rows,
                     .D = tape_node(t, x)->cols, .V = tape_node(t, w)->rows, .record = y->needs};
    real *dx = NULL;
    if (tape_needs(t, x)) y->saved = dx = tape_keep(t, (size_t)r.N * (size_t)r.D, sizeof *dx);
    const panels *p = tape_panels(t, w, false);
    if (!entropy_memory(t, &r)) return 0;
    for (const int end = r.N / r.halves, most = CHUNK / r.halves; r.first < end; r.first += r.n) {
        r.n = end - r.first < most ? end - r.first : most;
        const real *rows = chunk_rows(&r, tape_value(t, x));
        panel_multiply(&t->c, r.halves * r.n, rows, r.D, p, tape_value(t, b), r.logits, r.V, false);
        vmath_blocks(&t->c, r.n, 16, entropy_rows, &r);
        if (r.record) send_chunk(t, in, &r, rows, dx);
    }
    double sum = 0;
    for (int i = 0; i < r.N; i++) sum += r.loss[i];
    tape_value(t, v)[0] = (real)sum;
    return t->status < 0 ? 0 : v;
}

void tape_loss_back(tape *t, const node *y, int inputs) {
    const real *saved = y->saved;
    for (int i = 0; i < inputs; i++) {
        const node *x = tape_node(t, y->in[i]);
        int64_t size = (int64_t)x->rows * x->cols;
        real *dx = tape_flow(t, y->in[i]);
        if (dx) t->c.k->axpy(size, y->grad[0], saved + i * size, dx);
    }
}

/* W and b have their gradients already. */
void entropy_back(tape *t, node *y) {
    tape_loss_back(t, y, 1);
}

/* ---- binary: p = sigmoid(x), q = (1-e) y + e/2,  loss = softplus(x) - q x,  dx = weight (p - q);
 *      softplus and sigmoid of x are what a softmax over (x, 0) gives, which can't overflow */

static double binary_loss(const kernels *k, double x, double q, double weight, real *dx) {
    real pair[] = {(real)x, 0};
    double log_z = (double)k->softmax(2, pair, pair);
    if (dx) *dx = (real)(weight * ((double)pair[0] - q));
    return weight * (log_z - q * x);
}

var op_binary(tape *t, var x, const binary_spec *spec) {
    if (!x) return 0;
    var v = tape_push(t, OP_BINARY, 1, 1, &x, 1);
    if (!v) return 0;
    const node *in = tape_node(t, x);
    size_t K = (size_t)in->cols, size = (size_t)in->rows * K;
    real *dx = NULL;
    if (tape_needs(t, x)) tape_node(t, v)->saved = dx = tape_keep(t, size, sizeof *dx);
    if (t->status < 0) return 0;
    double e = spec->smoothing, sum = 0;
    for (size_t i = 0; i < size; i++) {
        int target = spec->target[i];
        double weight = spec->weight;
        if (target > 0 && spec->balance) weight *= (double)spec->balance[i % K];
        if (dx) dx[i] = 0;
        if (target < 0) continue;
        double q = (1 - e) * target + e / 2;
        sum += binary_loss(t->c.k, (double)in->value[i], q, weight, dx ? dx + i : NULL);
    }
    tape_value(t, v)[0] = (real)sum;
    return v;
}

void binary_back(tape *t, node *y) {
    tape_loss_back(t, y, 1);
}

/* ---- agree: p, q the sigmoids of a, b, and d = a - b; the normalisers fall out of the sum:
 *
 *     loss = weight/2 sum (p - q) d
 *     da =  weight/2 ((p - q) + p (1 - p) d)
 *     db = -weight/2 ((p - q) + q (1 - q) d)
 *
 *      Saved: da, then db. */

/* One row: its loss, and p, q become da, db. */
static double agree_row(int K, const real *a, const real *b, double half, real *p, real *q) {
    double sum = 0;
    for (int j = 0; j < K; j++) {
        double d = (double)a[j] - (double)b[j], x = p[j], y = q[j];
        sum += (x - y) * d;
        p[j] = (real)(half * (x - y + x * ((1 - x) * d)));
        q[j] = (real)(-half * (x - y + y * ((1 - y) * d)));
    }
    return half * sum;
}

var op_agree(tape *t, var a, var b, double weight) {
    if (!a || !b) return 0;
    const var in[] = {a, b};
    var v = tape_push(t, OP_AGREE, 1, 1, in, 2);
    if (!v) return 0;
    int N = tape_node(t, a)->rows, K = tape_node(t, a)->cols;
    size_t size = (size_t)N * (size_t)K;
    real *p = tape_save(t, v, 2 * size, sizeof *p), *q = p ? p + size : NULL;
    if (!p) return 0;
    double sum = 0;
    for (size_t at = 0; at < size; at += (size_t)K) {
        const real *x = tape_value(t, a) + at, *y = tape_value(t, b) + at;
        t->c.k->sigmoid(K, x, p + at);
        t->c.k->sigmoid(K, y, q + at);
        sum += agree_row(K, x, y, weight / 2, p + at, q + at);
    }
    tape_node(t, v)->saved = p;
    tape_value(t, v)[0] = (real)sum;
    return v;
}

void agree_back(tape *t, node *y) {
    tape_loss_back(t, y, 2);
}
