/* op_rnn: a recurrent layer (tanh, ReLU, LSTM, GRU) over whole packed sequences as one operation.
 *
 * The input projection is one product for all steps; the recurrent product then runs step by step
 * in time-major order (base/pack.h), where step t is a block of rows. Sequences do not see each
 * other, so the work is shared out as (direction, range of ranks) without any barrier between
 * steps.
 *
 * The rows of x are put in time-major order first, so that their projection is made where the
 * recurrent product is added to it; the weight gradients then need no other order either. (Not
 * where tokens share rows: P has few rows there, and each step copies those that it needs.) In
 * inference over many rows, projection and steps alternate over windows of steps, so that P never
 * exists whole: a very long sequence then costs what its input and output cost.
 *
 * Memory of one direction, M = N rows when recording, else two blocks of B rows used in turn:
 *
 *     window [W,I]  x, time-major             gates [W,G]  P, preactivations, then activations;
 *     proj  [U,G]   P of shared rows                       [M,G] with shared rows
 *     rec   [M,G]   R (GRU, layer norm)       hin   [M,H]  previous state after its dropout mask
 *     h, c, t [M,H] state, cell, tanh(cell)   first_h, first_c, mask [B,H] by rank
 *     with layer norm also what entered each norm (xpre, rpre, c) and its row statistics
 *
 * W = N rows when recording, else those of a window of steps.
 *
 * Formulas: math/cpu.h for the cells, tape.h for the layer norm. G = gates * H.
 */
#include "base/rng.h"
#include "math/vmath.h"
#include "tape/tape.h"

#include <string.h>

enum { WINDOW = PORTION(2048, 4) }; /* rows that are projected before their steps run */

int cell_gates(cell_kind kind) {
    return kind == CELL_LSTM ? 4 : kind == CELL_GRU ? 3 : 1;
}

typedef struct direction {
    rnn_weights w;
    const real *bh, *nh, *nc, *bc; /* values of those weights */
    const panels *wx, *wh, *wh_t;  /* wh_t: for the recurrent product of the backward pass */
    real *bias;                    /* [G] of the projection; unused with layer norm */
    int32_t *row;                  /* [N] natural row of every time-major row */
    real *xpre, *xstat, *proj, *gates, *rec, *rpre, *rstat, *hin, *h;
    real *c, *cnorm, *cstat, *t;
    real *first_h, *first_c, *mask;
    real *window; /* [W,I] */
    /* backward only, time-major [N,..] but for the carried rows [B,H] */
    real *dgates, *drec, *drpre, *dcnorm, *dh, *dc, *carry_h, *carry_c;
} direction;

typedef struct rnn_run {
    const kernels *k;
    rnn_spec spec;
    pack seq;
    var self;
    bool record, norm, apart; /* apart: R is kept apart from P until the cell (GRU, layer norm) */
    bool shared;              /* tokens share rows of x */
    int from, to;             /* steps of this window */
    int H, G;
    int groups;       /* ranges of ranks per direction */
    real *out, *dout; /* [N, directions*H] */
    direction d[2];
} rnn_run;

/* One task: ranks a..b-1 of one direction. */
typedef struct stretch {
    direction *d;
    int a, b, column; /* column of the direction's states in the output */
} stretch;

static stretch rnn_stretch(rnn_run *r, int task) {
    int dir = task % r->spec.directions, g = task / r->spec.directions;
    int64_t B = r->seq.count;
    return (stretch){&r->d[dir], (int)(B * g / r->groups), (int)(B * (g + 1) / r->groups),
                     dir * r->H};
}

/* First buffer row of rank `rank` at step t. */
static size_t row_at(const rnn_run *r, int t, int rank) {
    return (size_t)(r->record ? r->seq.first[t] : (t & 1) * r->seq.count) + (size_t)rank;
}

/* Where the gates of rank `rank` at step t stand. */
static real *gates_at(const rnn_run *r, const direction *d, int t, int rank) {
    size_t row =
        r->shared ? row_at(r, t, rank) : (size_t)(r->seq.first[t] - r->seq.first[r->from] + rank);
    return d->gates + row * (size_t)r->G;
}

