/* check_tape_values: what the operations compute, against textbook loops in double and known
 * answers.
 */
#include "check_tape.h"

#include "base/rng.h"

#include <math.h>

enum { WIDEST = 256 };

/* ---- recurrent layers, one sequence and one step at a time */

typedef struct cell_state {
    double h[WIDEST], c[WIDEST];
} cell_state;

static double squash(double x) {
    return 1 / (1 + exp(-x));
}

/* y = LN(x; gain) + shift in place; gain 0: x + shift. */
static void textbook_norm(const rig *r, int n, double *x, var gain, var shift) {
    const real *g = tape_value(&r->t, gain), *s = tape_value(&r->t, shift);
    double mean = 0, spread = 0;
    for (int i = 0; i < n; i++) mean += x[i] / n;
    for (int i = 0; i < n; i++) spread += (x[i] - mean) * (x[i] - mean) / n;
    for (int i = 0; i < n; i++) {
        if (g) x[i] = (x[i] - mean) / sqrt(spread + 1e-5) * (double)g[i];
        if (s) x[i] += (double)s[i];
    }
}

/* y[G] = W x */
static void textbook_product(const rig *r, var w, int rows, int cols, const double *x, double *y) {
    const real *value = tape_value(&r->t, w);
    for (int i = 0; i < rows; i++) {
        y[i] = 0;
        for (int k = 0; k < cols; k++) y[i] += (double)value[i * cols + k] * x[k];
    }
}

/* The recurrent mask of a sequence, straight from the generator. */
static void textbook_mask(const rig *r, int b, int direction, double *mask) {
    uint64_t key = rng_key(r->t.seed, r->rnn.site), name = r->seq.name[b];
    double keep = 1 - r->rnn.dropout;
    for (int i = 0; i < r->rnn.hidden; i++) {
        rng_words w = rng_block(key, name, ((uint64_t)direction << 24) + (uint64_t)(i / 4));
        mask[i] = (double)rng_float(w.v[i % 4]) < (double)(real)keep ? 1 / keep : 0;
    }
}

static void textbook_cell(const rig *r, const rnn_weights *w, const double *p, const double *q,
                          cell_state *s) {
    int H = r->rnn.hidden;
    double shown[WIDEST], out[WIDEST];
    for (int i = 0; i < H; i++) {
        double a = p[i] + q[i], z;
        switch (r->rnn.cell) {
        case CELL_TANH:
            s->h[i] = tanh(a);
            break;
        case CELL_RELU:
            s->h[i] = a > 0 ? a : 0;
            break;
        case CELL_GRU:
            z = squash(p[H + i] + q[H + i]);
            s->h[i] = (1 - z) * tanh(p[2 * H + i] + squash(a) * q[2 * H + i]) + z * s->h[i];
            break;
        case CELL_LSTM:
            s->c[i] = squash(p[H + i] + q[H + i]) * s->c[i] +
                      squash(a) * tanh(p[2 * H + i] + q[2 * H + i]);
            out[i] = squash(p[3 * H + i] + q[3 * H + i]);
            shown[i] = s->c[i];
            break;
        }
    }
    if (r->rnn.cell != CELL_LSTM) return;
    if (w->nc) textbook_norm(r, H, shown, w->nc, w->bc);
    for (int i = 0; i < H; i++) s->h[i] = out[i] * tanh(shown[i]);
}

static void textbook_step(const rig *r, int direction, const double *mask, const real *x,
                          cell_state *s) {
    const rnn_weights *w = &r->rnn.w[direction];
    int H = r->rnn.hidden, G = cell_gates(r->rnn.cell) * H;
    int I = tape_node(&r->t, r->rnn_input)->cols;
    double input[WIDEST], hidden[WIDEST], p[WIDEST], q[WIDEST];
    for (int i = 0; i < I; i++) input[i] = (double)x[i];
    for (int i = 0; i < H; i++) hidden[i] = s->h[i] * (r->rnn.dropout > 0 ? mask[i] : 1);
    textbook_product(r, w->wx, G, I, input, p);
    textbook_product(r, w->wh, G, H, hidden, q);
    textbook_norm(r, G, p, w->nx, w->bx);
    textbook_norm(r, G, q, w->nh, w->bh);
    textbook_cell(r, w, p, q, s);
}

