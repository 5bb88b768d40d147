/* check_math_product: packed products, weight gradients and the pooled loops: right values, and the
 * same bytes for every number of threads.
 */
#include "check_math.h"

#include "math/gemm.h"
#include "math/panel.h"
#include "math/vmath.h"
#include <cblas.h>
#include <math.h>

static real *numbers(scene *s, int size) {
    return scene_numbers(s, (size_t)size);
}

static real *zeros(scene *s, int size) {
    return scene_zeros(s, (size_t)size);
}

/* Runs with no pool, then with 1 to 3 threads. */
enum { POOLS = 4 };
static compute compute_with(int threads) {
    compute c = {cpu_kernels(), NULL};
    if (threads) ck_assert_int_eq(pool_new(threads, &c.pool, NULL), 0);
    return c;
}

/* 64-byte aligned, as panels demand. */
static real *packed_room(int outputs, int depth) {
    size_t bytes = panel_size(outputs, depth) * sizeof(real);
    real *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
    ck_assert_ptr_nonnull(data);
    memset(data, 0xff, bytes); /* NaN until packed */
    return data;
}

START_TEST(test_pack) {
    uint64_t seed = test_seed("pack");
    for (int outputs = 1; outputs < 140; outputs += 1 + outputs / 8) {
        for (int depth = 1; depth < 40; depth += 3) {
            scene s = scene_make(seed++, false);
            const bool turn = depth % 2;
            const int ldw = (turn ? outputs : depth) + 2;
            real *w = numbers(&s, ldw * (turn ? depth : outputs));
            real *data = packed_room(outputs, depth);
            compute c = compute_with(depth % POOLS);
            panel_pack(&c, outputs, depth, w, ldw, turn, data);
            for (int i = 0; i < (int)panel_size(outputs, depth); i++) {
                int o = i / (PANEL * depth) * PANEL + i % PANEL, k = i / PANEL % depth;
                real want = o >= outputs ? 0 : turn ? w[k * ldw + o] : w[o * ldw + k];
                ck_assert(data[i] == want);
            }
            pool_free(c.pool);
            free(data);
            scene_free(&s);
        }
    }
}
END_TEST

static const struct product_row {
    int n, depth, outputs;
} product_rows[] = {
    {0, 5, 9},     {1, 1, 1},     {1, 7, 40},      {2, 33, 64},    {3, 16, 31},
    {5, 64, 97},   {7, 20, 130},  {13, 9, 32},     {14, 9, 33},    {15, 40, 80},
    {29, 31, 257}, {43, 17, 5},   {200, 70, 10},   {70, 300, 500}, {300, 300, 60},
    {64, 512, 40}, {1, 300, 700}, {131, 1100, 33}, {9, 2500, 20},
};
enum { PRODUCT_ROWS = sizeof product_rows / sizeof *product_rows };

/* One accumulator, k in order, fused: the very bits are known. */
static real product_cell(const real *x, const real *w, int depth, real start) {
    for (int k = 0; k < depth; k++) start = fmaf(x[k], w[k], start);
    return start;
}

/* Columns of y past the outputs must keep what they hold. */
static void product_check(const struct product_row *p, const compute *c, scene *s,
                          const real *packed, const real *w, bool add, const real *bias) {
    int n = p->n, K = p->depth, O = p->outputs, ldx = K + 1, ldy = O + 3;
    real *x = numbers(s, n * ldx), *y = numbers(s, n * ldy), *was = zeros(s, n * ldy);
    memcpy(was, y, (size_t)(n * ldy) * sizeof *y);
    const panels panels_w = {O, K, packed};
    panel_multiply(c, n, x, ldx, &panels_w, bias, y, ldy, add);
    for (int i = 0; i < n * ldy; i++) {
        int row = i / ldy, o = i % ldy;
        real want = was[i];
        if (o < O) {
            real start = add ? was[i] : bias ? bias[o] : 0;
            want = product_cell(x + row * ldx, w + o * K, K, start);
        }
        ck_assert_msg(y[i] == want, "n %d K %d O %d: row %d output %d: %a, expected %a", n, K, O,
                      row, o, (double)y[i], (double)want);
    }
}

