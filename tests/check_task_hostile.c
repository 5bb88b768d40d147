/* check_task_hostile: model files and checkpoints that a stranger made with care. Their checksums
 * are right, for our own writer makes them; what they say is meant to cost memory or time, or to
 * lead where nothing is. Each is refused or works, at a cost that its size explains. */
#include "check_task.h"

#include <sys/resource.h>
#include <sys/stat.h>

/* ---- making a file */

enum { PIECES = 64 };

/* The writer borrows what it is given, so that is kept until the file is written. */
static bundle_writer *w;
static strmap lists[PIECES];
static void *data[PIECES];
static size_t list_count, data_count;
static rill_error e;

static void begin(const char *task, const char *config) {
    ck_assert_int_eq(bundle_writer_new(&w, &e), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "task", bytes_of(task), &e), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "config", bytes_of(config), &e), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "summary", BYTES("{}"), &e), 0);
}

static bundle *finish_file(void) {
    bundle *b;
    const char *path = task_path("hostile.rill");
    ck_assert_msg(bundle_writer_save(w, path, &e) == 0, "%s", e.message);
    bundle_writer_free(w);
    while (list_count > 0) strmap_free(&lists[--list_count]);
    while (data_count > 0) free(data[--data_count]);
    ck_assert_msg(bundle_open(path, &b, &e) == 0, "%s", e.message);
    return b;
}

/* Opens what was made. */
static int finish(const task *t, void **model) {
    return task_model_open(t, finish_file(), model, &e);
}

/* Zeros. */
static void tensor(const char *name, bundle_type type, int rank, int64_t rows, int64_t cols) {
    int64_t shape[] = {rows, cols};
    void *zero = mem_new((size_t)(rows * cols), bundle_type_size(type));
    ck_assert_ptr_nonnull(zero);
    ck_assert_uint_lt(data_count, PIECES);
    data[data_count++] = zero;
    ck_assert_int_eq(bundle_writer_tensor(w, name, type, rank, shape, zero, &e), 0);
}

static void weights(const char *name, int64_t rows, int64_t cols) {
    tensor(name, BUNDLE_F32, 2, rows, cols);
}

static strmap *list_new(void) {
    ck_assert_uint_lt(list_count, PIECES);
    lists[list_count] = (strmap){0};
    return &lists[list_count++];
}

static void put(strmap *list, const char *text) {
    int32_t id;
    ck_assert_int_eq(strmap_add(list, bytes_of(text), &id), 0);
}

static void add_list(const char *name, const strmap *list) {
    ck_assert_int_eq(bundle_writer_strings(w, name, list, &e), 0);
}

/* So many strings, numbered: "<before><number><after>". */
static void numbered(const char *name, int count, const char *before, const char *after) {
    strmap *list = list_new();
    char text[64];
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof text, "%s%x%s", before, (unsigned)i, after);
        put(list, text);
    }
    add_list(name, list);
}

/* Up to three strings; NULL: no more. */
static void strings(const char *name, const char *a, const char *b, const char *c) {
    strmap *list = list_new();
    if (a) put(list, a);
    if (b) put(list, b);
    if (c) put(list, c);
    add_list(name, list);
}

static void vocabulary(const char *name) {
    char count[48];
    snprintf(count, sizeof count, "%s.count", name);
    strings(name, "<unk>", NULL, NULL);
    tensor(count, BUNDLE_I64, 1, 1, 1);
}

/* Peak of resident memory, in kB. */
static long peak(void) {
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* ---- taggers */

/* Everything of a tagger with one column but its strings and its head. */
static void begin_tagger(const char *kind, int affix_dim, const char *options) {
    static const char *const ends[] = {"l0", "l0_reverse"};
    static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    char text[400];
    snprintf(text, sizeof text,
             "{\"hidden\":\"1\",\"layers\":\"1\",\"form-dim\":\"1\",\"char-dim\":\"1\","
             "\"char-hidden\":\"1\",\"chars\":\"none\",\"cell\":\"tanh\",\"affix-dim\":\"%d\"%s}",
             affix_dim, options);
    begin("tag", text);
    snprintf(text, sizeof text, "[{\"name\":\"x\",\"kind\":\"%s\",\"scheme\":\"%s\"}]", kind,
             strcmp(kind, "entity") ? "none" : "bio");
    ck_assert_int_eq(bundle_writer_meta(w, "columns", bytes_of(text), &e), 0);
    strings("rules", "", NULL, NULL);
    vocabulary("forms");
    vocabulary("letters");
    vocabulary("affixes");
    tensor("frequent.0", BUNDLE_I32, 1, 1, 1);
    weights("form.weight", 1, 1);
    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof text, "words.%s_%s", parts[i / 2], ends[i % 2]);
        weights(text, 1, i / 2 ? 1 : 1 + TAG_AFFIXES * affix_dim);
    }
    if (affix_dim > 0) weights("affix.weight", 1, affix_dim);
}