static void first_state(const rig *r, int b, var v, double *state) {
    const real *value = tape_value(&r->t, v);
    int H = r->rnn.hidden;
    for (int i = 0; i < H; i++) state[i] = value ? (double)value[b * H + i] : 0;
}

/* Checks one direction of one sequence; the largest error is returned. */
static double sequence_error(const rig *r, int b, int direction, const real *y) {
    const rnn_spec *s = &r->rnn;
    const node *x = tape_node(&r->t, r->rnn_input);
    int length = pack_length(&r->seq, b), width = s->directions * s->hidden;
    double mask[WIDEST], worst = 0;
    cell_state state;
    if (s->dropout > 0) textbook_mask(r, b, direction, mask);
    first_state(r, b, s->w[direction].h0, state.h);
    first_state(r, b, s->w[direction].c0, state.c);
    for (int t = 0; t < length; t++) {
        int row = r->seq.start[b] + (direction == 1 ? length - 1 - t : t);
        const real *from = x->value + row * x->cols;
        textbook_step(r, direction, mask, from, &state);
        for (int i = 0; i < s->hidden; i++) {
            double got = (double)y[row * width + direction * s->hidden + i];
            worst = fmax(worst, fabs(got - state.h[i]) / fmax(1, fabs(state.h[i])));
        }
    }
    return worst;
}

START_TEST(recurrent_layers) {
    const rig_case *c = rig_cases;
    while (c->kind != OP_RNN) c++;
    for (int variant = 0; variant < c->variants; variant++) {
        rig r;
        rig_open(&r, RIG_SMALL);
        var v = rig_build(&r, c, variant, variant % 2);
        ck_assert(v != 0);
        for (int b = 0; b < r.seq.count; b++) {
            for (int d = 0; d < r.rnn.directions; d++) {
                double error = sequence_error(&r, b, d, tape_value(&r.t, v));
                ck_assert_msg(error < 2e-5, "variant %d, sequence %d, direction %d: %g", variant, b,
                              d, error);
            }
        }
        rig_close(&r);
    }
}
END_TEST

/* ---- known answers */

typedef struct desk {
    tape t;
    arena own;
    pack seq; /* lengths 3, 0, 2 */
} desk;

static void desk_open(desk *d) {
    static const int32_t length[] = {3, 0, 2};
    static const uint64_t name[] = {5, 6, 7};
    *d = (desk){.t.c.k = cpu_kernels(), .t.record = true};
    ck_assert_int_eq(pack_make(&d->own, length, name, 3, &d->seq), 0);
    tape_reset(&d->t);
}

static void desk_close(desk *d) {
    tape_free(&d->t);
    arena_free(&d->own);
}

static void expect(const desk *d, var v, int rows, int cols, const real *answer) {
    ck_assert(v != 0);
    const node *y = tape_node(&d->t, v);
    ck_assert_int_eq(y->rows, rows);
    ck_assert_int_eq(y->cols, cols);
    for (int i = 0; i < rows * cols; i++) {
        ck_assert_msg(fabsf(y->value[i] - answer[i]) < 1e-5f, "op_%s [%d] is %g, not %g",
                      tape_op_name(y->kind), i, (double)y->value[i], (double)answer[i]);
    }
}

#define EXPECT(d, v, rows, cols, ...) expect(d, v, rows, cols, (const real[]){__VA_ARGS__})

static const real five[] = {1, -2, 3, 4, -5, 6, 7, 8, 9, -1}; /* [5,2] */

