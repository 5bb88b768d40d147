/* check_task_translate: the translator at work. Its toy language turns the order of words round and
 * gives each one its translation; names (Q...), each of which comes once, stay what they are. A
 * network of a few units learns it by heart in a second, so answers are known.
 */
#include "check_task.h"

#include "base/rng.h"

#include <jansson.h>
#include <math.h>

#define BOM "\xEF\xBB\xBF"

static translate_model *translator;

/* ---- the language */

enum { TOY_WORDS = 8, LONGEST = 5 };
static const char *const toy_source[TOY_WORDS] = {"red",   "dog", "sees",  "big",
                                                  "house", "the", "small", "runs"};
static const char *const toy_target[TOY_WORDS] = {"rot",  "Hund", "sieht", "gross",
                                                  "Haus", "das",  "klein", "rennt"};

/* A name of letters, another one for each number. */
static const char *name_of(unsigned number, char name[16]) {
    size_t n = 0;
    for (name[n++] = 'Q'; number > 0; number /= 26) name[n++] = (char)('a' + number % 26);
    name[n] = 0;
    return name;
}

void task_pairs(int pairs, unsigned seed, buffer *out) {
    rng r = rng_make(seed, 1, 0);
    for (int i = 0; i < pairs; i++) {
        const char *source[LONGEST], *target[LONGEST];
        char name[LONGEST][16];
        int words = 1 + (int)rng_below(&r, LONGEST);
        for (int k = 0; k < words; k++) {
            uint64_t w = rng_below(&r, TOY_WORDS);
            source[k] = toy_source[w];
            target[k] = toy_target[w];
            if (rng_below(&r, 4)) continue;
            source[k] = target[k] = name_of(1000 + (unsigned)(i * LONGEST + k), name[k]);
        }
        for (int k = 0; k < words; k++) buffer_printf(out, "%s%s", k ? " " : "", source[k]);
        for (int k = words; k-- > 0;)
            buffer_printf(out, "%s%s", k + 1 < words ? " " : "\t", target[k]);
        buffer_add_char(out, '\n');
    }
}

/* ---- options and models */

static void set_list(translate_options *o, ...) {
    va_list settings;
    va_start(settings, o);
    task_set(&translate_option_table, o, settings);
    va_end(settings);
}

static void small_translator(translate_options *o) {
    *o = (translate_options){0};
    ck_assert_int_eq(options_defaults(&translate_option_table, o, NULL), 0);
    set_list(o, "units=word", "min-count=3", "embed=24", "encoder-hidden=32", "decoder-hidden=32",
             "epochs=20", "rate=0.02", "warmup=20", "batch=128", "dropout=0", "ema=0.9",
             "smoothing=0", "threads=1", "seed=3", NULL);
}

void task_translate_set(translate_options *o, ...) {
    va_list settings;
    small_translator(o);
    va_start(settings, o);
    task_set(&translate_option_table, o, settings);
    va_end(settings);
}

void task_translate_free(translate_options *o) {
    options_free(&translate_option_table, o);
}

translate_model *task_translate_open(const char *path) {
    rill_error e = {0};
    bundle *b;
    void *m = NULL;
    ck_assert_msg(bundle_open(path, &b, &e) == 0, "%s", e.message);
    ck_assert_msg(task_model_open(&task_translate, b, &m, &e) == 0, "%s", e.message);
    return m;
}

void task_translate_make(void) {
    rill_error e = {0};
    translate_options o;
    buffer text = {0};
    const char *path = task_path("translator.rill");
    task_pairs(1500, 1, &text);
    const char *files[] = {task_file("pairs.tsv", buffer_view(&text))};
    task_translate_set(&o, NULL);
    o.common.model = mem_text(path, strlen(path));
    ck_assert_msg(translate_train(&o, files, 1, NULL, &e) == 0, "%s", e.message);
    translator = task_translate_open(path);
    task_translate_free(&o);
    buffer_free(&text);
}

