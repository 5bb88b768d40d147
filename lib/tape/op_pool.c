/* op_pool: from the rows of a sequence to one vector: last, mean, max, both ends, attention.
 *
 * x is [N,D] with sequence b in rows start[b] .. start[b+1], y is [B,D]. An empty sequence gives
 * zeros and gets no gradient. There is one vector a sequence, little beside the layers below, so
 * nothing here is shared out to threads.
 */
#include "math/vmath.h"
#include "tape/tape.h"

#include <string.h>

typedef struct pool_saved {
    pool_kind kind;
    pack seq;
    int32_t *best; /* POOL_MAX: row of the maximum [B,D] */
} pool_saved;

/* ---- pool: dx is dy at the row that was taken (last, max, ends), or dy/length in all (mean) */

/* The last state of the forward half and of the backward half, which stands in the first row. */

static void copy_ends(const pack *p, int b, int D, const real *x, real *y) {
    int half = D / 2;
    const real *last = x + (size_t)(p->start[b + 1] - 1) * (size_t)D;
    const real *first = x + (size_t)p->start[b] * (size_t)D;
    memcpy(y, last, (size_t)half * sizeof *y);
    memcpy(y + half, first + half, (size_t)(D - half) * sizeof *y);
}

/* Rows are added in order, so the neighbours in a batch make no difference. */
static void pool_mean(const kernels *k, const pack *p, int b, int D, const real *x, real *y) {
    int length = pack_length(p, b);
    memset(y, 0, (size_t)D * sizeof *y);
    k->colsum(length, D, x + (size_t)p->start[b] * (size_t)D, D, y);
    for (int d = 0; d < D; d++) y[d] /= (real)length;
}

/* The first of equal maxima wins. */
static void pool_max(const pack *p, int b, int D, const real *x, real *y, int32_t *best) {
    for (int32_t row = p->start[b]; row < p->start[b + 1]; row++) {
        const real *v = x + (size_t)row * (size_t)D;
        for (int d = 0; d < D; d++) {
            if (row > p->start[b] && !(v[d] > y[d])) continue;
            y[d] = v[d];
            best[d] = row;
        }
    }
}

static void pool_one(const kernels *k, const pool_saved *s, int b, int D, const real *x, real *y) {
    const pack *p = &s->seq;
    switch (s->kind) {
    case POOL_LAST:
        memcpy(y, x + (size_t)(p->start[b + 1] - 1) * (size_t)D, (size_t)D * sizeof *y);
        break;
    case POOL_MEAN:
        pool_mean(k, p, b, D, x, y);
        break;
    case POOL_MAX:
        pool_max(p, b, D, x, y, s->best + (size_t)b * (size_t)D);
        break;
    case POOL_ENDS:
        copy_ends(p, b, D, x, y);
        break;
    }
}

var op_pool(tape *t, var x, pool_kind kind, const pack *seq) {
    if (!x) return 0;
    int D = tape_node(t, x)->cols;
    var v = tape_push(t, OP_POOL, seq->count, D, &x, 1);
    pool_saved *s = v ? tape_save(t, v, 1, sizeof *s) : NULL;
    if (!s) return 0;
    *s = (pool_saved){kind, *seq, NULL};
    if (kind == POOL_MAX) {
        s->best = tape_save(t, v, (size_t)seq->count * (size_t)D, sizeof *s->best);
        if (!s->best) return 0;
    }
    node *n = tape_node(t, v);
    n->saved = s;
    for (int b = 0; b < seq->count; b++) {
        real *y = n->value + (size_t)b * (size_t)D;
        if (pack_length(seq, b) > 0)
            pool_one(t->c.k, s, b, D, tape_value(t, x), y);
        else
            memset(y, 0, (size_t)D * sizeof *y);
    }
    return v;
}

static void pool_one_back(const kernels *k, const pool_saved *s, int b, int D, const real *dy,
                          real *dx) {
    const pack *p = &s->seq;
    real *last = dx + (size_t)(p->start[b + 1] - 1) * (size_t)D;
    real *first = dx + (size_t)p->start[b] * (size_t)D;
    int length = pack_length(p, b), half = D / 2;
    switch (s->kind) {
    case POOL_LAST:
        k->add(D, dy, last);
        break;
    case POOL_MEAN:
        for (int i = 0; i < length; i++) {
            k->axpy(D, 1 / (real)length, dy, first + (size_t)i * (size_t)D);
        }
        break;
    case POOL_MAX:
        for (int d = 0; d < D; d++) {
            dx[(size_t)s->best[(size_t)b * (size_t)D + (size_t)d] * (size_t)D + (size_t)d] += dy[d];
        }
        break;
    case POOL_ENDS:
        k->add(half, dy, last);
        k->add(D - half, dy + half, first + half);
        break;
    }
}

void pool_back(tape *t, node *y) {
    const pool_saved *s = y->saved;
    real *dx = tape_flow(t, y->in[0]);
    for (int b = 0; dx && b < s->seq.count; b++) {
        if (pack_length(&s->seq, b) == 0) continue;
        pool_one_back(t->c.k, s, b, y->cols, y->grad + (size_t)b * (size_t)y->cols, dx);
    }
}

/* ---- attend: a = softmax(score) within each sequence, y[b] = sum of a[row] x[row]
 *      da[row] = dy[b] . x[row];  dscore = a * (da - sum of a*da);  dx[row] = a[row] dy[b] */

typedef struct attend_saved {
    pack seq;
    real *a; /* [N] */
} attend_saved;

var op_attend(tape *t, var x, var score, const pack *seq) {
    if (!x || !score) return 0;
    int D = tape_node(t, x)->cols;
    var in[] = {x, score};
    var v = tape_push(t, OP_ATTEND, seq->count, D, in, 2);
    attend_saved *s = v ? tape_save(t, v, 1, sizeof *s) : NULL;
    if (!s) return 0;
    *s = (attend_saved){*seq, tape_save(t, v, (size_t)seq->total, sizeof *s->a)};
    if (!s->a) return 0;
    node *y = tape_node(t, v);
    y->saved = s;
    memset(y->value, 0, (size_t)y->rows * (size_t)D * sizeof(real));
    for (int b = 0; b < seq->count; b++) {
        int from = seq->start[b], length = pack_length(seq, b);
        if (length == 0) continue;
        t->c.k->softmax(length, tape_value(t, score) + from, s->a + from);
        for (int row = from; row < from + length; row++) {
            t->c.k->axpy(D, s->a[row], tape_value(t, x) + (size_t)row * (size_t)D,
                         y->value + (size_t)b * (size_t)D);
        }
    }
    return v;
}

void attend_back(tape *t, node *y) {
    const attend_saved *s = y->saved;
    const real *x = tape_value(t, y->in[0]);
    real *dx = tape_flow(t, y->in[0]), *dscore = tape_flow(t, y->in[1]);
    size_t D = (size_t)y->cols;
    real *da = tape_scratch(t, (size_t)s->seq.total, sizeof *da);
    for (int b = 0; da && b < s->seq.count; b++) {
        const real *dy = y->grad + (size_t)b * D;
        int from = s->seq.start[b], to = s->seq.start[b + 1];
        for (int row = from; row < to; row++) {
            da[row] = t->c.k->dot(y->cols, dy, x + (size_t)row * D);
            if (dx) t->c.k->axpy(y->cols, s->a[row], dy, dx + (size_t)row * D);
        }
        if (!dscore) continue;
        real mean = t->c.k->dot(to - from, s->a + from, da + from);
        for (int row = from; row < to; row++) dscore[row] += s->a[row] * (da[row] - mean);
    }
}
