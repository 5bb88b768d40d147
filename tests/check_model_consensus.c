/* check_model_consensus: sentence BLEU of units, and which of several answers is most like all. */
#include "check_model.h"

#include "base/rng.h"
#include "model/consensus.h"

#include <math.h>

static bleu *judge;

static void open_judge(void) {
    ck_assert_int_eq(bleu_new(NULL, &judge, NULL), 0);
}

static void close_judge(void) {
    bleu_free(judge);
}

static double like(const int32_t *a, int n, const int32_t *b, int m) {
    double value = -1;
    ck_assert_int_eq(consensus_bleu(judge, a, n, b, m, &value), 0);
    return value;
}

/* Brute force: n-grams of a that b has too, none of b's used twice. */
static int shared(const int32_t *a, int n, const int32_t *b, int m, int order) {
    bool used[64] = {0};
    int found = 0;
    for (int i = 0; i + order <= n; i++) {
        for (int k = 0; k + order <= m; k++) {
            if (used[k] || memcmp(a + i, b + k, (size_t)order * sizeof *a)) continue;
            used[k] = true;
            found++;
            break;
        }
    }
    return found;
}

static double like_by_definition(const int32_t *a, int n, const int32_t *b, int m) {
    double logs = 0, brevity = n >= m ? 1 : exp(1 - (double)m / n);
    if (shared(a, n, b, m, 1) == 0) return 0;
    for (int order = 1; order <= 4; order++) {
        int more = order > 1, all = n - order + 1 > 0 ? n - order + 1 : 0;
        logs += log((shared(a, n, b, m, order) + more) / (double)(all + more));
    }
    return brevity * exp(logs / 4);
}

static int fill(rng *r, int32_t *word, int least) {
    int n = least + (int)rng_below(r, 20);
    for (int i = 0; i < n; i++) word[i] = (int32_t)rng_below(r, 4) - 1;
    return n;
}

START_TEST(by_definition) {
    unsigned seed = (unsigned)test_seed("consensus");
    rng r = rng_make(seed, 1, 0);
    for (int i = 0; i < 2000; i++) {
        int32_t a[32], b[32];
        int n = fill(&r, a, 1), m = fill(&r, b, 0);
        ck_assert_double_eq_tol(like(a, n, b, m), like_by_definition(a, n, b, m), 1e-12);
    }
    static const int32_t one[] = {1, 2, 3};
    ck_assert_double_eq(like(one, 0, one, 3), 0);
    ck_assert_double_eq(like(one, 3, one, 0), 0);
    ck_assert_double_eq_tol(like(one, 3, one, 3), 1, 1e-12);
}
END_TEST

enum { ANSWERS = 4, WORDS = 6 };

static const int32_t texts[ANSWERS][WORDS] = {
    {9, 8, 7, 6, 5, 4}, {1, 2, 3, 4, 5, 7}, {1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 8}};

static search_result answers(search_answer *list, const double *logp) {
    for (int i = 0; i < ANSWERS; i++) {
        list[i] = (search_answer){
            .word = texts[i], .length = WORDS, .logp = logp[i], .score = logp[i] / WORDS};
    }
    return (search_result){ANSWERS, list};
}

static int first_word(const search_result *r, int i) {
    return (int)r->answer[i].word[WORDS - 1];
}

START_TEST(the_most_alike) {
    arena a = {0};
    search_answer list[ANSWERS];
    /* Drawn: three are alike, and equal ones keep their order; the odd one is last. */
    static const double even[] = {-1, -1, -1, -1}, sure[] = {-1, -30, -30, -30};
    search_result r = answers(list, even);
    ck_assert_int_eq(consensus_sort(judge, true, &a, &r), 0);
    ck_assert_int_eq(r.count, ANSWERS);
    ck_assert_int_eq(first_word(&r, 0), 7);
    ck_assert_int_eq(first_word(&r, 1), 6);
    ck_assert_int_eq(first_word(&r, 2), 8);
    ck_assert_int_eq(first_word(&r, 3), 4);
    ck_assert_double_gt(r.answer[0].score, r.answer[3].score);
    ck_assert_ptr_eq(list[0].word, texts[0]); /* what came in is as it was */
    /* Found: nearly all probability is the odd one's; drawn, that says nothing. */
    r = answers(list, sure);
    ck_assert_int_eq(consensus_sort(judge, false, &a, &r), 0);
    ck_assert_int_eq(first_word(&r, 0), 4);
    ck_assert_double_eq_tol(r.answer[0].score, 1, 1e-9);
    r = answers(list, sure);
    ck_assert_int_eq(consensus_sort(judge, true, &a, &r), 0);
    ck_assert_int_eq(first_word(&r, 0), 7);
    arena_free(&a);
}
END_TEST

/* A short answer is more probable than longer ones that are ranked before it, but weighs less. */
START_TEST(short_answers) {
    arena a = {0};
    search_answer list[ANSWERS];
    static const double logp[] = {-2, -4, -4, -4};
    search_result r = answers(list, logp);
    list[0].length = 2;
    list[0].score = -1;
    ck_assert_int_eq(consensus_sort(judge, false, &a, &r), 0);
    ck_assert_int_eq(r.answer[0].length, WORDS);
    ck_assert_int_eq(r.answer[3].length, 2);
    arena_free(&a);
}
END_TEST

/* Weights from a stranger may give no numbers. */
START_TEST(no_numbers) {
    arena a = {0};
    search_answer list[ANSWERS];
    const double none[] = {NAN, NAN, -INFINITY, NAN};
    search_result r = answers(list, none);
    ck_assert_int_eq(consensus_sort(judge, false, &a, &r), 0);
    ck_assert_int_eq(r.count, ANSWERS);
    r.count = 0;
    ck_assert_int_eq(consensus_sort(judge, false, &a, &r), 0);
    arena_free(&a);
}
END_TEST

void model_consensus_cases(Suite *suite) {
    TCase *c = tcase_create("consensus");
    tcase_add_checked_fixture(c, open_judge, close_judge);
    tcase_add_test(c, by_definition);
    tcase_add_test(c, the_most_alike);
    tcase_add_test(c, short_answers);
    tcase_add_test(c, no_numbers);
    suite_add_tcase(suite, c);
}