/* Ranks a..b-1 that still run at step t. */
static int live_rows(const rnn_run *r, int t, const stretch *s) {
    int end = r->seq.live[t] < s->b ? r->seq.live[t] : s->b;
    return end > s->a ? end - s->a : 0;
}

/* States of ranks a.. at the step before, or the initial ones. */
static const real *previous(const rnn_run *r, const real *state, const real *first, int t, int a) {
    return t == 0 ? first + (size_t)a * (size_t)r->H : state + row_at(r, t - 1, a) * (size_t)r->H;
}

/* ---- forward */

/* P rows of this step, unless they stand there already, and the previous state as it enters the
 * product. */
static void gather_step(const rnn_run *r, const stretch *s, int t, int n) {
    const direction *d = s->d;
    size_t at = row_at(r, t, s->a), G = (size_t)r->G, H = (size_t)r->H;
    const int32_t *row = d->row + r->seq.first[t] + s->a;
    real *gates = gates_at(r, d, t, s->a);
    for (int i = 0; r->shared && i < n; i++) {
        const real *from = d->proj + (size_t)r->spec.index[row[i]] * G;
        memcpy(gates + (size_t)i * G, from, G * sizeof(real));
    }
    const real *h = previous(r, d->h, d->first_h, t, s->a);
    real *hin = d->hin + at * H;
    if (d->mask)
        r->k->mul((int64_t)n * r->H, h, d->mask + (size_t)s->a * H, hin);
    else
        memcpy(hin, h, (size_t)n * H * sizeof(real));
}

/* Adds R = h' Wh^T to the gates, or leaves it in `rec` for the cell (GRU). */
static void recur(const rnn_run *r, const direction *d, int n, size_t at, real *gates) {
    size_t G = (size_t)r->G;
    const real *hin = d->hin + at * (size_t)r->H;
    if (!r->apart) {
        r->k->panel(n, r->H, r->G, hin, r->H, d->wh->data, NULL, gates, r->G, true);
        return;
    }
    real *rec = d->rec + at * G, *product = r->norm ? d->rpre + at * G : rec;
    r->k->panel(n, r->H, r->G, hin, r->H, d->wh->data, r->norm ? NULL : d->bh, product, r->G,
                false);
    if (r->norm) r->k->norm(n, r->G, product, d->nh, d->bh, rec, d->rstat + at * 2);
    if (r->spec.cell != CELL_GRU) r->k->add((int64_t)n * r->G, rec, gates);
}

/* Cell and state. With layer norm the cell is shown to the output gate normalised, and carried on
 * as it is. */
static void lstm_step(const rnn_run *r, const stretch *s, int t, int n) {
    const direction *d = s->d;
    size_t at = row_at(r, t, s->a), H = (size_t)r->H;
    real *gates = gates_at(r, d, t, s->a), *c = d->c + at * H, *shown = c;
    r->k->lstm_state(n, r->H, gates, previous(r, d->c, d->first_c, t, s->a), c);
    if (d->cnorm) {
        shown = d->cnorm + at * H;
        r->k->norm(n, r->H, c, d->nc, d->bc, shown, d->cstat + at * 2);
    }
    r->k->lstm_out(n, r->H, gates, shown, d->t + at * H, d->h + at * H);
}

static void cell_step(const rnn_run *r, const stretch *s, int t, int n) {
    const direction *d = s->d;
    size_t at = row_at(r, t, s->a), H = (size_t)r->H, G = (size_t)r->G;
    int64_t size = (int64_t)n * r->H;
    real *gates = gates_at(r, d, t, s->a), *h = d->h + at * H;
    switch (r->spec.cell) {
    case CELL_LSTM:
        lstm_step(r, s, t, n);
        break;
    case CELL_GRU:
        r->k->gru(n, r->H, gates, d->rec + at * G, previous(r, d->h, d->first_h, t, s->a), h);
        break;
    case CELL_TANH:
        r->k->tanh(size, gates, h);
        break;
    case CELL_RELU:
        for (int64_t i = 0; i < size; i++) h[i] = gates[i] > 0 ? gates[i] : 0;
        break;
    }
}

