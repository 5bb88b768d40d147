/* op_basic: lookup, linear, elementwise, shape and dropout operations, and the layer norm of op_rnn.
 *
 * Every operation stands with its backward pass below it. dy is the gradient of the value, dx what
 * is added to the gradient of an input: added, since a value may have several readers. An input
 * that wants no gradient has no memory for one (tape_flow gives NULL), and nothing is computed for
 * it.
 *
 * Rows or fixed blocks of elements are shared out over the pool, but for concat and slice, which only
 * copy. A gradient that sums over rows is shared out by columns instead, or left to one thread (the gain
 * of a norm), so that its additions have one order for any number of threads.
 */
#include "base/rng.h"
#include "math/vmath.h"
#include "tape/tape.h"

#include <string.h>

enum { BLOCK = 16384 }; /* elements per task */

/* ---- elementwise helper: one function over blocks of up to three arrays. a and b are read; y is
 * written or added to. */

typedef struct span {
    const kernels *k;
    const real *a, *b;
    real *y;
} span;

static void run_span(tape *t, int64_t n, vmath_range *work, span s) {
    s.k = t->c.k;
    vmath_blocks(&t->c, n, BLOCK, work, &s);
}

static int64_t node_size(const node *n) {
    return (int64_t)n->rows * n->cols;
}

static void span_add(void *data, int64_t begin, int64_t end) {
    span *s = data;
    s->k->add(end - begin, s->a + begin, s->y + begin);
}

static void span_muladd(void *data, int64_t begin, int64_t end) {
    span *s = data;
    s->k->muladd(end - begin, s->a + begin, s->b + begin, s->y + begin);
}

static void span_mul(void *data, int64_t begin, int64_t end) {
    span *s = data;
    s->k->mul(end - begin, s->a + begin, s->b + begin, s->y + begin);
}

/* ---- embed: y[i,:] = table[index[i],:];  dtable[index[i],:] += dy[i,:]. Index -1 is a row of
 * zeros, which learns nothing. */

typedef struct embed_job {
    const int32_t *index;
    const real *from;
    real *to;
    int rows, cols;
} embed_job;

static void embed_rows(void *data, int64_t begin, int64_t end) {
    embed_job *j = data;
    size_t width = (size_t)j->cols;
    for (int64_t i = begin; i < end; i++) {
        real *y = j->to + (size_t)i * width;
        if (j->index[i] < 0)
            memset(y, 0, width * sizeof *y);
        else
            memcpy(y, j->from + (size_t)j->index[i] * width, width * sizeof *y);
    }
}

var op_embed(tape *t, var table, const int32_t *index, int n) {
    if (!table) return 0;
    var v = tape_push(t, OP_EMBED, n, tape_node(t, table)->cols, &table, 1);
    if (!v) return 0;
    node *y = tape_node(t, v);
    y->saved = (void *)index;
    embed_job j = {index, tape_value(t, table), y->value, n, y->cols};
    vmath_blocks(&t->c, n, 256, embed_rows, &j);
    return v;
}

/* Columns are shared out, rows stay in order, so every sum has one order. */
static void embed_columns(void *data, int64_t begin, int64_t end) {
    embed_job *j = data;
    for (int i = 0; i < j->rows; i++) {
        if (j->index[i] < 0) continue;
        const real *from = j->from + (size_t)i * (size_t)j->cols;
        real *to = j->to + (size_t)j->index[i] * (size_t)j->cols;
        for (int64_t d = begin; d < end; d++) to[d] += from[d];
    }
}

void embed_back(tape *t, node *y) {
    embed_job j = {y->saved, y->grad, tape_flow(t, y->in[0]), y->rows, y->cols};
    if (j.to) vmath_blocks(&t->c, y->cols, 64, embed_columns, &j);
}

/* ---- linear: y[N,O] = x[N,I] W^T + b, W [O,I];  dx = dy W, dW = dy^T x, db = column sums of dy.
 * Forward and dx go through packed panels, like inference; dW is a product over N (math/gemm.h).
 */

var op_linear(tape *t, var x, var w, var b) {
    if (!x || !w) return 0;
    int n = tape_node(t, x)->rows, inputs = tape_node(t, x)->cols;
    var in[] = {x, w, b};
    var v = tape_push(t, OP_LINEAR, n, tape_node(t, w)->rows, in, 3);
    const panels *p = v ? tape_panels(t, w, false) : NULL;
    if (!p) return 0;
    node *y = tape_node(t, v);
    panel_multiply(&t->c, n, tape_value(t, x), inputs, p, tape_value(t, b), y->value, y->cols,
                   false);
    return v;
}

