/* check_task_damage: a model file that is cut, flipped or forged: a tagger's and a translator's.
 *
 * Accidents are walked through: every length of a small model, and flips at seeded places. A forger
 * can make the checksums right, so the second half changes bytes and then redoes them: such a file
 * is refused by what it says, or it opens and works; it never crashes and never asks for much
 * memory.
 */
#include "check_task.h"

#include "base/rng.h"
#include "craft.h"

#include <fcntl.h>
#include <unistd.h>

enum { FLIPS = 2000, FORGERIES = 600 };

/* A task whose model is damaged: what trains a handful of units, and what puts a model to work. */
typedef struct victim {
    const task *task;
    void (*train)(const char *path);
    int (*use)(void *model, buffer *out, rill_error *e);
} victim;

/* The model of a handful of units, in memory and open. */
typedef struct toy {
    const victim *v;
    const char *path;
    char *data;
    size_t size, header; /* bytes of the file; of them before the tensors' data */
    bundle *b;
} toy;

/* ---- the victims */

static void train_tagger(const char *path) {
    rill_error e = {0};
    buffer text = {0};
    tag_options o;
    char target[128];
    task_conllu(20, 5, &text);
    const char *files[] = {task_file("toy.conllu", buffer_view(&text))};
    snprintf(target, sizeof target, "model=%s", path);
    task_options_set(&o, "hidden=4", "form-dim=2", "char-dim=2", "char-hidden=2", "affix-dim=1",
                     "epochs=1", "min-count=3", "force=true", target, NULL);
    ck_assert_msg(tag_train(&o, files, 1, NULL, &e) == 0, "%s", e.message);
    task_options_free(&o);
    buffer_free(&text);
}

/* Tags a text of every kind of word. */
static int use_tagger(void *model, buffer *out, rill_error *e) {
    bytes text = BYTES("The cat sees boats. \xEA\xB3\xA0\xEC\x96\x91\xEC\x9D\xB4 don't 3.14!\n\n");
    return run_tagger(model, text, out, e, "output=conllu", "probs=true", NULL);
}

static void train_translator(const char *path) {
    rill_error e = {0};
    buffer text = {0};
    translate_options o;
    char target[128];
    task_pairs(20, 5, &text);
    const char *files[] = {task_file("toy.tsv", buffer_view(&text))};
    snprintf(target, sizeof target, "model=%s", path);
    task_translate_set(&o, "embed=4", "encoder-hidden=4", "decoder-hidden=4", "epochs=1",
                       "units=bpe", "vocab-size=40", "force=true", target, NULL);
    ck_assert_msg(translate_train(&o, files, 1, NULL, &e) == 0, "%s", e.message);
    task_translate_free(&o);
    buffer_free(&text);
}

/* Translates, draws and scores. */
static int use_translator(void *model, buffer *out, rill_error *e) {
    bytes text = BYTES("red dog Q1\n\xEA\xB3\xA0 sees\n\n");
    int status = run_translator(model, text, out, e, "nbest=3", "align=true",
                                       "replace-unk=true", "json=true", NULL);
    if (status < 0) return status;
    status = run_translator(model, text, out, e, "sample=true", "word-scores=true", NULL);
    if (status < 0) return status;
    return run_translator(model, BYTES("red\tHund\n"), out, e, "score=true", NULL);
}

static const victim victims[] = {{&task_tag, train_tagger, use_tagger},
                                 {&task_translate, train_translator, use_translator}};
enum { VICTIMS = 2 };

static char *aligned_copy(const char *data, size_t size) {
    char *copy = aligned_alloc(BUNDLE_ALIGN, (size + BUNDLE_ALIGN) / BUNDLE_ALIGN * BUNDLE_ALIGN);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, size);
    return copy;
}

static void toy_make(toy *t, int number) {
    rill_error e = {0};
    buffer file = {0};
    uint64_t length;
    t->v = &victims[number];
    t->path = task_path("toy.rill");
    t->v->train(t->path);
    ck_assert_msg(file_slurp(t->path, 0, &file, &e) == 0, "%s", e.message);
    t->size = file.size;
    t->data = aligned_copy(file.data, file.size);
    buffer_free(&file);
    memcpy(&length, t->data, sizeof length);
    t->header = (size_t)length + BUNDLE_PREFIX;
    ck_assert_int_eq(bundle_open_bytes((bytes){t->data, t->size}, "toy", &t->b, &e), 0);
}

static void toy_free(toy *t) {
    bundle_close(t->b);
    free(t->data);
}

/* ---- accidents */

/* Opens as rill_model_open does. */
static int open_model(const toy *t, bundle *b, int status, void **m, rill_error *e) {
    return status < 0 ? status : task_model_open(t->v->task, b, m, e);
}