/* Cell states of the ranks whose last step is t. */
static void tell_cells(const rnn_run *r, const stretch *s, int t, int n) {
    int after = t + 1 < r->seq.steps ? live_rows(r, t + 1, s) : 0;
    size_t H = (size_t)r->H, at = row_at(r, t, s->a);
    for (int i = after; i < n; i++) {
        size_t b = (size_t)r->seq.order[s->a + i];
        memcpy(r->spec.last_c + b * H, s->d->c + (at + (size_t)i) * H, H * sizeof(real));
    }
}

/* All steps of the window for some ranks of one direction; the states go out in natural order. */
static void forward_task(void *data, int task, int worker) {
    (void)worker;
    rnn_run *r = data;
    stretch s = rnn_stretch(r, task);
    size_t H = (size_t)r->H, width = H * (size_t)r->spec.directions;
    for (int t = r->from, n; t < r->to && (n = live_rows(r, t, &s)) > 0; t++) {
        size_t at = row_at(r, t, s.a);
        gather_step(r, &s, t, n);
        recur(r, s.d, n, at, gates_at(r, s.d, t, s.a));
        cell_step(r, &s, t, n);
        if (r->spec.last_c) tell_cells(r, &s, t, n);
        const int32_t *row = s.d->row + r->seq.first[t] + s.a;
        for (int i = 0; i < n; i++) {
            memcpy(r->out + (size_t)row[i] * width + s.column, s.d->h + (at + (size_t)i) * H,
                   H * sizeof(real));
        }
    }
}

/* P of n rows of x. */
static void project(tape *t, const rnn_run *r, direction *d, int n, const real *x, int I) {
    real *p = r->shared ? d->proj : d->gates;
    if (r->norm) {
        panel_multiply(&t->c, n, x, I, d->wx, NULL, d->xpre, r->G, false);
        tape_norm(t, n, r->G, d->xpre, d->w.nx, d->w.bx, p, d->xstat);
    } else {
        panel_multiply(&t->c, n, x, I, d->wx, d->bias, p, r->G, false);
    }
}

/* The steps of the next window: WINDOW rows or some more, or the rest. */
static int window_end(const rnn_run *r) {
    int t = r->from + 1;
    while (t < r->seq.steps && r->seq.first[t] - r->seq.first[r->from] < WINDOW) t++;
    return t;
}

/* Rows of x in the order of a direction's window, or rows in that order added to those of x. */
typedef struct order_job {
    const kernels *k;
    const int32_t *row;
    int width;
    real *x, *ordered;
    bool back;
} order_job;

static void order_rows(void *data, int64_t begin, int64_t end) {
    const order_job *j = data;
    size_t width = (size_t)j->width;
    for (int64_t i = begin; i < end; i++) {
        real *x = j->x + (size_t)j->row[i] * width, *ordered = j->ordered + (size_t)i * width;
        if (j->back)
            j->k->add(j->width, ordered, x);
        else
            memcpy(ordered, x, width * sizeof *x);
    }
}

static void project_window(tape *t, const rnn_run *r, direction *d, const node *x) {
    int begin = r->seq.first[r->from], n = r->seq.first[r->to] - begin;
    order_job j = {r->k, d->row + begin, x->cols, x->value, d->window, false};
    vmath_blocks(&t->c, n, 64, order_rows, &j);
    project(t, r, d, n, d->window, x->cols);
}

/* x and the pack stand still; only the window moves on. */
static void run_forward(tape *t, rnn_run *r, const node *x) {
    for (r->from = 0; r->from < r->seq.steps; r->from = r->to) {
        r->to = r->shared || r->record ? r->seq.steps : window_end(r);
        for (int i = 0; i < r->spec.directions; i++) {
            if (r->shared)
                project(t, r, &r->d[i], x->rows, x->value, x->cols);
            else
                project_window(t, r, &r->d[i], x);
        }
        pool_run(t->c.pool, r->spec.directions * r->groups, forward_task, r);
    }
    r->from = 0;
}

/* ---- setting up */

/* Memory that the backward pass reads too when there is one. */
static real *take(tape *t, const rnn_run *r, size_t rows, size_t cols) {
    return tape_save(t, r->self, rows * cols, sizeof(real));
}