void linear_back(tape *t, node *y) {
    const node *x = tape_node(t, y->in[0]);
    real *dx = tape_flow(t, y->in[0]), *dw = tape_flow(t, y->in[1]), *db = tape_flow(t, y->in[2]);
    if (dx) {
        const panels *p = tape_panels(t, y->in[1], true);
        if (!p) return;
        panel_multiply(&t->c, y->rows, y->grad, y->cols, p, NULL, dx, x->cols, true);
    }
    if (dw) tape_outer(t, y->rows, y->grad, y->cols, x->value, x->cols, dw);
    if (db) vmath_colsum(&t->c, y->rows, y->cols, y->grad, y->cols, db);
}

/* ---- add: y = a + b;  da = dy, db = dy. Both inputs may be one value, which then gets dy twice.
 */

var op_add(tape *t, var a, var b) {
    if (!a || !b) return 0;
    var in[] = {a, b};
    var v = tape_push(t, OP_ADD, tape_node(t, a)->rows, tape_node(t, a)->cols, in, 2);
    if (!v) return 0;
    node *y = tape_node(t, v);
    memcpy(y->value, tape_value(t, a), (size_t)node_size(y) * sizeof(real));
    run_span(t, node_size(y), span_add, (span){.a = tape_value(t, b), .y = y->value});
    return v;
}

void add_back(tape *t, node *y) {
    for (int i = 0; i < 2; i++) {
        real *dx = tape_flow(t, y->in[i]);
        if (dx) run_span(t, node_size(y), span_add, (span){.a = y->grad, .y = dx});
    }
}

/* ---- mul: y = a b elementwise;  da = dy b, db = dy a */

var op_mul(tape *t, var a, var b) {
    if (!a || !b) return 0;
    var in[] = {a, b};
    var v = tape_push(t, OP_MUL, tape_node(t, a)->rows, tape_node(t, a)->cols, in, 2);
    if (!v) return 0;
    node *y = tape_node(t, v);
    run_span(t, node_size(y), span_mul,
             (span){.a = tape_value(t, a), .b = tape_value(t, b), .y = y->value});
    return v;
}

void mul_back(tape *t, node *y) {
    for (int i = 0; i < 2; i++) {
        real *dx = tape_flow(t, y->in[i]);
        const real *other = tape_value(t, y->in[1 - i]);
        if (dx) run_span(t, node_size(y), span_muladd, (span){.a = y->grad, .b = other, .y = dx});
    }
}

/* ---- sum: y = sum of [1,1] values;  each gets dy. Adds up the losses of a network's heads. */

var op_sum(tape *t, const var *parts, int count) {
    var v = tape_push(t, OP_SUM, 1, 1, parts, count);
    if (!v) return 0;
    real sum = 0;
    for (int i = 0; i < count; i++) sum += parts[i] ? tape_value(t, parts[i])[0] : 0;
    tape_value(t, v)[0] = sum;
    return v;
}

void sum_back(tape *t, node *y) {
    for (int i = 0; i < y->inputs; i++) {
        real *dx = tape_flow(t, y->in[i]);
        if (dx) dx[0] += y->grad[0];
    }
}

/* ---- concat: y = [a | b | ...], slice: y = x[:, begin:end];  dy goes back to the columns it came
 * from.
 */

/* to[row, :width] (+)= from[row, :width] */
static void copy_columns(int rows, int width, const real *from, int ldf, real *to, int ldt,
                         bool add) {
    for (int i = 0; i < rows; i++) {
        const real *f = from + (size_t)i * (size_t)ldf;
        real *y = to + (size_t)i * (size_t)ldt;
        if (!add)
            memcpy(y, f, (size_t)width * sizeof *y);
        else
            for (int d = 0; d < width; d++) y[d] += f[d];
    }
}

var op_concat(tape *t, const var *parts, int count) {
    int cols = 0, rows = 0;
    for (int i = 0; i < count; i++) {
        if (!parts[i]) return 0;
        cols += tape_node(t, parts[i])->cols;
        rows = tape_node(t, parts[i])->rows;
    }
    var v = tape_push(t, OP_CONCAT, rows, cols, parts, count);
    if (!v) return 0;
    for (int i = 0, at = 0; i < count; i++) {
        const node *x = tape_node(t, parts[i]);
        copy_columns(rows, x->cols, x->value, x->cols, tape_value(t, v) + at, cols, false);
        at += x->cols;
    }
    return v;
}