void task_translate_unmake(void) {
    task_model_free(&task_translate, translator);
}

translate_model *task_translator(void) {
    return translator;
}

static int filter_models(size_t count, translate_model *const *m, bytes in, buffer *out,
                         rill_error *error, va_list settings) {
    translate_options o;
    void *models[3];
    for (size_t i = 0; i < count; i++) models[i] = m[i];
    small_translator(&o);
    o.common.batch = 0;
    task_set(&translate_option_table, &o, settings);
    int status = task_filter_with(&task_translate, models, count, in, &o, out, error);
    task_translate_free(&o);
    return status;
}

int run_translator(translate_model *m, bytes in, buffer *out, rill_error *error, ...) {
    va_list settings;
    va_start(settings, error);
    int status = filter_models(1, &m, in, out, error, settings);
    va_end(settings);
    return status;
}

/* What the suite's translator makes of a text, which must go well. */
static void translate(const char *in, buffer *out, ...) {
    rill_error e = {0};
    va_list settings;
    va_start(settings, out);
    int status = filter_models(1, &translator, bytes_of(in), out, &e, settings);
    va_end(settings);
    ck_assert_msg(status == 0, "%s:%zu: %s", e.file, e.line, e.message);
}

static size_t lines_of(const buffer *text) {
    size_t n = 0;
    for (size_t i = 0; i < text->size; i++) n += text->data[i] == '\n';
    return n;
}

/* A text of every kind of line. */
static const char mixed[] =
    "red dog\n\n  \nthe small house runs big\nQab sees Qcd\n\xEA\xB0\x80 red\n"
    "dog\nred red red red red red red red red red\nsees\n";

/* ---- answers */

START_TEST(known_answers) {
    buffer pairs = {0}, in = {0}, out = {0};
    task_pairs(120, 77, &pairs);
    bytes rest = buffer_view(&pairs), line, source, answer;
    while (bytes_split(&rest, '\n', &line) && bytes_split(&line, '\t', &source)) {
        buffer_add_bytes(&in, source);
        buffer_add_char(&in, '\n');
    }
    translate(in.data, &out, "beam=3", "replace-unk=true", NULL);
    bytes found = buffer_view(&out);
    rest = buffer_view(&pairs);
    while (bytes_split(&rest, '\n', &line) && bytes_split(&line, '\t', &source)) {
        ck_assert(bytes_split(&found, '\n', &answer));
        ck_assert_msg(bytes_equal(answer, line), "%.*s: %.*s, expected %.*s", (int)source.size,
                      source.data, (int)answer.size, answer.data, (int)line.size, line.data);
    }
    buffer_free(&pairs);
    buffer_free(&in);
    buffer_free(&out);
}
END_TEST

START_TEST(formats) {
    buffer out = {0};
    translate("red dog\n\ndog\n", &out, NULL);
    assert_output(&out, "Hund rot\n\nHund\n");
    translate("red dog\n\n", &out, "align=true", NULL);
    assert_output(&out, "Hund rot ||| 1-0 0-1\n\n");
    translate("red dog", &out, "beam=1", NULL); /* no end of line */
    assert_output(&out, "Hund rot\n");
    translate("", &out, NULL);
    assert_output(&out, "");
    translate("\xEF\xBB\xBFred dog\r\n\r\ndog\r\n", &out, NULL);
    assert_output(&out, "Hund rot\n\nHund\n");
    translate("\xE2\x96\x81red \xE2\x96\x81"
              "dog\n \n",
              &out, "pretokenized=true", "align=true", NULL);
    assert_output(&out, "\xE2\x96\x81Hund \xE2\x96\x81rot ||| 1-0 0-1\n\n");
    buffer_free(&out);
}
END_TEST