/* Tables over pairs of labels belong to a CRF, whose weights are as many. */
START_TEST(many_entity_labels) {
    enum { LABELS = 8000 };
    void *m = NULL;
    begin_tagger("entity", 0, _i ? "" : ",\"crf\":\"no\"");
    numbered("labels.0", LABELS, "B-", "");
    weights("head.0.weight", LABELS, 2);
    weights("head.0.bias", 1, LABELS);
    long before = peak();
    int status = finish(&task_tag, &m);
    ck_assert_int_lt(peak() - before, 16000);
    ck_assert_int_eq(status, _i ? RILL_EMODEL : 0);
    if (_i) ck_assert_ptr_nonnull(strstr(e.message, "head.0.transitions"));
    task_model_free(&task_tag, m);
}
END_TEST

/* Labels and attributes are as many as the file has room for, their product is not. */
START_TEST(many_attributes) {
    enum { LABELS = 8000 };
    void *m = NULL;
    buffer out = {0};
    begin_tagger("features", 0, "");
    numbered("labels.0", LABELS, "", "=");
    numbered("attributes.0", LABELS, "", "");
    numbered("values.0", LABELS, "", "=");
    weights("head.0.weight", LABELS, 2);
    weights("head.0.bias", 1, LABELS);
    weights("head.0.attributes.weight", LABELS, 2);
    weights("head.0.attributes.bias", 1, LABELS);
    long before = peak();
    int status = finish(&task_tag, &m);
    ck_assert_msg(status == 0, "%s", e.message);
    ck_assert_int_eq(run_tagger(m, BYTES("The cat"), &out, &e, "output=vertical", NULL), 0);
    ck_assert_int_lt(peak() - before, 16000);
    task_model_free(&task_tag, m);
    buffer_free(&out);
}
END_TEST

/* A form's row of input is 262 kB, which costs the file two rows of weights. */
START_TEST(wide_rows) {
    enum { WORDS = 3000 };
    void *m = NULL;
    buffer text = {0}, out = {0}, again = {0};
    begin_tagger("plain", 8192, "");
    strings("labels.0", "a", NULL, NULL);
    weights("head.0.weight", 1, 2);
    weights("head.0.bias", 1, 1);
    long before = peak();
    ck_assert_int_eq(finish(&task_tag, &m), 0);
    for (int i = 0; i < WORDS; i++) buffer_printf(&text, "w%d%c", i, i % 20 ? ' ' : '\n');
    bytes in = buffer_view(&text);
    ck_assert_int_eq(run_tagger(m, in, &out, &e, "output=vertical", "batch=100000", NULL), 0);
    ck_assert_int_lt(peak() - before, 1200000); /* more in sanitizers */
    ck_assert_int_eq(run_tagger(m, in, &again, &e, "output=vertical", "batch=1", NULL), 0);
    ck_assert(bytes_equal(buffer_view(&out), buffer_view(&again)));
    ck_assert_uint_gt(out.size, text.size);
    task_model_free(&task_tag, m);
    buffer_free(&text);
    buffer_free(&out);
    buffer_free(&again);
}
END_TEST

/* A label with a value that its attribute does not have. */
START_TEST(unknown_value) {
    void *m = NULL;
    begin_tagger("features", 0, "");
    strings("labels.0", "<rare>", _i ? "Case=Nom|Case=Zzz" : "Case=Nom", NULL);
    strings("attributes.0", "Case", NULL, NULL);
    strings("values.0", "Case=", "Case=Nom", NULL);
    weights("head.0.weight", 2, 2);
    weights("head.0.bias", 1, 2);
    weights("head.0.attributes.weight", 2, 2);
    weights("head.0.attributes.bias", 1, 2);
    ck_assert_int_eq(finish(&task_tag, &m), _i ? RILL_EMODEL : 0);
    if (_i) ck_assert_ptr_nonnull(strstr(e.message, "labels.0"));
    task_model_free(&task_tag, m);
}
END_TEST

