/* check_tape_same: an operation gives the same bytes for any number of threads, any kernel table,
 * with and without recording, in a batch and alone. Every case of the rig goes through. */
#include "check_tape.h"

#include "base/rng.h"

#include <math.h>

typedef struct result {
    size_t size;
    real *y;
    real *grad[RIG_LEAVES]; /* [leaf size], NULL without backward pass */
} result;

static size_t leaf_size(const rig_leaf *l) {
    return l->value ? (size_t)l->rows * (size_t)l->cols : 0;
}

/* `out` gets a copy of y, and of the gradients of the leaves when the pass is recorded. */
static void run(rig *r, const rig_case *c, int variant, bool record, result *out) {
    *out = (result){0};
    var v = rig_build(r, c, variant, record);
    ck_assert_msg(v && r->t.status == 0, "%s %d does not build", c->name, variant);
    const node *y = tape_node(&r->t, v);
    out->size = (size_t)y->rows * (size_t)y->cols;
    out->y = calloc(out->size + 1, sizeof(real));
    ck_assert_ptr_nonnull(out->y);
    memcpy(out->y, y->value, out->size * sizeof(real));
    if (!record) return;
    real *seed = tape_flow(&r->t, v);
    rng random = rng_make(4, 0, 0);
    for (size_t i = 0; i < out->size; i++) seed[i] = (real)(2 * rng_uniform(&random) - 1);
    tape_backward(&r->t, v);
    ck_assert_int_eq(r->t.status, 0);
    for (int k = 0; k < r->leaves; k++) {
        size_t size = leaf_size(&r->leaf[k]);
        out->grad[k] = calloc(size + 1, sizeof(real));
        ck_assert_ptr_nonnull(out->grad[k]);
        const real *from = size ? tape_grad(&r->t, r->at[k]) : NULL;
        if (from) memcpy(out->grad[k], from, size * sizeof(real));
    }
}

static void result_free(result *a) {
    free(a->y);
    for (int k = 0; k < RIG_LEAVES; k++) free(a->grad[k]);
}

static void same_values(const rig_case *c, int variant, const char *how, const result *a,
                        const result *b) {
    ck_assert_uint_eq(a->size, b->size);
    for (size_t i = 0; i < a->size; i++) {
        ck_assert_msg(memcmp(&a->y[i], &b->y[i], sizeof(real)) == 0, "%s %d, %s: y[%zu] %a not %a",
                      c->name, variant, how, i, (double)b->y[i], (double)a->y[i]);
    }
}

static void same_gradients(const rig *r, const rig_case *c, int variant, const char *how,
                           const result *a, const result *b) {
    for (int k = 0; k < r->leaves; k++) {
        ck_assert_msg(!memcmp(a->grad[k], b->grad[k], leaf_size(&r->leaf[k]) * sizeof(real)),
                      "%s %d, %s: gradient of leaf %d differs", c->name, variant, how, k);
    }
}

enum { POOLS = 3 }; /* 1, 2 and 4 threads */

static void same_with_threads(rig *r, const rig_case *c, int variant, pool *const *pools,
                              const result *expected) {
    for (int i = 0; i < POOLS; i++) {
        char how[64];
        result with, without;
        snprintf(how, sizeof how, "%d threads", pool_threads(pools[i]));
        r->t.c.pool = pools[i];
        run(r, c, variant, true, &with);
        run(r, c, variant, false, &without);
        same_values(c, variant, how, expected, &with);
        same_gradients(r, c, variant, how, expected, &with);
        snprintf(how, sizeof how, "%d threads, not recording", pool_threads(pools[i]));
        same_values(c, variant, how, expected, &without);
        result_free(&with);
        result_free(&without);
    }
    r->t.c.pool = NULL;
}

START_TEST(threads_and_recording) {
    const rig_case *c = &rig_cases[_i];
    pool *pools[POOLS];
    for (int i = 0; i < POOLS; i++) ck_assert_int_eq(pool_new(1 << i, &pools[i], NULL), 0);
    for (int variant = 0; variant < c->variants; variant += variant_step(c)) {
        rig r;
        result expected;
        rig_open(&r, RIG_BIG);
        run(&r, c, variant, true, &expected);
        same_with_threads(&r, c, variant, pools, &expected);
        result_free(&expected);
        rig_close(&r);
    }
    for (int i = 0; i < POOLS; i++) pool_free(pools[i]);
}
END_TEST

START_TEST(kernel_tables) {
    static const char *const names[] = {"avx512", "avx2", "plain"};
    const rig_case *c = &rig_cases[_i];
    for (int variant = 0; variant < c->variants; variant += variant_step(c)) {
        rig r;
        result expected;
        rig_open(&r, RIG_BIG);
        run(&r, c, variant, true, &expected);
        for (int i = 0; i < 3; i++) {
            const kernels *table = cpu_kernels_named(names[i]);
            if (!table) continue;
            result other;
            r.t.c.k = table;
            run(&r, c, variant, true, &other);
            same_values(c, variant, names[i], &expected, &other);
            same_gradients(&r, c, variant, names[i], &expected, &other);
            result_free(&other);
        }
        result_free(&expected);
        rig_close(&r);
    }
}
END_TEST

