/* check_tape_cross: attention between two sides against a textbook double loop, and recurrent
 * layers that go on from where they stopped: what a decoder makes of them. */
#include "check_tape.h"

#include <math.h>

/* ---- attention */

enum { QUERIES = 6, FAR = 5, HEADS = 3, A = 4 * HEADS, C = 2 * HEADS, ROWS = 20 };

/* Two sides of different lengths, some empty; several sequences of queries may share a sequence of
 * keys. */
typedef struct sides {
    tape t;
    arena own;
    pack query, key;
    var q, k, v, u;
} sides;

static const int32_t query_length[QUERIES] = {2, 3, 0, 4, 1, 2};
static const int32_t key_length[FAR] = {3, 0, 6, 1, 2};

static var numbers(sides *s, int rows, int cols, int salt) {
    real *x = arena_alloc(&s->own, (size_t)rows * (size_t)cols, sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (int i = 0; i < rows * cols; i++) x[i] = (real)((i * 37 + salt * 101) % 97) / 40 - 1;
    return op_input(&s->t, rows, cols, x, false);
}

static void sides_open(sides *s, int queries, int keys) {
    *s = (sides){.t.c.k = cpu_kernels()};
    ck_assert_int_eq(pack_make(&s->own, query_length, NULL, queries, &s->query), 0);
    ck_assert_int_eq(pack_make(&s->own, key_length, NULL, keys, &s->key), 0);
    tape_reset(&s->t);
    s->q = numbers(s, s->query.total, A, 1);
    s->k = numbers(s, s->key.total, A, 2);
    s->v = numbers(s, s->key.total, C, 3);
    s->u = numbers(s, 1, A, 4);
}

static void sides_close(sides *s) {
    tape_free(&s->t);
    arena_free(&s->own);
}

/* Weights of query row i over the keys of sequence b, for one head. */
static void textbook_weights(const sides *s, int i, int b, int head, int heads, bool additive,
                             double *a) {
    const real *q = tape_value(&s->t, s->q) + i * A, *u = tape_value(&s->t, s->u);
    int width = A / heads, S = pack_length(&s->key, b);
    double sum = 0;
    for (int j = 0; j < S; j++) {
        const real *k = tape_value(&s->t, s->k) + (s->key.start[b] + j) * A;
        double score = 0;
        for (int d = head * width; d < (head + 1) * width; d++) {
            double x = (double)q[d], y = (double)k[d];
            score += additive ? (double)u[d] * tanh(x + y) : x * y / sqrt(width);
        }
        sum += a[j] = exp(score);
    }
    for (int j = 0; j < S; j++) a[j] /= sum;
}

static void close_to(double found, double wanted, const char *what) {
    ck_assert_msg(fabs(found - wanted) < 1e-5, "%s: %.8g, expected %.8g", what, found, wanted);
}

/* One row of the result and its row of weights. */
static void check_row(const sides *s, int i, int b, int heads, bool additive, const real *y,
                      const real *weights) {
    double a[ROWS], mean[ROWS] = {0};
    int S = pack_length(&s->key, b), width = C / heads;
    for (int head = 0; head < heads; head++) {
        textbook_weights(s, i, b, head, heads, additive, a);
        for (int j = 0; j < S; j++) mean[j] += a[j] / heads;
        for (int c = head * width; c < (head + 1) * width; c++) {
            double sum = 0;
            for (int j = 0; j < S; j++) {
                sum += a[j] * (double)tape_value(&s->t, s->v)[(s->key.start[b] + j) * C + c];
            }
            close_to((double)y[i * C + c], sum, "context");
        }
    }
    for (int j = 0; j < S; j++) close_to((double)weights[j], mean[j], "weight");
}

static void check_cross(int queries, int keys, const int32_t *of, int heads, bool additive) {
    sides s;
    real told[QUERIES * ROWS];
    sides_open(&s, queries, keys);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) told[i] = 9;
    const cross_spec spec = {
        .query = &s.query, .key = &s.key, .of = of, .heads = heads, .weights = told};
    var y = op_cross(&s.t, s.q, s.k, s.v, additive ? s.u : 0, &spec);
    ck_assert(y != 0);
    const real *weights = told;
    for (int b = 0; b < queries; b++) {
        int at = of ? of[b] : b, S = pack_length(&s.key, at);
        for (int i = s.query.start[b]; i < s.query.start[b + 1]; i++, weights += S) {
            check_row(&s, i, at, heads, additive, tape_value(&s.t, y), weights);
        }
    }
    ck_assert(*weights == 9); /* not a number more than promised */
    sides_close(&s);
}

START_TEST(sides_of_different_length) {
    check_cross(FAR, FAR, NULL, _i / 2 ? HEADS : 1, _i % 2);
}
END_TEST

/* As in a beam: sequences of keys are looked at by several sequences of queries, or by none. */
START_TEST(several_on_one) {
    static const int32_t of[QUERIES] = {0, 0, 2, 2, 4, 1};
    check_cross(QUERIES, FAR, of, _i / 2 ? HEADS : 1, _i % 2);
}
END_TEST

