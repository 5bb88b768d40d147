/* check_classify: the classifier through librill: what it learns, the same bytes whatever stands
 * beside, stopped and resumed, several labels, ensembles, faults of data and options. */
#include "rill.h"
#include "test.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static rill_error e;
static char paths[32][160];
static int path_count;

#define OK(call)                                                                                   \
    do {                                                                                           \
        e = (rill_error){0};                                                                       \
        int status_ = (call);                                                                      \
        ck_assert_msg(status_ == 0, "%d %s:%zu: %s", status_, e.file, e.line, e.message);          \
    } while (0)
#define FAILS(wanted, call)                                                                        \
    do {                                                                                           \
        e = (rill_error){0};                                                                       \
        ck_assert_int_eq((call), wanted);                                                          \
        ck_assert(e.message[0]);                                                                   \
    } while (0)

static const char *at(const char *name) {
    char *path = paths[path_count++ % 32];
    snprintf(path, 160, "%s/%s", folder, name);
    return path;
}

static char *slurp(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *data = malloc(*size + 1);
    ck_assert_uint_eq(fread(data, 1, *size, f), *size);
    data[*size] = 0;
    fclose(f);
    return data;
}

static bool same(const char *a, const char *b) {
    size_t n, m;
    char *x = slurp(a, &n), *y = slurp(b, &m);
    bool equal = n == m && !memcmp(x, y, n);
    free(x), free(y);
    return equal;
}