START_TEST(test_multiply) {
    const struct product_row *p = &product_rows[_i];
    uint64_t seed = test_seed("multiply");
    for (int threads = 0; threads < POOLS; threads++) {
        scene s = scene_make(seed, false);
        compute c = compute_with(threads);
        real *w = numbers(&s, p->outputs * p->depth), *bias = numbers(&s, p->outputs);
        real *packed = packed_room(p->outputs, p->depth);
        panel_pack(&c, p->outputs, p->depth, w, p->depth, false, packed);
        product_check(p, &c, &s, packed, w, false, bias);
        product_check(p, &c, &s, packed, w, false, NULL);
        product_check(p, &c, &s, packed, w, true, bias);
        free(packed);
        pool_free(c.pool);
        scene_free(&s);
    }
}
END_TEST

/* ---- weight gradients */

static const struct outer_row {
    int n, outputs, inputs;
} outer_rows[] = {
    {0, 40, 50},   {1, 3, 2},    {2, 400, 300}, {5, 17, 33},    {37, 100, 100},  {64, 600, 70},
    {64, 70, 600}, {33, 1, 700}, {33, 2100, 1}, {90, 520, 516}, {300, 16, 1030}, {19, 31, 33},
    {777, 33, 65}, /* chunks of rows */
};
enum { OUTER_ROWS = sizeof outer_rows / sizeof *outer_rows };

static void outer_check(const struct outer_row *p, const scene *s, int ldy, int ldx, int ldw) {
    const real *dy = s->array[0].data, *x = s->array[1].data;
    const real *dw = s->array[2].data, *was = s->array[3].data;
    for (int i = 0; i < p->outputs * ldw; i++) {
        int o = i / ldw, column = i % ldw;
        double want = (double)was[i], size = 1;
        if (column >= p->inputs) {
            ck_assert(dw[i] == was[i]);
            continue;
        }
        for (int row = 0; row < p->n; row++) {
            double product = (double)dy[row * ldy + o] * (double)x[row * ldx + column];
            want += product;
            size += fabs(product);
        }
        ck_assert_double_le(fabs((double)dw[i] - want), 1e-6 * size);
    }
}

START_TEST(test_outer) {
    const struct outer_row *p = &outer_rows[_i];
    uint64_t seed = test_seed("outer");
    int ldy = p->outputs + 1, ldx = p->inputs + 2, ldw = p->inputs + 3;
    scene first = scene_make(0, false);
    for (int threads = 0; threads < POOLS; threads++) {
        scene s = scene_make(seed, false);
        compute c = compute_with(threads);
        real *dy = numbers(&s, p->n * ldy), *x = numbers(&s, p->n * ldx);
        real *dw = numbers(&s, p->outputs * ldw), *was = zeros(&s, p->outputs * ldw);
        memcpy(was, dw, (size_t)(p->outputs * ldw) * sizeof *was);
        real *room = calloc(gemm_room(&c, p->n, p->outputs, p->inputs) + 1, sizeof *room);
        ck_assert_ptr_nonnull(room);
        gemm_outer(&c, p->n, dy, ldy, p->outputs, x, ldx, p->inputs, dw, ldw, room);
        free(room);
        pool_free(c.pool);
        if (threads == 0) {
            outer_check(p, &s, ldy, ldx, ldw);
            first = s;
        } else {
            ck_assert(scene_same(&first, &s, "threads"));
            scene_free(&s);
        }
    }
    scene_free(&first);
}
END_TEST