void concat_back(tape *t, node *y) {
    for (int i = 0, at = 0; i < y->inputs; i++) {
        int width = tape_node(t, y->in[i])->cols;
        real *dx = tape_flow(t, y->in[i]);
        if (dx) copy_columns(y->rows, width, y->grad + at, y->cols, dx, width, true);
        at += width;
    }
}

var op_slice(tape *t, var x, int begin, int end) {
    if (!x) return 0;
    var v = tape_push(t, OP_SLICE, tape_node(t, x)->rows, end - begin, &x, 1);
    int *saved = v ? tape_save(t, v, 1, sizeof *saved) : NULL;
    if (!saved) return 0;
    node *y = tape_node(t, v);
    *saved = begin;
    y->saved = saved;
    int ld = tape_node(t, x)->cols;
    copy_columns(y->rows, y->cols, tape_value(t, x) + begin, ld, y->value, y->cols, false);
    return v;
}

void slice_back(tape *t, node *y) {
    real *dx = tape_flow(t, y->in[0]);
    int begin = *(const int *)y->saved;
    if (!dx) return;
    copy_columns(y->rows, y->cols, y->grad, y->cols, dx + begin, tape_node(t, y->in[0])->cols,
                 true);
}

/* ---- tanh, sigmoid, relu: the derivative comes from the output,
 *      dx = dy (1 - y^2),  dx = dy y (1 - y),  dx = dy where y > 0 */

static void span_tanh(void *data, int64_t begin, int64_t end) {
    span *s = data;
    s->k->tanh(end - begin, s->a + begin, s->y + begin);
}

static void span_sigmoid(void *data, int64_t begin, int64_t end) {
    span *s = data;
    s->k->sigmoid(end - begin, s->a + begin, s->y + begin);
}

static void span_relu(void *data, int64_t begin, int64_t end) {
    span *s = data;
    for (int64_t i = begin; i < end; i++) s->y[i] = s->a[i] > 0 ? s->a[i] : 0;
}

static var activate(tape *t, op_kind kind, var x, vmath_range *work) {
    if (!x) return 0;
    var v = tape_push(t, kind, tape_node(t, x)->rows, tape_node(t, x)->cols, &x, 1);
    if (!v) return 0;
    node *y = tape_node(t, v);
    run_span(t, node_size(y), work, (span){.a = tape_value(t, x), .y = y->value});
    return v;
}

var op_tanh(tape *t, var x) {
    return activate(t, OP_TANH, x, span_tanh);
}
var op_sigmoid(tape *t, var x) {
    return activate(t, OP_SIGMOID, x, span_sigmoid);
}
var op_relu(tape *t, var x) {
    return activate(t, OP_RELU, x, span_relu);
}

/* a = dy, b = y, y = dx */
static void span_tanh_back(void *data, int64_t begin, int64_t end) {
    span *s = data;
    for (int64_t i = begin; i < end; i++) s->y[i] += s->a[i] * (1 - s->b[i] * s->b[i]);
}

static void span_sigmoid_back(void *data, int64_t begin, int64_t end) {
    span *s = data;
    for (int64_t i = begin; i < end; i++) s->y[i] += s->a[i] * s->b[i] * (1 - s->b[i]);
}

static void span_relu_back(void *data, int64_t begin, int64_t end) {
    span *s = data;
    for (int64_t i = begin; i < end; i++) s->y[i] += s->b[i] > 0 ? s->a[i] : 0;
}

static void activate_back(tape *t, node *y, vmath_range *work) {
    real *dx = tape_flow(t, y->in[0]);
    if (dx) run_span(t, node_size(y), work, (span){.a = y->grad, .b = y->value, .y = dx});
}

void tanh_back(tape *t, node *y) {
    activate_back(t, y, span_tanh_back);
}
void sigmoid_back(tape *t, node *y) {
    activate_back(t, y, span_sigmoid_back);
}
void relu_back(tape *t, node *y) {
    activate_back(t, y, span_relu_back);
}

/* ---- layer norm (Ba et al. 2016): y = (x - mean)/sqrt(variance + 1e-5) * gain + shift, mean and
 * variance of each row. Kept for the way back: [N,2] mean and 1/deviation. */