static void close_model(const toy *t, void *m) {
    task_model_free(t->v->task, m);
}

static int open_file(const toy *t, rill_error *e) {
    bundle *b = NULL;
    void *m = NULL;
    int status = bundle_open(t->path, &b, e);
    status = open_model(t, b, status, &m, e);
    close_model(t, m);
    return status;
}

/* A refusal says which part of the file is at fault. */
static void assert_named(const rill_error *e, size_t at) {
    static const char *const parts[] = {"tensor \"", "header", "not a model file"};
    bool named = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        named |= strstr(e->message, parts[i]) != NULL;
    }
    ck_assert_msg(named, "at byte %zu the message names nothing: %s", at, e->message);
    ck_assert(e->file[0]);
}

START_TEST(every_truncation) {
    toy t;
    rill_error e = {0};
    toy_make(&t, _i);
    ck_assert_msg(open_file(&t, &e) == 0, "%s", e.message);
    for (size_t size = t.size; size-- > 0;) {
        e = (rill_error){0};
        ck_assert_int_eq(truncate(t.path, (off_t)size), 0);
        int status = open_file(&t, &e);
        ck_assert_msg(status == RILL_EMODEL, "%zu of %zu bytes give %d", size, t.size, status);
        assert_named(&e, size);
    }
    toy_free(&t);
}
END_TEST

START_TEST(seeded_flips) {
    toy t;
    toy_make(&t, _i);
    rng r = rng_make(test_seed("seeded_flips"), 1, 0);
    int fd = open(t.path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < FLIPS; i++) {
        rill_error e = {0};
        /* half of them in the header, which is small and easily missed */
        size_t at = (size_t)rng_below(&r, i % 2 ? t.header : t.size);
        char byte = (char)(t.data[at] ^ 1 << rng_below(&r, 8));
        ck_assert_int_eq((int)pwrite(fd, &byte, 1, (off_t)at), 1);
        int status = open_file(&t, &e);
        ck_assert_msg(status == RILL_EMODEL, "a flip at byte %zu gives %d", at, status);
        assert_named(&e, at);
        ck_assert_int_eq((int)pwrite(fd, t.data + at, 1, (off_t)at), 1);
    }
    close(fd);
    rill_error e = {0};
    ck_assert_msg(open_file(&t, &e) == 0, "%s", e.message); /* it was the flips */
    toy_free(&t);
}
END_TEST

/* ---- forgeries */

/* Where a text stands in the header; it must. */
static char *find_text(char *file, size_t header, const char *text) {
    size_t size = strlen(text);
    for (size_t at = 0; at + size <= header; at++) {
        if (memcmp(file + at, text, size) == 0) return file + at;
    }
    ck_abort_msg("%s does not stand in the header", text);
    return NULL;
}

/* Writes the tensor's checksum into the header, whose seal is redone by the caller. */
static void redo_checksum(char *file, size_t header, const bundle_entry *entry, size_t begin) {
    char key[BUNDLE_KEY_LIMIT + 8], digits[33];
    hash128_hex(hash128_of(file + begin, entry->size), digits);
    snprintf(key, sizeof key, "\"" BUNDLE_HASH_KEY "%s\":\"", entry->name);
    memcpy(find_text(file, header, key) + strlen(key), digits, BUNDLE_DIGITS);
}

/* Changes a few bytes of one tensor; every tensor is as likely as any other. */
static void forge_data(const toy *t, rng *r, char *file) {
    const bundle_entry *entry = bundle_at(t->b, (size_t)rng_below(r, bundle_count(t->b)));
    size_t begin = (size_t)((const char *)entry->data - t->data);
    for (uint64_t n = 1 + rng_below(r, 4); n > 0 && entry->size > 0; n--) {
        size_t at = begin + (size_t)rng_below(r, entry->size);
        file[at] = (char)(rng_below(r, 2) ? file[at] ^ 1 << rng_below(r, 8) : (char)rng_next(r));
    }
    redo_checksum(file, t->header, entry, begin);
}

/* Changes digits and letters of the header behind the seal: sizes, names, options. */
static void forge_header(const toy *t, rng *r, char *file) {
    static const char letters[] = "0123456789-.aeo_,[]\"{}:\\";
    size_t from = BUNDLE_PREFIX + strlen(BUNDLE_OPENING) + BUNDLE_DIGITS;
    for (uint64_t n = 1 + rng_below(r, 2); n > 0;) {
        size_t at = from + (size_t)rng_below(r, t->header - from);
        if (file[at] == ' ') continue; /* the padding at the end */
        file[at] = letters[rng_below(r, sizeof letters - 1)];
        n--;
    }
}

