/* op_conv: 1-D convolution over packed sequences, with stride, dilation and causal padding.
 *
 * The taps of every output row are gathered side by side (im2col): of all rows where a gradient is
 * wanted, which needs them again, else of a block of rows at a time. A product of rows has the same
 * bits in blocks.
 *
 *     cols[j] = [ x[j*s - left] | x[j*s - left + d] | ... ]   [rows, width*I]   zeros outside
 *     y = cols W^T + b,  dcols = dy W is scattered back the same way,  dW = dy^T cols
 */
#include "math/vmath.h"
#include "tape/tape.h"

#include <string.h>

typedef struct conv_saved {
    conv_spec spec;
    pack from, to;
    real *cols; /* [N', width*I], or of a block */
} conv_saved;

/* The pack of the output: ceil(length / stride) rows a sequence. */
static bool conv_pack(tape *t, const pack *seq, int stride, pack *out) {
    int32_t *length = tape_keep(t, (size_t)seq->count, sizeof *length);
    if (!length) return false;
    for (int b = 0; b < seq->count; b++) {
        int n = pack_length(seq, b);
        length[b] = n > 0 ? (n - 1) / stride + 1 : 0;
    }
    int status = pack_make(&t->keep, length, seq->name, seq->count, out);
    if (status < 0) t->status = status;
    return status >= 0;
}

/* ---- moving rows between x and the gathered taps */

typedef struct tap_job {
    const kernels *k;
    const conv_saved *s;
    int I;
    real *cols, *x;
    bool back; /* dx += dcols instead of cols = x */
    int first; /* output row that stands first in cols */
} tap_job;

/* Row `at_out` of the output's sequence b, tap by tap. Taps outside the sequence are zeros,
 * whatever sequence stands beside it. */
static void move_row(const tap_job *j, int b, int at_out, real *row) {
    const conv_spec *c = &j->s->spec;
    int span = (c->width - 1) * c->dilation, left = c->causal ? span : span / 2;
    size_t I = (size_t)j->I;
    for (int tap = 0; tap < c->width; tap++, row += I) {
        int64_t at = (int64_t)at_out * c->stride + (int64_t)tap * c->dilation - left;
        bool inside = at >= 0 && at < pack_length(&j->s->from, b);
        real *x = inside ? j->x + ((size_t)j->s->from.start[b] + (size_t)at) * I : NULL;
        if (j->back && inside)
            j->k->add(j->I, row, x);
        else if (inside)
            memcpy(row, x, I * sizeof *row);
        else if (!j->back)
            memset(row, 0, I * sizeof *row);
    }
}

/* Rows begin..end-1 of a block: none is written twice, so they may be shared out anyhow. */
static void gather_rows(void *data, int64_t begin, int64_t end) {
    const tap_job *j = data;
    const pack *to = &j->s->to;
    size_t width = (size_t)j->s->spec.width * (size_t)j->I;
    int b = 0;
    for (int step = to->count; step > 1;) { /* the last sequence that begins at the row or before */
        int half = step / 2;
        if (to->start[b + half] <= j->first + begin) b += half;
        step -= half;
    }
    for (int64_t i = begin; i < end; i++) {
        int row = j->first + (int)i;
        while (row >= to->start[b + 1]) b++;
        move_row(j, b, row - to->start[b], j->cols + (size_t)i * width);
    }
}

/* Taps of neighbours go to the same rows, so a sequence belongs to one thread. */
static void scatter_sequences(void *data, int64_t begin, int64_t end) {
    const tap_job *j = data;
    size_t width = (size_t)j->s->spec.width * (size_t)j->I;
    for (int b = (int)begin; b < (int)end; b++) {
        for (int i = 0; i < pack_length(&j->s->to, b); i++) {
            move_row(j, b, i, j->cols + (size_t)(j->s->to.start[b] + i) * width);
        }
    }
}

/* ---- the operation */

/* Rows that are gathered together. */
static int block_rows(int rows, int width, bool all) {
    enum { TAPS = PORTION(1 << 20, 8), LEAST = PORTION(16, 3) };
    int most = TAPS / width < LEAST ? LEAST : TAPS / width;
    return all || rows < most ? rows : most;
}

/* y in blocks. */
static void multiply_blocks(tape *t, const conv_saved *s, node *y, var x, var b, const panels *p,
                            int block) {
    const int I = tape_node(t, x)->cols, rows = y->rows;
    tap_job j = {t->c.k, s, I, s->cols, tape_value(t, x), false, 0};
    for (int n; j.first < rows; j.first += n) {
        n = rows - j.first < block ? rows - j.first : block;
        vmath_blocks(&t->c, n, 32, gather_rows, &j);
        panel_multiply(&t->c, n, s->cols, p->depth, p, tape_value(t, b),
                       y->value + (size_t)j.first * (size_t)y->cols, y->cols, false);
    }
}

var op_conv(tape *t, var x, var w, var b, const conv_spec *spec, const pack *seq, pack *out) {
    *out = (pack){0};
    if (!x || !w || !conv_pack(t, seq, spec->stride, out)) return 0;
    int width = tape_node(t, w)->cols;
    var in[] = {x, w, b};
    var v = tape_push(t, OP_CONV, out->total, tape_node(t, w)->rows, in, 3);
    conv_saved *s = v ? tape_save(t, v, 1, sizeof *s) : NULL;
    const panels *p = s ? tape_panels(t, w, false) : NULL;
    int block = block_rows(out->total, width, v && tape_needs(t, v));
    real *cols = p ? tape_save(t, v, (size_t)block * (size_t)width, sizeof *cols) : NULL;
    if (!cols) return 0;
    node *y = tape_node(t, v);
    *s = (conv_saved){*spec, *seq, *out, cols};
    y->saved = s;
    multiply_blocks(t, s, y, x, b, p, block);
    return v;
}

void conv_back(tape *t, node *y) {
    const conv_saved *s = y->saved;
    int I = tape_node(t, y->in[0])->cols, width = tape_node(t, y->in[1])->cols;
    real *dx = tape_flow(t, y->in[0]), *dw = tape_flow(t, y->in[1]), *db = tape_flow(t, y->in[2]);
    if (dw) tape_outer(t, y->rows, y->grad, y->cols, s->cols, width, dw);
    if (db) vmath_colsum(&t->c, y->rows, y->cols, y->grad, y->cols, db);
    if (!dx) return;
    const panels *p = tape_panels(t, y->in[1], true);
    real *dcols = tape_scratch(t, (size_t)y->rows * (size_t)width, sizeof *dcols);
    if (!p || !dcols) return;
    panel_multiply(&t->c, y->rows, y->grad, y->cols, p, NULL, dcols, width, false);
    tap_job j = {t->c.k, s, I, dcols, dx, true, 0};
    vmath_blocks(&t->c, s->from.count, 4, scatter_sequences, &j);
}