/* The rows of the sequences run one by one, in order, are the rows of the batch. */
START_TEST(batch_and_alone) {
    const rig_case *c = &rig_cases[_i];
    if (!c->parts) return; /* a loss is one number */
    for (int variant = 0; variant < c->variants; variant += variant_step(c)) {
        rig r;
        result all;
        size_t at = 0;
        rig_open(&r, RIG_BIG);
        run(&r, c, variant, false, &all);
        for (int b = 0; b < r.all.count; b++) {
            result one;
            rig_choose(&r, b);
            run(&r, c, variant, b % 2, &one);
            ck_assert_uint_le(at + one.size, all.size);
            ck_assert_msg(!memcmp(all.y + at, one.y, one.size * sizeof(real)),
                          "%s %d: sequence %d alone differs", c->name, variant, b);
            at += one.size;
            result_free(&one);
        }
        ck_assert_uint_eq(at, all.size);
        result_free(&all);
        rig_close(&r);
    }
}
END_TEST

/* One row, empty sequences, no sequence at all: values and gradients are finite. */
START_TEST(degenerate_batches) {
    static const rig_shape shapes[] = {RIG_ONE, RIG_EMPTY, RIG_NONE};
    const rig_case *c = &rig_cases[_i];
    for (int i = 0; i < 3 * c->variants; i++) {
        rig r;
        result a, b;
        rig_open(&r, shapes[i % 3]);
        run(&r, c, i / 3, true, &a);
        run(&r, c, i / 3, false, &b);
        same_values(c, i / 3, "degenerate", &a, &b);
        for (size_t k = 0; k < a.size; k++) ck_assert(isfinite(a.y[k]));
        for (int l = 0; l < r.leaves; l++) {
            for (size_t k = 0; k < leaf_size(&r.leaf[l]); k++) ck_assert(isfinite(a.grad[l][k]));
        }
        result_free(&a);
        result_free(&b);
        rig_close(&r);
    }
}
END_TEST

static void mount_weights(rig *r, rnn_weights *w, int G, int H, int inputs) {
    *w = (rnn_weights){.wx = rig_real(r, RIG_WHOLE, G, inputs),
                       .wh = rig_real(r, RIG_WHOLE, G, H),
                       .bx = rig_real(r, RIG_WHOLE, 1, G),
                       .bh = rig_real(r, RIG_WHOLE, 1, G)};
}

/* A row of x for each token, gathered from the shared rows, gives what sharing them gives. */
static void check_shared(rig *r, cell_kind cell, int directions) {
    enum { FORMS = 9, WIDE = 20 };
    rnn_spec s = {.cell = cell, .hidden = 21, .directions = directions, .site = 2};
    tape *t = &r->t;
    tape_reset(t);
    r->next = 0;
    var x = rig_real(r, RIG_WHOLE, FORMS, WIDE);
    int G = cell_gates(cell) * s.hidden;
    for (int d = 0; d < directions; d++) mount_weights(r, &s.w[d], G, s.hidden, WIDE);
    const int32_t *index = rig_numbers(r, RIG_ROWS, 0, 1, 0, FORMS - 1);
    var plain = op_rnn(t, op_embed(t, x, index, r->seq.total), &s, &r->seq);
    s.index = index;
    var shared = op_rnn(t, x, &s, &r->seq);
    ck_assert(plain && shared);
    size_t size = (size_t)r->seq.total * (size_t)(directions * s.hidden);
    ck_assert_msg(!memcmp(tape_value(t, plain), tape_value(t, shared), size * sizeof(real)),
                  "cell %d, %d directions", (int)cell, directions);
}

START_TEST(shared_rows) {
    for (int i = 0; i < 8; i++) {
        rig r;
        rig_open(&r, RIG_BIG);
        check_shared(&r, (cell_kind)(i / 2), 1 + i % 2);
        rig_close(&r);
    }
}
END_TEST

/* Inference works through many rows in windows of steps; recording takes them whole. */
START_TEST(long_sequences) {
    enum { H = 8, WIDE = 5, LONG = 2100 };
    static real x[(2 * LONG + 3) * WIDE], y[(2 * LONG + 3) * 2 * H];
    static const int32_t length[] = {LONG - 900, 1, LONG, 0, 900, 2};
    rig r;
    pack seq;
    rig_open(&r, RIG_NONE);
    ck_assert_int_eq(pack_make(&r.own, length, NULL, 6, &seq), 0);
    ck_assert_uint_eq((size_t)seq.total * WIDE, sizeof x / sizeof *x);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = (real)(i % 23) / 11 - 1;
    for (int i = 0; i < 16; i++) {
        rnn_spec s = {.cell = (cell_kind)(i / 4), .hidden = H, .directions = 1 + i / 2 % 2};
        int G = cell_gates(s.cell) * H;
        r.t.record = i % 2 == 0;
        tape_reset(&r.t);
        r.next = r.leaves = 0;
        var in = op_input(&r.t, seq.total, WIDE, x, true);
        for (int d = 0; d < s.directions; d++) mount_weights(&r, &s.w[d], G, H, WIDE);
        var v = op_rnn(&r.t, in, &s, &seq);
        ck_assert(v != 0);
        size_t size = (size_t)seq.total * (size_t)(s.directions * H) * sizeof *y;
        if (r.t.record)
            memcpy(y, tape_value(&r.t, v), size);
        else
            ck_assert_msg(!memcmp(y, tape_value(&r.t, v), size), "case %d", i);
    }
    rig_close(&r);
}
END_TEST

TCase *check_tape_same(void) {
    TCase *c = tcase_create("same bytes");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, threads_and_recording, 0, rig_case_count);
    tcase_add_loop_test(c, kernel_tables, 0, rig_case_count);
    tcase_add_loop_test(c, batch_and_alone, 0, rig_case_count);
    tcase_add_loop_test(c, degenerate_batches, 0, rig_case_count);
    tcase_add_test(c, shared_rows);
    tcase_add_test(c, long_sequences);
    return c;
}
