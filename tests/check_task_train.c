/* check_task_train: one command, one model, byte for byte: for any number of threads, after being
 * stopped and resumed, and after being killed at any moment. */
#include "check_task.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static hash128 hash_of(const char *path) {
    hash128 h;
    rill_error e = {0};
    ck_assert_msg(file_hash(path, &h, &e) == 0, "%s", e.message);
    return h;
}

static void assert_same(const char *a, const char *b) {
    ck_assert_msg(hash128_equal(hash_of(a), hash_of(b)), "%s and %s differ", a, b);
}

static const char *checkpoint_of(const char *model) {
    char name[96];
    snprintf(name, sizeof name, "%s.ckpt", strrchr(model, '/') + 1);
    return task_path(name);
}

START_TEST(threads_change_nothing) {
    rill_error e = {0};
    const char *one = task_path("one.rill"), *two = task_path("two.rill");
    static const char *const cells[] = {"cell=lstm", "cell=gru"};
    ck_assert_msg(train(one, NULL, &e, "threads=1", cells[_i]) == 0, "%s", e.message);
    ck_assert_msg(train(two, NULL, &e, "threads=2", cells[_i]) == 0, "%s", e.message);
    assert_same(one, two);
    ck_assert_msg(train(two, NULL, &e, "threads=3", cells[_i]) == 0, "%s", e.message);
    assert_same(one, two);
    ck_assert_msg(train(two, NULL, &e, "seed=9", cells[_i]) == 0, "%s", e.message);
    ck_assert(!hash128_equal(hash_of(one), hash_of(two))); /* the comparison can fail */
    ck_assert(!file_exists(checkpoint_of(two)));
}
END_TEST

static bool stop_at(void *data) {
    return --*(int *)data < 0;
}

/* Stopped after any number of updates, in and between epochs. */
START_TEST(stopped_and_resumed) {
    rill_error e = {0};
    const char *whole = task_path("whole.rill"), *parts = task_path("parts.rill");
    ck_assert_msg(course(whole, NULL, &e) == 0, "%s", e.message);
    int stops[] = {0, 1, 4, 11, 17};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        const rill_hooks hooks = {.data = &stops[i], .stop = stop_at};
        ck_assert_int_eq(course(parts, &hooks, &e), RILL_EINTERRUPTED);
        ck_assert(file_exists(checkpoint_of(parts)));
        ck_assert_msg(resume(parts, i % 2 ? "threads=1" : "threads=2", &e) == 0, "%s", e.message);
        assert_same(whole, parts);
        ck_assert(!file_exists(checkpoint_of(parts)));
    }
}
END_TEST

/* A child trains until it is killed after some milliseconds; true when it got to the end. */
static bool child_trains(const char *model, bool again, long milliseconds) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        rill_error e = {0};
        _exit((again ? resume(model, "threads=1", &e) : course(model, NULL, &e)) == 0 ? 0 : 1);
    }
    const struct timespec wait = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) ck_assert_int_eq(WEXITSTATUS(status), 0);
    return WIFEXITED(status);
}

START_TEST(killed_and_resumed) {
    unsigned state = (unsigned)test_seed("killed_and_resumed");
    rill_error e = {0};
    const char *whole = task_path("calm.rill"), *parts = task_path("killed.rill");
    ck_assert_msg(course(whole, NULL, &e) == 0, "%s", e.message);
    int kills = 0, rounds = 0;
    for (bool done = false; !done; rounds++) {
        /* times grow, so that the end is reached on a slow machine too */
        state = state * 1664525u + 1013904223u;
        bool again = file_exists(checkpoint_of(parts));
        done = child_trains(parts, again, 5 + (long)((state >> 16) % 40) * (1 + rounds / 4));
        kills += !done;
        ck_assert_int_lt(rounds, 200);
    }
    printf("note: killed %d times\n", kills);
    assert_same(whole, parts);
}
END_TEST

/* ---- what a resume refuses */

START_TEST(changed_data_are_refused) {
    rill_error e = {0};
    buffer text = {0};
    int stops = 2;
    const rill_hooks hooks = {.data = &stops, .stop = stop_at};
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

START_TEST(models_are_not_overwritten) {
    rill_error e = {0};
    tag_options o;
    const char *model = task_path("tagger.rill"), *data = task_path("train.conllu");
    hash128 before = hash_of(model);
    task_options_set(&o, NULL);
    ck_assert_int_eq(tag_train(&o, &data, 1, NULL, &e), RILL_EUSAGE);
    o.common.model = mem_text(model, strlen(model));
    ck_assert_int_eq(tag_train(&o, &data, 1, NULL, &e), RILL_EUSAGE);
    ck_assert_ptr_nonnull(strstr(e.message, "exists"));
    ck_assert(hash128_equal(before, hash_of(model)));
    task_options_free(&o);
}
END_TEST

/* A model is no checkpoint, and a checkpoint no model. */
START_TEST(wrong_kind_of_file) {
    rill_error e = {0};
    tag_options o;
    bundle *b;
    tag_model *m;
    int stops = 2;
    const rill_hooks hooks = {.data = &stops, .stop = stop_at};
    const char *model = task_path("kind.rill");
    ck_assert_int_eq(course(model, &hooks, &e), RILL_EINTERRUPTED);
    ck_assert_int_eq(bundle_open(checkpoint_of(model), &b, &e), 0);
    ck_assert_int_eq(tag_model_open(b, &m, &e), RILL_EMODEL);
    task_options_set(&o, NULL);
    o.common.resume = mem_text(task_path("tagger.rill"), strlen(task_path("tagger.rill")));
    ck_assert_int_eq(tag_train(&o, NULL, 0, NULL, &e), RILL_EMODEL);
    task_options_free(&o);
}
END_TEST

TCase *train_cases(void) {
    TCase *t = tcase_create("train");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, threads_change_nothing, 0, 2);
    tcase_add_test(t, stopped_and_resumed);
    tcase_add_test(t, killed_and_resumed);
    tcase_add_test(t, changed_data_are_refused);
    tcase_add_test(t, models_are_not_overwritten);
    tcase_add_test(t, wrong_kind_of_file);
    return t;
}
