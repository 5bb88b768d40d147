/* op_conv: 1-D convolution over packed sequences, with stride, dilation and causal padding.
 *
 * The taps of every output row are gathered side by side (im2col), in blocks of rows:
 *
 *     cols[j] = [ x[j*s - left] | x[j*s - left + d] | ... ]   [rows, width*I]   zeros outside
 *     y = cols W^T + b,  dcols = dy W is scattered back the same way,  dW = dy^T cols
 */
#include "math/gemm.h"
#include "math/vmath.h"
#include "tape/tape.h"

#include <string.h>

typedef struct conv_saved {
    conv_spec spec;
    const pack *from;
    const pack *to;
    real *cols; /* [N', width*I], kept when recording */
} conv_saved;

static bool conv_pack(tape *t, const pack *seq, int stride, pack *out) {
    int32_t *length = tape_keep(t, (size_t)seq->count, sizeof *length);
    if (!length) return false;
    for (int b = 0; b < seq->count; b++) {
        length[b] = (pack_length(seq, b) + stride - 1) / stride;
    }
    int status = pack_make(&t->keep, length, seq->name, seq->count, out);
    if (status < 0) t->status = status;
    return status >= 0;
}

/* Calls move(cols part, x part) for every tap inside its sequence; others are left alone. */
typedef void tap_move(const kernels *k, int I, real *cols, real *x);

static void each_tap(const kernels *k, const conv_saved *s, int I, real *cols, real *x,
                     tap_move *move) {
    const conv_spec *c = &s->spec;
    int span = (c->width - 1) * c->dilation, left = c->causal ? span : span / 2;
    for (int b = 0; b < s->from->count; b++) {
        int length = pack_length(s->from, b);
        for (int j = 0; j < pack_length(s->to, b); j++) {
            real *row = cols + (size_t)(s->to->start[b] + j) * (size_t)c->width * (size_t)I;
            for (int tap = 0; tap < c->width; tap++) {
                int64_t at = (int64_t)j * c->stride + (int64_t)tap * c->dilation - left;
                if (at < 0 || at >= length) continue;
                move(k, I, row + (size_t)tap * (size_t)I,
                     x + ((size_t)s->from->start[b] + (size_t)at) * (size_t)I);
            }
        }
    }
}

static void tap_in(const kernels *k, int I, real *cols, real *x) {
    (void)k;
    memcpy(cols, x, (size_t)I * sizeof *x);
}

static void tap_out(const kernels *k, int I, real *cols, real *x) { k->add(I, cols, x); }

var op_conv(tape *t, var x, var w, var b, const conv_spec *spec, const pack *seq, pack *out) {
    if (!x || !w || !conv_pack(t, seq, spec->stride, out)) return 0;
    int I = tape_node(t, x)->cols, width = spec->width * I;
    var in[] = {x, w, b};
    var v = tape_push(t, OP_CONV, out->total, tape_node(t, w)->rows, in, 3);
    conv_saved *s = v ? tape_keep(t, 1, sizeof *s) : NULL;
    const panels *p = s ? tape_panels(t, w, false) : NULL;
    if (!p) return 0;
    node *y = tape_node(t, v);
    arena_mark mark = arena_here(&t->scratch);
    size_t size = (size_t)out->total * (size_t)width;
    real *cols = y->needs ? tape_keep(t, size, sizeof *cols) : tape_scratch(t, size, sizeof *cols);
    if (!cols) return 0;
    memset(cols, 0, size * sizeof *cols);
    *s = (conv_saved){*spec, seq, out, cols};
    y->saved = s;
    each_tap(t->c.k, s, I, cols, tape_value(t, x), tap_in);
    panel_multiply(&t->c, out->total, cols, width, p, b ? tape_value(t, b) : NULL, y->value,
                   y->cols, false);
    arena_back(&t->scratch, mark);
    return v;
}

void conv_back(tape *t, node *y) {
    const conv_saved *s = y->saved;
    int I = tape_node(t, y->in[0])->cols, width = s->spec.width * I;
    real *dx = tape_flow(t, y->in[0]), *dw = tape_flow(t, y->in[1]), *db = tape_flow(t, y->in[2]);
    if (dw) gemm_outer(&t->c, y->rows, y->grad, y->cols, y->cols, s->cols, width, width, dw, width);
    if (db) vmath_colsum(&t->c, y->rows, y->cols, y->grad, y->cols, db);
    if (!dx) return;
    const panels *p = tape_panels(t, y->in[1], true);
    real *dcols = tape_scratch(t, (size_t)y->rows * (size_t)width, sizeof *dcols);
    if (!p || !dcols) return;
    panel_multiply(&t->c, y->rows, y->grad, y->cols, p, NULL, dcols, width, false);
    each_tap(t->c.k, s, I, dcols, dx, tap_out);
}