START_TEST(elementwise_and_shape) {
    static const int32_t index[] = {2, -1, 2};
    static const real weight[] = {1, 1, 2, 0, 0, -1}, bias[] = {10, 20, 30};
    desk d;
    desk_open(&d);
    var x = op_input(&d.t, 5, 2, five, false), w = op_input(&d.t, 3, 2, weight, false);
    var b = op_input(&d.t, 1, 3, bias, false);
    EXPECT(&d, op_embed(&d.t, x, index, 3), 3, 2, -5, 6, 0, 0, -5, 6);
    EXPECT(&d, op_linear(&d.t, x, w, 0), 5, 3, -1, 2, 2, 7, 6, -4, 1, -10, -6, 15, 14, -8, 8, 18,
           1);
    EXPECT(&d, op_linear(&d.t, op_slice(&d.t, w, 0, 2), w, b), 3, 3, 12, 22, 29, 12, 24, 30, 9, 20,
           31);
    EXPECT(&d, op_add(&d.t, x, x), 5, 2, 2, -4, 6, 8, -10, 12, 14, 16, 18, -2);
    EXPECT(&d, op_mul(&d.t, x, x), 5, 2, 1, 4, 9, 16, 25, 36, 49, 64, 81, 1);
    EXPECT(&d, op_relu(&d.t, x), 5, 2, 1, 0, 3, 4, 0, 6, 7, 8, 9, 0);
    EXPECT(&d, op_slice(&d.t, x, 1, 2), 5, 1, -2, 4, 6, 8, -1);
    const var parts[] = {w, op_slice(&d.t, w, 0, 1)};
    EXPECT(&d, op_concat(&d.t, parts, 2), 3, 3, 1, 1, 1, 2, 0, 2, 0, -1, 0);
    EXPECT(&d, op_tanh(&d.t, op_slice(&d.t, w, 1, 2)), 3, 1, 0.7615942f, 0, -0.7615942f);
    EXPECT(&d, op_sigmoid(&d.t, op_slice(&d.t, w, 1, 2)), 3, 1, 0.7310586f, 0.5f, 0.2689414f);
    const var sums[] = {op_input(&d.t, 1, 1, bias, false), op_input(&d.t, 1, 1, five, false)};
    EXPECT(&d, op_sum(&d.t, sums, 2), 1, 1, 11);
    desk_close(&d);
}
END_TEST

START_TEST(pooling) {
    static const real zeros[5] = {0}, sharp[] = {0, 99, 0, 0, 99};
    desk d;
    desk_open(&d);
    var x = op_input(&d.t, 5, 2, five, false);
    EXPECT(&d, op_pool(&d.t, x, POOL_LAST, &d.seq), 3, 2, -5, 6, 0, 0, 9, -1);
    EXPECT(&d, op_pool(&d.t, x, POOL_MEAN, &d.seq), 3, 2, -1 / 3.f, 8 / 3.f, 0, 0, 8, 3.5f);
    EXPECT(&d, op_pool(&d.t, x, POOL_MAX, &d.seq), 3, 2, 3, 6, 0, 0, 9, 8);
    EXPECT(&d, op_pool(&d.t, x, POOL_ENDS, &d.seq), 3, 2, -5, -2, 0, 0, 9, 8);
    var even = op_input(&d.t, 5, 1, zeros, false), one = op_input(&d.t, 5, 1, sharp, false);
    EXPECT(&d, op_attend(&d.t, x, even, &d.seq), 3, 2, -1 / 3.f, 8 / 3.f, 0, 0, 8, 3.5f);
    EXPECT(&d, op_attend(&d.t, x, one, &d.seq), 3, 2, 3, 4, 0, 0, 9, -1);
    desk_close(&d);
}
END_TEST

