/* check_task_train: one command, one model, byte for byte: for any number of threads, after being
 * stopped and resumed, and after being killed at any moment. */
#include "check_task.h"

/* Trains a short course; "name=value" settings come on top. */
static int train(const char *model, const rill_hooks *hooks, rill_error *e, const char *setting,
                 const char *more) {
    tag_options o;
    char target[128];
    snprintf(target, sizeof target, "model=%s", model);
    task_options_set(&o, "epochs=3", "batch=64", "force=true", target, setting, more, NULL);
    const char *files[] = {task_path("train.conllu")};
    int status = tag_train(&o, files, 1, hooks, e);
    task_options_free(&o);
    return status;
}

/* A short course with dev data, all checkpoints written, on one thread. */
static int course(const char *model, const rill_hooks *hooks, rill_error *e) {
    char dev[128];
    snprintf(dev, sizeof dev, "dev=%s", task_path("train.conllu"));
    return train(model, hooks, e, dev, "checkpoint-minutes=0");
}

static int resume(const char *model, const char *threads, rill_error *e) {
    tag_options o;
    char from[128];
    snprintf(from, sizeof from, "resume=%s.ckpt", model);
    task_options_set(&o, from, threads, NULL);
    int status = tag_train(&o, NULL, 0, NULL, e);
    task_options_free(&o);
    return status;
}

START_TEST(threads_change_nothing) {
    rill_error e = {0};
    const char *one = task_path("one.rill"), *two = task_path("two.rill");
    static const char *const cells[] = {"cell=lstm", "cell=gru", "r-drop=1"};
    ck_assert_msg(train(one, NULL, &e, "threads=1", cells[_i]) == 0, "%s", e.message);
    ck_assert_msg(train(two, NULL, &e, "threads=2", cells[_i]) == 0, "%s", e.message);
    task_assert_same(one, two);
    ck_assert_msg(train(two, NULL, &e, "threads=3", cells[_i]) == 0, "%s", e.message);
    task_assert_same(one, two);
    ck_assert_msg(train(two, NULL, &e, "seed=9", cells[_i]) == 0, "%s", e.message);
    ck_assert(!hash128_equal(task_hash(one), task_hash(two))); /* the comparison can fail */
    ck_assert(!file_exists(task_checkpoint(two)));
}
END_TEST

/* The two readings of a sentence differ: were their masks one, their agreement would weigh nothing. */
START_TEST(readings_differ) {
    rill_error e = {0};
    const char *one = task_path("one.rill"), *two = task_path("two.rill");
    ck_assert_msg(train(one, NULL, &e, "threads=1", "r-drop=1") == 0, "%s", e.message);
    ck_assert_msg(train(two, NULL, &e, "threads=1", "r-drop=5") == 0, "%s", e.message);
    ck_assert(!task_same_tensors(one, two));
}
END_TEST

/* Stopped after any number of updates, in and between epochs. */
START_TEST(stopped_and_resumed) {
    rill_error e = {0};
    const char *whole = task_path("whole.rill"), *parts = task_path("parts.rill");
    ck_assert_msg(course(whole, NULL, &e) == 0, "%s", e.message);
    int stops[] = {0, 1, 4, 11, 17};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        const rill_hooks hooks = {.data = &stops[i], .stop = task_stop_at};
        ck_assert_int_eq(course(parts, &hooks, &e), RILL_EINTERRUPTED);
        ck_assert(file_exists(task_checkpoint(parts)));
        ck_assert_msg(resume(parts, i % 2 ? "threads=1" : "threads=2", &e) == 0, "%s", e.message);
        task_assert_same(whole, parts);
        ck_assert(!file_exists(task_checkpoint(parts)));
    }
}
END_TEST

/* Early stopping, and the choice among the best epochs at the end: whoever is stopped there goes on with
 * the choice, and trains no further. */
static int early(const char *model, const rill_hooks *hooks, rill_error *e) {
    tag_options o;
    char target[128], dev[128];
    snprintf(target, sizeof target, "model=%s", model);
    snprintf(dev, sizeof dev, "dev=%s", task_path("train.conllu"));
    task_options_set(&o, "epochs=12", "batch=64", "force=true", "rate=0.2", "patience=2", "keep=2", target,
                     dev, NULL);
    const char *files[] = {task_path("train.conllu")};
    int status = tag_train(&o, files, 1, hooks, e);
    task_options_free(&o);
    return status;
}

static bool count_question(void *data) {
    ++*(int *)data;
    return false;
}