/* Lengths and repeats as they are asked for. */
START_TEST(lengths) {
    buffer out = {0};
    translate("red dog\n", &out, "max-length=1", NULL);
    assert_output(&out, "Hund\n");
    translate("red\nthe\n", &out, "min-length=4", "json=true", "word-scores=true", NULL);
    bytes rest = buffer_view(&out), line;
    for (int i = 0; i < 2 && bytes_split(&rest, '\n', &line); i++) {
        json_t *j = json_loadb(line.data, line.size, 0, NULL);
        ck_assert_uint_ge(json_array_size(json_object_get(j, "units")), 5);
        json_decref(j);
    }
    translate("red red red red\n", &out, NULL);
    assert_output(&out, "rot rot rot rot\n");
    translate("red red red red\n", &out, "no-repeat=1", NULL);
    ck_assert(!strstr(out.data, "rot rot"));
    translate("red red red red\n", &out, "no-repeat=2", NULL);
    ck_assert(!strstr(out.data, "rot rot rot"));
    buffer_free(&out);
}
END_TEST

/* Answers to each line: as many as asked for, best first, as Moses writes them. */
START_TEST(n_best) {
    buffer out = {0};
    double before = 0;
    int seen[2] = {0};
    translate("red dog\n\nsees the house\n", &out, "nbest=4", "beam=2", NULL);
    bytes rest = buffer_view(&out), line;
    while (bytes_split(&rest, '\n', &line) && line.size > 0) {
        const char *text = strstr(line.data, " ||| "), *shown = strstr(line.data, " ||| logp= ");
        ck_assert_msg(text && shown, "%.*s", (int)line.size, line.data);
        double score = atof(strstr(shown + 5, " ||| ") + 5);
        int number = atoi(line.data);
        if (number == 1) { /* the blank line's */
            ck_assert(bytes_equal(line, BYTES("1 |||  ||| logp= 0.000000 ||| 0.000000")));
            continue;
        }
        ck_assert(number == 0 || number == 2);
        bool first = seen[number / 2]++ == 0;
        ck_assert(first || score <= before);
        ck_assert(!first || !strncmp(text + 5, number ? "Haus das sieht" : "Hund rot", 8));
        before = score;
    }
    ck_assert_int_eq(seen[0], 4);
    ck_assert_int_eq(seen[1], 4);
    buffer_free(&out);
}
END_TEST

/* A draw is one draw, whatever the beam: of many, most would be the likeliest. */
START_TEST(one_draw_is_one) {
    buffer out = {0}, wanted = {0};
    const char *in = "red dog\nsees the house\n";
    translate(in, &wanted, "sample=true", "temperature=4", "beam=1", NULL);
    translate(in, &out, "sample=true", "temperature=4", "beam=7", NULL);
    assert_output(&out, wanted.data);
    buffer_free(&out);
    buffer_free(&wanted);
}
END_TEST

START_TEST(consensus) {
    buffer out = {0};
    rill_error e = {0};
    translate("red dog\n\n", &out, "mbr=5", NULL);
    assert_output(&out, "Hund rot\n\n");
    ck_assert_int_eq(run_translator(translator, BYTES("red\n"), &out, &e, "mbr=2", "nbest=3", NULL),
                     RILL_EUSAGE);
    ck_assert_ptr_nonnull(strstr(e.message, "--mbr"));
    translate("red\n", &out, "mbr=1", "nbest=1", "json=true", NULL); /* like itself */
    ck_assert_ptr_nonnull(strstr(out.data, "\"score\":1.0"));
    buffer_free(&out);
}
END_TEST

static void count_progress(void *data, const rill_event *event) {
    *(int *)data += event->kind == RILL_EVENT_PROGRESS;
}

static bool stop_at_once(void *data) {
    (void)data;
    return true;
}

