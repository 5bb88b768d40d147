/* check_tape_crf: partition function, marginals, Viterbi, k best and loss against the enumeration
 * of every label sequence of small chains. */
#include "check_tape.h"

#include "base/rng.h"

#include <math.h>

enum { MOST_T = 5, MOST_K = 4, MOST_PATHS = 1024 /* 4^5 */, MOST_BEST = 1100 };

typedef struct problem {
    int T, K;
    real x[MOST_T * MOST_K], trans[MOST_K * MOST_K], ends[2 * MOST_K];
    uint8_t allowed[(MOST_K + 2) * (MOST_K + 2)];
    bool rules; /* allowed is in force */
} problem;

typedef struct path {
    double score;
    int32_t y[MOST_T];
} path;

static const uint8_t *rules_of(const problem *p) {
    return p->rules ? p->allowed : NULL;
}

/* About `forbidden` of 10 steps are forbidden. */
static problem make_problem(rng *random, int T, int K, int forbidden) {
    problem p = {.T = T, .K = K, .rules = forbidden > 0};
    for (int i = 0; i < T * K; i++) p.x[i] = (real)rng_normal(random);
    for (int i = 0; i < K * K; i++) p.trans[i] = (real)rng_normal(random);
    for (int i = 0; i < 2 * K; i++) p.ends[i] = (real)rng_normal(random);
    for (int i = 0; i < (K + 2) * (K + 2); i++) {
        p.allowed[i] = rng_below(random, 10) >= (uint64_t)forbidden;
    }
    return p;
}

static bool step_allowed(const problem *p, int from, int to) {
    return !p->rules || p->allowed[from * (p->K + 2) + to];
}

/* Score of a label sequence, -INFINITY when a step is forbidden. */
static double score_of(const problem *p, const int32_t *y) {
    double score = (double)p->ends[y[0]] + (double)p->ends[p->K + y[p->T - 1]];
    bool legal = step_allowed(p, p->K, y[0]) && step_allowed(p, y[p->T - 1], p->K + 1);
    for (int t = 0; t < p->T; t++) {
        score += (double)p->x[t * p->K + y[t]];
        if (t == 0) continue;
        score += (double)p->trans[y[t - 1] * p->K + y[t]];
        legal = legal && step_allowed(p, y[t - 1], y[t]);
    }
    return legal ? score : -INFINITY;
}

/* All legal label sequences; returns how many. */
static int enumerate(const problem *p, path *all) {
    int total = 1, count = 0;
    for (int t = 0; t < p->T; t++) total *= p->K;
    for (int i = 0; i < total; i++) {
        path one;
        for (int t = 0, rest = i; t < p->T; t++, rest /= p->K) one.y[t] = rest % p->K;
        one.score = score_of(p, one.y);
        if (one.score > -INFINITY) all[count++] = one;
    }
    return count;
}

static int better(const void *a, const void *b) {
    double x = ((const path *)a)->score, y = ((const path *)b)->score;
    return (x < y) - (x > y);
}

static double log_total(const path *all, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum += exp(all[i].score - all[0].score);
    return count ? all[0].score + log(sum) : -INFINITY;
}

static void check_marginals(arena *a, const problem *p, const path *all, int count) {
    double marginal[MOST_T * MOST_K], expected[MOST_T * MOST_K] = {0}, log_z, alone;
    const double exact = log_total(all, count);
    for (int i = 0; i < count; i++) {
        for (int t = 0; t < p->T; t++)
            expected[t * p->K + all[i].y[t]] += exp(all[i].score - exact);
    }
    ck_assert_int_eq(
        crf_marginals(a, p->T, p->K, p->x, p->trans, p->ends, rules_of(p), marginal, &log_z), 0);
    ck_assert_int_eq(
        crf_marginals(a, p->T, p->K, p->x, p->trans, p->ends, rules_of(p), NULL, &alone), 0);
    ck_assert(log_z == alone);
    if (count)
        ck_assert_double_eq_tol(log_z, exact, 1e-10);
    else
        ck_assert(log_z == -INFINITY);
    for (int i = 0; i < p->T * p->K; i++) ck_assert_double_eq_tol(marginal[i], expected[i], 1e-10);
}

/* Random scores have no ties, so the k best paths are known one by one. */
static void check_best(arena *a, const problem *p, const path *all, int count, int k) {
    static int32_t y[MOST_BEST * MOST_T];
    static double score[MOST_BEST];
    int found = crf_best(a, p->T, p->K, p->x, p->trans, p->ends, rules_of(p), k, y, score);
    ck_assert_int_eq(found, k < count ? k : count);
    for (int i = 0; i < found; i++) {
        ck_assert_double_eq_tol(score[i], all[i].score, 1e-10);
        ck_assert_msg(!memcmp(y + i * p->T, all[i].y, (size_t)p->T * sizeof *y),
                      "path %d of %d (T %d, K %d)", i, k, p->T, p->K);
    }
}