START_TEST(stopped_at_the_end_and_resumed) {
    rill_error e = {0};
    int asked = 0;
    const rill_hooks counting = {.data = &asked, .stop = count_question};
    const char *whole = task_path("early.rill"), *parts = task_path("late.rill");
    ck_assert_msg(early(whole, &counting, &e) == 0, "%s", e.message);
    for (int back = 1; back <= 6; back++) {
        int left = asked - back;
        const rill_hooks hooks = {.data = &left, .stop = task_stop_at};
        ck_assert_int_eq(early(parts, &hooks, &e), RILL_EINTERRUPTED);
        ck_assert_msg(resume(parts, "threads=1", &e) == 0, "%s", e.message);
        task_assert_same(whole, parts);
    }
}
END_TEST

static int go_on(const char *model, bool again, rill_error *e) {
    return again ? resume(model, "threads=1", e) : course(model, NULL, e);
}

START_TEST(killed_and_resumed) {
    rill_error e = {0};
    const char *whole = task_path("calm.rill"), *parts = task_path("killed.rill");
    ck_assert_msg(course(whole, NULL, &e) == 0, "%s", e.message);
    task_kill(go_on, parts, "killed_and_resumed");
    task_assert_same(whole, parts);
}
END_TEST

/* ---- what a resume refuses */

START_TEST(changed_data_are_refused) {
    rill_error e = {0};
    buffer text = {0};
    int stops = 2;
    const rill_hooks hooks = {.data = &stops, .stop = task_stop_at};
    const char *model = task_path("moved.rill"), *data = task_path("moved.conllu");
    tag_options o;
    task_conllu(20, 1, &text);
    task_file("moved.conllu", buffer_view(&text));
    task_options_set(&o, "epochs=2", "batch=32", NULL);
    o.common.model = mem_text(model, strlen(model));
    ck_assert_int_eq(tag_train(&o, &data, 1, &hooks, &e), RILL_EINTERRUPTED);
    buffer_add_char(&text, '\n');
    task_file("moved.conllu", buffer_view(&text));
    ck_assert_int_eq(resume(model, "threads=1", &e), RILL_EDATA);
    ck_assert_ptr_nonnull(strstr(e.message, "changed"));
    ck_assert_str_eq(e.file, data);
    ck_assert_int_eq(tag_train(&o, NULL, 0, NULL, &e), RILL_EUSAGE); /* no files */
    task_options_free(&o);
    buffer_free(&text);
}
END_TEST

/* The file changes while it is trained on: the checkpoint is of what was read. */
static bool change_and_stop(void *data) {
    task_file("changing.conllu", buffer_view(data));
    return true;
}

START_TEST(data_changed_in_training_are_refused) {
    rill_error e = {0};
    buffer text = {0}, later = {0};
    const rill_hooks hooks = {.data = &later, .stop = change_and_stop};
    const char *model = task_path("changing.rill"), *data = task_path("changing.conllu");
    tag_options o;
    task_conllu(20, 1, &text);
    task_conllu(20, 2, &later);
    task_file("changing.conllu", buffer_view(&text));
    task_options_set(&o, "epochs=2", "batch=32", NULL);
    o.common.model = mem_text(model, strlen(model));
    ck_assert_int_eq(tag_train(&o, &data, 1, &hooks, &e), RILL_EINTERRUPTED);
    ck_assert_int_eq(resume(model, "threads=1", &e), RILL_EDATA);
    task_options_free(&o);
    buffer_free(&text);
    buffer_free(&later);
}
END_TEST

START_TEST(models_are_not_overwritten) {
    rill_error e = {0};
    tag_options o;
    const char *model = task_path("tagger.rill"), *data = task_path("train.conllu");
    hash128 before = task_hash(model);
    task_options_set(&o, NULL);
    ck_assert_int_eq(tag_train(&o, &data, 1, NULL, &e), RILL_EUSAGE);
    o.common.model = mem_text(model, strlen(model));
    ck_assert_int_eq(tag_train(&o, &data, 1, NULL, &e), RILL_EIO);
    ck_assert_ptr_nonnull(strstr(e.message, "exists"));
    ck_assert(hash128_equal(before, task_hash(model)));
    task_options_free(&o);
}
END_TEST