/* Rows of any width would be multiplied by the words that are added. */
START_TEST(pruned_rows) {
    enum { WIDE = 10000, WORDS = 10000 };
    bundle *b;
    vocab wanted = {0};
    tally words = {0};
    remap_report report;
    char word[16];
    const char *out = task_path("pruned.rill");
    for (int i = 0; i < WORDS; i++) {
        snprintf(word, sizeof word, "w%d", i);
        ck_assert_int_eq(tally_add(&words, bytes_of(word), 1), 0);
    }
    ck_assert_int_eq(vocab_build(&wanted, &words, NULL, 0, 1, 0, &e), 0);
    begin("tag", "{}");
    vocabulary("forms");
    weights("form.weight", 1, WIDE);
    b = finish_file();
    long before = peak();
    ck_assert_int_eq(task_remap(&task_tag, b, NULL, &wanted, true, out, &report, &e), RILL_EMODEL);
    ck_assert_int_lt(peak() - before, 16000);
    ck_assert(!file_exists(out));
    tally_free(&words);
    vocab_free(&wanted);
}
END_TEST

/* ---- checkpoints */

enum { UPDATES = 3 };

/* Trains `model` of the folder for a few updates. */
static void interrupt(const char *model) {
    tag_options o;
    int stops = UPDATES;
    const rill_hooks hooks = {.data = &stops, .stop = task_stop_at};
    const char *files[] = {task_path("train.conllu")};
    task_options_set(&o, "epochs=1", "batch=64", "force=true", NULL);
    o.common.model = mem_text(model, strlen(model));
    ck_assert_int_eq(tag_train(&o, files, 1, &hooks, &e), RILL_EINTERRUPTED);
    task_options_free(&o);
}

/* The checkpoint of `model` with another value of one field, in its place. */
static void forge_field(const char *model, const char *field, const char *value) {
    bundle *b;
    ck_assert_int_eq(bundle_open(task_checkpoint(model), &b, &e), 0);
    ck_assert_int_eq(bundle_writer_new(&w, &e), 0);
    for (size_t i = 0; i < bundle_meta_count(b); i++) {
        const char *was, *key = bundle_meta_at(b, i, &was);
        const char *now = strcmp(key, field) ? was : value;
        ck_assert_int_eq(bundle_writer_meta(w, key, bytes_of(now), &e), 0);
    }
    for (size_t i = 0; i < bundle_count(b); i++) {
        const bundle_entry *t = bundle_at(b, i);
        ck_assert_int_eq(bundle_writer_tensor(w, t->name, t->type, t->rank, t->shape, t->data, &e),
                         0);
    }
    ck_assert_int_eq(bundle_writer_save(w, task_checkpoint(model), &e), 0);
    bundle_writer_free(w);
    bundle_close(b);
}

static int resume(const char *checkpoint, const char *setting) {
    tag_options o;
    task_options_set(&o, setting, NULL);
    o.common.resume = mem_text(checkpoint, strlen(checkpoint));
    e = (rill_error){0};
    int status = tag_train(&o, NULL, 0, NULL, &e);
    task_options_free(&o);
    return status;
}

START_TEST(checkpoint_without_model) {
    const char *model = task_path("nameless.rill");
    static const char key[] = "\"model\"";
    buffer options = {0};
    bundle *b;
    interrupt(model);
    ck_assert_int_eq(bundle_open(task_checkpoint(model), &b, &e), 0);
    const char *all = bundle_meta(b, "options"), *at = strstr(all, key);
    ck_assert_ptr_nonnull(at);
    buffer_printf(&options, "%.*s\"log\"%s", (int)(at - all), all, at + strlen(key));
    bundle_close(b);
    forge_field(model, "options", options.data);
    ck_assert_int_eq(resume(task_checkpoint(model), NULL), RILL_EMODEL);
    ck_assert_int_eq(resume(task_checkpoint(model), "force=true"), RILL_EMODEL);
    ck_assert_ptr_nonnull(strstr(e.message, "options"));
    forge_field(model, "options", "[]");
    ck_assert_int_eq(resume(task_checkpoint(model), NULL), RILL_EMODEL);
    buffer_free(&options);
}
END_TEST