/* Evaluation asks between portions, whatever the number of threads. */
START_TEST(evaluation_is_watched) {
    buffer pairs = {0}, report = {0};
    rill_error e = {0};
    translate_options o;
    int told = 0;
    rill_hooks hooks = {.data = &told, .event = count_progress};
    void *models[] = {translator};
    task_pairs(400, 78, &pairs);
    const char *files[] = {task_file("watched.tsv", buffer_view(&pairs))};
    task_translate_set(&o, _i ? "threads=2" : "threads=1", "samples=0", NULL);
    ck_assert_int_eq(task_translate.eval(models, 1, &o, files, 1, &hooks, &report, &e), 0);
    ck_assert_int_gt(told, 0);
    hooks.stop = stop_at_once;
    ck_assert_int_eq(task_translate.eval(models, 1, &o, files, 1, &hooks, &report, &e),
                     RILL_EINTERRUPTED);
    task_translate_free(&o);
    buffer_free(&pairs);
    buffer_free(&report);
}
END_TEST

START_TEST(json) {
    buffer out = {0};
    translate("red \"dog\\\n\n", &out, "json=true", "align=true", "word-scores=true", "length-power=1",
              NULL);
    bytes rest = buffer_view(&out), line;
    ck_assert(bytes_split(&rest, '\n', &line));
    json_t *j = json_loadb(line.data, line.size, 0, NULL), *units = json_object_get(j, "units"),
           *row;
    size_t i;
    double sum = 0;
    json_array_foreach(units, i, row) sum += json_real_value(json_array_get(row, 1));
    ck_assert_ptr_nonnull(json_string_value(json_object_get(j, "alignment")));
    ck_assert_double_eq_tol(sum, json_real_value(json_object_get(j, "logp")), 1e-5);
    ck_assert_double_eq_tol(sum / (double)json_array_size(units),
                            json_real_value(json_object_get(j, "score")), 1e-5);
    json_decref(j);
    ck_assert(bytes_split(&rest, '\n', &line));
    ck_assert(bytes_equal(line, BYTES("{\"text\":\"\",\"logp\":0.0,\"score\":0.0,"
                                      "\"alignment\":\"\",\"units\":[]}")));
    translate("red\n\n", &out, "json=true", "nbest=3", NULL);
    rest = buffer_view(&out);
    ck_assert(bytes_split(&rest, '\n', &line));
    j = json_loadb(line.data, line.size, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(j, "answers")), 3);
    json_decref(j);
    ck_assert(bytes_split(&rest, '\n', &line));
    ck_assert(bytes_equal(line, BYTES("{\"answers\":[{\"text\":\"\",\"logp\":0.0,\"score\":0.0}]}")));
    buffer_free(&out);
}
END_TEST

/* ---- the same bytes */

static const char *const ways[][3] = {{"beam=1", "align=true", "word-scores=true"},
                                      {"beam=3", "coverage=0.3", "json=true"},
                                      {"nbest=2", "length-power=0", "json=true"},
                                      {"sample=true", "nbest=3", "temperature=2"},
                                      {"beam=4", "replace-unk=true", "no-repeat=2"},
                                      {"mbr=6", "nbest=2", "json=true"},
                                      {"mbr=6", "sample=true", "temperature=3"}};

START_TEST(batches_and_threads) {
    static const char *const batches[] = {"batch=1", "batch=7", "batch=1024"};
    static const char *const threads[] = {"threads=1", "threads=2", "threads=3"};
    const char *const *way = ways[_i];
    buffer wanted = {0}, out = {0};
    translate(mixed, &wanted, way[0], way[1], way[2], NULL);
    ck_assert_uint_gt(lines_of(&wanted), 6);
    for (int i = 0; i < 9; i++) {
        translate(mixed, &out, way[0], way[1], way[2], batches[i % 3], threads[i / 3], NULL);
        assert_output(&out, wanted.data);
    }
    buffer_free(&wanted);
    buffer_free(&out);
}
END_TEST

