/* op_loss: softmax cross entropy fused with its projection; binary cross entropy; agreement.
 *
 * Rows go through in chunks: logits = x W^T + b, p = softmax of each group of columns, and with
 * target y and smoothing e over the V columns of the group
 *
 *     q = (1-e) onehot(y) + e/V,   loss = -sum q log p,   dlogits = weight * balance[y] * (p - q)
 *
 * When recording, dlogits of a chunk go at once into dW, db and (kept) dx, so [N,V] never exists.
 */
#include "math/vmath.h"
#include "tape/tape.h"

#include <string.h>

enum { CHUNK = 512 }; /* rows, a constant: the bytes of dW depend on it */

typedef struct entropy_run {
    const kernels *k;
    entropy_spec spec;
    const int32_t *group; /* [groups+1] */
    int64_t first;        /* first row of the chunk */
    int V;                /* all columns */
    bool record;
    real *logits; /* [CHUNK,V] */
    double *loss; /* [N] */
} entropy_run;

/* Loss of one softmax over V columns; logits become dlogits. What the loss needs of the logits is
 * read before the softmax overwrites them. */
static double softmax_loss(const entropy_run *r, int V, int target, double weight, real *logits) {
    double e = r->spec.smoothing, mean = 0;
    double hit = logits[target];
    if (e > 0) mean = (double)r->k->sum(V, logits) / V;
    double log_z = r->k->softmax(V, logits, logits);
    if (r->record) {
        real scale = (real)weight, even = (real)(weight * e / V);
        for (int j = 0; j < V; j++) logits[j] = scale * logits[j] - even;
        logits[target] -= (real)(weight * (1 - e));
    }
    return weight * (log_z - (1 - e) * hit - e * mean);
}

static void entropy_rows(void *data, int64_t begin, int64_t end) {
    entropy_run *r = data;
    for (int64_t i = begin; i < end; i++) {
        size_t row = (size_t)(r->first + i);
        r->loss[row] = 0;
        for (int g = 0; g < r->spec.groups; g++) {
            int from = r->group[g], width = r->group[g + 1] - from;
            real *logits = r->logits + (size_t)i * (size_t)r->V + from;
            int target = r->spec.target[row * (size_t)r->spec.groups + (size_t)g];
            double weight = r->spec.weight;
            if (target >= 0 && r->spec.balance) weight *= (double)r->spec.balance[from + target];
            if (target >= 0)
                r->loss[row] += softmax_loss(r, width, target, weight, logits);
            else if (r->record)
                memset(logits, 0, (size_t)width * sizeof *logits);
        }
    }
}

/* What a chunk of dlogits [n,V] sends to the weights and to dx [n,D]. */
static void send_chunk(tape *t, const var *in, const real *dlogits, int64_t first, int n,
                       real *dx) {
    const node *x = tape_node(t, in[0]), *w = tape_node(t, in[1]);
    int D = x->cols, V = w->rows;
    const real *rows = x->value + (size_t)first * (size_t)D;
    real *dw = tape_flow(t, in[1]), *db = tape_flow(t, in[2]);
    if (dw) tape_outer(t, n, dlogits, V, rows, D, dw);
    if (db) vmath_colsum(&t->c, n, V, dlogits, V, db);
    const panels *back = dx ? tape_panels(t, in[1], true) : NULL;
    if (back) {
        panel_multiply(&t->c, n, dlogits, V, back, NULL, dx + (size_t)first * (size_t)D, D, false);
    }
}

