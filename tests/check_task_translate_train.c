/* check_task_translate_train: a translator's training: one command, one model, byte for byte; every
 * kind of network; data and options that won't do. */
#include "check_task.h"

#include <math.h>

/* ---- one command, one model */

/* Every random number there is: units are cut anew each epoch, words hidden, all dropouts on. */
static const char *const noisy[] = {"units=bpe",        "vocab-size=60", "bpe-dropout=0.2",
                                    "word-dropout=0.1", "dropout=0.3",   "recurrent-dropout=0.2"};
static const char *const calm[] = {"units=char", "heads=2",  "attention=additive", "coverage-loss=0.5",
                                   "cell=gru",   "r-drop=1"};

static int train(const char *model, const rill_hooks *hooks, rill_error *e, const char *const s[6],
                 const char *more) {
    translate_options o;
    char target[256];
    const char *files[] = {task_path("short.tsv")};
    snprintf(target, sizeof target, "model=%s", model);
    task_translate_set(&o, "epochs=3", "batch=64", "force=true", target, s[0], s[1], s[2], s[3],
                       s[4], s[5], more, NULL);
    int status = translate_train(&o, files, 1, hooks, e);
    task_translate_free(&o);
    return status;
}

static void short_pairs(void) {
    buffer text = {0};
    task_pairs(80, 4, &text);
    task_file("short.tsv", buffer_view(&text));
    buffer_free(&text);
}

/* With dev data, all checkpoints written. */
static int course(const char *model, const rill_hooks *hooks, rill_error *e) {
    char dev[256];
    const char *const s[] = {noisy[0], noisy[1], noisy[2], noisy[3], "checkpoint-minutes=0",
                             noisy[5]};
    snprintf(dev, sizeof dev, "dev=%s", task_path("short.tsv"));
    return train(model, hooks, e, s, dev);
}

static int resume(const char *model, const char *threads, rill_error *e) {
    translate_options o;
    char from[256];
    snprintf(from, sizeof from, "resume=%s.ckpt", model);
    task_translate_set(&o, from, threads, NULL);
    int status = translate_train(&o, NULL, 0, NULL, e);
    task_translate_free(&o);
    return status;
}

START_TEST(threads_change_nothing) {
    rill_error e = {0};
    const char *const *s = _i ? calm : noisy, *one = task_path("one.rill"),
                      *two = task_path("two.rill");
    short_pairs();
    ck_assert_msg(train(one, NULL, &e, s, "threads=1") == 0, "%s", e.message);
    ck_assert_msg(train(two, NULL, &e, s, "threads=2") == 0, "%s", e.message);
    task_assert_same(one, two);
    ck_assert_msg(train(two, NULL, &e, s, "threads=3") == 0, "%s", e.message);
    task_assert_same(one, two);
    ck_assert_msg(train(two, NULL, &e, s, "seed=9") == 0, "%s", e.message);
    ck_assert(!hash128_equal(task_hash(one), task_hash(two))); /* the comparison can fail */
    ck_assert(!file_exists(task_checkpoint(two)));
}
END_TEST

/* The two readings of a pair differ: were their masks one, their agreement would weigh nothing. */
START_TEST(readings_differ) {
    rill_error e = {0};
    const char *one = task_path("one.rill"), *two = task_path("two.rill");
    short_pairs();
    ck_assert_msg(train(one, NULL, &e, noisy, "r-drop=1") == 0, "%s", e.message);
    ck_assert_msg(train(two, NULL, &e, noisy, "r-drop=5") == 0, "%s", e.message);
    ck_assert(!task_same_tensors(one, two));
}
END_TEST

