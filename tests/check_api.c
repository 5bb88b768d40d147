/* check_api: librill as a program outside sees it. This suite includes rill.h and nothing else of
 * rill, and links nothing but the shared library. */
#include "rill.h"
#include "test.h"

#include <fcntl.h>
#include <unistd.h>

static char folder[64], model_path[128], data_path[128], log_path[128];
static rill_error e;

#define OK(call)                                                                                   \
    do {                                                                                           \
        e = (rill_error){0};                                                                       \
        int status_ = (call);                                                                      \
        ck_assert_msg(status_ == 0, "%d %s:%zu: %s", status_, e.file, e.line, e.message);          \
    } while (0)

/* Fails with that code, which stands in the record with a message. */
#define FAILS(wanted, call)                                                                        \
    do {                                                                                           \
        e = (rill_error){0};                                                                       \
        ck_assert_int_eq((call), wanted);                                                          \
        ck_assert_int_eq(e.code, wanted);                                                          \
        ck_assert(e.message[0]);                                                                   \
    } while (0)

static void in_folder(const char *name, char path[128]) {
    snprintf(path, 128, "%s/%s", folder, name);
}

static void write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static char *read_file(const char *path) {
    static char text[1 << 16];
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    size_t size = fread(text, 1, sizeof text - 1, f);
    text[size] = '\0';
    fclose(f);
    return text;
}

static rill_options *options(void) {
    rill_options *o;
    OK(rill_options_new("tag", &o, &e));
    return o;
}

static void set(rill_options *o, const char *name, const char *value) {
    OK(rill_options_set(o, name, value, &e));
}

/* The events as a log, as the tools write it. */
static void log_event(void *data, const rill_event *event) {
    ck_assert_ptr_nonnull(event->text);
    if (event->json) fprintf(data, "%s\n", event->json);
}

static rill_options *small(void) {
    static const char *const settings[][2] = {
        {"hidden", "12"},     {"layers", "1"},    {"form-dim", "12"}, {"char-dim", "4"},
        {"char-hidden", "4"}, {"affix-dim", "4"}, {"epochs", "25"},   {"rate", "0.03"},
        {"warmup", "5"},      {"ema", "0.9"},     {"threads", "1"},   {"dropout", "0"}};
    rill_options *o = options();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        set(o, settings[i][0], settings[i][1]);
    }
    set(o, "model", model_path);
    set(o, "dev", data_path);
    return o;
}

static void set_up(void) {
    if (*folder) return;
    snprintf(folder, sizeof folder, "/tmp/check_api.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    in_folder("tags.rill", model_path);
    in_folder("tags.conllu", data_path);
    in_folder("tags.jsonl", log_path);
    FILE *f = fopen(data_path, "w");
    for (int i = 0; i < 20; i++) {
        fprintf(f, "1\t%s\t_\t%s\t_\t_\t_\t_\t_\t_\n2\t%s\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n",
                i % 2 ? "red" : "the", i % 2 ? "ADJ" : "DET", i % 3 ? "house" : "tree");
    }
    fclose(f);
    rill_options *o = small();
    const char *files[] = {data_path};
    f = fopen(log_path, "w");
    const rill_hooks hooks = {.data = f, .event = log_event};
    set(o, "columns", "upos");
    OK(rill_train("tag", o, files, 1, &hooks, &e));
    fclose(f);
    rill_options_free(o);
}

static void tear_down(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (*folder && system(command)) printf("note: %s is left behind\n", folder);
}

static rill_model *model(void) {
    rill_model *m;
    OK(rill_model_open(model_path, &m, &e));
    return m;
}

START_TEST(names) {
    static const int codes[] = {RILL_OK,        RILL_ENOMEM,       RILL_EIO,
                                RILL_EDATA,     RILL_EUSAGE,       RILL_EMODEL,
                                RILL_EDIVERGED, RILL_EINTERRUPTED, RILL_ELIMIT};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ck_assert(*rill_strerror(codes[i]));
        ck_assert_str_ne(rill_strerror(codes[i]), rill_strerror(-100));
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(rill_strerror(codes[i]), rill_strerror(codes[k]));
        }
    }
    ck_assert_str_eq(rill_strerror(-9), rill_strerror(-2147483647 - 1));
    ck_assert_str_eq(rill_strerror(3), rill_strerror(RILL_OK));
    ck_assert(rill_version()[0] >= '0' && rill_version()[0] <= '9');
    rill_free(NULL);
    rill_options_free(NULL);
    rill_model_free(NULL);
    rill_session_free(NULL);
}
END_TEST