START_TEST(convolution) {
    static const real line[] = {1, 2, 4, 8, 16}, tens[] = {1, 10, 100}, two[] = {1, 10};
    desk d;
    pack out;
    desk_open(&d);
    var x = op_input(&d.t, 5, 1, line, false), w = op_input(&d.t, 1, 3, tens, false);
    var pair = op_input(&d.t, 1, 2, two, false);
    conv_spec s = {3, 1, 1, false};
    EXPECT(&d, op_conv(&d.t, x, w, 0, &s, &d.seq, &out), 5, 1, 210, 421, 42, 1680, 168);
    s.causal = true;
    EXPECT(&d, op_conv(&d.t, x, w, 0, &s, &d.seq, &out), 5, 1, 100, 210, 421, 800, 1680);
    s = (conv_spec){2, 1, 2, true};
    EXPECT(&d, op_conv(&d.t, x, pair, 0, &s, &d.seq, &out), 5, 1, 10, 20, 41, 80, 160);
    s = (conv_spec){3, 2, 1, false};
    EXPECT(&d, op_conv(&d.t, x, w, op_input(&d.t, 1, 1, line, false), &s, &d.seq, &out), 3, 1, 211,
           43, 1681);
    ck_assert_int_eq(out.count, 3);
    ck_assert_int_eq(pack_length(&out, 0), 2);
    ck_assert_int_eq(pack_length(&out, 1), 0);
    ck_assert_int_eq(pack_length(&out, 2), 1);
    desk_close(&d);
}
END_TEST

START_TEST(cross_entropy) {
    static const real zeros[12] = {0}, one[] = {1}, slopes[] = {0, 1, 2};
    static const int32_t target[] = {0, 1, -1, 2, 2}, groups[] = {0, 1, 3};
    static const int32_t pairs[] = {0, 1, 0, -1};
    desk d;
    desk_open(&d);
    var x = op_input(&d.t, 5, 2, five, false), w = op_input(&d.t, 3, 2, zeros, false);
    entropy_spec s = {.target = target, .groups = 1, .weight = 0.5};
    EXPECT(&d, op_entropy(&d.t, x, w, 0, &s), 1, 1, (real)(0.5 * 4 * log(3)));
    /* Logits 0 1 2: log Z = 2.4076; with smoothing 0.3 the target has 0.8, the others 0.1. */
    var row = op_input(&d.t, 1, 1, one, false), up = op_input(&d.t, 3, 1, slopes, false);
    s = (entropy_spec){.target = target + 1, .groups = 1, .weight = 1, .smoothing = 0.3};
    EXPECT(&d, op_entropy(&d.t, row, up, 0, &s), 1, 1, 2.4076059f - 0.8f * 1 - 0.1f * 2);
    s.smoothing = 0;
    EXPECT(&d, op_entropy(&d.t, row, up, 0, &s), 1, 1, 1.4076059f);
    /* Groups {0} and {1, 2}: the first has one class and no loss, the second log(1 + e) - 1. */
    s = (entropy_spec){.target = pairs, .group = groups, .groups = 2, .weight = 1};
    EXPECT(&d, op_entropy(&d.t, row, up, 0, &s), 1, 1, 0.3132617f);
    static const real balance[] = {9, 2, 9};
    s = (entropy_spec){.target = target + 1, .groups = 1, .weight = 1, .balance = balance};
    EXPECT(&d, op_entropy(&d.t, row, up, 0, &s), 1, 1, 2 * 1.4076059f);
    static const real worth[] = {-3};
    s.worth = worth;
    EXPECT(&d, op_entropy(&d.t, row, up, 0, &s), 1, 1, -6 * 1.4076059f);
    desk_close(&d);
}
END_TEST

/* The mean of both divergences between the softmaxes of logits a and b, from log and exp. */
static double divergence(int V, const real *a, const real *b) {
    double sum = 0, za = 0, zb = 0;
    for (int j = 0; j < V; j++) za += exp((double)a[j]), zb += exp((double)b[j]);
    for (int j = 0; j < V; j++) {
        double p = exp((double)a[j]) / za, q = exp((double)b[j]) / zb;
        sum += (p * log(p / q) + q * log(q / p)) / 2;
    }
    return sum;
}