START_TEST(sessions) {
    const char *const *way = ways[_i];
    void *model = translator;
    task_session *session;
    buffer wanted = {0}, all = {0};
    rill_error e = {0};
    translate_options o;
    task_translate_set(&o, way[0], way[1], way[2], NULL);
    ck_assert_int_eq(task_session_new(&task_translate, &model, 1, &o, &session, &e), 0);
    task_translate_free(&o);
    bytes rest = bytes_of(mixed), line, answer;
    while (rest.size > 0 && bytes_split(&rest, '\n', &line)) {
        line.size++; /* its end */
        ck_assert_int_eq(task_session_apply(session, line, &answer, &e), 0);
        buffer_add_bytes(&all, answer);
    }
    translate(mixed, &wanted, way[0], way[1], way[2], NULL);
    ck_assert_int_eq(task_session_apply(session, bytes_of(mixed), &answer, &e), 0);
    ck_assert(bytes_equal(answer, buffer_view(&wanted)));
    if (_i < 2 || _i == 4) assert_output(&all, wanted.data); /* no numbers of lines in it */
    ck_assert_int_eq(task_session_apply(session, BYTES("red\n\xFF"), &answer, &e),
                     RILL_EDATA);
    ck_assert_uint_eq(e.line, 2);
    ck_assert_int_eq(task_session_apply(session, BYTES("dog\n"), &answer, &e), 0);
    ck_assert_uint_gt(answer.size, 4);
    task_session_free(session);
    buffer_free(&wanted);
    buffer_free(&all);
}
END_TEST

/* Several models give one answer; the same one twice is that one. */
static int ensemble(size_t count, translate_model *const *m, buffer *out, rill_error *e, ...) {
    va_list settings;
    va_start(settings, e);
    int status = filter_models(count, m, bytes_of(mixed), out, e, settings);
    va_end(settings);
    return status;
}

static translate_model *train_other(const char *name, const char *setting) {
    rill_error e = {0};
    translate_options o;
    const char *files[] = {task_path("pairs.tsv")}, *path = task_path(name);
    task_translate_set(&o, "epochs=1", "seed=8", "force=true", setting, NULL);
    o.common.model = mem_text(path, strlen(path));
    ck_assert_msg(translate_train(&o, files, 1, NULL, &e) == 0, "%s", e.message);
    task_translate_free(&o);
    return task_translate_open(path);
}

START_TEST(ensembles) {
    const char *const *way = ways[_i];
    translate_model *twice[] = {translator, translator},
                    *other = train_other("other.rill", "cell=gru");
    translate_model *both[] = {translator, other}, *alien = train_other("alien.rill", "units=char");
    translate_model *mixture[] = {translator, alien};
    buffer one = {0}, two = {0};
    rill_error e = {0};
    ck_assert_int_eq(ensemble(1, twice, &one, &e, way[0], way[1], way[2], NULL), 0);
    ck_assert_int_eq(ensemble(2, twice, &two, &e, way[0], way[1], way[2], NULL), 0);
    assert_output(&two, one.data);
    ck_assert_int_eq(ensemble(2, both, &two, &e, way[0], way[1], way[2], "word-scores=true", NULL),
                     0);
    ck_assert(strcmp(one.data, two.data));
    ck_assert_int_eq(ensemble(2, mixture, &two, &e, NULL), RILL_EUSAGE);
    ck_assert(strstr(e.message, "translator.rill") && strstr(e.message, "alien.rill"));
    task_model_free(&task_translate, other);
    task_model_free(&task_translate, alien);
    buffer_free(&one);
    buffer_free(&two);
}
END_TEST

