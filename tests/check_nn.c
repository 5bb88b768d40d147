/* Check suite of the nn floor: the slab, layers and their names, optimisers, schedules, averages. */
#include "base/rng.h"
#include "nn/layer.h"
#include "nn/optim.h"
#include "test.h"

#include <math.h>

static compute serial(void) { return (compute){.k = cpu_kernels()}; }

/* ---- the slab */

START_TEST(slab_is_aligned_and_padded_with_zeros) {
    params p = {0};
    int number = -1;
    ck_assert_int_eq(params_add(&p, &number, 3, 5, INIT_NORMAL, 1, "a"), 0);
    ck_assert_int_eq(params_add(&p, &number, 1, 7, INIT_ONE, 1, "b"), 0);
    ck_assert_int_eq(number, 1);
    ck_assert_int_eq(params_add(&p, &number, 2, 16, INIT_XAVIER, 1, "c"), 0);
    ck_assert_int_eq(params_alloc(&p, true), 0);
    ck_assert_int_eq(params_init(&p, 7), 0);
    ck_assert_uint_eq(p.size, 16 + 16 + 32);
    ck_assert_uint_eq(params_weights(&p), 15 + 7 + 32);
    for (int i = 0; i < 3; i++) ck_assert_uint_eq((uintptr_t)params_value(&p, i) % 64, 0);
    ck_assert(p.value[15] == 0);
    for (int i = 0; i < 7; i++) ck_assert(params_value(&p, 1)[i] == 1);
    for (int i = 7; i < 16; i++) ck_assert(params_value(&p, 1)[i] == 0);
    params_free(&p);
}
END_TEST

START_TEST(weights_are_a_function_of_seed_and_number) {
    params a = {0}, b = {0};
    params *both[] = {&a, &b};
    for (int i = 0; i < 2; i++) {
        int number;
        ck_assert_int_eq(params_add(both[i], &number, 4, 4, INIT_NORMAL, 0.1, "x"), 0);
        ck_assert_int_eq(params_table(both[i], &number, 4, 4, 0.1, "y"), 0);
        ck_assert_int_eq(params_alloc(both[i], false), 0);
        ck_assert_int_eq(params_init(both[i], 11), 0);
    }
    ck_assert_mem_eq(a.value, b.value, a.size * sizeof(real));
    ck_assert_mem_ne(params_value(&a, 0), params_value(&a, 1), 16 * sizeof(real));
    memset(b.value, 0, b.size * sizeof(real));
    ck_assert_int_eq(params_init(&b, 12), 0);
    ck_assert_mem_ne(a.value, b.value, 16 * sizeof(real));
    params_free(&a);
    params_free(&b);
}
END_TEST

START_TEST(orthogonal_blocks_are_rotations) {
    enum { H = 12, BLOCKS = 4 };
    params p = {0};
    int number;
    ck_assert_int_eq(params_add(&p, &number, BLOCKS * H, H, INIT_ORTHOGONAL, 1, "w"), 0);
    ck_assert_int_eq(params_alloc(&p, false), 0);
    ck_assert_int_eq(params_init(&p, 3), 0);
    for (int block = 0; block < BLOCKS; block++) {
        const real *w = p.value + block * H * H;
        for (int i = 0; i < H; i++) {
            for (int j = 0; j < H; j++) {
                double dot = 0;
                for (int d = 0; d < H; d++) dot += (double)w[i * H + d] * (double)w[j * H + d];
                ck_assert_double_eq_tol(dot, i == j, 1e-5);
            }
        }
    }
    params_free(&p);
}
END_TEST

/* Row after row, the textbook's way: the bits of the start are those, however they are computed. */
START_TEST(orthogonal_start_is_modified_gram_schmidt) {
    enum { H = 21, ROWS = 13 };
    static double w[ROWS][H];
    params p = {0};
    int number;
    ck_assert_int_eq(params_add(&p, &number, ROWS, H, INIT_ORTHOGONAL, 0.5, "w"), 0);
    ck_assert_int_eq(params_alloc(&p, false), 0);
    ck_assert_int_eq(params_init(&p, 3), 0);
    rng random = rng_make(3, (uint64_t)number, 0);
    for (int i = 0; i < ROWS * H; i++) w[i / H][i % H] = rng_normal(&random);
    for (int i = 0; i < ROWS; i++) {
        double square = 0;
        for (int j = 0; j < i; j++) {
            double dot = 0;
            for (int d = 0; d < H; d++) dot += w[i][d] * w[j][d];
            for (int d = 0; d < H; d++) w[i][d] -= dot * w[j][d];
        }
        for (int d = 0; d < H; d++) square += w[i][d] * w[i][d];
        for (int d = 0; d < H; d++) w[i][d] *= 1 / sqrt(square);
        for (int d = 0; d < H; d++) ck_assert(p.value[i * H + d] == (real)(0.5 * w[i][d]));
    }
    params_free(&p);
}
END_TEST

