/* check_math_bits: every table gives the bits of the plain one, for every kernel.
 *
 * A row of the list below runs one kernel on arrays of a scene; the same scene is played on every
 * table and the arrays are compared. Shapes run over all tails, values over the special ones, and
 * no kernel may touch anything outside its arrays.
 */
#include "check_math.h"

#define NUMBERS(size) scene_numbers(s, (size_t)(size))
#define ZEROS(size) scene_zeros(s, (size_t)(size))
#define SHAPE const kernels *k, scene *s, int n, int D

static void run_tanh(SHAPE) {
    k->tanh((int64_t)n * D, NUMBERS(n * D), ZEROS(n * D));
}
static void run_sigmoid(SHAPE) {
    k->sigmoid((int64_t)n * D, NUMBERS(n * D), ZEROS(n * D));
}
static void run_add(SHAPE) {
    k->add((int64_t)n * D, NUMBERS(n * D), NUMBERS(n * D));
}
static void run_axpy(SHAPE) {
    k->axpy((int64_t)n * D, *NUMBERS(1), NUMBERS(n * D), NUMBERS(n * D));
}

static void run_mul(SHAPE) {
    real *x = NUMBERS(n * D), *y = NUMBERS(n * D);
    k->mul((int64_t)n * D, x, y, ZEROS(n * D));
}

static void run_muladd(SHAPE) {
    real *x = NUMBERS(n * D), *y = NUMBERS(n * D);
    k->muladd((int64_t)n * D, x, y, NUMBERS(n * D));
}

static void run_sum(SHAPE) {
    real *x = NUMBERS(n * D);
    *ZEROS(1) = k->sum((int64_t)n * D, x);
}

static void run_dot(SHAPE) {
    real *x = NUMBERS(n * D), *y = NUMBERS(n * D);
    *ZEROS(1) = k->dot((int64_t)n * D, x, y);
}

static void run_softmax(SHAPE) {
    if (n * D == 0) return;
    real *x = NUMBERS(n * D), *y = ZEROS(n * D);
    *ZEROS(1) = k->softmax((int64_t)n * D, x, y);
}

static void run_colsum(SHAPE) {
    int ldx = D + 3;
    real *x = NUMBERS(n * ldx), *y = NUMBERS(D);
    k->colsum(n, D, x, ldx, y);
}

static void run_norm(SHAPE) {
    if (D == 0) return;
    real *x = NUMBERS(n * D), *gain = NUMBERS(D), *shift = NUMBERS(D), *stat = ZEROS(2 * n);
    k->norm(n, D, x, gain, shift, ZEROS(n * D), stat);
    k->norm(n, D, x, gain, NULL, ZEROS(n * D), stat);
    real *dy = NUMBERS(n * D), *dgain = NUMBERS(D), *dshift = NUMBERS(D);
    k->norm_back(n, D, x, gain, stat, dy, ZEROS(n * D));
    k->norm_gain(n, D, x, stat, dy, dgain, dshift);
    k->norm_gain(n, D, x, stat, dy, dgain, NULL);
}

static void run_lstm(SHAPE) {
    real *gates = NUMBERS(4 * n * D), *before = NUMBERS(n * D), *c = ZEROS(n * D);
    real *t = ZEROS(n * D), *h = ZEROS(n * D), *dh = NUMBERS(n * D), *dc = ZEROS(n * D);
    real *dgates = ZEROS(4 * n * D);
    k->lstm_state(n, D, gates, before, c);
    k->lstm_out(n, D, gates, c, t, h);
    k->lstm_out_back(n, D, gates, t, dh, dgates, dc);
    k->lstm_state_back(n, D, gates, before, dc, dgates, dc);
}

static void run_gru(SHAPE) {
    real *gates = NUMBERS(3 * n * D), *rec = NUMBERS(3 * n * D), *before = NUMBERS(n * D);
    real *h = ZEROS(n * D), *rec_n = NUMBERS(n * D), *dh = NUMBERS(n * D);
    real *dgates = ZEROS(3 * n * D), *drec = ZEROS(3 * n * D);
    k->gru(n, D, gates, rec, before, h);
    k->gru_back(n, D, gates, rec_n, before, dh, dgates, drec, dh);
}

static void run_mask(SHAPE) {
    uint64_t low = (uint64_t)scene_below(s, 1 << 20) << 19; /* past 32 bits once shifted by 24 */
    k->mask((int64_t)n * D, 77, (uint64_t)n << 33, low, scene_below(s, 9), (real)0.7, ZEROS(n * D));
}