START_TEST(option_rows) {
    rill_option row;
    rill_options *o = options();
    size_t count = 0;
    for (; rill_option_at("tag", count, &row); count++) {
        char *value = rill_options_get(o, row.name);
        ck_assert(row.name && row.help && row.verbs && row.verbs <= 63);
        ck_assert_int_eq(value != NULL, row.fallback != NULL);
        if (value) set(o, row.name, value); /* defaults can be set */
        rill_free(value);
    }
    ck_assert_uint_gt(count, 20);
    ck_assert(!rill_option_at("paint", 0, &row));
    ck_assert_ptr_null(rill_options_get(o, "nothing"));
    rill_options_free(o);
}
END_TEST

START_TEST(options_from_text_and_file) {
    char path[128];
    rill_options *o = options();
    in_folder("config", path);
    write_file(path, "# a remark\nepochs = 7\n\nwith = a.rill\nwith = b.rill\nforce = yes\n");
    OK(rill_options_read(o, path, &e));
    char *epochs = rill_options_get(o, "epochs"), *with = rill_options_get(o, "with");
    char *force = rill_options_get(o, "force");
    ck_assert_str_eq(epochs, "7");
    ck_assert_str_eq(with, "a.rill\nb.rill");
    ck_assert_str_eq(force, "true");
    rill_free(epochs), rill_free(with), rill_free(force);
    FAILS(RILL_EUSAGE, rill_options_set(o, "epoch", "1", &e));
    ck_assert_ptr_nonnull(strstr(e.message, "did you mean --epochs"));
    FAILS(RILL_EUSAGE, rill_options_set(o, "epochs", "many", &e));
    write_file(path, "epochs = 1\nlayers = 99\n");
    FAILS(RILL_EUSAGE, rill_options_read(o, path, &e));
    ck_assert_uint_eq(e.line, 2);
    FAILS(RILL_EIO, rill_options_read(o, "/nowhere/config", &e));
    rill_options *none;
    FAILS(RILL_EUSAGE, rill_options_new("paint", &none, &e));
    ck_assert_ptr_null(none);
    rill_options_free(o);
}
END_TEST

START_TEST(models) {
    rill_model *m = model(), *none;
    char path[128], *report;
    ck_assert_str_eq(rill_model_task(m), "tag");
    rill_model_free(m);
    FAILS(RILL_EIO, rill_model_open("/nowhere/tags.rill", &none, &e));
    ck_assert_ptr_null(none);
    in_folder("broken.rill", path);
    write_file(path, "this is no model");
    FAILS(RILL_EMODEL, rill_model_open(path, &none, &e));
    FAILS(RILL_EMODEL, rill_model_info(path, false, &report, &e));
    ck_assert_ptr_null(report);
    ck_assert_int_eq(rill_model_open(path, &none, NULL), RILL_EMODEL); /* nobody has to listen */
}
END_TEST

START_TEST(information) {
    char *text, *json;
    OK(rill_model_info(model_path, false, &text, &e));
    OK(rill_model_info(model_path, true, &json, &e));
    static const char *const known[] = {"tag",  "config",    "hidden",     "columns",
                                        "upos", "summary",   "best_epoch", "words.weight_ih_l0",
                                        "F32",  "parameters"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ck_assert_msg(strstr(text, known[i]), "%s in %s", known[i], text);
        ck_assert_msg(strstr(json, known[i]), "%s in %s", known[i], json);
    }
    ck_assert_int_eq(json[0], '{');
    ck_assert_ptr_nonnull(strstr(json, "\"kind\":\"model\""));
    ck_assert_ptr_nonnull(strstr(json, "\"tensors\":[{\"name\":"));
    ck_assert_ptr_nonnull(strstr(json, "\"xxh3\":\""));
    rill_free(text);
    rill_free(json);
}
END_TEST

static bool stop_after(void *data) {
    return --*(int *)data < 0;
}

/* Stopped, looked into, refused as a model, resumed. */
START_TEST(checkpoints) {
    char path[128], checkpoint[160], *report;
    const char *files[] = {data_path};
    int updates = 3;
    const rill_hooks hooks = {.data = &updates, .stop = stop_after};
    rill_model *m;
    in_folder("part.rill", path);
    snprintf(checkpoint, sizeof checkpoint, "%s.ckpt", path);
    rill_options *o = small();
    set(o, "model", path);
    FAILS(RILL_EINTERRUPTED, rill_train("tag", o, files, 1, &hooks, &e));
    OK(rill_model_info(checkpoint, true, &report, &e));
    ck_assert_ptr_nonnull(strstr(report, "\"kind\":\"checkpoint\""));
    ck_assert_ptr_nonnull(strstr(report, "\"moment1\""));
    rill_free(report);
    FAILS(RILL_EMODEL, rill_model_open(checkpoint, &m, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "checkpoint"));
    rill_options_free(o);
    o = options();
    set(o, "resume", checkpoint);
    OK(rill_train("tag", o, NULL, 0, NULL, &e));
    OK(rill_model_open(path, &m, &e));
    rill_model_free(m);
    FAILS(RILL_EUSAGE, rill_train("paint", o, NULL, 0, NULL, &e));
    rill_options_free(o);
}
END_TEST