START_TEST(names_and_sizes_out_of_bounds_are_refused) {
    params p = {0};
    char name[2 * PARAM_NAME];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    int number;
    ck_assert_int_eq(params_add(&p, &number, 1, 1, INIT_ZERO, 0, "%s", name), RILL_ELIMIT);
    ck_assert_int_eq(params_add(&p, &number, -1, 1, INIT_ZERO, 0, "w"), RILL_ELIMIT);
    ck_assert_uint_eq(p.count, 0);
    params_free(&p);
}
END_TEST

/* ---- layers */

START_TEST(stacks_have_the_names_of_pytorch) {
    params p = {0};
    rnn_stack s;
    const rnn_config c = {.cell = CELL_LSTM, .inputs = 5, .hidden = 3, .layers = 2, .both = true,
                          .norm = true};
    const char *const first[] = {"r.weight_ih_l0", "r.weight_hh_l0", "r.bias_ih_l0", "r.bias_hh_l0",
                                 "r.norm_ih_l0", "r.norm_hh_l0", "r.norm_cell_l0",
                                 "r.norm_cell_bias_l0", "r.weight_ih_l0_reverse"};
    ck_assert_int_eq(rnn_stack_add(&p, "r", &c, &s), 0);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        ck_assert_str_eq(p.list[i].name, first[i]);
    }
    ck_assert_uint_eq(p.count, 32);
    ck_assert_int_eq(p.list[0].rows, 12);
    ck_assert_int_eq(p.list[0].cols, 5);
    ck_assert_int_eq(p.list[16].cols, 6); /* the second layer reads both directions */
    ck_assert_int_eq(p.list[6].cols, 3);
    params_free(&p);
}
END_TEST

/* However many gates there are, all of them together keep the length of a state: wh' wh = 1. Recurrent
 * weights that start larger drown the input: attention then begins to work much later. */
START_TEST(recurrent_weights_start_as_one_map_that_keeps_lengths) {
    static const cell_kind cells[] = {CELL_TANH, CELL_RELU, CELL_LSTM, CELL_GRU};
    enum { H = 7 };
    for (int i = 0; i < 4; i++) {
        params p = {0};
        rnn_stack s;
        const rnn_config c = {.cell = cells[i], .inputs = 2, .hidden = H, .layers = 1};
        ck_assert_int_eq(rnn_stack_add(&p, "r", &c, &s), 0);
        ck_assert_int_eq(params_alloc(&p, false), 0);
        ck_assert_int_eq(params_init(&p, 5), 0);
        const real *w = params_value(&p, s.w[0][0].wh);
        for (int a = 0; a < H; a++) {
            for (int b = 0; b < H; b++) {
                double dot = 0;
                for (int g = 0; g < cell_gates(cells[i]) * H; g++) {
                    dot += (double)w[g * H + a] * (double)w[g * H + b];
                }
                ck_assert_double_eq_tol(dot, a == b, 1e-5);
            }
        }
        params_free(&p);
    }
}
END_TEST

START_TEST(too_many_layers_are_refused) {
    params p = {0};
    rnn_stack s;
    const rnn_config c = {.cell = CELL_GRU, .inputs = 1, .hidden = 1, .layers = RNN_LAYERS + 1};
    ck_assert_int_eq(rnn_stack_add(&p, "r", &c, &s), RILL_ELIMIT);
    params_free(&p);
}
END_TEST

