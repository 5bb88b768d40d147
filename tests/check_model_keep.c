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

static const char *const usual = "{\"cell\":\"lstm\",\"rate\":\"0.002\"}";

static void write_model(const char *path, float first, int32_t label, const char *tensor,
                        const char *task, const char *config, const char *decision) {
    rill_error e = {0};
    bundle_writer *w = NULL;
    const float weights[] = {first, 2, 3, 4};
    const int32_t labels[] = {label, 1};
    const int64_t square[] = {2, 2}, pair[] = {2};
    ck_assert_int_eq(bundle_writer_new(&w, &e), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "task", bytes_of(task), &e), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "config", bytes_of(config), &e), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "summary", bytes_of(path), &e), 0);
    if (decision) ck_assert_int_eq(bundle_writer_meta(w, "decision", bytes_of(decision), &e), 0);
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

static char folder[32];

static void open_folder(void) {
    strcpy(folder, "/tmp/rill-keep-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void close_folder(void) {
    static const char *const files[] = {"a.rill", "b.rill", "label.rill", "name.rill", "mean.rill"};
    for (int i = 0; i < 5; i++) unlink(files[i]);
    ck_assert_int_eq(chdir("/"), 0);
    rmdir(folder);
}

START_TEST(models_are_averaged) {
    open_folder();
    write_model("a.rill", 1, 5, "w", "tag", usual, NULL);
    write_model("b.rill", 2, 5, "w", "tag", usual, NULL);
    write_model("label.rill", 2, 6, "w", "tag", usual, NULL);
    write_model("name.rill", 2, 5, "v", "tag", usual, NULL);
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
    ck_assert_str_eq(bundle_meta(mean, "summary"), "a.rill");
    bundle_close(mean);
    close_folder();
}
END_TEST

/* The same tensors under other metadata. The message names the field, both values and both files. */
static const struct {
    const char *task, *config, *decision, *says; /* says NULL: averaged */
} other_fields[] = {
    {"tag", "{\"cell\":\"lstm\",\"rate\":\"0.1\",\"dropout\":\"0.3\"}", NULL, NULL},
    {"classify", "{\"cell\":\"lstm\",\"rate\":\"0.002\"}", NULL,
     "field task: found \"classify\", expected \"tag\" as in \"a.rill\""},
    {"tag", "{\"cell\":\"gru\",\"rate\":\"0.002\"}", NULL,
     "field cell: found \"gru\", expected \"lstm\" as in \"a.rill\""},
    {"tag", "{\"rate\":\"0.002\"}", NULL,
     "field cell: found nothing, expected \"lstm\" as in \"a.rill\""},
    {"tag", "{\"cell\":\"lstm\",\"heads\":\"2\"}", NULL,
     "field heads: found \"2\", expected nothing as in \"a.rill\""},
    {"tag", "{\"cell\":\"lstm\"}", "{\"multi\":true}",
     "field decision: found {\"multi\":true}, expected nothing as in \"a.rill\""},
};

START_TEST(wiring_must_be_equal) {
    open_folder();
    write_model("a.rill", 1, 5, "w", "tag", usual, NULL);
    for (size_t i = 0; i < sizeof other_fields / sizeof *other_fields; i++) {
        write_model("b.rill", 2, 5, "w", other_fields[i].task, other_fields[i].config,
                    other_fields[i].decision);
        const char *both[] = {"a.rill", "b.rill"};
        rill_error e = {0};
        int status = average_models(both, 2, "mean.rill", &e);
        ck_assert_msg(status == (other_fields[i].says ? RILL_EMODEL : 0), "case %zu: %s", i, e.message);
        if (!other_fields[i].says) continue;
        ck_assert_str_eq(e.message, other_fields[i].says);
        ck_assert_str_eq(e.file, "b.rill");
    }
    close_folder();
}
END_TEST

/* What is decided anew after each training may differ, but not of what kind the answer is. */
START_TEST(decisions_are_of_one_kind) {
    open_folder();
    write_model("a.rill", 1, 5, "w", "classify", usual, "{\"multi\":false,\"temperature\":1.5}");
    write_model("b.rill", 1, 5, "w", "classify", usual, "{\"multi\":false,\"temperature\":0.5}");
    write_model("name.rill", 1, 5, "w", "classify", usual, "{\"multi\":true,\"temperature\":1.5}");
    refused("a.rill", "name.rill", "field multi: found true, expected false");
    const char *both[] = {"a.rill", "b.rill"};
    rill_error e = {0};
    ck_assert_msg(average_models(both, 2, "mean.rill", &e) == 0, "%s", e.message);
    close_folder();
}
END_TEST

void model_keep_cases(Suite *suite) {
    TCase *t = tcase_create("keep");
    tcase_add_test(t, best_are_kept);
    tcase_add_test(t, nothing_is_kept);
    tcase_add_test(t, models_are_averaged);
    tcase_add_test(t, wiring_must_be_equal);
    tcase_add_test(t, decisions_are_of_one_kind);
    suite_add_tcase(suite, t);
}