static void count_event(void *data, const rill_event *event) {
    *(int *)data += event->kind == RILL_EVENT_PROGRESS;
}

static bool stop_at_once(void *data) {
    (void)data;
    return true;
}

/* Tells how far it is, and ends when it is asked to; a model of another task is no use. */
START_TEST(evaluation_is_watched) {
    const char *files[] = {data_path};
    rill_model *m = model();
    const rill_model *models[] = {m};
    rill_options *o = options(), *other;
    char *report;
    int told = 0;
    rill_hooks hooks = {.data = &told, .event = count_event};
    OK(rill_eval(models, 1, o, files, 1, &hooks, &report, &e));
    rill_free(report);
    ck_assert_int_gt(told, 0);
    hooks.stop = stop_at_once;
    FAILS(RILL_EINTERRUPTED, rill_eval(models, 1, o, files, 1, &hooks, &report, &e));
    ck_assert_ptr_null(report);
    OK(rill_options_new("classify", &other, &e));
    FAILS(RILL_EMODEL, rill_eval(models, 1, other, files, 1, NULL, &report, &e));
    ck_assert_str_eq(e.message, "a model of task \"tag\", expected one of task \"classify\"");
    rill_options_free(other);
    rill_options_free(o);
    rill_model_free(m);
}
END_TEST

START_TEST(evaluation_and_check) {
    const char *files[] = {data_path};
    rill_model *m = model();
    const rill_model *models[] = {m, m};
    rill_options *o = options();
    char *report;
    size_t faults = 99;
    set(o, "json", "true");
    OK(rill_eval(models, 1, o, files, 1, NULL, &report, &e));
    ck_assert_int_eq(report[0], '{');
    ck_assert_ptr_nonnull(strstr(report, "\"upos\""));
    rill_free(report);
    OK(rill_eval(models, 2, o, files, 1, NULL, &report, &e));
    rill_free(report);
    FAILS(RILL_EUSAGE, rill_eval(models, 0, o, files, 1, NULL, &report, &e));
    files[0] = "/nowhere/data";
    FAILS(RILL_EIO, rill_eval(models, 1, o, files, 1, NULL, &report, &e));
    ck_assert_ptr_null(report);
    files[0] = data_path;
    OK(rill_check("tag", o, files, 1, &report, &faults, &e));
    ck_assert_int_eq(report[0], '{');
    ck_assert_uint_ne(faults, 99);
    rill_free(report);
    rill_options_free(o);
    rill_model_free(m);
}
END_TEST

/* The answers of the filter and of a session, which the options do not outlive. */
START_TEST(filter_and_session) {
    char in_path[128], out_path[128];
    rill_model *m = model();
    const rill_model *models[] = {m};
    rill_options *o = options();
    rill_session *s;
    const char *answer;
    size_t size;
    in_folder("in", in_path);
    in_folder("out", out_path);
    write_file(in_path, "the tree\n\nred house\n");
    set(o, "output", "horizontal");
    int in = open(in_path, O_RDONLY), out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    OK(rill_filter(models, 1, o, in, "in", out, NULL, &e));
    close(in);
    close(out);
    ck_assert_str_eq(read_file(out_path), "the_DET tree_NOUN\n\nred_ADJ house_NOUN\n");
    FAILS(RILL_EIO, rill_filter(models, 1, o, -1, "in", STDOUT_FILENO, NULL, &e));
    OK(rill_session_new(models, 1, o, &s, &e));
    rill_options_free(o);
    for (int i = 0; i < 3; i++) {
        OK(rill_session_apply(s, "red tree", 8, &answer, &size, &e));
        ck_assert_uint_eq(size, 18);
        ck_assert_int_eq(memcmp(answer, "red_ADJ tree_NOUN\n", size), 0);
    }
    FAILS(RILL_EDATA, rill_session_apply(s, "a\nb \xC0", 5, &answer, &size, &e));
    ck_assert_ptr_null(answer);
    ck_assert_uint_eq(size, 0);
    ck_assert_uint_eq(e.line, 2);
    ck_assert_uint_eq(e.column, 3);
    rill_session_free(s);
    rill_model_free(m);
}
END_TEST

START_TEST(learning_curve) {
    char path[128];
    in_folder("curve.svg", path);
    ck_assert_ptr_nonnull(strstr(read_file(log_path), "{\"event\":\"note\",\"text\":\"column upos: 3 labels"));
    OK(rill_plot_log(log_path, path, &e));
    ck_assert_ptr_nonnull(strstr(read_file(path), "<svg"));
    FAILS(RILL_EIO, rill_plot_log("/nowhere/log", path, &e));
}
END_TEST