/* Log probabilities of given targets are those that decoding prints. */
START_TEST(scores_of_answers) {
    buffer in = {0}, found = {0}, pairs = {0}, scores = {0};
    const char *power = _i ? "length-power=0" : "length-power=1";
    bytes rest = bytes_of(mixed), line, lines[16];
    size_t count = 0;
    double wanted[64];
    while (rest.size > 0 && bytes_split(&rest, '\n', &line)) { /* as units */
        size_t begin = in.size;
        for (bytes word; line.size > 0 && bytes_split(&line, ' ', &word);) {
            if (word.size) buffer_printf(&in, "\xE2\x96\x81%.*s ", (int)word.size, word.data);
        }
        buffer_add_char(&in, '\n');
        lines[count++] = (bytes){(char *)begin, in.size - 1 - begin};
    }
    translate(in.data, &found, "pretokenized=true", "nbest=3", power, NULL);
    rest = buffer_view(&found);
    for (count = 0; rest.size > 0 && bytes_split(&rest, '\n', &line);) {
        const char *text = strstr(line.data, " ||| ") + 5, *end = strstr(text, " ||| ");
        bytes source = lines[atoi(line.data)];
        if (end == text) continue; /* a blank line's */
        buffer_printf(&pairs, "%.*s\t%.*s\n", (int)source.size, in.data + (size_t)source.data,
                      (int)(end - text), text);
        wanted[count++] = atof(end + strlen(" ||| logp="));
    }
    ck_assert_uint_gt(count, 15);
    translate(pairs.data, &scores, "pretokenized=true", "score=true", NULL);
    rest = buffer_view(&scores);
    for (size_t i = 0; i < count; i++) {
        ck_assert(bytes_split(&rest, '\n', &line));
        ck_assert_double_eq_tol(atof(line.data), wanted[i], 1e-5);
    }
    ck_assert_uint_eq(rest.size, 0);
    buffer_free(&in);
    buffer_free(&found);
    buffer_free(&pairs);
    buffer_free(&scores);
}
END_TEST

START_TEST(scores_of_odd_lines) {
    buffer out = {0}, again = {0};
    rill_error e = {0};
    const char lines[] = "red\trot\n\n \nred\t\n\trot\nred dog\tHund rot\n";
    translate(lines, &out, "score=true", NULL);
    ck_assert_uint_eq(lines_of(&out), 6);
    double good = atof(out.data);
    ck_assert(good < 0 && good > -0.5);
    translate(lines, &again, "score=true", "batch=1", "threads=3", NULL);
    assert_output(&again, out.data);
    translate("red\trot\n", &out, "score=true", "json=true", NULL);
    json_t *j = json_loads(out.data, 0, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(j, "units")), 2);
    ck_assert_double_eq_tol(json_real_value(json_object_get(j, "logp")), good, 1e-5);
    json_decref(j);
    ck_assert_int_eq(
        run_translator(translator, BYTES("red\trot\nred\n"), &out, &e, "score=true", NULL),
        RILL_EDATA);
    ck_assert_str_eq(e.file, "in");
    ck_assert_uint_eq(e.line, 2);
    ck_assert_uint_eq(lines_of(&out), 1); /* what came before is answered */
    buffer_free(&out);
    buffer_free(&again);
}
END_TEST

START_TEST(draws) {
    buffer one = {0}, two = {0};
    translate(mixed, &one, "sample=true", "temperature=3", "seed=5", NULL);
    translate(mixed, &two, "sample=true", "temperature=3", "seed=5", NULL);
    assert_output(&two, one.data);
    translate(mixed, &two, "sample=true", "temperature=3", "seed=6", NULL);
    ck_assert(strcmp(one.data, two.data));
    translate(mixed, &one, "beam=1", NULL);
    translate(mixed, &two, "sample=true", "top-k=1", "temperature=3", NULL);
    assert_output(&two, one.data);
    buffer_free(&one);
    buffer_free(&two);
}
END_TEST

/* ---- unknown words, prefixes */

START_TEST(unknown_words) {
    buffer out = {0};
    translate("Qab\nred Qab\nQab red\nred Qab Qcd dog\n", &out, "replace-unk=true", NULL);
    assert_output(&out, "Qab\nQab rot\nrot Qab\nHund Qcd Qab rot\n");
    translate("red Qab Qcd dog\n", &out, "replace-unk=true", "align=true", NULL);
    assert_output(&out, "Hund Qcd Qab rot ||| 3-0 2-1 1-2 0-3\n");
    translate("\xEA\xB0\x80 red\n", &out, "replace-unk=true", NULL);
    assert_output(&out, "rot \xEA\xB0\x80\n");
    translate(mixed, &out, NULL); /* else the unknown one is never written */
    ck_assert(!strstr(out.data, "<unk>") && !strstr(out.data, "\xEF\xBF\xBD"));
    buffer_free(&out);
}
END_TEST