/* The cross entropy of logits, from log and exp. */
static double surprise(int V, const real *x, int target, double smoothing) {
    double z = 0, mean = 0;
    for (int j = 0; j < V; j++) z += exp((double)x[j]), mean += (double)x[j] / V;
    return log(z) - (1 - smoothing) * (double)x[target] - smoothing * mean;
}

/* More rows than a chunk holds, read once, and as two readings of half as many: both losses and their
 * agreement. */
START_TEST(entropy_of_many_rows) {
    enum { N = 300, D = 3, V = 5 };
    static real rows[2 * N * D], weights[V * D];
    static int32_t target[2 * N];
    desk d;
    desk_open(&d);
    for (int i = 0; i < 2 * N * D; i++) rows[i] = (real)(i * 7 % 13) / 5 - 1;
    for (int i = 0; i < V * D; i++) weights[i] = (real)(i * 5 % 11) / 3 - 1;
    for (int i = 0; i < 2 * N; i++) target[i] = i % N * 3 / 2 % V;
    var w = op_input(&d.t, V, D, weights, false), x = op_input(&d.t, 2 * N, D, rows, false);
    const real *logits = tape_value(&d.t, op_linear(&d.t, x, w, 0));
    double once = 0, apart = 0;
    for (int i = 0; i < 2 * N; i++) once += 0.5 * surprise(V, logits + i * V, target[i], 0.1);
    for (int i = 0; i < N; i++) apart += 0.7 * divergence(V, logits + i * V, logits + (N + i) * V);
    entropy_spec s = {.target = target, .groups = 1, .weight = 0.5, .smoothing = 0.1};
    double got = (double)*tape_value(&d.t, op_entropy(&d.t, x, w, 0, &s));
    ck_assert_double_le(fabs(got / once - 1), 1e-5);
    s.agree = 0.7;
    got = (double)*tape_value(&d.t, op_entropy(&d.t, x, w, 0, &s));
    ck_assert_double_le(fabs(got / (once + apart) - 1), 1e-5);
    desk_close(&d);
}
END_TEST

/* By hand, from log and exp: the mean of both divergences. */
START_TEST(agreement) {
    static const real a[] = {1, 0, -1, 2, 2, 2}, b[] = {0, 0, 1, 5, 5, 5};
    desk d;
    desk_open(&d);
    double sum = 0;
    for (int j = 0; j < 6; j++) {
        double p = 1 / (1 + exp(-(double)a[j])), q = 1 / (1 + exp(-(double)b[j]));
        sum += (p * log(p / q) + (1 - p) * log((1 - p) / (1 - q)) + q * log(q / p) +
                (1 - q) * log((1 - q) / (1 - p))) / 2;
    }
    var x = op_input(&d.t, 2, 3, a, false), y = op_input(&d.t, 2, 3, b, false);
    EXPECT(&d, op_agree(&d.t, x, y, 3), 1, 1, (real)(3 * sum));
    EXPECT(&d, op_agree(&d.t, x, x, 1), 1, 1, 0);
    desk_close(&d);
}
END_TEST