START_TEST(stopped_and_resumed) {
    rill_error e = {0};
    const char *whole = task_path("whole.rill"), *parts = task_path("parts.rill");
    short_pairs();
    ck_assert_msg(course(whole, NULL, &e) == 0, "%s", e.message);
    int stops[] = {0, 1, 7, 20};
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

static int go_on(const char *model, bool again, rill_error *e) {
    return again ? resume(model, "threads=1", e) : course(model, NULL, e);
}

START_TEST(killed_and_resumed) {
    rill_error e = {0};
    const char *whole = task_path("calm.rill"), *parts = task_path("killed.rill");
    short_pairs();
    ck_assert_msg(course(whole, NULL, &e) == 0, "%s", e.message);
    task_kill(go_on, parts, "translator killed_and_resumed");
    task_assert_same(whole, parts);
}
END_TEST

/* Ends of lines and byte order marks are no part of a text, and one file of pairs is two of lines.
 */
START_TEST(same_text_same_model) {
    static const char *const lines[] = {"red\trot\ndog\tHund\nred dog\tHund rot\n",
                                        "\xEF\xBB\xBFred\trot\r\ndog\tHund\r\nred dog\tHund rot"};
    hash128 seen[3];
    for (int i = 0; i < 3; i++) {
        rill_error e = {0};
        translate_options o;
        const char *model = task_path("same.rill");
        const char *pairs[] = {task_file("same.tsv", bytes_of(lines[i % 2]))};
        const char *sides[] = {task_file("same.en", BYTES("red\r\ndog\nred dog\n")),
                               task_file("same.de", BYTES("rot\nHund\nHund rot\n"))};
        task_translate_set(&o, "epochs=2", "min-count=1", "force=true", NULL);
        o.common.model = mem_text(model, strlen(model));
        int status = translate_train(&o, i < 2 ? pairs : sides, i < 2 ? 1 : 2, NULL, &e);
        ck_assert_msg(status == 0, "%s", e.message);
        seen[i] = task_hash(model);
        task_translate_free(&o);
    }
    ck_assert(hash128_equal(seen[0], seen[1]) && hash128_equal(seen[0], seen[2]));
}
END_TEST

/* ---- every kind of network */

enum { KINDS = 4 * 3 * 4 };

START_TEST(every_kind) {
    static const char *const cells[] = {"cell=lstm", "cell=gru", "cell=tanh", "cell=relu"};
    static const char *const how[] = {"attention=dot", "attention=general", "attention=additive"};
    static const char *const ties[] = {"tie=none", "tie=target", "tie=all", "tie=auto"};
    static const char *const units[] = {"units=char", "units=bpe", "units=word", "units=byte"};
    static const char *const other[] = {"norm=true", "encoder-layers=2", "decoder-layers=2",
                                        "residual=false", "heads=4"};
    rill_error e = {0};
    buffer out = {0};
    const char *model = task_path("kind.rill");
    const char *const s[] = {cells[_i % 4],  how[_i / 4 % 3], ties[(_i + _i / 12) % 4],
                             units[_i / 12], other[_i % 5],   other[(_i / 5 + _i + 1) % 5]};
    short_pairs();
    ck_assert_msg(train(model, NULL, &e, s, "epochs=1") == 0, "%s", e.message);
    translate_model *m = task_translate_open(model);
    ck_assert(isfinite((double)m->net.params.value[0]));
    int status = run_translator(m, BYTES("red dog\n\nsees\n"), &out, &e, "beam=2",
                                       "align=true", NULL);
    ck_assert_msg(status == 0, "%s", e.message);
    size_t lines = 0;
    for (size_t i = 0; i < out.size; i++) lines += out.data[i] == '\n';
    ck_assert_uint_eq(lines, 3);
    task_model_free(&task_translate, m);
    buffer_free(&out);
}
END_TEST

/* ---- what is refused */

typedef struct journal {
    char text[4096];
} journal;

static void keep_event(void *data, const rill_event *event) {
    journal *l = data;
    size_t used = strlen(l->text);
    if (event->text) snprintf(l->text + used, sizeof l->text - used, "%s\n", event->text);
}

/* Trains on files of the given texts. */
static int train_texts(const char *source, const char *target, journal *l, rill_error *e,
                       const char *setting) {
    static const char *const plain[] = {"epochs=1",   "min-count=1", "units=char",
                                        "units=char", "units=char",  "units=char"};
    translate_options o;
    char model[256];
    const rill_hooks hooks = {.data = l, .event = keep_event};
    const char *files[] = {task_file("texts.en", bytes_of(source)),
                           target ? task_file("texts.de", bytes_of(target)) : NULL};
    *l = (journal){{0}};
    *e = (rill_error){0};
    snprintf(model, sizeof model, "model=%s", task_path("texts.rill"));
    task_translate_set(&o, plain[0], plain[1], plain[2], "force=true", model, setting, NULL);
    int status = translate_train(&o, files, target ? 2 : 1, &hooks, e);
    task_translate_free(&o);
    return status;
}

START_TEST(uneven_files) {
    journal l;
    rill_error e;
    ck_assert_int_eq(train_texts("a\nb\nc\n", "x\ny\n", &l, &e, NULL), RILL_EDATA);
    ck_assert_msg(strchr(e.message, '3') && strchr(e.message, '2'), "%s", e.message);
    ck_assert(e.file[0]);
}
END_TEST

START_TEST(empty_sides) {
    journal l;
    rill_error e;
    int status = train_texts("a b\n\nc\n  \nd\n", "x\ny\n \n\nz\n", &l, &e, NULL);
    ck_assert_msg(status == 0, "%s", e.message);
    ck_assert_msg(strstr(l.text, "left out: 3 pairs with an empty side"), "%s", l.text);
    ck_assert_int_eq(train_texts("\n\n", "x\n\n", &l, &e, NULL), RILL_EDATA);
    ck_assert_int_eq(train_texts("", "", &l, &e, NULL), RILL_EDATA);
    ck_assert(e.message[0] && e.file[0]);
}
END_TEST

START_TEST(bad_bytes_and_columns) {
    static const struct {
        const char *source, *target, *file;
        size_t line, column;
    } bad[] = {{"a\nb\xFF\n", "x\ny\n", "texts.en", 2, 2},
               {"a\nb\n", "x\ny\xC3\n", "texts.de", 2, 2},
               {"a\tx\nb\n", NULL, "texts.en", 2, 0},
               {"a\tx\nb\ty\xFF\n", NULL, "texts.en", 2, 4}};
    journal l;
    rill_error e;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(train_texts(bad[i].source, bad[i].target, &l, &e, NULL), RILL_EDATA);
        ck_assert_ptr_nonnull(strstr(e.file, bad[i].file));
        ck_assert_uint_eq(e.line, bad[i].line);
        ck_assert_msg(bad[i].column == e.column, "case %zu: column %zu", i, e.column);
    }
}
END_TEST

