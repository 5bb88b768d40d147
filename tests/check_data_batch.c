/* Batches: every sequence once, sizes even, the order a function of seed and epoch. */
#include "base/rng.h"
#include "check_data.h"
#include "data/batch.h"

enum { SEQUENCES = 3000, BUDGET = 200 };

/* Lengths 0..59; some sequences are longer than the budget. */
static void random_lengths(int32_t *length, unsigned long seed) {
    rng r = rng_make(seed, 1, 0);
    for (int i = 0; i < SEQUENCES; i++) {
        length[i] = (int32_t)rng_below(&r, 60);
        if (i % 500 == 0) length[i] = BUDGET + i;
    }
}

static void assert_partition(const batch_plan *p, const int32_t *length) {
    static bool seen[SEQUENCES];
    memset(seen, 0, sizeof seen);
    for (size_t b = 0; b < p->batches; b++) {
        int64_t sum = 0, longest = 0;
        ck_assert_int_lt(p->start[b], p->start[b + 1]);
        for (int32_t i = p->start[b]; i < p->start[b + 1]; i++) {
            ck_assert(!seen[p->item[i]]);
            seen[p->item[i]] = true;
            sum += length[p->item[i]];
            longest = length[p->item[i]] > longest ? length[p->item[i]] : longest;
        }
        ck_assert_int_le(sum, BUDGET + longest);
    }
    ck_assert_uint_eq((size_t)p->start[p->batches], p->items);
    for (int i = 0; i < SEQUENCES; i++) ck_assert_int_eq(seen[i], length[i] > 0);
}

START_TEST(every_sequence_stands_in_one_batch) {
    int32_t length[SEQUENCES];
    batch_plan p = {0};
    unsigned long seed = test_seed("batches");
    random_lengths(length, seed);
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        ck_assert_int_eq(batch_shuffle(&p, length, SEQUENCES, BUDGET, seed, epoch), 0);
        assert_partition(&p, length);
    }
    ck_assert_int_eq(batch_sorted(&p, length, SEQUENCES, BUDGET), 0);
    assert_partition(&p, length);
    for (size_t i = 1; i < p.items; i++) {
        int32_t before = p.item[i - 1], now = p.item[i];
        ck_assert(length[before] > length[now] || (length[before] == length[now] && before < now));
    }
    batch_free(&p);
}
END_TEST

START_TEST(the_order_comes_from_seed_and_epoch) {
    int32_t length[SEQUENCES];
    batch_plan a = {0}, b = {0};
    random_lengths(length, 1);
    ck_assert_int_eq(batch_shuffle(&a, length, SEQUENCES, BUDGET, 5, 2), 0);
    ck_assert_int_eq(batch_shuffle(&b, length, SEQUENCES, BUDGET, 9, 9), 0);
    ck_assert_mem_ne(a.item, b.item, a.items * sizeof *a.item);
    ck_assert_int_eq(batch_shuffle(&b, length, SEQUENCES, BUDGET, 5, 2), 0);
    ck_assert_uint_eq(a.batches, b.batches);
    ck_assert_mem_eq(a.item, b.item, a.items * sizeof *a.item);
    ck_assert_int_eq(batch_shuffle(&b, length, SEQUENCES, BUDGET, 5, 3), 0);
    ck_assert_mem_ne(a.item, b.item, a.items * sizeof *a.item);
    batch_free(&a);
    batch_free(&b);
}
END_TEST

/* Sequences of like length share a batch: little is lost to short ones that end early. */
START_TEST(batches_hold_like_lengths) {
    int32_t length[SEQUENCES];
    batch_plan p = {0};
    int64_t words = 0, room = 0;
    random_lengths(length, 1);
    ck_assert_int_eq(batch_shuffle(&p, length, SEQUENCES, BUDGET, 1, 0), 0);
    for (size_t b = 0; b < p.batches; b++) {
        int32_t most = 0;
        for (int32_t i = p.start[b]; i < p.start[b + 1]; i++) {
            words += length[p.item[i]];
            most = length[p.item[i]] > most ? length[p.item[i]] : most;
        }
        room += (int64_t)most * (p.start[b + 1] - p.start[b]);
    }
    ck_assert(10 * words > 9 * room);
    batch_free(&p);
}
END_TEST

/* No rest that would pull as hard as a whole batch. */
START_TEST(batches_of_a_bucket_are_even) {
    unsigned long seed = test_seed("even batches");
    for (int32_t budget = 150; budget < 900; budget += 7) {
        int32_t length[SEQUENCES];
        batch_plan p = {0};
        rng r = rng_make(seed, 2, (uint64_t)budget);
        for (int i = 0; i < SEQUENCES; i++) length[i] = 1 + (int32_t)rng_below(&r, 40);
        ck_assert_int_eq(batch_shuffle(&p, length, SEQUENCES, budget, seed, 0), 0);
        for (size_t b = 0; b < p.batches; b++) {
            int64_t sum = 0;
            for (int32_t i = p.start[b]; i < p.start[b + 1]; i++) sum += length[p.item[i]];
            ck_assert_msg(2 * sum > budget && sum <= budget + 40, "%d of %d", (int)sum, (int)budget);
        }
        batch_free(&p);
    }
}
END_TEST

TCase *batch_cases(void) {
    TCase *t = tcase_create("batch");
    tcase_add_test(t, every_sequence_stands_in_one_batch);
    tcase_add_test(t, the_order_comes_from_seed_and_epoch);
    tcase_add_test(t, batches_hold_like_lengths);
    tcase_add_test(t, batches_of_a_bucket_are_even);
    return t;
}