START_TEST(binary_cross_entropy) {
    static const real logits[] = {0, 1, -2, 200}, balance[] = {1, 1, 3, 1};
    static const int32_t right[] = {1, 0, 1, 1}, none[] = {-1, -1, -1, 0};
    desk d;
    desk_open(&d);
    var x = op_input(&d.t, 1, 4, logits, false);
    /* log 2, log(1 + e), log(1 + e^2), and nothing where the logit is sure and right. */
    binary_spec s = {.target = right, .weight = 1};
    EXPECT(&d, op_binary(&d.t, x, &s), 1, 1, 0.6931472f + 1.3132617f + 2.1269280f);
    s.balance = balance;
    EXPECT(&d, op_binary(&d.t, x, &s), 1, 1, 0.6931472f + 1.3132617f + 3 * 2.1269280f);
    s = (binary_spec){.target = right, .weight = 0.5, .smoothing = 0.2};
    EXPECT(&d, op_binary(&d.t, x, &s), 1, 1,
           (real)(0.5 * (0.6931472 + 1.3132617 - 0.1 + 2.1269280 - 0.2 + 20)));
    s = (binary_spec){.target = none, .weight = 1};
    EXPECT(&d, op_binary(&d.t, x, &s), 1, 1, 200);
    desk_close(&d);
}
END_TEST

/* ---- dropout */

START_TEST(dropout_off) {
    desk d;
    desk_open(&d);
    var x = op_input(&d.t, 5, 2, five, true);
    ck_assert_int_eq(op_dropout(&d.t, x, 0.5, 1, &d.seq, DROPOUT_ELEMENTS), x);
    d.t.noise = true;
    ck_assert_int_eq(op_dropout(&d.t, x, 0, 1, &d.seq, DROPOUT_ELEMENTS), x);
    ck_assert_int_ne(op_dropout(&d.t, x, 0.5, 1, &d.seq, DROPOUT_ELEMENTS), x);
    desk_close(&d);
}
END_TEST

/* A mask is 0 or 1/keep, keeps its share, and hangs on seed, site, name and position only. */
START_TEST(dropout_masks) {
    enum { B = 20, LENGTH = 25, D = 30, SIZE = B * LENGTH * D };
    static real ones[SIZE], first[SIZE];
    int32_t length[B];
    uint64_t name[B];
    int kept = 0, differ = 0;
    desk d;
    pack p;
    desk_open(&d);
    for (int b = 0; b < B; b++) length[b] = LENGTH, name[b] = 77 + (uint64_t)b;
    for (int i = 0; i < SIZE; i++) ones[i] = 1;
    ck_assert_int_eq(pack_make(&d.own, length, name, B, &p), 0);
    d.t.noise = true;
    var x = op_input(&d.t, B * LENGTH, D, ones, false);
    memcpy(first, tape_value(&d.t, op_dropout(&d.t, x, 0.2, 1, &p, DROPOUT_ELEMENTS)),
           sizeof first);
    for (int i = 0; i < SIZE; i++) {
        ck_assert(first[i] == 0 || fabsf(first[i] - 1.25f) < 1e-6f);
        kept += first[i] > 0;
    }
    ck_assert_int_gt(kept, (int)(0.79 * SIZE));
    ck_assert_int_lt(kept, (int)(0.81 * SIZE));
    const real *other = tape_value(&d.t, op_dropout(&d.t, x, 0.2, 2, &p, DROPOUT_ELEMENTS));
    for (int i = 0; i < SIZE; i++) differ += other[i] != first[i];
    ck_assert_int_gt(differ, SIZE / 4); /* two sites: 0.32 of all */
    const real *same = tape_value(&d.t, op_dropout(&d.t, x, 0.2, 1, &p, DROPOUT_SEQUENCES));
    for (int i = D; i < SIZE; i++) {
        if (i / D % LENGTH) ck_assert(same[i] == same[i - D]);
    }
    desk_close(&d);
}
END_TEST

TCase *check_tape_values(void) {
    TCase *c = tcase_create("values");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, recurrent_layers);
    tcase_add_test(c, elementwise_and_shape);
    tcase_add_test(c, pooling);
    tcase_add_test(c, convolution);
    tcase_add_test(c, cross_entropy);
    tcase_add_test(c, binary_cross_entropy);
    tcase_add_test(c, entropy_of_many_rows);
    tcase_add_test(c, agreement);
    tcase_add_test(c, dropout_off);
    tcase_add_test(c, dropout_masks);
    return c;
}