var op_entropy(tape *t, var x, var w, var b, const entropy_spec *spec) {
    if (!x || !w) return 0;
    var in[] = {x, w, b};
    var v = tape_push(t, OP_ENTROPY, 1, 1, in, 3);
    if (!v) return 0;
    node *y = tape_node(t, v);
    int N = tape_node(t, x)->rows, D = tape_node(t, x)->cols, V = tape_node(t, w)->rows;
    const int32_t whole[] = {0, V};
    real *dx = NULL;
    if (tape_needs(t, x)) y->saved = dx = tape_keep(t, (size_t)N * (size_t)D, sizeof *dx);
    const panels *p = tape_panels(t, w, false);
    entropy_run r = {.k = t->c.k,
                     .spec = *spec,
                     .group = spec->group ? spec->group : whole,
                     .V = V,
                     .record = y->needs};
    r.logits = tape_scratch(t, (size_t)(N < CHUNK ? N : CHUNK) * (size_t)V, sizeof(real));
    r.loss = tape_scratch(t, (size_t)N, sizeof(double));
    if (t->status < 0) return 0;
    for (r.first = 0; r.first < N; r.first += CHUNK) {
        int n = N - r.first < CHUNK ? (int)(N - r.first) : CHUNK;
        panel_multiply(&t->c, n, tape_value(t, x) + (size_t)r.first * (size_t)D, D, p,
                       tape_value(t, b), r.logits, V, false);
        vmath_blocks(&t->c, n, 16, entropy_rows, &r);
        if (r.record) send_chunk(t, in, r.logits, r.first, n, dx);
    }
    double sum = 0;
    for (int i = 0; i < N; i++) sum += r.loss[i];
    tape_value(t, v)[0] = (real)sum;
    return t->status < 0 ? 0 : v;
}

/* W and b have their gradients already; dy is 1, see tape.h. */
void entropy_back(tape *t, node *y) {
    real *dx = tape_flow(t, y->in[0]);
    const node *x = tape_node(t, y->in[0]);
    if (dx) t->c.k->axpy((int64_t)x->rows * x->cols, y->grad[0], y->saved, dx);
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
    real *dx = tape_flow(t, y->in[0]);
    const node *x = tape_node(t, y->in[0]);
    if (dx) t->c.k->axpy((int64_t)x->rows * x->cols, y->grad[0], y->saved, dx);
}

/* ---- agree: p, q the softmax (or sigmoid) of a, b, and d = a - b; the normalisers fall out of the sum:
 *
 *     loss = weight/2 sum (p - q) d
 *     da =  weight/2 ((p - q) + p (d - sum p d))     sigmoid: ... + p (1 - p) d
 *     db = -weight/2 ((p - q) + q (d - sum q d))     sigmoid: ... + q (1 - q) d
 *
 *      Saved: da, then db. */

/* One row: its loss, and p, q become da, db. */
static double agree_row(int K, const real *a, const real *b, bool each, double half, real *p, real *q) {
    double sum = 0, pd = 0, qd = 0;
    for (int j = 0; j < K; j++) {
        double d = (double)a[j] - (double)b[j];
        sum += ((double)p[j] - (double)q[j]) * d;
        pd += (double)p[j] * d;
        qd += (double)q[j] * d;
    }
    for (int j = 0; j < K; j++) {
        double d = (double)a[j] - (double)b[j], x = p[j], y = q[j];
        p[j] = (real)(half * (x - y + x * (each ? (1 - x) * d : d - pd)));
        q[j] = (real)(-half * (x - y + y * (each ? (1 - y) * d : d - qd)));
    }
    return half * sum;
}

var op_agree(tape *t, var a, var b, bool each, double weight) {
    if (!a || !b) return 0;
    const var in[] = {a, b};
    var v = tape_push(t, OP_AGREE, 1, 1, in, 2);
    if (!v) return 0;
    int N = tape_node(t, a)->rows, K = tape_node(t, a)->cols;
    size_t size = (size_t)N * (size_t)K;
    real *p = tape_save(t, v, 2 * size, sizeof *p), *q = p ? p + size : NULL;
    if (!p) return 0;
    const kernels *k = t->c.k;
    double sum = 0;
    for (size_t at = 0; at < size; at += (size_t)K) {
        const real *x = tape_value(t, a) + at, *y = tape_value(t, b) + at;
        if (each) k->sigmoid(K, x, p + at), k->sigmoid(K, y, q + at);
        else k->softmax(K, x, p + at), k->softmax(K, y, q + at);
        sum += agree_row(K, x, y, each, weight / 2, p + at, q + at);
    }
    tape_node(t, v)->saved = p;
    tape_value(t, v)[0] = (real)sum;
    return v;
}

void agree_back(tape *t, node *y) {
    const node *a = tape_node(t, y->in[0]);
    int64_t size = (int64_t)a->rows * a->cols;
    const real *saved = y->saved;
    for (int i = 0; i < 2; i++) {
        real *dx = tape_flow(t, y->in[i]);
        if (dx) t->c.k->axpy(size, y->grad[0], saved + i * size, dx);
    }
}
