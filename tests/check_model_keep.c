/* check_model_keep: the best weights of a training, and means of models. */
#include "check_model.h"

#include "model/average.h"
#include "model/train_keep.h"

#include <unistd.h>

enum { SIZE = 20 };

static void offer(keep *k, double score, int64_t epoch, bool best) {
    real weights[SIZE];
    for (int i = 0; i < SIZE; i++) weights[i] = (real)(epoch * 100 + i);
    ck_assert(keep_offer(k, weights, score, epoch) == best);
}

static void expect(const keep *k, int place, int64_t epoch, double score) {
    ck_assert_int_eq(k->best[place].epoch, epoch);
    ck_assert(k->best[place].score == score);
    for (int i = 0; i < SIZE; i++) {
        ck_assert(k->best[place].weights[i] == (real)(epoch * 100 + i));
    }
}

START_TEST(best_are_kept) {
    keep k;
    ck_assert_int_eq(keep_new(&k, 3, SIZE), 0);
    offer(&k, 0.5, 1, true);
    offer(&k, 0.4, 2, false);
    offer(&k, 0.5, 3, false); /* the earlier of equal ones stays ahead */
    offer(&k, 0.4, 4, false); /* no better than the last */
    expect(&k, 0, 1, 0.5);
    expect(&k, 1, 3, 0.5);
    expect(&k, 2, 2, 0.4);
    offer(&k, 0.7, 5, true);
    offer(&k, 0.6, 6, false);
    expect(&k, 0, 5, 0.7);
    expect(&k, 1, 6, 0.6);
    expect(&k, 2, 1, 0.5);
    real mean[SIZE];
    keep_mean(&k, 2, mean);
    for (int i = 0; i < SIZE; i++) ck_assert(mean[i] == (real)(550 + i));
    json_t *list = keep_json(&k);
    keep other;
    ck_assert_int_eq(keep_new(&other, 3, SIZE), 0);
    ck_assert(keep_restore(&other, list));
    ck_assert_int_eq(other.count, 3);
    ck_assert_int_eq(other.best[1].epoch, 6);
    json_array_append_new(list, json_pack("[if]", 7, 0.1));
    ck_assert(!keep_restore(&other, list)); /* more than there is room for */
    json_decref(list);
    keep_free(&other);
    keep_free(&k);
}
END_TEST

START_TEST(nothing_is_kept) {
    keep none = {0};
    real weights[1] = {1};
    ck_assert(!keep_offer(&none, weights, 1, 1));
    keep_free(&none);
}
END_TEST

/* ---- averages */

static void write_model(const char *path, float first, int32_t label, const char *tensor) {
    rill_error e = {0};
    bundle_writer *w = NULL;
    const float weights[] = {first, 2, 3, 4};
    const int32_t labels[] = {label, 1};
    const int64_t square[] = {2, 2}, pair[] = {2};
    ck_assert_int_eq(bundle_writer_new(&w, &e), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "task", BYTES("tag"), &e), 0);
    ck_assert_int_eq(bundle_writer_tensor(w, tensor, BUNDLE_F32, 2, square, weights, &e), 0);
    ck_assert_int_eq(bundle_writer_tensor(w, "labels", BUNDLE_I32, 1, pair, labels, &e), 0);
    ck_assert_msg(bundle_writer_save(w, path, &e) == 0, "%s", e.message);
    bundle_writer_free(w);
}

static void refused(const char *a, const char *b, const char *word) {
    const char *both[] = {a, b};
    rill_error e = {0};
    ck_assert_int_eq(average_models(both, 2, "mean.rill", &e), RILL_EMODEL);
    ck_assert_msg(strstr(e.message, word) != NULL, "%s", e.message);
    ck_assert_int_ne(access("mean.rill", F_OK), 0);
}

START_TEST(models_are_averaged) {
    char folder[] = "/tmp/rill-keep-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    write_model("a.rill", 1, 5, "w");
    write_model("b.rill", 2, 5, "w");
    write_model("label.rill", 2, 6, "w");
    write_model("name.rill", 2, 5, "v");
    refused("a.rill", "label.rill", "labels");
    refused("a.rill", "name.rill", "w");
    const char *three[] = {"a.rill", "b.rill", "a.rill"};
    rill_error e = {0};
    bundle *mean = NULL;
    ck_assert_msg(average_models(three, 3, "mean.rill", &e) == 0, "%s", e.message);
    ck_assert_msg(bundle_open("mean.rill", &mean, &e) == 0, "%s", e.message);
    const float *w = bundle_find(mean, "w")->data;
    ck_assert(w[0] == (float)(4.0 / 3) && w[1] == 2 && w[3] == 4);
    ck_assert_str_eq(bundle_meta(mean, "task"), "tag");
    ck_assert_int_eq(((const int32_t *)bundle_find(mean, "labels")->data)[0], 5);
    bundle_close(mean);
    const char *files[] = {"a.rill", "b.rill", "label.rill", "name.rill", "mean.rill"};
    for (int i = 0; i < 5; i++) unlink(files[i]);
    ck_assert_int_eq(chdir("/"), 0);
    rmdir(folder);
}
END_TEST

void model_keep_cases(Suite *suite) {
    TCase *t = tcase_create("keep");
    tcase_add_test(t, best_are_kept);
    tcase_add_test(t, nothing_is_kept);
    tcase_add_test(t, models_are_averaged);
    suite_add_tcase(suite, t);
}