typedef struct norm_job {
    const kernels *k;
    int cols;
    const real *x, *gain, *shift, *dy;
    real *y, *stat;
} norm_job;

static void norm_rows(void *data, int64_t begin, int64_t end) {
    const norm_job *j = data;
    int64_t at = begin * j->cols;
    j->k->norm((int)(end - begin), j->cols, j->x + at, j->gain, j->shift, j->y + at,
               j->stat + 2 * begin);
}

static void norm_rows_back(void *data, int64_t begin, int64_t end) {
    const norm_job *j = data;
    int64_t at = begin * j->cols;
    j->k->norm_back((int)(end - begin), j->cols, j->x + at, j->gain, j->stat + 2 * begin,
                    j->dy + at, j->y + at);
}

void tape_norm(tape *t, int n, int D, const real *x, var gain, var shift, real *y, real *stat) {
    norm_job j = {.k = t->c.k,
                  .cols = D,
                  .x = x,
                  .gain = tape_value(t, gain),
                  .shift = tape_value(t, shift),
                  .y = y,
                  .stat = stat};
    vmath_blocks(&t->c, n, 64, norm_rows, &j);
}

void tape_norm_back(tape *t, int n, int D, const real *x, var gain, var shift, const real *stat,
                    const real *dy, real *dx) {
    real *dgain = tape_flow(t, gain), *dshift = tape_flow(t, shift);
    if (dgain)
        t->c.k->norm_gain(n, D, x, stat, dy, dgain, dshift);
    else if (dshift)
        vmath_colsum(&t->c, n, D, dy, D, dshift);
    norm_job j = {.k = t->c.k,
                  .cols = D,
                  .x = x,
                  .gain = tape_value(t, gain),
                  .dy = dy,
                  .y = dx,
                  .stat = (real *)stat};
    if (dx) vmath_blocks(&t->c, n, 64, norm_rows_back, &j);
}

/* ---- dropout: y = x * mask, mask in {0, 1/keep};  dx = dy * mask. The mask is kept rather than
 * drawn again: it is read back at memory speed. */

typedef struct mask_job {
    const kernels *k;
    uint64_t key;
    const pack *seq;
    dropout_mode mode;
    int cols;
    real keep;
    real *mask;
} mask_job;

/* Masks of sequences begin..end-1. A mask shared by a sequence stands at position 2^39. */
static void mask_sequences(void *data, int64_t begin, int64_t end) {
    mask_job *j = data;
    const uint64_t whole = (uint64_t)1 << 39;
    size_t width = (size_t)j->cols;
    for (int64_t b = begin; b < end; b++) {
        int32_t from = j->mode == DROPOUT_ROWS ? (int32_t)b : j->seq->start[b];
        int32_t to = j->mode == DROPOUT_ROWS ? (int32_t)b + 1 : j->seq->start[b + 1];
        uint64_t name = j->seq->name ? j->seq->name[b] : (uint64_t)b;
        for (int32_t row = from; row < to; row++) {
            real *mask = j->mask + (size_t)row * width;
            bool copy = j->mode == DROPOUT_SEQUENCES && row > from;
            uint64_t low = j->mode == DROPOUT_ELEMENTS ? (uint64_t)(row - from) : whole;
            if (copy)
                memcpy(mask, mask - width, width * sizeof *mask);
            else
                j->k->mask(j->cols, j->key, name, low, 0, j->keep, mask);
        }
    }
}

var op_dropout(tape *t, var x, double p, uint32_t site, const pack *seq, dropout_mode mode) {
    if (!x || p <= 0 || !t->noise) return x;
    var v = tape_push(t, OP_DROPOUT, tape_node(t, x)->rows, tape_node(t, x)->cols, &x, 1);
    real *mask = v ? tape_save(t, v, (size_t)node_size(tape_node(t, v)), sizeof *mask) : NULL;
    if (!mask) return 0;
    node *y = tape_node(t, v);
    y->saved = mask;
    mask_job j = {t->c.k, rng_key(t->seed, site), seq, mode, y->cols, (real)(1 - p), mask};
    vmath_blocks(&t->c, seq->count, 8, mask_sequences, &j);
    run_span(t, node_size(y), span_mul, (span){.a = tape_value(t, x), .b = mask, .y = y->value});
    return v;
}

void dropout_back(tape *t, node *y) {
    real *dx = tape_flow(t, y->in[0]);
    if (dx) run_span(t, node_size(y), span_muladd, (span){.a = y->grad, .b = y->saved, .y = dx});
}