/* A checkpoint names the file that will be written, but who resumes it named another one. */
START_TEST(checkpoint_of_another_model) {
    const char *model = task_path("given.rill"), *moved = task_path("moved.ckpt");
    interrupt(model);
    task_file("given.rill", BYTES("precious"));
    ck_assert_int_eq(rename(task_checkpoint(model), moved), 0);
    ck_assert_int_eq(resume(moved, NULL), RILL_EMODEL);
    ck_assert_ptr_nonnull(strstr(e.message, "--force"));
    ck_assert_ptr_nonnull(strstr(e.message, model));
    hash128 precious = hash128_of("precious", 8);
    ck_assert(hash128_equal(task_hash(model), precious));
    ck_assert_msg(resume(moved, "force=true") == 0, "%s", e.message);
    ck_assert(!hash128_equal(task_hash(model), precious));
}
END_TEST

/* The same file by another name. */
START_TEST(checkpoint_in_its_place) {
    char path[256];
    const char *model = task_path("placed.rill"), *name = strrchr(model, '/');
    interrupt(model);
    snprintf(path, sizeof path, "%.*s/.%s.ckpt", (int)(name - model), model, name);
    ck_assert_msg(resume(path, NULL) == 0, "%s", e.message);
}
END_TEST

/* Files are those of the training, each with its hash; others are not touched, and what could be
 * read for ever is refused. */
START_TEST(checkpoint_inputs) {
    const char *model = task_path("inputs.rill"), *pipe = task_path("pipe");
    char list[256];
    interrupt(model);
    forge_field(model, "inputs", "{}");
    ck_assert_int_eq(resume(task_checkpoint(model), NULL), RILL_EMODEL);
    ck_assert_str_eq(e.file, task_path("train.conllu"));
    forge_field(model, "inputs", "{\"/dev/zero\":\"00000000000000000000000000000000\"}");
    ck_assert_int_eq(resume(task_checkpoint(model), NULL), RILL_EMODEL);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    snprintf(list, sizeof list, "[\"%s\"]", pipe);
    forge_field(model, "files", list);
    ck_assert_int_eq(resume(task_checkpoint(model), NULL), RILL_EUSAGE);
    forge_field(model, "files", "[\"/dev/zero\"]");
    ck_assert_int_eq(resume(task_checkpoint(model), NULL), RILL_EUSAGE);
    forge_field(model, "files", "[]");
    ck_assert_int_eq(resume(task_checkpoint(model), NULL), RILL_EMODEL);
}
END_TEST

/* Counters that the next epoch would make run over. */
START_TEST(checkpoint_counters) {
    static const char *const names[] = {"epoch", "batch", "waited", "plateau_waited", "step"};
    static const char *const values[] = {"9223372036854775807", "9007199254740993", "-1"};
    const char *model = task_path("counters.rill");
    char state[400];
    interrupt(model);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int used =
            snprintf(state, sizeof state,
                     "{\"loss\":0.0,\"items\":0.0,\"factor\":1.0,\"kept\":[],\"history\":[]");
        for (int k = 0; k < 5; k++) {
            used += snprintf(state + used, sizeof state - (size_t)used, ",\"%s\":%s", names[k],
                             k == _i ? values[i] : "0");
        }
        snprintf(state + used, sizeof state - (size_t)used, "}");
        forge_field(model, "checkpoint", state);
        ck_assert_int_eq(resume(task_checkpoint(model), NULL), RILL_EMODEL);
        ck_assert_ptr_nonnull(strstr(e.message, "checkpoint"));
    }
}
END_TEST

TCase *hostile_cases(void) {
    TCase *c = tcase_create("hostile");
    tcase_set_timeout(c, 30);
    tcase_add_loop_test(c, many_entity_labels, 0, 2);
    tcase_add_test(c, many_attributes);
    tcase_add_test(c, wide_rows);
    tcase_add_loop_test(c, unknown_value, 0, 2);
    tcase_add_test(c, pruned_rows);
    tcase_add_test(c, checkpoint_without_model);
    tcase_add_test(c, checkpoint_of_another_model);
    tcase_add_test(c, checkpoint_in_its_place);
    tcase_add_test(c, checkpoint_inputs);
    tcase_add_loop_test(c, checkpoint_counters, 0, 5);
    return c;
}