/* Nor is what is left of an earlier training, or, force or not, the data. */
START_TEST(nothing_else_is_overwritten) {
    rill_error e = {0};
    tag_options o;
    int stops = 2;
    const rill_hooks hooks = {.data = &stops, .stop = task_stop_at};
    const char *model = task_path("left.rill"), *data = task_path("train.conllu");
    ck_assert_int_eq(course(model, &hooks, &e), RILL_EINTERRUPTED);
    hash128 checkpoint = task_hash(task_checkpoint(model)), text = task_hash(data);
    task_options_set(&o, NULL);
    o.common.model = mem_text(model, strlen(model));
    ck_assert_int_eq(tag_train(&o, &data, 1, NULL, &e), RILL_EIO);
    ck_assert_ptr_nonnull(strstr(e.message, ".ckpt\" exists"));
    ck_assert(hash128_equal(checkpoint, task_hash(task_checkpoint(model))));
    free(o.common.model);
    o.common.model = mem_text(data, strlen(data));
    o.common.force = true;
    ck_assert_int_eq(tag_train(&o, &data, 1, NULL, &e), RILL_EIO);
    ck_assert_ptr_nonnull(strstr(e.message, "are one file"));
    ck_assert(hash128_equal(text, task_hash(data)));
    task_options_free(&o);
}
END_TEST

START_TEST(dev_scores_are_needed) {
    rill_error e = {0};
    ck_assert_int_eq(train(task_path("one.rill"), NULL, &e, "patience=2", NULL), RILL_EUSAGE);
    ck_assert_str_eq(e.message, "option --patience needs --dev");
    ck_assert_int_eq(train(task_path("one.rill"), NULL, &e, "schedule=plateau", NULL), RILL_EUSAGE);
}
END_TEST

/* A model is no checkpoint, and a checkpoint no model. */
START_TEST(wrong_kind_of_file) {
    rill_error e = {0};
    tag_options o;
    bundle *b;
    void *m;
    int stops = 2;
    const rill_hooks hooks = {.data = &stops, .stop = task_stop_at};
    const char *model = task_path("kind.rill");
    ck_assert_int_eq(course(model, &hooks, &e), RILL_EINTERRUPTED);
    ck_assert_int_eq(bundle_open(task_checkpoint(model), &b, &e), 0);
    ck_assert_int_eq(task_model_open(&task_tag, b, &m, &e), RILL_EMODEL);
    task_options_set(&o, NULL);
    o.common.resume = mem_text(task_path("tagger.rill"), strlen(task_path("tagger.rill")));
    ck_assert_int_eq(tag_train(&o, NULL, 0, NULL, &e), RILL_EMODEL);
    task_options_free(&o);
}
END_TEST

/* Attributes that differ in nothing but the case of a letter: sorting must not mix their values. */
START_TEST(attributes_of_any_case) {
    static const char text[] = "1\tx\t_\tN\t_\tA=1\t_\t_\t_\t_\n2\ty\t_\tV\t_\ta=2\t_\t_\t_\t_\n"
                               "3\tz\t_\tV\t_\tA=3|a=2\t_\t_\t_\t_\n\n";
    rill_error e = {0};
    tag_options o;
    const char *model = task_path("cases.rill"), *data = task_file("cases.conllu", BYTES(text));
    const char *files[] = {data, data};
    task_options_set(&o, "epochs=1", "columns=upos,feats", NULL);
    o.common.model = mem_text(model, strlen(model));
    ck_assert_msg(tag_train(&o, files, 2, NULL, &e) == 0, "%s", e.message);
    task_model_free(&task_tag, task_open(model));
    task_options_free(&o);
}
END_TEST

/* Passes and batch follow the size of the data, unless they were said. */
START_TEST(size_of_data) {
    static const struct {
        size_t tokens;
        int64_t epochs, batch;
    } rows[] = {{0, 20, 32}, {4069, 20, 32}, {50000, 20, 125}, {204577, 10, 256}, {5000000, 5, 256}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tag_options o = {0}, said = {.common.batch = 7, .train.epochs = 3};
        tag_options_data(&o, rows[i].tokens);
        tag_options_data(&said, rows[i].tokens);
        ck_assert_int_eq(o.train.epochs, rows[i].epochs);
        ck_assert_int_eq(o.common.batch, rows[i].batch);
        ck_assert(said.train.epochs == 3 && said.common.batch == 7);
    }
}
END_TEST

TCase *train_cases(void) {
    TCase *t = tcase_create("train");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, threads_change_nothing, 0, 3);
    tcase_add_test(t, readings_differ);
    tcase_add_test(t, stopped_and_resumed);
    tcase_add_test(t, killed_and_resumed);
    tcase_add_test(t, stopped_at_the_end_and_resumed);
    tcase_add_test(t, changed_data_are_refused);
    tcase_add_test(t, data_changed_in_training_are_refused);
    tcase_add_test(t, models_are_not_overwritten);
    tcase_add_test(t, nothing_else_is_overwritten);
    tcase_add_test(t, dev_scores_are_needed);
    tcase_add_test(t, wrong_kind_of_file);
    tcase_add_test(t, attributes_of_any_case);
    tcase_add_test(t, size_of_data);
    return t;
}