/* Long pairs are left out and counted; where nothing is left there is nothing to learn. */
START_TEST(long_pairs) {
    journal l;
    rill_error e;
    int status = train_texts("a b c d\na\n", "x\ny\n", &l, &e, "max-pieces=4");
    ck_assert_msg(status == 0, "%s", e.message);
    ck_assert_msg(strstr(l.text, "1 with more than 4 units"), "%s", l.text);
    status = train_texts("a b c d\n", "x\n", &l, &e, "max-pieces=4");
    ck_assert_msg(status == RILL_EDATA, "%d: %s", status, e.message);
    ck_assert_ptr_nonnull(strstr(l.text, "1 with more than 4 units"));
}
END_TEST

START_TEST(options_that_clash) {
    static const struct {
        const char *setting, *named;
    } bad[] = {{"encoder-hidden=31", "--encoder-hidden"},
               {"heads=3", "--heads"},
               {"dev-target=x", "--dev"}};
    journal l;
    rill_error e;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(train_texts("a\tb\n", NULL, &l, &e, bad[i].setting), RILL_EUSAGE);
        ck_assert_ptr_nonnull(strstr(e.message, bad[i].named));
    }
    const char *const s[] = {"tie=all",  "share=false", "epochs=1",
                             "epochs=1", "epochs=1",    "epochs=1"};
    short_pairs();
    ck_assert_int_eq(train(task_path("clash.rill"), NULL, &e, s, NULL), RILL_EUSAGE);
    ck_assert_ptr_nonnull(strstr(e.message, "--tie"));
    translate_options o;
    const char *path = task_path("clash.rill"), *none = task_path("none"), *three[] = {none, none, none};
    task_translate_set(&o, NULL);
    o.common.model = mem_text(path, strlen(path));
    for (size_t count = 0; count <= 3; count += 3) {
        ck_assert_int_eq(translate_train(&o, three, count, NULL, &e), RILL_EUSAGE);
    }
    task_translate_free(&o);
}
END_TEST

/* Units from a file are used as they are; a resume notices that they changed. */
START_TEST(units_from_a_file) {
    rill_error e = {0};
    buffer codes = {0};
    char setting[256];
    int stops = 1;
    const rill_hooks hooks = {.data = &stops, .stop = task_stop_at};
    const char *model = task_path("units.rill"), *path;
    subword_write(task_translator()->lexicon.source, &codes);
    path = task_file("units.codes", buffer_view(&codes));
    snprintf(setting, sizeof setting, "subwords=%s", path);
    const char *const s[] = {setting, "epochs=2", "epochs=2", "epochs=2", "epochs=2", "units=char"};
    short_pairs();
    ck_assert_msg(train(model, NULL, &e, s, NULL) == 0, "%s", e.message);
    translate_model *m = task_translate_open(model);
    ck_assert_int_eq(subword_size(m->lexicon.target),
                     subword_size(task_translator()->lexicon.target));
    task_model_free(&task_translate, m);
    ck_assert_int_eq(train(model, &hooks, &e, s, NULL), RILL_EINTERRUPTED);
    buffer_add_char(&codes, '\n');
    task_file("units.codes", buffer_view(&codes));
    ck_assert_int_eq(resume(model, "threads=1", &e), RILL_EDATA);
    ck_assert_ptr_nonnull(strstr(e.message, "changed"));
    codes.size /= 2; /* cut short */
    task_file("units.codes", buffer_view(&codes));
    ck_assert_int_lt(train(model, NULL, &e, s, NULL), 0);
    ck_assert_ptr_nonnull(strstr(e.file, "units.codes"));
    buffer_free(&codes);
}
END_TEST