static void set_path(char setting[256], const char *name, const char *path) {
    ck_assert_int_lt(snprintf(setting, 256, "%s=%s", name, path), 256);
}

START_TEST(dictionaries) {
    static const struct {
        const char *text;
        size_t line, column;
    } bad[] = {
        {"Qab\tX\nQcd\n", 2, 1}, {"\tX\n", 1, 1}, {"Qab\tX\xFF\n", 1, 6}, {"\xC3\tX\n", 1, 1}};
    buffer out = {0};
    char setting[256];
    set_path(setting, "dictionary",
             task_file("words.tsv", BYTES(BOM "Qab\tAnna B.\r\nQcd\t\xEA\xB0\x80\nQab\tno\n")));
    translate("red Qab Qcd Qef\nQab red\n", &out, "replace-unk=true", setting, NULL);
    assert_output(&out, "Qef \xEA\xB0\x80 Anna B. rot\nrot Anna B.\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rill_error e = {0};
        set_path(setting, "dictionary", task_file("bad.tsv", bytes_of(bad[i].text)));
        ck_assert_int_eq(run_translator(translator, BYTES("red\n"), &out, &e, setting, NULL),
                         RILL_EDATA);
        ck_assert_ptr_nonnull(strstr(e.file, "bad.tsv"));
        ck_assert_uint_eq(e.line, bad[i].line);
        ck_assert_uint_eq(e.column, bad[i].column);
    }
    buffer_free(&out);
}
END_TEST

START_TEST(prefixes) {
    buffer out = {0};
    rill_error e = {0};
    char setting[256];
    set_path(setting, "prefix", task_file("prefix", BYTES(BOM "gross\n\nHund rot\nklein\n")));
    translate("red dog\nred dog\nred dog\n\n", &out, setting, NULL);
    bytes rest = buffer_view(&out), line;
    ck_assert(bytes_split(&rest, '\n', &line) && bytes_starts(line, BYTES("gross")));
    ck_assert(bytes_split(&rest, '\n', &line) && bytes_equal(line, BYTES("Hund rot")));
    ck_assert(bytes_split(&rest, '\n', &line) && bytes_equal(line, BYTES("Hund rot")));
    ck_assert(bytes_equal(rest, BYTES("\n")));
    set_path(setting, "prefix", task_file("prefix", BYTES("gross\n")));
    ck_assert_int_eq(
        run_translator(translator, BYTES("red\nred\n"), &out, &e, setting, NULL),
        RILL_EDATA);
    ck_assert_ptr_nonnull(strstr(e.file, "prefix"));
    set_path(setting, "prefix", task_file("prefix", BYTES("gross\nro\xFFt\n")));
    ck_assert_int_eq(
        run_translator(translator, BYTES("red\nred\n"), &out, &e, setting, NULL),
        RILL_EDATA);
    ck_assert_ptr_nonnull(strstr(e.file, "prefix"));
    ck_assert_uint_eq(e.line, 2);
    ck_assert_uint_eq(e.column, 3);
    buffer_clear(&out);
    set_path(setting, "prefix", task_file("prefix", BYTES("gross\nrot\nHund\n")));
    ck_assert_int_eq(run_translator(translator, BYTES("red\nred"), &out, &e, setting, NULL),
                     RILL_EDATA);
    ck_assert_ptr_nonnull(strstr(e.file, "prefix"));
    ck_assert_uint_eq(e.line, 3);
    rest = buffer_view(&out); /* the answers came first */
    ck_assert(bytes_split(&rest, '\n', &line) && bytes_starts(line, BYTES("gross")));
    ck_assert(bytes_split(&rest, '\n', &line) && bytes_starts(line, BYTES("rot")));
    buffer_free(&out);
}
END_TEST

