/* check_tape_memory: out of memory at every single place, and what a convolution holds. */
#include "check_tape.h"

/* ---- running out */

/* One forward and backward pass; false when memory ran out, which must be said and harm nothing. */
static bool survives(rig *r, const rig_case *c, int variant) {
    var v = rig_build(r, c, variant, true);
    ck_assert(!r->failed);
    ck_assert_msg((v != 0) == (r->t.status == 0), "%s %d: result %d, status %d", c->name, variant,
                  (int)v, r->t.status);
    tape_backward(&r->t, v);
    ck_assert(r->t.status == 0 || r->t.status == RILL_ENOMEM);
    if (r->t.status == 0) return true;
    ck_assert_int_eq(op_input(&r->t, 1, 1, NULL, false), 0); /* the failure stays */
    return false;
}

/* Blocks of 64 bytes and a limit that grows by 64: each allocation is the one that fails. */
static void sweep(const rig_case *c, int variant, bool scratch, bool params) {
    int failures = 0;
    for (bool done = false; !done; failures++) {
        rig r;
        rig_open(&r, RIG_SMALL);
        r.params = params;
        arena *a = scratch ? &r.t.scratch : &r.t.keep;
        a->block_size = 64;
        a->limit = 1 + 64 * (size_t)failures;
        done = survives(&r, c, variant);
        rig_close(&r);
    }
    if (!scratch) ck_assert_int_gt(failures, 1);
}

START_TEST(every_allocation_fails_once) {
    const rig_case *c = &rig_cases[_i];
    int step = c->variants > 64 ? 7 : 1;
    for (int variant = 0; variant < c->variants; variant += step) {
        for (int i = 0; i < 4; i++) sweep(c, variant, i / 2, i % 2);
    }
}
END_TEST

/* Operations on what a failed operation returned do nothing. */
START_TEST(failure_runs_through) {
    tape t = {.c.k = cpu_kernels(), .keep.limit = 1};
    arena own = {0};
    pack seq, out;
    const int32_t length[] = {2, 1};
    static const real x[6] = {0};
    ck_assert_int_eq(pack_make(&own, length, NULL, 2, &seq), 0);
    tape_reset(&t);
    var a = op_input(&t, 3, 2, x, true), b = op_tanh(&t, a);
    ck_assert(a != 0 && b == 0 && t.status == RILL_ENOMEM);
    const var parts[] = {a, b};
    const conv_spec conv = {1, 1, 1, false};
    const rnn_spec rnn = {.directions = 1, .hidden = 1, .w[0] = {.wx = a, .wh = b}};
    const entropy_spec entropy = {.groups = 1};
    const crf_spec crf = {0};
    const cross_spec cross = {.query = &seq, .key = &seq, .heads = 1};
    const var all[] = {op_add(&t, a, b),
                       op_mul(&t, b, a),
                       op_linear(&t, a, b, 0),
                       op_concat(&t, parts, 2),
                       op_slice(&t, b, 0, 1),
                       op_embed(&t, b, NULL, 0),
                       op_sum(&t, parts, 2),
                       op_relu(&t, b),
                       op_pool(&t, b, POOL_MAX, &seq),
                       op_attend(&t, a, b, &seq),
                       op_cross(&t, a, a, b, 0, &cross),
                       op_coverage(&t, b, 1),
                       op_dropout(&t, b, 0.5, 0, &seq, DROPOUT_ROWS),
                       op_rnn(&t, a, &rnn, &seq),
                       op_conv(&t, a, b, 0, &conv, &seq, &out),
                       op_crf(&t, a, a, b, &crf, &seq),
                       op_entropy(&t, a, b, 0, &entropy)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ck_assert_int_eq(all[i], 0);
    ck_assert_int_eq(out.total, 0);
    tape_backward(&t, 0);
    ck_assert_int_eq(t.status, RILL_ENOMEM);
    ck_assert_ptr_null(tape_value(&t, 0));
    tape_reset(&t);
    ck_assert_int_eq(t.status, 0);
    tape_free(&t);
    arena_free(&own);
}
END_TEST

/* ---- taps */

/* The taps of all rows stand side by side where training needs them, and nowhere else; the numbers
 * are the same. Sequences of all lengths, so that blocks end within them. */
START_TEST(convolution_in_blocks) {
    enum { SEQUENCES = 200, WIDTH = 64, INPUTS = 64, OUTPUTS = 4 };
    arena own = {0};
    pack seq, out;
    int32_t length[SEQUENCES];
    for (int i = 0; i < SEQUENCES; i++) length[i] = i % 40 == 7 ? 0 : i;
    ck_assert_int_eq(pack_make(&own, length, NULL, SEQUENCES, &seq), 0);
    size_t rows = (size_t)seq.total, taps = rows * WIDTH * INPUTS * sizeof(real);
    real *x = arena_alloc(&own, rows * INPUTS, sizeof *x), *grad = arena_zero(&own, 1, 1 << 16);
    real *w = arena_alloc(&own, OUTPUTS * WIDTH * INPUTS, sizeof *w);
    ck_assert(x && w && grad);
    for (size_t i = 0; i < rows * INPUTS; i++) x[i] = (real)(i * 37 % 101) / 150 - (real)0.3;
    for (size_t i = 0; i < OUTPUTS * WIDTH * INPUTS; i++) w[i] = (real)(i * 29 % 89) / 150;
    real *first = NULL;
    const conv_spec spec = {WIDTH, 1 + _i, 1, _i == 1};
    for (int record = 0; record < 2; record++) {
        tape t = {.c.k = cpu_kernels(), .record = record};
        tape_reset(&t);
        var v = op_conv(&t, op_input(&t, seq.total, INPUTS, x, false),
                        op_param(&t, OUTPUTS, WIDTH * INPUTS, w, record ? grad : NULL, NULL), 0,
                        &spec, &seq, &out);
        ck_assert(v);
        size_t size = (size_t)out.total * OUTPUTS * sizeof *first;
        if (record)
            ck_assert_mem_eq(first, tape_value(&t, v), size);
        else
            first = memcpy(arena_alloc(&own, size, 1), tape_value(&t, v), size);
        if (!record) ck_assert_uint_lt(t.keep.held + t.scratch.held, taps / 4);
        tape_free(&t);
    }
    arena_free(&own);
}
END_TEST

TCase *check_tape_memory(void) {
    TCase *c = tcase_create("memory");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, every_allocation_fails_once, 0, rig_case_count);
    tcase_add_test(c, failure_runs_through);
    tcase_add_loop_test(c, convolution_in_blocks, 0, 2);
    return c;
}
