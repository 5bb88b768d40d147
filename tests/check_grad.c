/* check_grad: every operation's gradient against central differences, in double.
 *
 * For an operation y = f(leaves) and fixed random numbers C the scalar L = sum C y is
 * differentiated twice: by tape_backward, which starts from the gradient C of y, and as
 *
 *     n = (4 D(h) - D(2h)) / 3,   D(h) = (L(x + h) - L(x - h)) / 2h,   h = 1e-4
 *
 * for every element of every leaf. (D(1e-5) alone is itself wrong by up to 2e-7: by curvature in
 * layer norm, by rounding in small elements. The combination has neither.) With a the gradient from
 * the tape, |a - n| / max(|a|, |n|, 1e-3 max|a|) stays below 1e-7. C and the sum are made here, so
 * no operation proves another. C begins with 1, since that is what tape_backward puts there (and
 * what a loss, [1,1], must get).
 *
 * Each case runs with its leaves as inputs and as parameters, and then with one leaf at a time, all
 * others frozen: an operation may not need the gradients that nobody asked for.
 */
#include "base/rng.h"
#include "tape_rig.h"
#include "test.h"

#include <math.h>

static const double STEP = 1e-4, TOLERANCE = 1e-7;

typedef struct bench {
    rig r;
    const rig_case *c;
    int variant;
    size_t size;      /* of y */
    double *c_values; /* [size] */
} bench;

static void bench_open(bench *b, const rig_case *c, int variant) {
    *b = (bench){.c = c, .variant = variant};
    rig_open(&b->r, RIG_SMALL);
    var v = rig_build(&b->r, c, variant, true);
    ck_assert_msg(v && !b->r.failed, "%s %d does not build", c->name, variant);
    const node *y = tape_node(&b->r.t, v);
    b->size = (size_t)y->rows * (size_t)y->cols;
    b->c_values = malloc(b->size * sizeof *b->c_values);
    ck_assert_ptr_nonnull(b->c_values);
    rng random = rng_make(3, 0, 0);
    for (size_t i = 0; i < b->size; i++) {
        b->c_values[i] = i == 0 ? 1 : 2 * rng_uniform(&random) - 1;
    }
}

static void bench_close(bench *b) {
    free(b->c_values);
    rig_close(&b->r);
}

/* One forward and backward pass; gradients stand in the leaves' slabs or on the tape. */
static void bench_run(bench *b) {
    var v = rig_build(&b->r, b->c, b->variant, true);
    ck_assert_msg(v != 0, "%s %d does not build", b->c->name, b->variant);
    ck_assert_int_eq(tape_node(&b->r.t, v)->kind, b->c->kind);
    real *seed = tape_flow(&b->r.t, v);
    if (!seed && b->r.chosen >= 0) return; /* y does not depend on the chosen leaf */
    ck_assert_ptr_nonnull(seed);
    for (size_t i = 0; i < b->size; i++) seed[i] = b->c_values[i];
    tape_backward(&b->r.t, v);
    ck_assert_int_eq(b->r.t.status, 0);
}

static size_t leaf_size(const rig_leaf *l) {
    return (size_t)l->rows * (size_t)l->cols;
}

/* D(step) of one element, from differences of y element by element: L itself would lose digits. */
static double difference(bench *b, double *x, double step, double *y) {
    double before = *x, up = before + step, down = before - step, sum = 0;
    *x = up;
    var v = rig_build(&b->r, b->c, b->variant, false);
    memcpy(y, tape_value(&b->r.t, v), b->size * sizeof *y);
    *x = down;
    v = rig_build(&b->r, b->c, b->variant, false);
    const double *low = tape_value(&b->r.t, v);
    for (size_t i = 0; i < b->size; i++) sum += b->c_values[i] * (y[i] - low[i]);
    *x = before;
    return sum / (up - down);
}

static void compare(bench *b, int number, const double *a) {
    rig_leaf *l = &b->r.leaf[number];
    double most = 0, *y = malloc(b->size * sizeof *y);
    ck_assert_ptr_nonnull(y);
    for (size_t i = 0; i < leaf_size(l); i++) most = fmax(most, fabs(a[i]));
    for (size_t i = 0; i < leaf_size(l); i++) {
        double near = difference(b, &l->value[i], STEP, y);
        double far = difference(b, &l->value[i], 2 * STEP, y), n = (4 * near - far) / 3;
        double scale = fmax(fmax(fabs(a[i]), fabs(n)), 1e-3 * most);
        ck_assert_msg(a[i] == n || fabs(a[i] - n) < TOLERANCE * scale,
                      "%s variant %d, leaf %d, element %zu: gradient %.12g, difference %.12g",
                      b->c->name, b->variant, number, i, a[i], n);
    }
    free(y);
}