/* ---- bad and giant input */

START_TEST(bad_bytes) {
    static const struct {
        bytes text;
        size_t line, column, lines;
    } bad[] = {{BYTES("red\n\ndog \xFF\n"), 3, 5, 2},
               {BYTES("\xC3"), 1, 1, 0},
               {BYTES("a\xED\xA0\x80"), 1, 2, 0}};
    buffer out = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rill_error e = {0};
        ck_assert_int_eq(run_translator(translator, bad[i].text, &out, &e, NULL),
                         RILL_EDATA);
        ck_assert_str_eq(e.file, "in");
        ck_assert_uint_eq(e.line, bad[i].line);
        ck_assert_uint_eq(e.column, bad[i].column);
        ck_assert_uint_eq(lines_of(&out), bad[i].lines);
    }
    rill_error e = {0};
    ck_assert_int_eq(run_translator(translator, BYTES("red\0dog\n\x01\n\xE2\x80\xA8\nred\n"),
                                           &out, &e, NULL),
                     0);
    ck_assert_uint_eq(lines_of(&out), 4);
    buffer_free(&out);
}
END_TEST

START_TEST(giant_sentence) {
    buffer in = {0}, out = {0};
    for (int i = 0; i < 5000; i++) buffer_printf(&in, "%s ", toy_source[i % TOY_WORDS]);
    buffer_add_text(&in, "\nred\n");
    translate(in.data, &out, "beam=2", NULL);
    ck_assert_uint_eq(lines_of(&out), 2);
    ck_assert_str_eq(out.data + out.size - 5, "\nrot\n");
    in.size -= 5;
    buffer_add_text(&in, "\trot\n");
    translate(in.data, &out, "score=true", NULL);
    ck_assert_uint_eq(lines_of(&out), 1);
    buffer_free(&in);
    buffer_free(&out);
}
END_TEST

/* Text can't forge the end of a sentence, not even as units. */
START_TEST(forged_units) {
    buffer one = {0}, two = {0};
    translate("\xE2\x96\x81red </s> \xE2\x96\x81"
              "dog\n<s>\n",
              &one, "pretokenized=true", "word-scores=true", NULL);
    translate("\xE2\x96\x81red <unk> \xE2\x96\x81"
              "dog\n<unk>\n",
              &two, "pretokenized=true", "word-scores=true", NULL);
    assert_output(&one, two.data);
    translate("\xE2\x96\x81red\t</s>\n", &one, "pretokenized=true", "score=true", NULL);
    translate("\xE2\x96\x81red\t<unk>\n", &two, "pretokenized=true", "score=true", NULL);
    assert_output(&one, two.data);
    buffer_free(&one);
    buffer_free(&two);
}
END_TEST

TCase *translate_apply_cases(void) {
    TCase *t = tcase_create("translate");
    int count = (int)(sizeof ways / sizeof *ways);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, known_answers);
    tcase_add_test(t, formats);
    tcase_add_test(t, lengths);
    tcase_add_test(t, n_best);
    tcase_add_test(t, json);
    tcase_add_loop_test(t, evaluation_is_watched, 0, 2);
    tcase_add_test(t, one_draw_is_one);
    tcase_add_test(t, consensus);
    tcase_add_loop_test(t, batches_and_threads, 0, count);
    tcase_add_loop_test(t, sessions, 0, count);
    tcase_add_loop_test(t, ensembles, 0, count);
    tcase_add_loop_test(t, scores_of_answers, 0, 2);
    tcase_add_test(t, scores_of_odd_lines);
    tcase_add_test(t, draws);
    tcase_add_test(t, unknown_words);
    tcase_add_test(t, dictionaries);
    tcase_add_test(t, prefixes);
    tcase_add_test(t, bad_bytes);
    tcase_add_test(t, giant_sentence);
    tcase_add_test(t, forged_units);
    return t;
}
