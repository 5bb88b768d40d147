/* check_math_values: the kernels compute what cpu.h says.
 *
 * Expected values come from libm and plain loops in double; gradients from central differences of
 * the forward formula in double. One table is enough here, the others have the same bits.
 */
#include "check_math.h"

#include "base/rng.h"
#include <math.h>

static real *numbers(scene *s, int size) {
    return scene_numbers(s, (size_t)size);
}

static real *zeros(scene *s, int size) {
    return scene_zeros(s, (size_t)size);
}

static void expect(double got, double want, double allowed, const char *what) {
    ck_assert_msg(fabs(got - want) <= allowed * (1 + fabs(want)), "%s: %.9g, expected %.9g", what,
                  got, want);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

/* ---- tanh, sigmoid */

static const struct map_row {
    const char *name;
    double (*exact)(double);
    double low, high, allowed; /* range, largest relative error */
} map_rows[] = {
    {"tanh", tanh, -12, 12, 3e-7},
    {"sigmoid", sigmoid, -87, 100, 3e-7},
};

static void map_run(const char *name, int n, const real *x, real *y) {
    const kernels *k = cpu_kernels();
    if (strcmp(name, "tanh") == 0) k->tanh(n, x, y);
    if (strcmp(name, "sigmoid") == 0) k->sigmoid(n, x, y);
}

/* Walks through all magnitudes of floats, both signs. */
START_TEST(test_accuracy) {
    const struct map_row *row = &map_rows[_i];
    real x[64], y[64], worst_x = 0;
    double worst = 0;
    for (uint32_t bits = 0x00800000; bits < 0x42d00000; bits += 64 * 499) {
        for (int i = 0; i < 64; i++) {
            uint32_t word = (bits + (uint32_t)i * 499) | (i % 2 ? 0x80000000u : 0);
            memcpy(&x[i], &word, sizeof word);
        }
        map_run(row->name, 64, x, y);
        for (int i = 0; i < 64; i++) {
            if ((double)x[i] < row->low || (double)x[i] > row->high) continue;
            double want = row->exact((double)x[i]), error = fabs((double)y[i] - want) / fabs(want);
            if (error > worst) worst_x = x[i];
            if (error > worst) worst = error;
        }
    }
    printf("%s: largest relative error %.3g at %.9g\n", row->name, worst, (double)worst_x);
    ck_assert_double_le(worst, row->allowed);
}
END_TEST

START_TEST(test_special_values) {
    static const struct {
        const char *name;
        real x, want;
    } rows[] = {
        {"tanh", 0.0f, 0.0f},   {"tanh", -0.0f, -0.0f},     {"tanh", 1e-40f, 1e-40f},
        {"tanh", -1e-20f, -1e-20f}, {"tanh", INFINITY, 1},  {"tanh", -INFINITY, -1},
        {"tanh", 50, 1},        {"tanh", NAN, NAN},         {"sigmoid", 0, 0.5f},
        {"sigmoid", -INFINITY, 0}, {"sigmoid", 40, 1},      {"sigmoid", INFINITY, 1},
        {"sigmoid", -200, 0},   {"sigmoid", NAN, NAN},      {"sigmoid", -1e-40f, 0.5f},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        real y = 7;
        map_run(rows[i].name, 1, &rows[i].x, &y);
        bool same = isnan(rows[i].want) ? isnan(y) : memcmp(&y, &rows[i].want, sizeof y) == 0;
        ck_assert_msg(same, "%s(%g) = %g", rows[i].name, (double)rows[i].x, (double)y);
    }
}
END_TEST

/* ---- elementwise, reductions */

START_TEST(test_elementwise) {
    const kernels *k = cpu_kernels();
    scene s = scene_make(test_seed("elementwise"), false);
    enum { N = 37 };
    real *x = numbers(&s, N), *y = numbers(&s, N), *z = numbers(&s, N), *was = zeros(&s, N);
    memcpy(was, z, N * sizeof *was);
    k->add(N, x, z);
    for (int i = 0; i < N; i++) ck_assert(z[i] == was[i] + x[i]);
    memcpy(z, was, N * sizeof *was);
    k->axpy(N, 0.3f, x, z);
    for (int i = 0; i < N; i++) ck_assert(z[i] == fmaf(0.3f, x[i], was[i]));
    memcpy(z, was, N * sizeof *was);
    k->muladd(N, x, y, z);
    for (int i = 0; i < N; i++) ck_assert(z[i] == fmaf(x[i], y[i], was[i]));
    k->mul(N, x, y, z);
    for (int i = 0; i < N; i++) ck_assert(z[i] == x[i] * y[i]);
    scene_free(&s);
}
END_TEST

/* The order of additions is part of the contract. */
static real fold_lanes(real lane[16]) {
    for (int half = 8; half; half /= 2) {
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    }
    return lane[0];
}

START_TEST(test_reductions) {
    const kernels *k = cpu_kernels();
    uint64_t seed = test_seed("reductions");
    for (int n = 1; n < 80; n++) {
        scene s = scene_make(seed + (uint64_t)n, false);
        real *x = numbers(&s, n), *y = numbers(&s, n), lane[16] = {0}, product[16] = {0};
        for (int i = 0; i < n; i++) {
            lane[i % 16] += x[i];
            product[i % 16] = fmaf(x[i], y[i], product[i % 16]);
        }
        ck_assert(k->sum(n, x) == fold_lanes(lane));
        ck_assert(k->dot(n, x, y) == fold_lanes(product));
        scene_free(&s);
    }
    ck_assert(k->sum(0, NULL) == 0);
}
END_TEST

START_TEST(test_colsum) {
    const kernels *k = cpu_kernels();
    scene s = scene_make(test_seed("colsum"), false);
    enum { N = 9, D = 147, LD = 150 };
    real *x = numbers(&s, N * LD), *y = numbers(&s, D), *was = zeros(&s, D);
    memcpy(was, y, D * sizeof *was);
    k->colsum(N, D, x, LD, y);
    for (int d = 0; d < D; d++) {
        real sum = 0;
        for (int n = 0; n < N; n++) sum += x[n * LD + d];
        ck_assert(y[d] == was[d] + sum);
    }
    scene_free(&s);
}
END_TEST

START_TEST(test_softmax) {
    const kernels *k = cpu_kernels();
    uint64_t seed = test_seed("softmax");
    for (int n = 1; n < 60; n++) {
        scene s = scene_make(seed + (uint64_t)n, false);
        real *x = numbers(&s, n), *y = zeros(&s, n);
        for (int i = 0; i < n; i++) x[i] = x[i] * 5 + 1000; /* e^x would overflow */
        double sum = 0;
        for (int i = 0; i < n; i++) sum += exp((double)x[i] - 1000);
        real norm = k->softmax(n, x, y);
        expect((double)norm, 1000 + log(sum), 2e-7, "log of the sum");
        for (int i = 0; i < n; i++) expect((double)y[i], exp((double)x[i] - 1000) / sum, 5e-7, "p");
        ck_assert(k->softmax(n, x, x) == norm);
        ck_assert_int_eq(memcmp(x, y, (size_t)n * sizeof *x), 0);
        scene_free(&s);
    }
    real masked[3] = {-INFINITY, 2, -INFINITY};
    ck_assert(k->softmax(3, masked, masked) == 2);
    ck_assert(masked[0] == 0 && masked[1] == 1 && masked[2] == 0);
}
END_TEST

/* ---- layer norm */

/* Loss of one row: sum of dy * (unit * gain + shift). */
static double norm_loss(int D, const double *x, const real *gain, const real *shift,
                        const real *dy) {
    double mean = 0, var = 0, loss = 0;
    for (int d = 0; d < D; d++) mean += x[d] / D;
    for (int d = 0; d < D; d++) var += (x[d] - mean) * (x[d] - mean) / D;
    for (int d = 0; d < D; d++) {
        double unit = (x[d] - mean) / sqrt(var + 1e-5);
        loss += (double)dy[d] * (unit * (double)gain[d] + (double)shift[d]);
    }
    return loss;
}

START_TEST(test_norm_forward) {
    const kernels *k = cpu_kernels();
    scene s = scene_make(test_seed("norm"), false);
    enum { N = 3, D = 21 };
    real *x = numbers(&s, N * D), *gain = numbers(&s, D), *shift = numbers(&s, D);
    real *y = zeros(&s, N * D), *stat = zeros(&s, 2 * N);
    k->norm(N, D, x, gain, shift, y, stat);
    for (int n = 0; n < N; n++) {
        double mean = 0, var = 0;
        for (int d = 0; d < D; d++) mean += (double)x[n * D + d] / D;
        for (int d = 0; d < D; d++) var += pow((double)x[n * D + d] - mean, 2) / D;
        expect((double)stat[2 * n], mean, 1e-6, "mean");
        expect((double)stat[2 * n + 1], 1 / sqrt(var + 1e-5), 1e-6, "rstd");
        for (int d = 0; d < D; d++) {
            double unit = ((double)x[n * D + d] - mean) / sqrt(var + 1e-5);
            expect((double)y[n * D + d], unit * (double)gain[d] + (double)shift[d], 2e-6, "y");
        }
    }
    k->norm(N, D, x, gain, NULL, y, stat);
    for (int d = 0; d < D; d++) {
        double unit = (double)(x[d] - stat[0]) * (double)stat[1];
        expect((double)y[d], unit * (double)gain[d], 2e-6, "y without shift");
    }
    scene_free(&s);
}
END_TEST

START_TEST(test_norm_gradient) {
    const kernels *k = cpu_kernels();
    scene s = scene_make(test_seed("norm gradient"), false);
    enum { N = 2, D = 19 };
    real *x = numbers(&s, N * D), *gain = numbers(&s, D), *shift = numbers(&s, D);
    real *dy = numbers(&s, N * D), *y = zeros(&s, N * D), *stat = zeros(&s, 2 * N);
    real *dx = zeros(&s, N * D), *dgain = zeros(&s, D), *dshift = zeros(&s, D);
    k->norm(N, D, x, gain, shift, y, stat);
    k->norm_back(N, D, x, gain, stat, dy, dx);
    k->norm_gain(N, D, x, stat, dy, dgain, dshift);
    for (int n = 0; n < N; n++) {
        double row[D];
        for (int d = 0; d < D; d++) row[d] = (double)x[n * D + d];
        for (int d = 0; d < D; d++) {
            const double step = 1e-5, was = row[d];
            row[d] = was + step;
            double above = norm_loss(D, row, gain, shift, dy + n * D);
            row[d] = was - step;
            double below = norm_loss(D, row, gain, shift, dy + n * D);
            row[d] = was;
            expect((double)dx[n * D + d], (above - below) / (2 * step), 5e-6, "dx");
        }
    }
    for (int d = 0; d < D; d++) {
        double sum = 0, sum_unit = 0;
        for (int n = 0; n < N; n++) {
            double unit = (double)(x[n * D + d] - stat[2 * n]) * (double)stat[2 * n + 1];
            sum += (double)dy[n * D + d];
            sum_unit += (double)dy[n * D + d] * unit;
        }
        expect((double)dshift[d], sum, 1e-6, "dshift");
        expect((double)dgain[d], sum_unit, 2e-6, "dgain");
    }
    scene_free(&s);
}
END_TEST

/* ---- cells: one unit in double, its loss, and the gradients by differences */

/* v: preactivations of i f g o, c_prev. */
static void lstm_unit(const double v[5], double *c, double *h) {
    *c = sigmoid(v[1]) * v[4] + sigmoid(v[0]) * tanh(v[2]);
    *h = sigmoid(v[3]) * tanh(*c);
}

/* v: inputs of r z n, recurrent parts of r z n, h_prev. */
static double gru_unit(const double v[7]) {
    double r = sigmoid(v[0] + v[3]), z = sigmoid(v[1] + v[4]), n = tanh(v[2] + r * v[5]);
    return z * v[6] + (1 - z) * n;
}

static double lstm_h(const double *v) {
    double c, h;
    lstm_unit(v, &c, &h);
    return h;
}

static double slope(double (*f)(const double *), const double *v, int count, int at) {
    double moved[8];
    memcpy(moved, v, (size_t)count * sizeof *v);
    moved[at] = v[at] + 1e-5;
    double above = f(moved);
    moved[at] = v[at] - 1e-5;
    return (above - f(moved)) / 2e-5;
}

START_TEST(test_lstm) {
    const kernels *k = cpu_kernels();
    scene s = scene_make(test_seed("lstm"), false);
    enum { N = 3, H = 21 };
    real *gates = numbers(&s, N * 4 * H), *pre = zeros(&s, N * 4 * H), *before = numbers(&s, N * H);
    real *c = zeros(&s, N * H), *t = zeros(&s, N * H), *h = zeros(&s, N * H);
    real *dh = numbers(&s, N * H), *dc = zeros(&s, N * H), *dgates = zeros(&s, N * 4 * H);
    memcpy(pre, gates, N * 4 * H * sizeof *pre);
    k->lstm_state(N, H, gates, before, c);
    k->lstm_out(N, H, gates, c, t, h);
    k->lstm_out_back(N, H, gates, t, dh, dgates, dc);
    k->lstm_state_back(N, H, gates, before, dc, dgates, dc); /* dc becomes dc_prev in place */
    for (int i = 0; i < N * H; i++) {
        double v[5], want_c, want_h;
        const int first = i / H * 4 * H + i % H;
        for (int g = 0; g < 4; g++) v[g] = (double)pre[first + g * H];
        v[4] = (double)before[i];
        lstm_unit(v, &want_c, &want_h);
        expect((double)c[i], want_c, 1e-6, "c");
        expect((double)t[i], tanh(want_c), 1e-6, "t");
        expect((double)h[i], want_h, 1e-6, "h");
        for (int g = 0; g < 4; g++) {
            double want = (double)dh[i] * slope(lstm_h, v, 5, g);
            expect((double)dgates[first + g * H], want, 3e-6, "dgates");
        }
        expect((double)dc[i], (double)dh[i] * slope(lstm_h, v, 5, 4), 3e-6, "dc_prev");
    }
    scene_free(&s);
}
END_TEST

START_TEST(test_gru) {
    const kernels *k = cpu_kernels();
    scene s = scene_make(test_seed("gru"), false);
    enum { N = 3, H = 21 };
    real *gates = numbers(&s, N * 3 * H), *pre = zeros(&s, N * 3 * H),
         *rec = numbers(&s, N * 3 * H);
    real *before = numbers(&s, N * H), *h = zeros(&s, N * H), *rec_n = zeros(&s, N * H);
    real *dh = numbers(&s, N * H), *dbefore = zeros(&s, N * H);
    real *dgates = zeros(&s, N * 3 * H), *drec = zeros(&s, N * 3 * H);
    memcpy(pre, gates, N * 3 * H * sizeof *pre);
    for (int i = 0; i < N * H; i++) rec_n[i] = rec[i / H * 3 * H + 2 * H + i % H];
    k->gru(N, H, gates, rec, before, h);
    k->gru_back(N, H, gates, rec_n, before, dh, dgates, drec, dbefore);
    for (int i = 0; i < N * H; i++) {
        double v[7];
        const int first = i / H * 3 * H + i % H;
        for (int g = 0; g < 3; g++) v[g] = (double)pre[first + g * H];
        for (int g = 0; g < 3; g++) v[3 + g] = (double)rec[first + g * H];
        v[6] = (double)before[i];
        expect((double)h[i], gru_unit(v), 1e-6, "h");
        for (int g = 0; g < 3; g++) {
            double want = (double)dh[i] * slope(gru_unit, v, 7, g);
            double want_rec = (double)dh[i] * slope(gru_unit, v, 7, 3 + g);
            expect((double)dgates[first + g * H], want, 3e-6, "dgates");
            expect((double)drec[first + g * H], want_rec, 3e-6, "drec");
        }
        expect((double)dbefore[i], (double)dh[i] * slope(gru_unit, v, 7, 6), 3e-6, "dh_prev");
    }
    k->gru_back(N, H, gates, rec_n, before, dh, dgates, drec, dh); /* in place */
    ck_assert_int_eq(memcmp(dh, dbefore, N * H * sizeof *dh), 0);
    scene_free(&s);
}
END_TEST

/* ---- masks, optimisers */

START_TEST(test_mask) {
    static const struct {
        uint64_t key, high, low;
        int64_t first;
        int n;
    } rows[] = {
        {1, 2, 3, 0, 300},       {~0ull, ~0ull, 0, 1, 64},    {9, 1ull << 40, 1 << 20, 63, 65},
        {5, 0, 255, 1 << 20, 7}, {5, 0, 256, 4 * 65533, 200}, {7, 7, 7, 2, 1},
        {7, 7, 7, 5, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene s = scene_make(1, false);
        const real keep = 0.65f;
        real *y = zeros(&s, rows[i].n);
        cpu_kernels()->mask(rows[i].n, rows[i].key, rows[i].high, rows[i].low, rows[i].first, keep,
                            y);
        for (int e = 0; e < rows[i].n; e++) {
            uint64_t at = (uint64_t)(rows[i].first + e);
            rng_words w = rng_block(rows[i].key, rows[i].high, (rows[i].low << 24) + at / 4);
            ck_assert(y[e] == (rng_float(w.v[at % 4]) < keep ? 1 / keep : 0));
        }
        scene_free(&s);
    }
}
END_TEST

START_TEST(test_adam) {
    scene s = scene_make(test_seed("adam"), false);
    enum { N = 35 };
    real *w = numbers(&s, N), *g = numbers(&s, N), *m = numbers(&s, N), *v = numbers(&s, N);
    real *ema = numbers(&s, N);
    double want_w[N], want_m[N], want_v[N], want_ema[N];
    for (int i = 0; i < N; i++) {
        v[i] *= v[i];
        double grad = (double)g[i] * 0.5;
        want_m[i] = 0.9 * (double)m[i] + 0.1 * grad;
        want_v[i] = 0.99 * (double)v[i] + 0.01 * grad * grad;
        double step = want_m[i] / 0.19 / (sqrt(want_v[i] / 0.02) + 1e-3) + 0.04 * (double)w[i];
        want_w[i] = (double)w[i] - 0.1 * step;
        want_ema[i] = 0.8 * (double)ema[i] + 0.2 * want_w[i];
    }
    cpu_kernels()->adam(N, w, g, m, v, ema, 0.5f, 0.1f, 0.9f, 0.99f, 0.19f, 0.02f, 1e-3f, 0.04f,
                        0.8f);
    for (int i = 0; i < N; i++) {
        ck_assert(g[i] == 0);
        expect((double)m[i], want_m[i], 1e-6, "m");
        expect((double)v[i], want_v[i], 1e-6, "v");
        expect((double)w[i], want_w[i], 2e-6, "w");
        expect((double)ema[i], want_ema[i], 2e-6, "ema");
    }
    scene_free(&s);
}
END_TEST

START_TEST(test_sgd) {
    scene s = scene_make(test_seed("sgd"), false);
    enum { N = 35 };
    real *w = numbers(&s, N), *g = numbers(&s, N), *m = numbers(&s, N), *ema = numbers(&s, N);
    double want_w[N], want_m[N], want_ema[N];
    for (int i = 0; i < N; i++) {
        want_m[i] = 0.9 * (double)m[i] + 0.5 * (double)g[i] + 0.04 * (double)w[i];
        want_w[i] = (double)w[i] - 0.1 * want_m[i];
        want_ema[i] = 0.8 * (double)ema[i] + 0.2 * want_w[i];
    }
    cpu_kernels()->sgd(N, w, g, m, ema, 0.5f, 0.1f, 0.9f, 0.04f, 0.8f);
    for (int i = 0; i < N; i++) {
        ck_assert(g[i] == 0);
        expect((double)m[i], want_m[i], 1e-6, "m");
        expect((double)w[i], want_w[i], 1e-6, "w");
        expect((double)ema[i], want_ema[i], 1e-6, "ema");
    }
    scene_free(&s);
}
END_TEST

/* Without gradients the moments die out instead of turning denormal. */
START_TEST(test_moments) {
    const kernels *k = cpu_kernels();
    real w[2] = {1, 2}, g[2] = {0, 0}, m[2] = {2e-38f, -2e-38f}, v[2] = {2e-38f, 1};
    k->adam(2, w, g, m, v, NULL, 1, 0.1f, 0.9f, 0.999f, 1, 1, 1e-8f, 0, 0);
    ck_assert(m[0] == 0 && m[1] == 0 && v[0] == 0 && v[1] == 0.999f);
    m[0] = m[1] = -2e-38f;
    k->sgd(2, w, g, m, NULL, 1, 0.1f, 0.9f, 0, 0);
    ck_assert(m[0] == 0 && m[1] == 0);
}
END_TEST

START_TEST(test_tables) {
    ck_assert_ptr_nonnull(cpu_kernels_named("plain"));
    ck_assert_ptr_null(cpu_kernels_named("avx1024"));
    for (const kernels **k = math_tables(); *k; k++) {
        ck_assert_ptr_eq(cpu_kernels_named((*k)->name), *k);
        ck_assert_double_gt((*k)->peak(10), 0);
    }
}
END_TEST

TCase *math_values_case(void) {
    TCase *values = tcase_create("values");
    tcase_add_loop_test(values, test_accuracy, 0, sizeof map_rows / sizeof *map_rows);
    tcase_add_test(values, test_special_values);
    tcase_add_test(values, test_elementwise);
    tcase_add_test(values, test_reductions);
    tcase_add_test(values, test_colsum);
    tcase_add_test(values, test_softmax);
    tcase_add_test(values, test_norm_forward);
    tcase_add_test(values, test_norm_gradient);
    tcase_add_test(values, test_lstm);
    tcase_add_test(values, test_gru);
    tcase_add_test(values, test_mask);
    tcase_add_test(values, test_adam);
    tcase_add_test(values, test_sgd);
    tcase_add_test(values, test_moments);
    tcase_add_test(values, test_tables);
    return values;
}