static void put(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* Reviews of a small grammar. */
static void write_reviews(const char *path, int count, unsigned seed) {
    static const char *const good[] = {"great", "lovely", "funny", "moving", "정말 좋아요"};
    static const char *const bad[] = {"dull", "awful", "boring", "flat", "너무 지루해요"};
    static const char *const thing[] = {"film", "story", "cast", "song", "ending"};
    FILE *f = fopen(path, "w");
    for (int i = 0; i < count; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned r = seed >> 8;
        const char *word = r % 2 ? good[r / 2 % 5] : bad[r / 2 % 5];
        fprintf(f, "%s\tthe %s was %s , %s %s\n", r % 2 ? "pos" : "neg", thing[r / 11 % 5],
                r % 7 < 3 ? "really" : "so", word, r % 3 ? "." : "and long !");
    }
    fclose(f);
}

/* A network of a few units; then name, value, ..., NULL. */
static rill_options *options(const char *first, ...) {
    static const char *const small[] = {"hidden", "8", "form-dim", "8", "affix-dim", "4", "epochs",
                                        "6", "rate", "0.02", "warmup", "5", "ema", "0.9", "batch",
                                        "128", "threads", "1", "dropout", "0.1", "dropout-in", "0.1",
                                        "word-dropout", "0.1"};
    rill_options *o;
    OK(rill_options_new("classify", &o, &e));
    for (size_t i = 0; i < sizeof small / sizeof *small; i += 2) {
        OK(rill_options_set(o, small[i], small[i + 1], &e));
    }
    va_list more;
    va_start(more, first);
    for (const char *name = first; name; name = va_arg(more, const char *)) {
        OK(rill_options_set(o, name, va_arg(more, const char *), &e));
    }
    va_end(more);
    return o;
}

static int train_on(rill_options *o, const char *file, const rill_hooks *hooks) {
    const char *files[] = {file};
    int status = rill_train("classify", o, files, 1, hooks, &e);
    rill_options_free(o);
    return status;
}

static rill_model *open_model(const char *path) {
    rill_model *m;
    OK(rill_model_open(path, &m, &e));
    return m;
}

/* What the filter writes for a text; takes the options. */
static char *answers(rill_model *const *m, size_t count, rill_options *o, const char *text) {
    size_t size;
    put(at("in"), text);
    int in = open(at("in"), O_RDONLY), out = open(at("out"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    OK(rill_filter((const rill_model *const *)m, count, o, in, "in", out, NULL, &e));
    close(in), close(out);
    rill_options_free(o);
    return slurp(at("out"), &size);
}

static rill_options *applying(const char *name, const char *value) {
    rill_options *o;
    OK(rill_options_new("classify", &o, &e));
    if (name) OK(rill_options_set(o, name, value, &e));
    return o;
}

static char *evaluate(rill_model *const *m, size_t count, const char *file) {
    rill_options *o = applying("json", "true");
    const char *files[] = {file};
    char *report;
    OK(rill_eval((const rill_model *const *)m, count, o, files, 1, NULL, &report, &e));
    rill_options_free(o);
    return report;
}

static double field(const char *json, const char *name) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *found = strstr(json, key);
    ck_assert_msg(found != NULL, "no %s in %s", name, json);
    return atof(found + strlen(key));
}

static void set_up(void) {
    if (*folder) return;
    snprintf(folder, sizeof folder, "/tmp/check_classify.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_reviews(at("train.tsv"), 200, 1);
    write_reviews(at("dev.tsv"), 60, 2);
    OK(train_on(options("model", at("m.rill"), "dev", at("dev.tsv"), NULL), at("train.tsv"), NULL));
}

static void tear_down(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (*folder && system(command)) printf("note: %s is left behind\n", folder);
}

/* ---- learning */

START_TEST(learns) {
    rill_model *m = open_model(at("m.rill"));
    ck_assert_str_eq(rill_model_task(m), "classify");
    char *report = evaluate(&m, 1, at("dev.tsv"));
    ck_assert_double_ge(field(report, "accuracy"), 0.95);
    ck_assert_double_ge(field(report, "naive_bayes"), 0.9);
    ck_assert_double_le(field(report, "majority"), 0.7);
    rill_free(report);
    char *out = answers(&m, 1, applying(NULL, NULL), "the film was so great .\n\nso dull\r\nso dull");
    ck_assert_msg(!strncmp(out, "pos\n", 4) && strstr(out, "neg\nneg\n"), "%s", out);
    free(out);
    rill_model_free(m);
}
END_TEST

/* Every way to build the network learns the little grammar. */
static const char *const built[][6] = {
    {"cell", "gru", "pool", "last", "ngrams", "0"},
    {"cell", "tanh", "pool", "mean", "affix-dim", "0"},
    {"layers", "2", "pool", "max", "norm", "true"},
    {"pool", "attention", "conv-filters", "12", "ngrams", "0"},
    {"chunk", "2", "pool", "max+mean", "ngrams", "0"},
    {"units", "char", "epochs", "12", "ngrams", "3"},
    {"noise", "0.2", "weights", "balanced", "ngrams", "0"},
    {"r-drop", "2", "chunk", "3", "ngrams", "0"},
};

START_TEST(variants) {
    const char *const *v = built[_i];
    OK(train_on(options("model", at("v.rill"), "dev", at("dev.tsv"), "force", "true", v[0], v[1],
                        v[2], v[3], v[4], v[5], NULL), at("train.tsv"), NULL));
    rill_model *m = open_model(at("v.rill"));
    char *report = evaluate(&m, 1, at("dev.tsv"));
    ck_assert_double_ge(field(report, "accuracy"), 0.85);
    rill_free(report);
    rill_model_free(m);
}
END_TEST

/* ---- the same bytes */

START_TEST(threads_change_nothing) {
    static const char *const more[][2] = {{"chunk", "3"}, {"noise", "0.3"}, {"r-drop", "1"}};
    const char *one = at("one.rill"), *two = at("two.rill");
    for (int i = 0; i < 2; i++) {
        const char *to = i ? two : one, *threads = i ? "3" : "1";
        OK(train_on(options("model", to, "force", "true", "threads", threads, "epochs", "2",
                            more[_i][0], more[_i][1], NULL), at("train.tsv"), NULL));
    }
    ck_assert(same(one, two));
    OK(train_on(options("model", two, "force", "true", "epochs", "2", "seed", "5", more[_i][0],
                        more[_i][1], NULL), at("train.tsv"), NULL));
    ck_assert(!same(one, two));
}
END_TEST

/* Pretrained on the same text: it goes on from there, and the same bytes come out. */
START_TEST(pretrained) {
    const char *one = at("one.rill"), *two = at("two.rill");
    for (int i = 0; i < 2; i++) {
        OK(train_on(options("model", i ? two : one, "force", "true", "threads", i ? "3" : "1",
                            "pretrain", at("train.tsv"), "pretrain-epochs", "3", "epochs", "4",
                            "ngrams", "0", NULL), at("train.tsv"), NULL));
    }
    ck_assert(same(one, two));
    rill_model *m = open_model(one);
    char *report = evaluate(&m, 1, at("dev.tsv"));
    ck_assert_double_ge(field(report, "accuracy"), 0.85);
    rill_free(report);
    rill_model_free(m);
    FAILS(RILL_EUSAGE, train_on(options("model", at("v.rill"), "pretrain", at("train.tsv"), "force", "true",
                                        "conv-filters", "4", NULL), at("train.tsv"), NULL));
}
END_TEST

static bool stop_at(void *data) { return --*(int *)data < 0; }

START_TEST(stopped_and_resumed) {
    const char *whole = at("whole.rill"), *parts = at("parts.rill"), *dev = at("dev.tsv");
    OK(train_on(options("model", whole, "dev", dev, "epochs", "3", NULL), at("train.tsv"), NULL));
    int stops = 0;
    for (int updates = 3; updates < 40; updates += 7, stops++) {
        int left = updates;
        const rill_hooks hooks = {.data = &left, .stop = stop_at};
        int status = train_on(options("model", parts, "dev", dev, "epochs", "3", "force", "true",
                                      NULL), at("train.tsv"), &hooks);
        if (status == 0) break;
        ck_assert_int_eq(status, RILL_EINTERRUPTED);
        rill_options *o = applying("resume", at("parts.rill.ckpt"));
        OK(rill_options_set(o, "threads", "2", &e));
        OK(rill_train("classify", o, NULL, 0, NULL, &e));
        rill_options_free(o);
        ck_assert(same(whole, parts));
    }
    ck_assert_int_ge(stops, 3);
}
END_TEST

START_TEST(changed_data_stop_a_resume) {
    int left = 2;
    const rill_hooks hooks = {.data = &left, .stop = stop_at};
    write_reviews(at("moving.tsv"), 100, 4);
    ck_assert_int_eq(train_on(options("model", at("x.rill"), NULL), at("moving.tsv"), &hooks),
                     RILL_EINTERRUPTED);
    write_reviews(at("moving.tsv"), 100, 5);
    rill_options *o = applying("resume", at("x.rill.ckpt"));
    FAILS(RILL_EDATA, rill_train("classify", o, NULL, 0, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.file, "moving.tsv"));
    rill_options_free(o);
}
END_TEST

static char *long_input(void) {
    static char text[40000];
    char *to = text;
    for (int i = 0; i < 60; i++) {
        for (int k = 0; k < i * i % 97; k++) to += sprintf(to, "%s ", k % 3 ? "great" : "dull and");
        to += sprintf(to, i % 5 ? "story %d\n" : "\n", i);
    }
    return text;
}

START_TEST(neighbours_change_nothing) {
    rill_model *m = open_model(at("m.rill"));
    char *text = long_input();
    char *wanted = answers(&m, 1, applying("probs", "true"), text);
    static const char *const batch[] = {"1", "7", "100000"}, *const threads[] = {"1", "2", "4"};
    for (int i = 0; i < 9; i++) {
        rill_options *o = applying("probs", "true");
        OK(rill_options_set(o, "batch", batch[i / 3], &e));
        OK(rill_options_set(o, "threads", threads[i % 3], &e));
        char *found = answers(&m, 1, o, text);
        ck_assert_str_eq(found, wanted);
        free(found);
    }
    rill_session *s;
    rill_options *o = applying("probs", "true");
    OK(rill_session_new((const rill_model *const *)&m, 1, o, &s, &e));
    rill_options_free(o);
    const char *line = text, *answer = wanted;
    for (; *line; line = strchr(line, '\n') + 1, answer = strchr(answer, '\n') + 1) {
        const char *got;
        size_t size;
        OK(rill_session_apply(s, line, (size_t)(strchr(line, '\n') - line) + 1, &got, &size, &e));
        ck_assert_uint_eq(size, (size_t)(strchr(answer, '\n') - answer) + 1);
        ck_assert(!memcmp(got, answer, size));
    }
    ck_assert(!*answer);
    rill_session_free(s);
    free(wanted);
    rill_model_free(m);
}
END_TEST

/* Neither a stream nor a text is a folder, and none is answered by nothing. */
START_TEST(streams_are_no_folders) {
    rill_model *m = open_model(at("m.rill"));
    const rill_model *models[] = {m};
    rill_options *o = applying("input", "folder");
    rill_session *s;
    const char *got;
    size_t size;
    put(at("in"), "so great\n");
    int in = open(at("in"), O_RDONLY), out = open(at("out"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    FAILS(RILL_EUSAGE, rill_filter(models, 1, o, in, "in", out, NULL, &e));
    close(in), close(out);
    OK(rill_session_new(models, 1, o, &s, &e));
    FAILS(RILL_EUSAGE, rill_session_apply(s, "so great", 8, &got, &size, &e));
    rill_session_free(s);
    rill_options_free(o);
    rill_model_free(m);
}
END_TEST

START_TEST(line_ends_change_nothing) {
    static const char *const text[] = {"so great", "so great\n", "so great\r\n", "so great   \n",
                                       "  so \t great \r\n", "so great\r"};
    rill_model *m = open_model(at("m.rill"));
    char *wanted = answers(&m, 1, applying("probs", "true"), text[0]);
    for (size_t i = 1; i < sizeof text / sizeof *text; i++) {
        char *found = answers(&m, 1, applying("probs", "true"), text[i]);
        ck_assert_str_eq(found, wanted);
        free(found);
    }
    free(wanted);
    rill_model_free(m);
}
END_TEST

/* ---- what is written */

START_TEST(outputs) {
    rill_model *m = open_model(at("m.rill"));
    rill_options *o = applying("best", "2");
    OK(rill_options_set(o, "probs", "true", &e));
    char *out = answers(&m, 1, o, "so great");
    double first, second;
    ck_assert_int_eq(sscanf(out, "pos\t%lf\tneg\t%lf\n", &first, &second), 2);
    ck_assert_double_eq_tol(first + second, 1, 2e-4);
    free(out);
    out = answers(&m, 1, applying("threshold", "1"), "xyzzy\nzyxxy");
    ck_assert_str_eq(out, "\n\n");
    free(out);
    o = applying("json", "true");
    OK(rill_options_set(o, "explain", "true", &e));
    out = answers(&m, 1, o, "the film was great");
    ck_assert_msg(strstr(out, "{\"label\":\"pos\",\"probabilities\":{\"pos\":0.") == out, "%s", out);
    const char *great = strstr(out, "{\"text\":\"great\",\"begin\":13,\"end\":18,\"weight\":");
    ck_assert_msg(great != NULL, "%s", out);
    double most = field(great, "weight");
    for (const char *w = out; (w = strstr(w, "\"weight\":")); w++) {
        ck_assert_double_ge(most, field(w, "weight"));
    }
    free(out);
    out = answers(&m, 1, applying("explain", "true"), "the film was great");
    ck_assert_msg(!strncmp(out, "pos\tgreat +", 11), "%s", out);
    free(out);
    rill_model_free(m);
}
END_TEST

START_TEST(ensembles) {
    OK(train_on(options("model", at("other.rill"), "seed", "8", "units", "char", "epochs", "2", "force", "true",
                        NULL), at("train.tsv"), NULL));
    rill_model *m[] = {open_model(at("m.rill")), open_model(at("other.rill"))};
    const char *text = "the story was so flat .";
    char *out[3];
    double p[3];
    for (int i = 0; i < 3; i++) {
        rill_options *o = applying("best", "2");
        OK(rill_options_set(o, "probs", "true", &e));
        out[i] = answers(m + (i == 1), i == 2 ? 2 : 1, o, text);
        p[i] = atof(strstr(out[i], "neg\t") + 4);
        free(out[i]);
    }
    ck_assert_double_eq_tol(p[2], (p[0] + p[1]) / 2, 2e-4);
    put(at("three.tsv"), "a\tone x\nb\ttwo y\nc\tthree z\n");
    OK(train_on(options("model", at("three.rill"), "epochs", "1", NULL), at("three.tsv"), NULL));
    rill_model_free(m[1]);
    m[1] = open_model(at("three.rill"));
    rill_options *o = applying(NULL, NULL);
    rill_session *s;
    FAILS(RILL_EUSAGE, rill_session_new((const rill_model *const *)m, 2, o, &s, &e));
    rill_options_free(o);
    rill_model_free(m[0]), rill_model_free(m[1]);
}
END_TEST

START_TEST(several_labels) {
    static const char *const word[] = {"goal", "vote", "song"}, *const label[] = {"sport", "news", "music"};
    FILE *f = fopen(at("multi.txt"), "w");
    for (int i = 1; i < 160; i++) {
        for (int k = 0; k < 3; k++) if (i >> k & 1) fprintf(f, "__label__%s ", label[k]);
        fprintf(f, "w%d", i % 13);
        for (int k = 0; k < 3; k++) if (i >> k & 1) fprintf(f, " %s", word[k]);
        fputc('\n', f);
    }
    fclose(f);
    OK(train_on(options("model", at("multi.rill"), "dev", at("multi.txt"), "epochs", "12", "labels",
                        "multi", "force", "true", "r-drop", _i ? "1" : "0", NULL), at("multi.txt"), NULL));
    rill_model *m = open_model(at("multi.rill"));
    char *report = evaluate(&m, 1, at("multi.txt"));
    ck_assert_double_ge(field(report, "micro_f1"), 0.97);
    rill_free(report);
    char *out = answers(&m, 1, applying("json", "true"), "w3 goal song\nw4 w5");
    ck_assert_msg(strstr(out, "\"sport\"") && strstr(out, "\"music\"") && !strstr(out, "\"news\""),
                  "%s", out);
    ck_assert_msg(strstr(out, "\n{\"label\":[],\"probabilities\":{}}\n"), "%s", out);
    free(out);
    rill_model_free(m);
}
END_TEST

static bool stop_at_once(void *data) {
    (void)data;
    return true;
}

START_TEST(evaluation_is_stopped) {
    rill_model *m = open_model(at("m.rill"));
    rill_options *o = applying(NULL, NULL);
    const char *files[] = {at("dev.tsv")};
    const rill_hooks hooks = {.stop = stop_at_once};
    char *report;
    FAILS(RILL_EINTERRUPTED,
          rill_eval((const rill_model *const *)&m, 1, o, files, 1, &hooks, &report, &e));
    ck_assert_ptr_null(report);
    rill_options_free(o);
    rill_model_free(m);
}
END_TEST

START_TEST(comparison) {
    rill_model *m = open_model(at("m.rill"));
    char *report, answer[64 * 20] = "", *to = answer;
    for (int i = 0; i < 60; i++) to += sprintf(to, "{\"label\":\"pos\"}\n");
    put(at("other.jsonl"), answer);
    const char *files[] = {at("dev.tsv")};
    rill_options *o = applying("compare", at("other.jsonl"));
    OK(rill_options_set(o, "json", "true", &e));
    OK(rill_options_set(o, "matrix", at("m.svg"), &e));
    OK(rill_eval((const rill_model *const *)&m, 1, o, files, 1, NULL, &report, &e));
    ck_assert_double_le(field(report, "p"), 0.01);
    ck_assert_double_gt(field(report, "difference"), 0.2);
    rill_free(report);
    size_t size;
    char *svg = slurp(at("m.svg"), &size);
    ck_assert(!strncmp(svg, "<svg", 4) && strstr(svg, ">neg<") && strstr(svg, "</svg>"));
    free(svg);
    put(at("other.jsonl"), "{\"label\":\"pos\"}\n");
    FAILS(RILL_EIO, rill_eval((const rill_model *const *)&m, 1, o, files, 1, NULL, &report, &e));
    ck_assert_ptr_nonnull(strstr(e.message, "m.svg\" exists"));
    OK(rill_options_set(o, "force", "true", &e));
    FAILS(RILL_EDATA, rill_eval((const rill_model *const *)&m, 1, o, files, 1, NULL, &report, &e));
    rill_options_free(o);
    rill_model_free(m);
}
END_TEST

/* ---- faults */

static const struct {
    const char *text, *name, *value;
    int code;
    size_t line;
    const char *message;
} bad[] = {
    {"a\tone\nb\t\xFF\n", NULL, NULL, RILL_EDATA, 2, "UTF-8"},
    {"a\tone\nb\n", NULL, NULL, RILL_EDATA, 2, "TAB"},
    {"a\tone\na\ttwo\n", NULL, NULL, RILL_EDATA, 0, "labels"},
    {"no labels\n", NULL, NULL, RILL_EDATA, 0, "without labels"},
    {"", NULL, NULL, RILL_EDATA, 0, "without labels"},
    {"__label__a x\n__label__b __label__c y\n", "labels", "single", RILL_EDATA, 0, "multi"},
    {"a\tone\nb\ttwo\n", "vectors", "/nowhere", RILL_EIO, 0, "nowhere"},
    {"a\tone\nb\ttwo\n", "dev", "/nowhere", RILL_EIO, 0, "nowhere"},
    {"a\tone\nb\ttwo\n", "dev", "/dev/null", RILL_EUSAGE, 0, "device"},
};

START_TEST(faults) {
    put(at("bad.tsv"), bad[_i].text);
    rill_options *o = options("model", at("bad.rill"), NULL);
    if (bad[_i].name) OK(rill_options_set(o, bad[_i].name, bad[_i].value, &e));
    FAILS(bad[_i].code, train_on(o, at("bad.tsv"), NULL));
    ck_assert_uint_eq(e.line, bad[_i].line);
    ck_assert_msg(strstr(e.message, bad[_i].message) || strstr(e.file, bad[_i].message), "%s: %s",
                  e.file, e.message);
    struct stat s;
    ck_assert(stat(at("bad.rill"), &s) != 0);
}
END_TEST

START_TEST(a_fault_holds_nothing_back) {
    rill_model *m = open_model(at("m.rill"));
    put(at("in"), "so great\nso dull\nso \xFF\n");
    int in = open(at("in"), O_RDONLY), out = open(at("out"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    rill_options *o = applying(NULL, NULL);
    FAILS(RILL_EDATA, rill_filter((const rill_model *const *)&m, 1, o, in, "in", out, NULL, &e));
    ck_assert_uint_eq(e.line, 3);
    ck_assert_uint_eq(e.column, 4);
    close(in), close(out);
    size_t size;
    char *text = slurp(at("out"), &size);
    ck_assert_str_eq(text, "pos\nneg\n");
    free(text);
    rill_options_free(o);
    rill_model_free(m);
}
END_TEST

/* A damaged file is refused, wherever it is cut. */
START_TEST(cut_models) {
    size_t size;
    char *data = slurp(at("m.rill"), &size);
    for (size_t keep = 0; keep < size; keep += 1 + size / 40) {
        FILE *f = fopen(at("cut.rill"), "wb");
        fwrite(data, 1, keep, f);
        fclose(f);
        rill_model *m = NULL;
        FAILS(RILL_EMODEL, rill_model_open(at("cut.rill"), &m, &e));
    }
    free(data);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("classify");
    TCase *c = tcase_create("classify");
    tcase_add_unchecked_fixture(c, set_up, NULL);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, learns);
    tcase_add_loop_test(c, variants, 0, sizeof built / sizeof *built);
    tcase_add_loop_test(c, threads_change_nothing, 0, 3);
    tcase_add_test(c, pretrained);
    tcase_add_test(c, stopped_and_resumed);
    tcase_add_test(c, changed_data_stop_a_resume);
    tcase_add_test(c, neighbours_change_nothing);
    tcase_add_test(c, streams_are_no_folders);
    tcase_add_test(c, line_ends_change_nothing);
    tcase_add_test(c, outputs);
    tcase_add_test(c, ensembles);
    tcase_add_loop_test(c, several_labels, 0, 2);
    tcase_add_test(c, comparison);
    tcase_add_test(c, evaluation_is_stopped);
    tcase_add_loop_test(c, faults, 0, sizeof bad / sizeof *bad);
    tcase_add_test(c, a_fault_holds_nothing_back);
    tcase_add_test(c, cut_models);
    suite_add_tcase(suite, c);
    int status = test_run(suite);
    tear_down();
    return status;
}