/* [B,H] by rank: the rows of v (by sequence), or zeros. */
static real *first_state(tape *t, const rnn_run *r, var v) {
    size_t H = (size_t)r->H, count = (size_t)r->seq.count;
    real *state = take(t, r, count, H);
    if (!state) return NULL;
    memset(state, 0, count * H * sizeof(real));
    for (size_t i = 0; v && i < count; i++) {
        memcpy(state + i * H, tape_value(t, v) + (size_t)r->seq.order[i] * H, H * sizeof(real));
    }
    return state;
}

/* Masks of the recurrent state, one per sequence, by rank. */
static bool make_masks(tape *t, rnn_run *r, direction *d, int number) {
    if (r->spec.dropout <= 0 || !t->noise) return true;
    size_t H = (size_t)r->H;
    d->mask = take(t, r, (size_t)r->seq.count, H);
    if (!d->mask) return false;
    uint64_t key = rng_key(t->seed, r->spec.site);
    for (int i = 0; i < r->seq.count; i++) {
        int b = r->seq.order[i];
        uint64_t name = r->seq.name ? r->seq.name[b] : (uint64_t)b;
        r->k->mask(r->H, key, name, (uint64_t)number, 0, (real)(1 - r->spec.dropout),
                   d->mask + (size_t)i * H);
    }
    return true;
}

/* The [M,..] arrays of the memory map above. */
static bool take_rows(tape *t, const rnn_run *r, direction *d) {
    size_t M = r->record ? (size_t)r->seq.total : 2 * (size_t)r->seq.count, H = (size_t)r->H,
           G = (size_t)r->G;
    bool lstm = r->spec.cell == CELL_LSTM;
    bool ok = (d->first_h = first_state(t, r, d->w.h0)) && (d->hin = take(t, r, M, H)) &&
              (d->h = take(t, r, M, H));
    if (r->shared) ok = ok && (d->gates = take(t, r, M, G));
    if (r->apart) ok = ok && (d->rec = take(t, r, M, G));
    if (r->norm) ok = ok && (d->rpre = take(t, r, M, G)) && (d->rstat = take(t, r, M, 2));
    if (lstm) {
        ok = ok && (d->first_c = first_state(t, r, d->w.c0)) && (d->c = take(t, r, M, H)) &&
             (d->t = take(t, r, M, H));
    }
    if (lstm && d->w.nc) {
        ok = ok && (d->cnorm = take(t, r, M, H)) && (d->cstat = take(t, r, M, 2));
    }
    return ok;
}

/* What `project` works with. */
static bool take_projection(tape *t, const rnn_run *r, direction *d, const node *x) {
    size_t G = (size_t)r->G, rows = (size_t)x->rows, I = (size_t)x->cols;
    if (r->shared) {
        d->proj = tape_scratch(t, rows * G, sizeof(real));
        if (!d->proj) return false;
    } else {
        size_t most = WINDOW + (size_t)r->seq.count;
        if (!r->record && rows > most) rows = most;
        d->window = take(t, r, rows, I);
        d->gates = take(t, r, rows, G);
        if (!d->window || !d->gates) return false;
    }
    if (r->norm) {
        d->xpre = take(t, r, rows, G);
        d->xstat = take(t, r, rows, 2);
        return d->xpre && d->xstat;
    }
    d->bias = tape_scratch(t, G, sizeof(real));
    if (!d->bias) return false;
    memcpy(d->bias, tape_value(t, d->w.bx), G * sizeof(real));
    if (!r->apart) r->k->add(r->G, d->bh, d->bias); /* R's bias too, where R is added straight on */
    return true;
}

static bool set_up(tape *t, rnn_run *r, int number, var x) {
    direction *d = &r->d[number];
    d->w = r->spec.w[number];
    d->bh = tape_value(t, d->w.bh);
    d->nh = tape_value(t, d->w.nh);
    d->nc = tape_value(t, d->w.nc);
    d->bc = tape_value(t, d->w.bc);
    d->wx = tape_panels(t, d->w.wx, false);
    d->wh = tape_panels(t, d->w.wh, false);
    d->row = tape_save(t, r->self, (size_t)r->seq.total, sizeof *d->row);
    if (!d->wx || !d->wh || !d->row) return false;
    pack_rows(&r->seq, number == 1, d->row);
    return take_rows(t, r, d) && make_masks(t, r, d, number) &&
           take_projection(t, r, d, tape_node(t, x));
}