static void run_adam(SHAPE) {
    real *w = NUMBERS(n * D), *g = NUMBERS(n * D), *m = NUMBERS(n * D), *v = NUMBERS(n * D);
    real *ema = NUMBERS(n * D);
    for (int i = 0; i < n * D; i++) v[i] *= v[i];
    k->adam((int64_t)n * D, w, g, m, v, ema, (real)0.5, (real)0.01, (real)0.9, (real)0.999,
            (real)0.19, (real)0.002, (real)1e-8, (real)0.01, (real)0.99);
    k->adam((int64_t)n * D, w, g, m, v, NULL, 1, (real)0.01, (real)0.9, (real)0.98, (real)0.3,
            (real)0.04, (real)1e-6, 0, 0);
}

static void run_sgd(SHAPE) {
    real *w = NUMBERS(n * D), *g = NUMBERS(n * D), *m = NUMBERS(n * D), *ema = NUMBERS(n * D);
    k->sgd((int64_t)n * D, w, g, m, ema, (real)0.5, (real)0.1, (real)0.9, (real)0.01, (real)0.99);
    k->sgd((int64_t)n * D, w, g, m, NULL, 1, (real)0.1, 0, 0, 0);
}

/* D outputs, a depth that differs from it, rows apart by more than they are long. */
static void run_panel(SHAPE) {
    int K = 1 + scene_below(s, 40), ldx = K + 2, ldy = D + 5, outputs = (D + 31) / 32 * 32;
    if (D == 0) return;
    real *x = NUMBERS(n * ldx), *P = NUMBERS(outputs * K), *bias = NUMBERS(D);
    k->panel(n, K, D, x, ldx, P, bias, NUMBERS(n * ldy), ldy, false);
    k->panel(n, K, D, x, ldx, P, NULL, NUMBERS(n * ldy), ldy, false);
    k->panel(n, K, D, x, ldx, P, bias, NUMBERS(n * ldy), ldy, true);
}

/* D outputs, a number of inputs that differs from it. The room is what a table packs into, and differs. */
static void run_outer(SHAPE) {
    int inputs = 1 + scene_below(s, 70), ldy = D + 1, ldx = inputs + 2, ldw = inputs + 3;
    if (D == 0) return;
    real *dy = NUMBERS(n * ldy), *x = NUMBERS(n * ldx), *dw = NUMBERS(D * ldw);
    real *room = calloc(k->outer_room(n, D, inputs), sizeof *room);
    ck_assert_ptr_nonnull(room);
    k->outer(n, dy, ldy, D, x, ldx, inputs, dw, ldw, room);
    free(room);
}

static const struct bits_row {
    const char *name;
    void (*run)(SHAPE);
} bits_rows[] = {
    {"tanh", run_tanh}, {"sigmoid", run_sigmoid}, {"add", run_add},
    {"axpy", run_axpy}, {"mul", run_mul},   {"muladd", run_muladd},   {"sum", run_sum},
    {"dot", run_dot},   {"softmax", run_softmax}, {"colsum", run_colsum},
    {"norm", run_norm}, {"lstm", run_lstm}, {"gru", run_gru},         {"mask", run_mask},
    {"adam", run_adam}, {"sgd", run_sgd},   {"panel", run_panel},
    {"outer", run_outer},
};
enum { BITS_ROWS = sizeof bits_rows / sizeof *bits_rows };

/* Plays one row on every table. */
static void play(const struct bits_row *row, uint64_t seed, bool special, int n, int D) {
    const kernels **tables = math_tables();
    scene plain = scene_make(seed, special);
    row->run(tables[0], &plain, n, D);
    for (int i = 1; tables[i]; i++) {
        char what[64];
        scene other = scene_make(seed, special);
        row->run(tables[i], &other, n, D);
        snprintf(what, sizeof what, "%s, %s, n %d, D %d, seed %llu", row->name, tables[i]->name, n,
                 D, (unsigned long long)seed);
        ck_assert_msg(scene_same(&plain, &other, what), "%s differs", what);
        scene_free(&other);
    }
    scene_free(&plain);
}

START_TEST(test_tails) {
    const struct bits_row *row = &bits_rows[_i];
    uint64_t seed = test_seed(row->name);
    for (int D = 0; D <= 70; D++) {
        play(row, seed++, false, 1, D);
        play(row, seed++, true, 2, D);
    }
}
END_TEST

START_TEST(test_shapes) {
    const struct bits_row *row = &bits_rows[_i];
    uint64_t seed = test_seed(row->name);
    for (int n = 0; n <= 31; n++) {
        play(row, seed++, n % 2, n, 33);
        play(row, seed++, n % 2, n, 96);
    }
    play(row, seed++, false, 40, 300);
}
END_TEST

TCase *math_bits_case(void) {
    TCase *bits = tcase_create("bits");
    tcase_set_timeout(bits, 120);
    tcase_add_loop_test(bits, test_tails, 0, BITS_ROWS);
    tcase_add_loop_test(bits, test_shapes, 0, BITS_ROWS);
    return bits;
}