/* The gradient of a leaf on the tape; zeros when nothing flowed into it. */
static double *tape_gradient(bench *b, int number) {
    size_t size = leaf_size(&b->r.leaf[number]);
    double *copy = calloc(size + 1, sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    const double *grad = tape_grad(&b->r.t, b->r.at[number]);
    if (grad) memcpy(copy, grad, size * sizeof *copy);
    return copy;
}

/* Parameters: the gradient is added to what stands in the slab. */
static void compare_slab(bench *b, double *const *expected) {
    const double there = 0.25;
    b->r.params = true;
    for (int k = 0; k < b->r.leaves; k++) {
        rig_leaf *l = &b->r.leaf[k];
        for (size_t i = 0; l->value && i < leaf_size(l); i++) l->grad[i] = there;
    }
    bench_run(b);
    for (int k = 0; k < b->r.leaves; k++) {
        rig_leaf *l = &b->r.leaf[k];
        for (size_t i = 0; l->value && i < leaf_size(l); i++) {
            double a = expected[k][i];
            ck_assert_msg(fabs(l->grad[i] - there - a) < 1e-12 * (1 + fabs(a)),
                          "%s variant %d, parameter %d, element %zu: %.12g, as an input %.12g",
                          b->c->name, b->variant, k, i, l->grad[i] - there, a);
        }
    }
    b->r.params = false;
}

/* Only one leaf wants a gradient; no other gets one. */
static void compare_alone(bench *b, int number, const double *expected, bool params) {
    rig_leaf *l = &b->r.leaf[number];
    memset(l->grad, 0, leaf_size(l) * sizeof *l->grad);
    b->r.chosen = number;
    b->r.params = params;
    bench_run(b);
    double *alone = tape_gradient(b, number);
    for (size_t i = 0; i < leaf_size(l); i++) {
        ck_assert_msg(fabs(alone[i] - expected[i]) < 1e-12 * (1 + fabs(expected[i])),
                      "%s variant %d, leaf %d alone, element %zu: %.12g, with others %.12g",
                      b->c->name, b->variant, number, i, alone[i], expected[i]);
    }
    for (int k = 0; k < b->r.leaves; k++) {
        if (k != number && b->r.leaf[k].value) ck_assert(!tape_grad(&b->r.t, b->r.at[k]));
    }
    free(alone);
    b->r.chosen = -1;
    b->r.params = false;
}

static void check_variant(const rig_case *c, int variant) {
    bench b;
    double *a[RIG_LEAVES] = {NULL};
    bench_open(&b, c, variant);
    bench_run(&b);
    for (int k = 0; k < b.r.leaves; k++) {
        if (b.r.leaf[k].value) a[k] = tape_gradient(&b, k);
    }
    for (int k = 0; k < b.r.leaves; k++) {
        if (a[k]) compare(&b, k, a[k]);
    }
    compare_slab(&b, a);
    for (int k = 0; k < b.r.leaves; k++) {
        if (!a[k]) continue;
        compare_alone(&b, k, a[k], false);
        compare_alone(&b, k, a[k], true);
        free(a[k]);
    }
    bench_close(&b);
}

START_TEST(gradients) {
    const rig_case *c = &rig_cases[_i];
    for (int variant = 0; variant < c->variants; variant++) check_variant(c, variant);
}
END_TEST

/* ---- the table covers ops.def: every operation, and every input of it */

enum { SLOTS = 32 };

typedef struct coverage {
    bool kind[OP_KINDS];
    int inputs[OP_KINDS];
    bool slot[OP_KINDS][SLOTS];
} coverage;

static void note_tape(const tape *t, coverage *seen) {
    for (size_t i = 1; i < t->count; i++) {
        const node *n = &t->nodes[i];
        seen->kind[n->kind] |= n->grad != NULL;
        ck_assert_int_le(n->inputs, SLOTS);
        if (n->inputs > seen->inputs[n->kind]) seen->inputs[n->kind] = n->inputs;
        for (int k = 0; k < n->inputs; k++) {
            seen->slot[n->kind][k] |= n->in[k] && t->nodes[n->in[k]].grad;
        }
    }
}

START_TEST(every_operation_has_a_case) {
    static coverage seen;
    for (int i = 0; i < rig_case_count; i++) {
        for (int variant = 0; variant < rig_cases[i].variants; variant++) {
            for (int params = 0; params < 2; params++) {
                bench b;
                bench_open(&b, &rig_cases[i], variant);
                b.r.params = params;
                bench_run(&b);
                note_tape(&b.r.t, &seen);
                bench_close(&b);
            }
        }
    }
    for (int kind = 0; kind < OP_KINDS; kind++) {
        ck_assert_msg(seen.kind[kind], "op_%s has no case", tape_op_name((op_kind)kind));
        for (int k = 0; k < seen.inputs[kind]; k++) {
            ck_assert_msg(seen.slot[kind][k], "no gradient flows into input %d of op_%s", k,
                          tape_op_name((op_kind)kind));
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("grad");
    TCase *cases = tcase_create("gradients");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, gradients, 0, rig_case_count);
    suite_add_tcase(suite, cases);
    TCase *cover = tcase_create("cover");
    tcase_set_timeout(cover, 120);
    tcase_add_test(cover, every_operation_has_a_case);
    suite_add_tcase(suite, cover);
    return test_run(suite);
}