/* Packed weights (inference) give the bytes of weights packed on the fly (training). */
START_TEST(packed_weights_give_the_same_bytes) {
    params p = {0};
    rnn_stack s;
    linear out;
    const rnn_config c = {.cell = CELL_GRU, .inputs = 4, .hidden = 9, .layers = 2, .both = true,
                          .residual = true};
    ck_assert_int_eq(rnn_stack_add(&p, "r", &c, &s), 0);
    ck_assert_int_eq(linear_add(&p, "o", 18, 3, true, &out), 0);
    ck_assert_int_eq(params_alloc(&p, false), 0);
    ck_assert_int_eq(params_init(&p, 5), 0);
    tape t = {.c = serial()};
    real x[6 * 4], y[2][6 * 3];
    for (int i = 0; i < 24; i++) x[i] = (real)(i % 7 - 3) / 3;
    for (int round = 0; round < 2; round++) {
        pack seq;
        tape_reset(&t);
        ck_assert_int_eq(pack_make(&t.keep, (const int32_t[]){2, 3, 1}, NULL, 3, &seq), 0);
        var v = rnn_stack_run(&s, &p, &t, op_input(&t, 6, 4, x, false), &seq, NULL);
        v = linear_run(&out, &p, &t, v);
        ck_assert_int_ne(v, 0);
        memcpy(y[round], tape_value(&t, v), sizeof y[round]);
        if (round == 0) ck_assert_int_eq(params_pack(&p, &t.c), 0);
    }
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    tape_free(&t);
    params_free(&p);
}
END_TEST

/* Of matrices that a product reads there are panels, of tables and vectors none. */
START_TEST(tables_are_not_packed) {
    enum { ROWS = 1000, COLS = 100 };
    params p = {0}, other = {0};
    linear map;
    int table;
    const compute c = serial();
    ck_assert_int_eq(params_table(&p, &table, ROWS, COLS, 0.1, "table"), 0);
    ck_assert_int_eq(linear_add(&p, "map", COLS, 3, true, &map), 0);
    ck_assert_int_eq(params_alloc(&p, false), 0);
    ck_assert_int_eq(params_init(&p, 5), 0);
    ck_assert_int_eq(params_pack(&p, &c), 0);
    ck_assert_ptr_null(p.packed[table].data);
    ck_assert_ptr_null(p.packed[map.bias].data);
    ck_assert_ptr_eq(p.packed[map.weight].data, p.packed_data);
    /* The same over other weights: nothing of p changes hands. */
    real *weights = calloc(p.size, sizeof *weights);
    ck_assert_ptr_nonnull(weights);
    ck_assert_int_eq(params_borrow(&p, weights, &c, &other), 0);
    ck_assert_ptr_eq(other.value, weights);
    ck_assert_ptr_ne(other.packed_data, p.packed_data);
    ck_assert(other.packed[map.weight].data[0] == 0 && p.packed[map.weight].data[0] != 0);
    params_return(&other);
    params_return(&other);
    free(weights);
    params_free(&p);
}
END_TEST

/* ---- optimisers, against the textbook in double */

enum { WEIGHTS = 40, STEPS = 25 };

typedef struct textbook {
    double w[WEIGHTS], m[WEIGHTS], v[WEIGHTS], ema[WEIGHTS];
} textbook;

static double gradient_at(int step, int i) { return sin(step * 0.7 + i) * (i % 3 + 1); }

static void textbook_step(textbook *b, const optim_config *c, int step, double rate, double scale) {
    double norm = 0, n = step + 1, keep = fmin(c->ema, (1 + n) / (10 + n));
    for (int i = 0; i < WEIGHTS; i++) norm += pow(gradient_at(step, i) * scale, 2);
    norm = sqrt(norm);
    if (c->clip > 0 && norm > c->clip) scale *= c->clip / norm;
    for (int i = 0; i < WEIGHTS; i++) {
        double g = gradient_at(step, i) * scale;
        if (c->kind != OPTIM_ADAMW) g += c->decay * b->w[i];
        if (c->kind == OPTIM_SGD) {
            b->m[i] = c->momentum * b->m[i] + g;
            b->w[i] -= rate * b->m[i];
        } else {
            b->m[i] = c->beta1 * b->m[i] + (1 - c->beta1) * g;
            b->v[i] = c->beta2 * b->v[i] + (1 - c->beta2) * g * g;
            double up = b->m[i] / (1 - pow(c->beta1, n)), down = b->v[i] / (1 - pow(c->beta2, n));
            double decay = c->kind == OPTIM_ADAMW ? c->decay * b->w[i] : 0;
            b->w[i] -= rate * (up / (sqrt(down) + c->epsilon) + decay);
        }
        b->ema[i] = keep * b->ema[i] + (1 - keep) * b->w[i];
    }
}