/* OpenBLAS as an oracle where plain loops would take too long: sizes of a real training step. */
START_TEST(test_products_of_blas) {
    enum { N = 500, K = 556, O = 1024 };
    scene s = scene_make(test_seed("products of BLAS"), false);
    real *x = numbers(&s, N * K), *w = numbers(&s, O * K), *y = zeros(&s, N * O), *want = zeros(&s, N * O);
    real *dw = numbers(&s, O * K), *want_dw = zeros(&s, O * K), *packed = packed_room(O, K);
    compute c = compute_with(2);
    openblas_set_num_threads(1);
    panel_pack(&c, O, K, w, K, false, packed);
    panel_multiply(&c, N, x, K, &(panels){O, K, packed}, NULL, y, O, false);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, N, O, K, 1, x, K, w, K, 0, want, O);
    for (int i = 0; i < N * O; i++) ck_assert_double_le(fabs((double)(y[i] - want[i])), 1e-3);
    memcpy(want_dw, dw, (size_t)(O * K) * sizeof *dw);
    real *room = calloc(gemm_room(&c, N, O, K), sizeof *room);
    ck_assert_ptr_nonnull(room);
    gemm_outer(&c, N, y, O, O, x, K, K, dw, K, room);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, O, K, N, 1, y, O, x, K, 1, want_dw, K);
    for (int i = 0; i < O * K; i++) {
        ck_assert_double_le(fabs((double)(dw[i] - want_dw[i])), 1e-5 * fabs((double)want_dw[i]) + 2e-2);
    }
    free(room);
    free(packed);
    pool_free(c.pool);
    scene_free(&s);
}
END_TEST

/* ---- pooled loops */

static void count_range(void *data, int64_t begin, int64_t end) {
    char *seen = data;
    for (int64_t i = begin; i < end; i++) seen[i]++;
}

START_TEST(test_blocks) {
    for (int threads = 0; threads < POOLS; threads++) {
        compute c = compute_with(threads);
        for (int n = 0; n < 300; n += 7) {
            char seen[300] = {0};
            vmath_blocks(&c, n, 1 + n % 50, count_range, seen);
            for (int i = 0; i < 300; i++) ck_assert_int_eq(seen[i], i < n);
        }
        pool_free(c.pool);
    }
}
END_TEST

START_TEST(test_pooled_sums) {
    scene s = scene_make(test_seed("pooled sums"), false);
    enum { N = 301, D = 1003, SIZE = N * D };
    real *x = numbers(&s, SIZE), *want = zeros(&s, D);
    compute alone = compute_with(0);
    alone.k->colsum(N, D, x, D, want);
    double squares = 0, first = vmath_sumsq(&alone, SIZE, x);
    for (int i = 0; i < SIZE; i++) squares += (double)x[i] * (double)x[i];
    ck_assert_double_le(fabs(first / squares - 1), 1e-6);
    ck_assert(vmath_sumsq(&alone, 0, x) == 0);
    for (int threads = 0; threads < POOLS; threads++) {
        compute c = compute_with(threads);
        real *y = zeros(&s, D);
        vmath_colsum(&c, N, D, x, D, y);
        ck_assert_int_eq(memcmp(y, want, D * sizeof *y), 0);
        ck_assert(vmath_sumsq(&c, SIZE, x) == first);
        pool_free(c.pool);
    }
    /* More blocks than one batch holds. */
    real *ones = zeros(&s, 3 << 20);
    for (int i = 0; i < 3 << 20; i++) ones[i] = 1;
    ck_assert(vmath_sumsq(&alone, 3 << 20, ones) == 3 << 20);
    scene_free(&s);
}
END_TEST

TCase *math_product_case(void) {
    TCase *products = tcase_create("products");
    tcase_set_timeout(products, 60);
    tcase_add_test(products, test_pack);
    tcase_add_loop_test(products, test_multiply, 0, PRODUCT_ROWS);
    tcase_add_loop_test(products, test_outer, 0, OUTER_ROWS);
    tcase_add_test(products, test_products_of_blas);
    tcase_add_test(products, test_blocks);
    tcase_add_test(products, test_pooled_sums);
    return products;
}
