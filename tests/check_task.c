/* check_task: the task floor. Fixtures; the cases stand in check_task_*.c.
 *
 * The tagger's data come from a grammar in which every word has one tag, so that a network of a few
 * units learns it by heart in a second.
 */
#include "check_task.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64];
static char *paths[256];
static size_t path_count;
static tag_model *tagger, *namer;

const char *task_path(const char *name) {
    char path[512];
    ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s", folder, name), (int)sizeof path);
    for (size_t i = 0; i < path_count; i++) {
        if (!strcmp(paths[i], path)) return paths[i];
    }
    ck_assert_uint_lt(path_count, sizeof paths / sizeof *paths);
    paths[path_count] = mem_text(path, strlen(path));
    ck_assert_ptr_nonnull(paths[path_count]);
    return paths[path_count++];
}

const char *task_file(const char *name, bytes content) {
    const char *path = task_path(name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(content.data, 1, content.size, f), content.size);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

/* ---- data */

typedef struct entry {
    const char *form, *upos, *xpos, *feats;
} entry;

static const entry words[][4] = {
    {{"The", "DET", "DT", "Definite=Def"},
     {"A", "DET", "DT", "Definite=Ind"},
     {"This", "DET", "DT", "Number=Sing"},
     {"My", "PRON", "PRP$", "Number=Sing|Person=1"}},
    {{"cat", "NOUN", "NN", "Number=Sing"},
     {"river", "NOUN", "NN", "Number=Sing"},
     {"children", "NOUN", "NNS", "Number=Plur"},
     {"Kim", "PROPN", "NNP", "Number=Sing"}},
    {{"sees", "VERB", "VBZ", "Number=Sing|Tense=Pres"},
     {"saw", "VERB", "VBD", "Tense=Past"},
     {"likes", "VERB", "VBZ", "Number=Sing|Tense=Pres"},
     {"sings", "VERB", "VBZ", "Number=Sing|Tense=Pres"}},
    {{"boats", "NOUN", "NNS", "Number=Plur"},
     {"music", "NOUN", "NN", "Number=Sing"},
     {"London", "PROPN", "NNP", "Number=Sing"},
     {"them", "PRON", "PRP", "Number=Plur|Person=3"}},
};

static unsigned roll(unsigned *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void conllu_line(int number, const entry *e, bool space, buffer *out) {
    buffer_printf(out, "%d\t%s\t_\t%s\t%s\t%s\t_\t_\t_\t%s\n", number, e->form, e->upos, e->xpos,
                  e->feats, space ? "_" : "SpaceAfter=No");
}

void task_conllu(int sentences, unsigned seed, buffer *out) {
    static const entry stop = {".", "PUNCT", ".", "_"}, and = {"and", "CCONJ", "CC", "_"};
    static const entry not [] = {{"do", "AUX", "VBP", "Tense=Pres"}, {"n't", "PART", "RB", "_"}};
    for (int i = 0; i < sentences; i++) {
        int number = 1, clauses = 1 + (int)(roll(&seed) % 2);
        buffer_printf(out, "# sent_id = %d\n", i + 1);
        for (int c = 0; c < clauses; c++) {
            if (c > 0) conllu_line(number++, &and, true, out);
            for (int k = 0; k < 4; k++) {
                if (k == 2 && roll(&seed) % 4 == 0) {
                    buffer_printf(out, "%d-%d\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n", number,
                                  number + 1);
                    conllu_line(number++, &not [0], true, out);
                    conllu_line(number++, &not [1], true, out);
                }
                conllu_line(number++, &words[k][roll(&seed) % 4], true, out);
            }
        }
        conllu_line(number, &stop, false, out);
        buffer_add_char(out, '\n');
    }
}

void task_entities(int sentences, unsigned seed, buffer *out) {
    static const char *const first[] = {"Kim O'Neil\tB-PER\tI-PER", "Ada Lovelace\tB-PER\tI-PER",
                                        "Seoul Tower\tB-LOC\tI-LOC", "Old Street\tB-LOC\tI-LOC"};
    static const char *const verbs[] = {"saw", "met", "left", "drew"};
    static const char *const last[] = {"Berlin\tB-LOC", "him\tO", "Maria\tB-PER", "it\tO"};
    for (int i = 0; i < sentences; i++) {
        const char *name = first[roll(&seed) % 4], *blank = strchr(name, ' ');
        const char *tab = strchr(name, '\t'), *second = strchr(tab + 1, '\t');
        buffer_printf(out, "%.*s\t%.*s\n", (int)(blank - name), name, (int)(second - tab - 1),
                      tab + 1);
        buffer_printf(out, "%.*s%s\n", (int)(tab - blank - 1), blank + 1, second);
        buffer_printf(out, "%s\tO\n%s\n.\tO\n\n", verbs[roll(&seed) % 4], last[roll(&seed) % 4]);
    }
}

/* ---- options and models */

void task_set(const option_table *table, void *o, va_list settings) {
    rill_error e = {0};
    for (const char *s; (s = va_arg(settings, const char *));) {
        const char *equal = strchr(s, '=');
        bytes name = {s, (size_t)(equal - s)};
        ck_assert_msg(options_set(table, o, name, bytes_of(equal + 1), &e) == 0, "%s", e.message);
    }
}

static void small_network(tag_options *o) {
    static const char *const settings[] = {
        "hidden=16",   "layers=1",    "form-dim=16", "char-dim=8", "char-hidden=8",
        "affix-dim=4", "dropout=0.1", "epochs=30",   "rate=0.02",  "warmup=10",
        "batch=128",   "ema=0.9",     "threads=1",   "seed=3"};
    *o = (tag_options){0};
    ck_assert_int_eq(options_defaults(&tag_option_table, o, NULL), 0);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const char *equal = strchr(settings[i], '=');
        bytes name = {settings[i], (size_t)(equal - settings[i])};
        ck_assert_int_eq(options_set(&tag_option_table, o, name, bytes_of(equal + 1), NULL), 0);
    }
}

void task_options_set(tag_options *o, ...) {
    va_list settings;
    small_network(o);
    va_start(settings, o);
    task_set(&tag_option_table, o, settings);
    va_end(settings);
}

void task_options_free(tag_options *o) {
    options_free(&tag_option_table, o);
}

tag_model *task_open(const char *path) {
    rill_error e = {0};
    bundle *b;
    void *m = NULL;
    ck_assert_msg(bundle_open(path, &b, &e) == 0, "%s", e.message);
    ck_assert_msg(task_model_open(&task_tag, b, &m, &e) == 0, "%s", e.message);
    return m;
}

static tag_model *train_model(const char *name, const char *data) {
    rill_error e = {0};
    tag_options o;
    const char *path = task_path(name), *files[] = {data};
    small_network(&o);
    ck_assert_int_eq(options_set(&tag_option_table, &o, BYTES("model"), bytes_of(path), &e), 0);
    ck_assert_msg(tag_train(&o, files, 1, NULL, &e) == 0, "%s:%zu: %s", e.file, e.line, e.message);
    options_free(&tag_option_table, &o);
    return task_open(path);
}

tag_model *task_tagger(void) {
    return tagger;
}

tag_model *task_namer(void) {
    return namer;
}

/* ---- filter */

static void read_all(int fd, buffer *out) {
    char chunk[4096];
    ssize_t got;
    buffer_clear(out);
    while ((got = read(fd, chunk, sizeof chunk)) > 0) buffer_add(out, chunk, (size_t)got);
    ck_assert_int_eq((int)got, 0);
    buffer_add(out, "", 0);
}

int task_filter_with(const task *t, void *const *models, size_t count, bytes in, const void *o,
                     buffer *out, rill_error *error) {
    int from = open(task_file("in", in), O_RDONLY);
    int to = open(task_path("out"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert(from >= 0 && to >= 0);
    int status = task_filter(t, models, count, o, from, "in", to, NULL, error);
    ck_assert_int_eq((int)lseek(to, 0, SEEK_SET), 0);
    read_all(to, out);
    close(from);
    close(to);
    return status;
}

int task_filter_list(tag_model *const *models, size_t count, bytes in, const tag_options *o,
                     buffer *out, rill_error *error) {
    void *list[4];
    ck_assert_uint_le(count, 4);
    for (size_t i = 0; i < count; i++) list[i] = models[i];
    return task_filter_with(&task_tag, list, count, in, o, out, error);
}

int run_tagger(tag_model *m, bytes in, buffer *out, rill_error *error, ...) {
    tag_options o;
    va_list settings;
    small_network(&o);
    o.common.batch = 0;
    va_start(settings, error);
    task_set(&tag_option_table, &o, settings);
    va_end(settings);
    int status = task_filter_list(&m, 1, in, &o, out, error);
    options_free(&tag_option_table, &o);
    return status;
}

void assert_output(const buffer *found, const char *wanted) {
    const char *text = found->data ? found->data : "";
    ck_assert_msg(strlen(wanted) == found->size && !strcmp(text, wanted),
                  "found:\n%s\nexpected:\n%s", text, wanted);
}

/* ---- trainings */

hash128 task_hash(const char *path) {
    hash128 h;
    rill_error e = {0};
    ck_assert_msg(file_hash(path, &h, &e) == 0, "%s", e.message);
    return h;
}

void task_assert_same(const char *a, const char *b) {
    ck_assert_msg(hash128_equal(task_hash(a), task_hash(b)), "%s and %s differ", a, b);
}

bool task_same_tensors(const char *a, const char *b) {
    rill_error e = {0};
    bundle *one, *two;
    bool same = true;
    ck_assert_msg(bundle_open(a, &one, &e) == 0, "%s", e.message);
    ck_assert_msg(bundle_open(b, &two, &e) == 0, "%s", e.message);
    for (size_t i = 0; i < bundle_count(one); i++) {
        const bundle_entry *x = bundle_at(one, i), *y = bundle_find(two, x->name);
        same &= y && y->size == x->size && !memcmp(x->data, y->data, x->size);
    }
    bundle_close(one);
    bundle_close(two);
    return same;
}

const char *task_checkpoint(const char *model) {
    char name[96];
    snprintf(name, sizeof name, "%s.ckpt", strrchr(model, '/') + 1);
    return task_path(name);
}

bool task_stop_at(void *data) {
    return --*(int *)data < 0;
}

/* A child trains until it is killed after some milliseconds; true when it got to the end. */
static bool child_trains(task_course course, const char *model, long milliseconds) {
    bool again = file_exists(task_checkpoint(model));
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        rill_error e = {0};
        _exit(course(model, again, &e) == 0 ? 0 : 1);
    }
    const struct timespec wait = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) ck_assert_int_eq(WEXITSTATUS(status), 0);
    return WIFEXITED(status);
}

void task_kill(task_course course, const char *model, const char *name) {
    unsigned state = (unsigned)test_seed(name);
    int kills = 0, rounds = 0;
    for (bool done = false; !done; rounds++) {
        /* times grow, so that the end is reached on a machine that is slow or busy too */
        done = child_trains(course, model, 5 + (long)(roll(&state) % 40) * (1 + rounds * rounds / 64));
        kills += !done;
        ck_assert_int_lt(rounds, 200);
    }
    printf("note: killed %d times\n", kills);
}

/* ---- the suite */

/* Runs once for all, in the process that forks the tests. */
static void set_up(void) {
    buffer text = {0};
    if (tagger) return;
    snprintf(folder, sizeof folder, "/tmp/check_task.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    task_conllu(60, 7, &text);
    tagger = train_model("tagger.rill", task_file("train.conllu", buffer_view(&text)));
    buffer_clear(&text);
    task_entities(60, 7, &text);
    namer = train_model("namer.rill", task_file("train.tsv", buffer_view(&text)));
    task_translate_make();
    buffer_free(&text);
}

static void tear_down(void) {
    char command[96];
    task_model_free(&task_tag, tagger);
    task_model_free(&task_tag, namer);
    task_translate_unmake();
    for (size_t i = 0; i < path_count; i++) free(paths[i]);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (*folder && system(command)) printf("note: %s is left behind\n", folder);
}

int main(void) {
    Suite *suite = suite_create("task");
    TCase *cases[] = {apply_cases(), format_cases(), filter_cases(), train_cases(),
                      translate_apply_cases(), translate_train_cases(), translate_risk_cases(),
                      damage_cases(), hostile_cases()};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tcase_add_unchecked_fixture(cases[i], set_up, NULL);
        suite_add_tcase(suite, cases[i]);
    }
    int status = test_run(suite);
    tear_down();
    return status;
}