/* Streams a text through the units. */
static const char *through(const rill_tokenizer *t, const rill_options *o, bool undo,
                           const char *text) {
    char in_path[128], out_path[128];
    in_folder("units.in", in_path);
    in_folder("units.out", out_path);
    write_file(in_path, text);
    int in = open(in_path, O_RDONLY), out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    OK(rill_tokenizer_filter(t, o, undo, in, "in", out, NULL, &e));
    close(in);
    close(out);
    return read_file(out_path);
}

START_TEST(units) {
    char text[128], codes[128];
    const char *files[] = {text};
    rill_tokenizer *t, *again;
    rill_options *o, *tag = options();
    in_folder("units.txt", text);
    in_folder("units.codes", codes);
    write_file(text, "the tree the tree\nthe house\n");
    OK(rill_options_new("tokenize", &o, &e));
    FAILS(RILL_EUSAGE, rill_tokenizer_learn(tag, files, 1, NULL, &t, &e));
    ck_assert_ptr_null(t);
    OK(rill_tokenizer_learn(o, files, 1, NULL, &t, &e));
    OK(rill_tokenizer_save(t, codes, &e));
    OK(rill_tokenizer_open(codes, &again, &e));
    ck_assert_int_eq(rill_tokenizer_size(t), rill_tokenizer_size(again));
    ck_assert_str_eq(through(t, o, false, "the tree\n\nx"), "\xE2\x96\x81the \xE2\x96\x81tree\n\n"
                                                            "\xE2\x96\x81 x");
    ck_assert_str_eq(through(again, o, true, "\xE2\x96\x81the \xE2\x96\x81tree\n"), "the tree\n");
    rill_tokenizer_free(again);
    FAILS(RILL_EDATA, rill_tokenizer_open(text, &again, &e));
    ck_assert_uint_eq(e.line, 1);
    ck_assert_ptr_null(again);
    rill_tokenizer_free(NULL);
    rill_tokenizer_free(t);
    rill_options_free(o);
    rill_options_free(tag);
}
END_TEST

START_TEST(vocabularies) {
    char text[128], words[128], pruned[128], *report;
    const char *files[] = {text};
    rill_options *o;
    rill_model *m;
    in_folder("words.txt", text);
    in_folder("words.tsv", words);
    in_folder("pruned.rill", pruned);
    write_file(text, "the tree the\n");
    OK(rill_options_new("vocab", &o, &e));
    set(o, "output", words);
    OK(rill_vocab_run(RILL_VOCAB_BUILD, o, files, 1, &report, &e));
    ck_assert_str_eq(read_file(words), "the\t2\ntree\t1\n");
    ck_assert_ptr_nonnull(strstr(report, "2 of 2 different words"));
    rill_free(report);
    FAILS(RILL_EIO, rill_vocab_run(RILL_VOCAB_BUILD, o, files, 1, &report, &e)); /* it stands there */
    ck_assert_ptr_nonnull(strstr(e.message, "words.tsv\" exists"));
    set(o, "force", "true");
    OK(rill_vocab_run(RILL_VOCAB_BUILD, o, files, 1, &report, &e));
    rill_free(report);
    const char *two[] = {words, words};
    FAILS(RILL_EUSAGE, rill_vocab_run(RILL_VOCAB_STATS, o, two, 2, &report, &e));
    FAILS(RILL_EUSAGE, rill_vocab_run(64, o, files, 1, &report, &e));
    rill_options_free(o);
    OK(rill_model_prune(model_path, words, NULL, false, pruned, false, &report, &e));
    ck_assert_ptr_nonnull(strstr(report, "2 kept, 0 added"));
    rill_free(report);
    OK(rill_model_open(pruned, &m, &e));
    rill_model_free(m);
    FAILS(RILL_EUSAGE, rill_model_prune(model_path, words, "x", false, pruned, false, &report, &e));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("api");
    TCase *t = tcase_create("rill.h");
    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, set_up, NULL);
    tcase_add_test(t, names);
    tcase_add_test(t, option_rows);
    tcase_add_test(t, options_from_text_and_file);
    tcase_add_test(t, models);
    tcase_add_test(t, information);
    tcase_add_test(t, checkpoints);
    tcase_add_test(t, evaluation_and_check);
    tcase_add_test(t, evaluation_is_watched);
    tcase_add_test(t, filter_and_session);
    tcase_add_test(t, learning_curve);
    tcase_add_test(t, units);
    tcase_add_test(t, vocabularies);
    suite_add_tcase(suite, t);
    int status = test_run(suite);
    tear_down();
    return status;
}