/* Ranges of ranks so that every thread has a task; small batches are not cut. */
static int count_groups(const tape *t, const rnn_run *r) {
    int wanted = (pool_threads(t->c.pool) + r->spec.directions - 1) / r->spec.directions;
    int most = r->seq.count / 4;
    return wanted < most ? wanted : most > 1 ? most : 1;
}

enum { RNN_INPUTS = 10 }; /* vars in rnn_weights, in the order below */

static void list_inputs(var x, const rnn_spec *spec, var in[1 + 2 * RNN_INPUTS]) {
    in[0] = x;
    for (int i = 0; i < spec->directions; i++) {
        const rnn_weights *w = &spec->w[i];
        const var all[RNN_INPUTS] = {w->wx, w->wh, w->bx, w->bh, w->nx,
                                     w->nh, w->nc, w->bc, w->h0, w->c0};
        memcpy(in + 1 + i * RNN_INPUTS, all, sizeof all);
    }
}

var op_rnn(tape *t, var x, const rnn_spec *spec, const pack *seq) {
    if (!x) return 0;
    var in[1 + 2 * RNN_INPUTS];
    list_inputs(x, spec, in);
    var v = tape_push(t, OP_RNN, seq->total, spec->directions * spec->hidden, in,
                      1 + spec->directions * RNN_INPUTS);
    rnn_run *r = v ? tape_save(t, v, 1, sizeof *r) : NULL;
    if (!r) return 0;
    node *y = tape_node(t, v);
    *r = (rnn_run){.k = t->c.k,
                   .spec = *spec,
                   .seq = *seq,
                   .self = v,
                   .record = y->needs,
                   .H = spec->hidden,
                   .norm = spec->w[0].nh != 0,
                   .out = y->value};
    r->G = cell_gates(spec->cell) * spec->hidden;
    r->apart = r->norm || spec->cell == CELL_GRU;
    r->shared = spec->index != NULL;
    r->groups = count_groups(t, r);
    y->saved = r;
    for (int i = 0; i < spec->directions; i++) {
        if (!set_up(t, r, i, x)) return 0;
    }
    run_forward(t, r, tape_node(t, x));
    return v;
}

/* ---- backward: steps from last to first. dh = dy + what the step after sent; it goes through the
 * cell to the gates, through Wh to the state before. Weight gradients are products over all steps
 * at once, after the steps. */

/* dc = through this step's output + what the next cell sent (carry_c). */
static void lstm_step_back(const rnn_run *r, const stretch *s, int t, int n) {
    const direction *d = s->d;
    size_t at = row_at(r, t, s->a), H = (size_t)r->H, G = (size_t)r->G;
    int64_t size = (int64_t)n * r->H;
    real *dgates = d->dgates + at * G, *dc = d->dc + (size_t)s->a * H;
    const real *gates = d->gates + at * G, *dh = d->dh + (size_t)s->a * H;
    real *carry = d->carry_c + (size_t)s->a * H;
    if (d->cnorm) {
        real *shown = d->dcnorm + at * H;
        r->k->lstm_out_back(n, r->H, gates, d->t + at * H, dh, dgates, shown);
        r->k->norm_back(n, r->H, d->c + at * H, d->nc, d->cstat + at * 2, shown, dc);
    } else {
        r->k->lstm_out_back(n, r->H, gates, d->t + at * H, dh, dgates, dc);
    }
    r->k->add(size, carry, dc);
    r->k->lstm_state_back(n, r->H, gates, previous(r, d->c, d->first_c, t, s->a), dc, dgates,
                          carry);
}

/* The kernel wants the n parts of R (the last gate's) as rows of their own. */
static void gru_step_back(const rnn_run *r, const stretch *s, int t, int n) {
    const direction *d = s->d;
    size_t at = row_at(r, t, s->a), H = (size_t)r->H, G = (size_t)r->G;
    real *part = d->dc + (size_t)s->a * H; /* free in a GRU */
    for (int i = 0; i < n; i++) {
        memcpy(part + (size_t)i * H, d->rec + (at + (size_t)i) * G + 2 * H, H * sizeof(real));
    }
    r->k->gru_back(n, r->H, d->gates + at * G, part, previous(r, d->h, d->first_h, t, s->a),
                   d->dh + (size_t)s->a * H, d->dgates + at * G, d->drec + at * G,
                   d->carry_h + (size_t)s->a * H);
}