/* Trains on two pairs with codes, or with none. */
static int train_codes(const char *model, const char *codes, const char *more, journal *l,
                       rill_error *e) {
    translate_options o;
    char target[256], subwords[256];
    const rill_hooks hooks = {.data = l, .event = keep_event};
    const char *files[] = {task_file("codes.tsv", BYTES("ab .\tb \r x.\nab .\ty z\n"))};
    *l = (journal){{0}};
    snprintf(target, sizeof target, "model=%s", model);
    snprintf(subwords, sizeof subwords, "%s%s", codes ? "subwords=" : "epochs=1",
             codes ? codes : "");
    task_translate_set(&o, "epochs=1", "batch=64", "force=true", "embed=8", "encoder-hidden=8",
                       "decoder-hidden=8", target, subwords, more, NULL);
    int status = translate_train(&o, files, 1, &hooks, e);
    task_translate_free(&o);
    return status;
}

/* The units of a model's file give a text back. */
static void knows(const char *model, const char *text) {
    translate_model *m = task_translate_open(model);
    subword_session *s;
    subword_list units = {0};
    buffer back = {0};
    int32_t id[64];
    ck_assert_int_eq(subword_session_new(m->lexicon.target, &s, NULL), 0);
    ck_assert_int_eq(subword_encode(s, bytes_of(text), NULL, &units, NULL), 0);
    ck_assert_uint_le(units.count, 64);
    for (size_t i = 0; i < units.count; i++) {
        id[i] = units.item[i].id;
        ck_assert_int_ge(id[i], SUBWORD_SPECIALS);
    }
    subword_decode(m->lexicon.target, id, units.count, NULL, &back);
    ck_assert_msg(bytes_equal(buffer_view(&back), bytes_of(text)), "%s", back.data);
    buffer_free(&back);
    subword_list_free(&units);
    subword_session_free(s);
    task_model_free(&task_translate, m);
}

/* Codes of subword-nmt name only what merges join; a model that takes them knows its text. */
START_TEST(units_of_subword_nmt) {
    rill_error e = {0};
    journal l;
    const char *model = task_path("nmt.rill"), *next = task_path("next.rill");
    const char *codes = task_file("nmt.codes", BYTES("#version: 0.2\na b</w>\n"));
    char init[256];
    ck_assert_msg(train_codes(model, codes, "min-count=1", &l, &e) == 0, "%s", e.message);
    ck_assert_msg(!strstr(l.text, "unknown"), "%s", l.text);
    ck_assert_msg(strstr(l.text, "6 units, and 12 for characters"), "%s", l.text);
    knows(model, "b \r x.");
    knows(model, "yx z ab a.b");
    snprintf(init, sizeof init, "init=%s", model);
    ck_assert_msg(train_codes(next, NULL, init, &l, &e) == 0, "%s", e.message);
    knows(next, "b \r x.");
    ck_assert_msg(train_codes(model, codes, "min-count=2", &l, &e) == 0, "%s", e.message);
    ck_assert_msg(strstr(l.text, "of the units are unknown"), "%s", l.text);
}
END_TEST

TCase *translate_train_cases(void) {
    TCase *t = tcase_create("translate train");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, threads_change_nothing, 0, 2);
    tcase_add_test(t, readings_differ);
    tcase_add_test(t, stopped_and_resumed);
    tcase_add_test(t, killed_and_resumed);
    tcase_add_test(t, same_text_same_model);
    tcase_add_loop_test(t, every_kind, 0, KINDS);
    tcase_add_test(t, uneven_files);
    tcase_add_test(t, empty_sides);
    tcase_add_test(t, bad_bytes_and_columns);
    tcase_add_test(t, long_pairs);
    tcase_add_test(t, options_that_clash);
    tcase_add_test(t, units_from_a_file);
    tcase_add_test(t, units_of_subword_nmt);
    return t;
}