/* From the weights that were told: what every look costs that others had before. */
START_TEST(coverage_of_looks) {
    sides s;
    real told[QUERIES * ROWS];
    double want = 0;
    sides_open(&s, FAR, FAR);
    const cross_spec spec = {.query = &s.query, .key = &s.key, .heads = _i ? HEADS : 1,
                             .weights = told, .covered = true};
    var v = op_coverage(&s.t, op_cross(&s.t, s.q, s.k, s.v, 0, &spec), 0.5);
    const real *a = told;
    for (int b = 0; b < FAR; b++) {
        const int T = pack_length(&s.query, b), S = pack_length(&s.key, b);
        for (int i = 0; i < T; i++) {
            for (int j = 0; j < S; j++) {
                double before = 0;
                for (int k = 0; k < i; k++) before += (double)a[k * S + j];
                want += fmin((double)a[i * S + j], before);
            }
        }
        a += T * S;
    }
    ck_assert_double_gt(want, 1);
    close_to((double)*tape_value(&s.t, v), want / 2, "coverage");
    sides_close(&s);
}
END_TEST

/* ---- layers that stop and go on */

enum { H = 7, WIDE = 5, COUNT = 4, LONG = 9 };

typedef struct layer_case {
    cell_kind cell;
    bool norm;
} layer_case;

static void layer_weights(rig *r, const layer_case *c, rnn_weights *w) {
    int G = cell_gates(c->cell) * H;
    *w = (rnn_weights){.wx = rig_real(r, RIG_WHOLE, G, WIDE),
                       .wh = rig_real(r, RIG_WHOLE, G, H),
                       .bx = rig_real(r, RIG_WHOLE, 1, G),
                       .bh = rig_real(r, RIG_WHOLE, 1, G)};
    if (!c->norm) return;
    w->nx = rig_real(r, RIG_WHOLE, 1, G);
    w->nh = rig_real(r, RIG_WHOLE, 1, G);
    w->nc = rig_real(r, RIG_WHOLE, 1, H);
    w->bc = rig_real(r, RIG_WHOLE, 1, H);
}

/* Runs steps from..to-1 of every sequence (sequence b has b * 3 of them) from the states h and c,
 * which then are the new ones; outputs go to y [COUNT][LONG][H]. */
static void run_steps(rig *r, const layer_case *c, int from, int to, real *h, real *cell, real *y) {
    int32_t length[COUNT];
    real x[COUNT * LONG * WIDE];
    int rows = 0;
    pack seq;
    for (int b = 0; b < COUNT; b++) {
        int end = b * 3 < to ? b * 3 : to;
        length[b] = end > from ? end - from : 0;
        for (int t = from; t < end; t++, rows++) {
            for (int d = 0; d < WIDE; d++)
                x[rows * WIDE + d] = (real)((b * 31 + t * 7 + d * 3) % 11) / 5 - 1;
        }
    }
    ck_assert_int_eq(pack_make(&r->own, length, NULL, COUNT, &seq), 0);
    tape_reset(&r->t);
    r->next = 0;
    rnn_spec s = {.cell = c->cell, .hidden = H, .directions = 1};
    layer_weights(r, c, &s.w[0]);
    s.w[0].h0 = op_input(&r->t, COUNT, H, h, false);
    if (c->cell == CELL_LSTM) s.w[0].c0 = op_input(&r->t, COUNT, H, cell, false), s.last_c = cell;
    const real *out =
        tape_value(&r->t, op_rnn(&r->t, op_input(&r->t, rows, WIDE, x, false), &s, &seq));
    ck_assert_ptr_nonnull(out);
    for (int b = 0; b < COUNT; b++) {
        for (int t = 0; t < length[b]; t++, out += H) {
            memcpy(y + (b * LONG + from + t) * H, out, H * sizeof *y);
            memcpy(h + b * H, out, H * sizeof *h);
        }
    }
}

START_TEST(in_pieces_and_at_once) {
    static const layer_case cases[] = {{CELL_LSTM, false},
                                       {CELL_LSTM, true},
                                       {CELL_GRU, false},
                                       {CELL_TANH, false},
                                       {CELL_RELU, false}};
    static const int cuts[][4] = {{0, 9, 9, 9}, {0, 1, 2, 9}, {0, 4, 7, 9}, {0, 3, 3, 9}};
    static real y[4][COUNT * LONG * H], h[4][COUNT * H], c[4][COUNT * H];
    rig r;
    rig_open(&r, RIG_NONE);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < COUNT * H; k++)
            h[i][k] = (real)(k % 5) / 10, c[i][k] = (real)(k % 7) / 5 - 1;
        for (int piece = 0; piece < 3; piece++) {
            if (cuts[i][piece] == cuts[i][piece + 1]) continue;
            run_steps(&r, &cases[_i], cuts[i][piece], cuts[i][piece + 1], h[i], c[i], y[i]);
        }
        ck_assert_msg(!memcmp(y[0], y[i], sizeof *y), "outputs, cut %d", i);
        ck_assert_msg(!memcmp(h[0], h[i], sizeof *h), "states, cut %d", i);
        ck_assert_msg(!memcmp(c[0], c[i], sizeof *c), "cell states, cut %d", i);
    }
    rig_close(&r);
}
END_TEST

TCase *check_tape_cross(void) {
    TCase *c = tcase_create("cross");
    tcase_add_loop_test(c, sides_of_different_length, 0, 4);
    tcase_add_loop_test(c, several_on_one, 0, 4);
    tcase_add_loop_test(c, coverage_of_looks, 0, 2);
    tcase_add_loop_test(c, in_pieces_and_at_once, 0, 5);
    return c;
}