static void plain_step_back(const rnn_run *r, const stretch *s, int t, int n) {
    const direction *d = s->d;
    size_t at = row_at(r, t, s->a) * (size_t)r->H;
    const real *h = d->h + at, *dh = d->dh + (size_t)s->a * (size_t)r->H;
    real *dgates = d->dgates + at;
    int64_t size = (int64_t)n * r->H;
    if (r->spec.cell == CELL_TANH) {
        for (int64_t i = 0; i < size; i++) dgates[i] = dh[i] * (1 - h[i] * h[i]);
    } else {
        for (int64_t i = 0; i < size; i++) dgates[i] = h[i] > 0 ? dh[i] : 0;
    }
}

/* carry_h: what step t sends to step t-1 through the recurrent product (and past it, in a GRU). */
static void recur_back(const rnn_run *r, const stretch *s, int t, int n) {
    const direction *d = s->d;
    size_t at = row_at(r, t, s->a), H = (size_t)r->H, G = (size_t)r->G;
    real *carry = d->carry_h + (size_t)s->a * H, *sent = d->dh + (size_t)s->a * H;
    const real *dy = (r->spec.cell == CELL_GRU ? d->drec : d->dgates) + at * G;
    int64_t size = (int64_t)n * r->H;
    if (r->norm) {
        real *pre = d->drpre + at * G;
        r->k->norm_back(n, r->G, d->rpre + at * G, d->nh, d->rstat + at * 2, dy, pre);
        dy = pre;
    }
    r->k->panel(n, r->G, r->H, dy, r->G, d->wh_t->data, NULL, sent, r->H, false);
    if (d->mask) r->k->mul(size, sent, d->mask + (size_t)s->a * H, sent);
    if (r->spec.cell == CELL_GRU)
        r->k->add(size, sent, carry);
    else
        memcpy(carry, sent, (size_t)size * sizeof(real));
}

/* All steps for some ranks of one direction. Ranks that end earlier join with a carry of zero. */
static void backward_task(void *data, int task, int worker) {
    (void)worker;
    rnn_run *r = data;
    stretch s = rnn_stretch(r, task);
    size_t H = (size_t)r->H, width = H * (size_t)r->spec.directions;
    for (int t = r->seq.steps - 1; t >= 0; t--) {
        int n = live_rows(r, t, &s);
        if (n == 0) continue;
        real *dh = s.d->dh + (size_t)s.a * H;
        const int32_t *row = s.d->row + r->seq.first[t] + s.a;
        for (int i = 0; i < n; i++) {
            memcpy(dh + (size_t)i * H, r->dout + (size_t)row[i] * width + s.column,
                   H * sizeof(real));
        }
        r->k->add((int64_t)n * r->H, s.d->carry_h + (size_t)s.a * H, dh);
        if (r->spec.cell == CELL_LSTM)
            lstm_step_back(r, &s, t, n);
        else if (r->spec.cell == CELL_GRU)
            gru_step_back(r, &s, t, n);
        else
            plain_step_back(r, &s, t, n);
        recur_back(r, &s, t, n);
    }
}

static real *scratch_zero(tape *t, size_t rows, size_t cols) {
    real *memory = tape_scratch(t, rows * cols, sizeof(real));
    if (memory) memset(memory, 0, rows * cols * sizeof(real));
    return memory;
}

static bool take_back(tape *t, const rnn_run *r, direction *d) {
    size_t N = (size_t)r->seq.total, B = (size_t)r->seq.count, H = (size_t)r->H, G = (size_t)r->G;
    d->wh_t = tape_panels(t, d->w.wh, true);
    bool ok = d->wh_t && (d->dgates = tape_scratch(t, N * G, sizeof(real)));
    ok = ok && (d->dh = scratch_zero(t, B, H)) && (d->dc = scratch_zero(t, B, H));
    ok = ok && (d->carry_h = scratch_zero(t, B, H)) && (d->carry_c = scratch_zero(t, B, H));
    if (r->spec.cell == CELL_GRU) ok = ok && (d->drec = tape_scratch(t, N * G, sizeof(real)));
    if (r->norm) ok = ok && (d->drpre = tape_scratch(t, N * G, sizeof(real)));
    if (d->cnorm) ok = ok && (d->dcnorm = tape_scratch(t, N * H, sizeof(real)));
    return ok;
}