/* Puts a model that opened to work. */
static void use(const toy *t, void *m) {
    buffer out = {0};
    rill_error e = {0};
    int status = t->v->use(m, &out, &e);
    /* Its own rules may refuse a text, a label may be no text for a format; both are answers. */
    ck_assert_msg(status == 0 || status == RILL_EMODEL || status == RILL_EDATA ||
                      status == RILL_ELIMIT || status == RILL_EUSAGE,
                  "%d: %s", status, e.message);
    buffer_free(&out);
}

static bool try_forgery(const toy *t, const char *file, int round) {
    rill_error e = {0};
    bundle *b = NULL;
    void *m = NULL;
    int status = bundle_open_bytes((bytes){file, t->size}, "forged", &b, &e);
    status = open_model(t, b, status, &m, &e);
    ck_assert_msg(status == 0 || status == RILL_EMODEL, "round %d: %d: %s", round, status,
                  e.message);
    ck_assert(status == 0 || e.message[0]);
    if (status == 0) use(t, m);
    close_model(t, m);
    return status == 0;
}

START_TEST(forgeries) {
    toy t;
    toy_make(&t, _i / 2);
    rng r = rng_make(test_seed("forgeries"), 2, (uint64_t)_i);
    int opened = 0;
    for (int i = 0; i < FORGERIES; i++) {
        char *file = aligned_copy(t.data, t.size);
        if (_i % 2 == 0) forge_data(&t, &r, file);
        if (_i % 2 == 1) forge_header(&t, &r, file);
        craft_seal(file, t.header);
        opened += try_forgery(&t, file, i);
        free(file);
    }
    printf("note: %s: %d of %d forged %s opened\n", t.v->task->name, opened, FORGERIES,
           _i % 2 ? "headers" : "tensors");
    ck_assert_int_gt(opened, 0);
    ck_assert_int_lt(opened, FORGERIES);
    toy_free(&t);
}
END_TEST

/* Forgeries that a random walk hardly finds: each replaces one text of the header by another of the
 * same length and must be refused with its field named. */
START_TEST(told_forgeries) {
    static const struct {
        int victim;
        const char *from, *to, *named;
    } cases[] = {
        {0, "\"task\":\"tag\"", "\"task\":\"gat\"", "task"},
        {0, "\\\"name\\\":\\\"xpos\\\"", "\\\"name\\\":\\\"upos\\\"", "columns"},
        {0, "\\\"hidden\\\":\\\"4", "\\\"hidden\\\":\\\"5", "tensor"},
        {0, "\\\"kind\\\":\\\"plain\\\"", "\\\"kind\\\":\\\"plane\\\"", "labels.0"},
        {0, "\\\"scheme\\\":\\\"none\\\"", "\\\"scheme\\\":\\\"nine\\\"", "columns"},
        {1, "\"task\":\"translate\"", "\"task\":\"translite\"", "task"},
        {1, "\\\"embed\\\":\\\"4", "\\\"embed\\\":\\\"5", "tensor"},
        {1, "\\\"heads\\\":\\\"1", "\\\"heads\\\":\\\"3", "config"},
        {1, "\\\"cell\\\":\\\"lstm", "\\\"cell\\\":\\\"lstn", "cell"},
        {1, "\\\"tie\\\":\\\"auto", "\\\"tie\\\":\\\"none", "tensor"},
        {1, "source.units.text", "source.unity.text", "source.units"},
        {0, "\"rill_format\":\"1\"", "\"rill_format\":\"2\"", "rill_format"},
    };
    toy t;
    toy_make(&t, cases[_i].victim);
    char *file = aligned_copy(t.data, t.size);
    memcpy(find_text(file, t.header, cases[_i].from), cases[_i].to, strlen(cases[_i].to));
    craft_seal(file, t.header);
    rill_error e = {0};
    bundle *b = NULL;
    void *m = NULL;
    int status = bundle_open_bytes((bytes){file, t.size}, "forged", &b, &e);
    status = open_model(&t, b, status, &m, &e);
    ck_assert_int_eq(status, RILL_EMODEL);
    ck_assert_msg(strstr(e.message, cases[_i].named) != NULL, "%s", e.message);
    free(file);
    toy_free(&t);
}
END_TEST

TCase *damage_cases(void) {
    TCase *c = tcase_create("damage");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, every_truncation, 0, VICTIMS);
    tcase_add_loop_test(c, seeded_flips, 0, VICTIMS);
    tcase_add_loop_test(c, forgeries, 0, 2 * VICTIMS);
    tcase_add_loop_test(c, told_forgeries, 0, 12);
    return c;
}