static void check_loss(const problem *p, const path *all, int count) {
    tape t = {.c.k = cpu_kernels()};
    arena own = {0};
    pack seq;
    const int32_t length = p->T;
    ck_assert_int_eq(pack_make(&own, &length, NULL, 1, &seq), 0);
    for (int i = 0; i < count; i += 1 + count / 7) {
        crf_spec s = {.target = all[i].y, .allowed = rules_of(p), .weight = 2};
        tape_reset(&t);
        var v = op_crf(&t, op_input(&t, p->T, p->K, p->x, false),
                       op_input(&t, p->K, p->K, p->trans, false),
                       op_input(&t, 2, p->K, p->ends, false), &s, &seq);
        ck_assert(v != 0);
        double loss = 2 * (log_total(all, count) - all[i].score);
        ck_assert_double_eq_tol((double)tape_value(&t, v)[0], loss, 1e-5 * (1 + loss));
    }
    tape_free(&t);
    arena_free(&own);
}

static void check_problem(arena *a, const problem *p) {
    static path all[MOST_PATHS];
    static const int ks[] = {1, 2, 3, 7, MOST_BEST};
    int count = enumerate(p, all);
    qsort(all, (size_t)count, sizeof *all, better);
    check_marginals(a, p, all, count);
    for (int i = 0; i < 5; i++) check_best(a, p, all, count, ks[i]);
    check_loss(p, all, count);
    arena_reset(a);
}

START_TEST(enumeration) {
    static const int forbidden[] = {0, 2, 5, 9, 10};
    rng random = rng_make(test_seed("crf"), 0, (uint64_t)_i);
    arena a = {0};
    for (int T = 1; T <= MOST_T; T++) {
        for (int K = 1; K <= MOST_K; K++) {
            problem p = make_problem(&random, T, K, forbidden[_i]);
            check_problem(&a, &p);
        }
    }
    arena_free(&a);
}
END_TEST

/* Equal scores: as many distinct paths as asked for, the same ones each time. */
START_TEST(ties) {
    problem p = {.T = 4, .K = 3};
    int32_t y[20][4], again[20][4];
    double score[20];
    arena a = {0};
    ck_assert_int_eq(crf_best(&a, p.T, p.K, p.x, p.trans, p.ends, NULL, 20, &y[0][0], score), 20);
    ck_assert_int_eq(crf_best(&a, p.T, p.K, p.x, p.trans, p.ends, NULL, 20, &again[0][0], score),
                     20);
    ck_assert_mem_eq(y, again, sizeof y);
    for (int i = 0; i < 20; i++) {
        ck_assert(score[i] == 0);
        for (int j = 0; j < i; j++) ck_assert_mem_ne(y[i], y[j], sizeof y[i]);
    }
    arena_free(&a);
}
END_TEST

/* Large potentials neither overflow nor lose the path. */
START_TEST(large_scores) {
    problem p = {.T = 3, .K = 2, .x = {3e4f, -3e4f, -3e4f, 3e4f, 3e4f, -3e4f}};
    double marginal[6], log_z, score;
    int32_t y[3];
    arena a = {0};
    ck_assert_int_eq(crf_marginals(&a, 3, 2, p.x, p.trans, p.ends, NULL, marginal, &log_z), 0);
    ck_assert_double_eq_tol(log_z, 9e4, 1e-9);
    ck_assert_double_eq_tol(marginal[0], 1, 1e-12);
    ck_assert_double_eq_tol(marginal[3], 1, 1e-12);
    ck_assert_int_eq(crf_best(&a, 3, 2, p.x, p.trans, p.ends, NULL, 1, y, &score), 1);
    ck_assert(y[0] == 0 && y[1] == 1 && y[2] == 0 && score == 9e4);
    arena_free(&a);
}
END_TEST

/* Every allocation of the decoders fails once. */
START_TEST(decoding_without_memory) {
    rng random = rng_make(1, 0, 0);
    problem p = make_problem(&random, 4, 3, 2);
    for (int decoder = 0; decoder < 2; decoder++) {
        int status = RILL_ENOMEM, failures = 0;
        for (size_t limit = 1; status == RILL_ENOMEM; limit += 64, failures++) {
            int32_t y[3 * 4];
            double marginal[4 * 3], score[3], log_z;
            arena a = {.block_size = 64, .limit = limit};
            if (decoder) {
                status = crf_best(&a, 4, 3, p.x, p.trans, p.ends, p.allowed, 3, y, score);
            } else {
                status = crf_marginals(&a, 4, 3, p.x, p.trans, p.ends, p.allowed, marginal, &log_z);
            }
            arena_free(&a);
        }
        ck_assert_int_ge(status, 0);
        ck_assert_int_gt(failures, 6);
    }
}
END_TEST

START_TEST(nothing_to_decode) {
    arena a = {0};
    double log_z = 5;
    ck_assert_int_eq(crf_best(&a, 0, 3, NULL, NULL, NULL, NULL, 2, NULL, NULL), 0);
    ck_assert_int_eq(crf_marginals(&a, 0, 3, NULL, NULL, NULL, NULL, NULL, &log_z), 0);
    ck_assert(log_z == 0);
    arena_free(&a);
}
END_TEST

TCase *check_tape_crf(void) {
    TCase *c = tcase_create("crf");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, enumeration, 0, 5);
    tcase_add_test(c, ties);
    tcase_add_test(c, large_scores);
    tcase_add_test(c, decoding_without_memory);
    tcase_add_test(c, nothing_to_decode);
    return c;
}