static void optimiser_follows_textbook(optim_kind kind) {
    const optim_config c = {.kind = kind, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.98,
                            .epsilon = 1e-8, .decay = 0.02, .clip = 1.5, .ema = 0.8};
    params p = {0};
    optim o;
    textbook b = {0};
    const compute s = serial();
    int number;
    ck_assert_int_eq(params_add(&p, &number, 4, 10, INIT_NORMAL, 1, "w"), 0);
    ck_assert_int_eq(params_alloc(&p, true), 0);
    ck_assert_int_eq(params_init(&p, 9), 0);
    ck_assert_int_eq(optim_new(&o, &c, &p), 0);
    for (int i = 0; i < WEIGHTS; i++) b.w[i] = b.ema[i] = (double)p.value[i];
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < WEIGHTS; i++) p.grad[i] = (real)gradient_at(step, i);
        ck_assert(optim_step(&o, &p, &s, 0.01, 0.5) > 0);
        textbook_step(&b, &c, step, 0.01, 0.5);
    }
    for (int i = 0; i < WEIGHTS; i++) {
        ck_assert_double_eq_tol((double)p.value[i], b.w[i], 2e-5);
        ck_assert_double_eq_tol((double)o.ema[i], b.ema[i], 2e-5);
        ck_assert(p.grad[i] == 0);
    }
    optim_free(&o);
    params_free(&p);
}

START_TEST(optimisers_follow_the_textbook) { optimiser_follows_textbook((optim_kind)_i); }
END_TEST

START_TEST(a_gradient_that_is_not_finite_changes_nothing) {
    const optim_config c = {.kind = OPTIM_ADAMW, .beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-8};
    params p = {0};
    optim o;
    const compute s = serial();
    int number;
    ck_assert_int_eq(params_add(&p, &number, 1, 16, INIT_ONE, 1, "w"), 0);
    ck_assert_int_eq(params_alloc(&p, true), 0);
    ck_assert_int_eq(params_init(&p, 1), 0);
    ck_assert_int_eq(optim_new(&o, &c, &p), 0);
    p.grad[3] = (real)NAN;
    ck_assert(!isfinite(optim_step(&o, &p, &s, 0.1, 1)));
    ck_assert_int_eq(o.step, 0);
    for (int i = 0; i < 16; i++) ck_assert(p.value[i] == 1);
    optim_free(&o);
    params_free(&p);
}
END_TEST

/* ---- schedules */

static const struct {
    schedule s;
    int64_t step;
    double rate;
} schedule_cases[] = {
    {{SCHEDULE_CONSTANT, 2, 0, 100, 0.1, 1}, 50, 2},
    {{SCHEDULE_CONSTANT, 2, 10, 100, 0.1, 1}, 4, 1},
    {{SCHEDULE_COSINE, 2, 10, 110, 0.1, 1}, 10, 2},
    {{SCHEDULE_COSINE, 2, 10, 110, 0.1, 1}, 60, 1.1},
    {{SCHEDULE_COSINE, 2, 10, 110, 0.1, 1}, 110, 0.2},
    {{SCHEDULE_COSINE, 2, 10, 110, 0.1, 1}, 500, 0.2},
    {{SCHEDULE_LINEAR, 2, 0, 100, 0, 1}, 25, 1.5},
    {{SCHEDULE_INVERSE_SQRT, 2, 16, 0, 0, 1}, 63, 1},
    {{SCHEDULE_PLATEAU, 2, 0, 0, 0, 0.25}, 7, 0.5},
};

START_TEST(schedules_have_known_values) {
    double rate = schedule_rate(&schedule_cases[_i].s, schedule_cases[_i].step);
    ck_assert_double_eq_tol(rate, schedule_cases[_i].rate, 1e-12);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("nn");
    TCase *tests = tcase_create("nn");
    tcase_add_test(tests, slab_is_aligned_and_padded_with_zeros);
    tcase_add_test(tests, weights_are_a_function_of_seed_and_number);
    tcase_add_test(tests, orthogonal_blocks_are_rotations);
    tcase_add_test(tests, orthogonal_start_is_modified_gram_schmidt);
    tcase_add_test(tests, names_and_sizes_out_of_bounds_are_refused);
    tcase_add_test(tests, stacks_have_the_names_of_pytorch);
    tcase_add_test(tests, recurrent_weights_start_as_one_map_that_keeps_lengths);
    tcase_add_test(tests, too_many_layers_are_refused);
    tcase_add_test(tests, packed_weights_give_the_same_bytes);
    tcase_add_test(tests, tables_are_not_packed);
    tcase_add_loop_test(tests, optimisers_follow_the_textbook, OPTIM_SGD, OPTIM_ADAMW + 1);
    tcase_add_test(tests, a_gradient_that_is_not_finite_changes_nothing);
    tcase_add_loop_test(tests, schedules_have_known_values, 0,
                        sizeof schedule_cases / sizeof *schedule_cases);
    suite_add_tcase(suite, tests);
    return test_run(suite);
}