/* Gradients of Wh, bh and the norms inside the cell, from all steps at once. */
static void recurrent_weights_back(tape *t, const rnn_run *r, const direction *d) {
    int N = r->seq.total;
    const real *dy = r->spec.cell == CELL_GRU ? d->drec : d->dgates;
    real *dwh = tape_flow(t, d->w.wh), *dbh = tape_flow(t, d->w.bh);
    if (dwh) tape_outer(t, N, r->norm ? d->drpre : dy, r->G, d->hin, r->H, dwh);
    if (r->norm) {
        tape_norm_back(t, N, r->G, d->rpre, d->w.nh, d->w.bh, d->rstat, dy, NULL);
    } else if (dbh) {
        vmath_colsum(&t->c, N, r->G, dy, r->G, dbh);
    }
    if (d->cnorm) {
        tape_norm_back(t, N, r->H, d->c, d->w.nc, d->w.bc, d->cstat, d->dcnorm, NULL);
    }
}

/* dx += dP Wx, by way of rows in time-major order. */
static void input_flow(tape *t, const rnn_run *r, const direction *d, int I, const real *dp,
                       real *dx) {
    int N = r->seq.total;
    const panels *wx_t = tape_panels(t, d->w.wx, true);
    real *ordered = tape_scratch(t, (size_t)N * (size_t)I, sizeof *ordered);
    if (!wx_t || !ordered) return;
    panel_multiply(&t->c, N, dp, r->G, wx_t, NULL, ordered, I, false);
    order_job j = {r->k, d->row, I, dx, ordered, true};
    vmath_blocks(&t->c, N, 64, order_rows, &j);
}

/* From the gradient of P to those of Wx, bx and x. */
static void projection_back(tape *t, const rnn_run *r, const direction *d, var x) {
    int N = r->seq.total, I = tape_node(t, x)->cols;
    real *dbx = tape_flow(t, d->w.bx), *dwx = tape_flow(t, d->w.wx), *dx = tape_flow(t, x);
    real *dp = d->dgates;
    if (r->norm) {
        dp = tape_scratch(t, (size_t)N * (size_t)r->G, sizeof(real));
        if (!dp) return;
        tape_norm_back(t, N, r->G, d->xpre, d->w.nx, d->w.bx, d->xstat, d->dgates, dp);
    } else if (dbx) {
        vmath_colsum(&t->c, N, r->G, dp, r->G, dbx);
    }
    if (dwx) tape_outer(t, N, dp, r->G, d->window, I, dwx);
    if (dx) input_flow(t, r, d, I, dp, dx);
}

/* What is left of the carry after the first step belongs to the initial states. */
static void first_state_back(tape *t, const rnn_run *r, var v, const real *carry) {
    real *dv = tape_flow(t, v);
    for (int i = 0; dv && i < r->seq.count; i++) {
        size_t H = (size_t)r->H;
        r->k->add(r->H, carry + (size_t)i * H, dv + (size_t)r->seq.order[i] * H);
    }
}

void rnn_back(tape *t, node *y) {
    rnn_run *r = y->saved;
    r->dout = y->grad;
    var x = y->in[0];
    for (int i = 0; i < r->spec.directions; i++) {
        if (!take_back(t, r, &r->d[i])) return;
    }
    pool_run(t->c.pool, r->spec.directions * r->groups, backward_task, r);
    for (int i = 0; i < r->spec.directions; i++) {
        direction *d = &r->d[i];
        arena_mark mark = arena_here(&t->scratch);
        recurrent_weights_back(t, r, d);
        projection_back(t, r, d, x);
        arena_back(&t->scratch, mark);
        first_state_back(t, r, d->w.h0, d->carry_h);
        first_state_back(t, r, d->w.c0, d->carry_c);
    }
}
