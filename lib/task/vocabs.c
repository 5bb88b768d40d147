/* vocabs: see vocabs.h. Every verb that gives a vocabulary opens its output, makes one in memory,
 * writes it in one piece (a file is replaced whole or not at all) and says in the report what it
 * did. */
#include "task/vocabs.h"

#include "base/io.h"
#include "base/json.h"
#include "data/excerpt.h"
#include "task/report.h"
#include "task/store.h"
#include "text/subword.h"
#include "text/token.h"

#define OPTIONS vocabs_options
#include "task/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- options */

enum {
    BUILD = RILL_VOCAB_BUILD,
    STATS = RILL_VOCAB_STATS,
    COVERAGE = RILL_VOCAB_COVERAGE,
    MERGE = RILL_VOCAB_MERGE,
    PRUNE = RILL_VOCAB_PRUNE,
    CONVERT = RILL_VOCAB_CONVERT,
    WRITE = BUILD | MERGE | PRUNE | CONVERT,
    READ = STATS | COVERAGE | MERGE | PRUNE | CONVERT,
    COUNT = BUILD | COVERAGE
};

static const option_row rows[] = {
    WORD("split", 0, AT(split), "spaces", "spaces|rules", "HOW", COUNT,
         "What words of a text are: what stands between blanks, or what the built-in tokenizer "
         "finds"),
    WORD("codes", 'c', AT(codes), NULL, NULL, "CODES", COUNT,
         "Count the subword units of these codes instead of words"),
    WORD("normalize", 0, AT(normalize), "nfc", "nfc|nfkc|none", "FORM", COUNT,
         "Unicode normalization of words"),
    SWITCH("lower", AT(lower), "false", COUNT, "Count words in lower case"),
    {"special", 0, OPTION_LIST, AT(special), NULL, 0, 0, NULL, "WORD", BUILD,
     "A special word, such as <unk>; specials come first, with count 0"},
    NUMBER("min-count", 0, AT(min_count), "1", 1, 1e15, BUILD | MERGE | PRUNE,
           "Least count of a word"),
    NUMBER("max-size", 's', AT(max_size), "0", 0, 2147483646.0, BUILD | MERGE | PRUNE,
           "Most words, special ones included; 0: no bound"),
    WORD("keep", 'k', AT(keep), NULL, NULL, "FILE", PRUNE, "Keep only words of this vocabulary"),
    WORD("from", 0, AT(from), "auto", "auto|tsv|space|plain|json|model", "FORMAT", READ,
         "Format of vocabularies to read; auto: by what the file holds"),
    WORD("table", 0, AT(table), NULL, NULL, "NAME", READ,
         "Which vocabulary of a model; default the first"),
    WORD("to", 0, AT(to), "tsv", "tsv|space|plain|json", "FORMAT", WRITE,
         "Format of the vocabulary to write"),
    NUMBER("top", 0, AT(top), "10", 0, 1000000, COVERAGE, "Unknown words to show"),
    WORD("output", 'o', AT(output), "-", NULL, "FILE", WRITE, "File to write"),
    SWITCH("force", AT(force), "false", WRITE, "Overwrite an existing file"),
    SWITCH("json", AT(json), "false", STATS | COVERAGE, "Print JSON"),
};

const option_table vocabs_option_table = {rows, sizeof rows / sizeof *rows, sizeof(vocabs_options)};

/* ---- counting text */

/* What cuts lines to words; one of the three is in use. */
typedef struct counter {
    const vocabs_options *o;
    unicode_form form;
    subword *units;
    subword_session *session;
    subword_list list;
    tokenizer *tokenizer;
    token_session *tokens;
    token_text text;
    buffer normal, lower;
    unicode_map map;
    tally *out;
} counter;

static void counter_free(counter *c) {
    subword_session_free(c->session);
    subword_free(c->units);
    subword_list_free(&c->list);
    token_session_free(c->tokens);
    tokenizer_free(c->tokenizer);
    token_text_free(&c->text);
    buffer_free(&c->normal);
    buffer_free(&c->lower);
    unicode_map_free(&c->map);
}

static int counter_make(counter *c, rill_error *error) {
    c->form = store_form(c->o->normalize);
    if (c->o->codes) {
        TRY(subword_open(c->o->codes, &c->units, error));
        return subword_session_new(c->units, &c->session, error);
    }
    if (!strcmp(c->o->split, "spaces")) return 0;
    TRY(tokenizer_new((bytes){0}, c->form, NULL, &c->tokenizer, error));
    return token_session_new(c->tokenizer, &c->tokens, error);
}

static int count_word(counter *c, bytes word, rill_error *error) {
    if (c->o->lower && !c->o->codes) {
        buffer_clear(&c->lower);
        unicode_lower(word, &c->lower);
        TRY(buffer_status(&c->lower, error));
        word = buffer_view(&c->lower);
    }
    return tally_add(c->out, word, 1) < 0 ? status_nomem(error) : 0;
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int count_blanks(counter *c, bytes line, rill_error *error) {
    size_t fault;
    if (!utf8_valid(line, &fault)) {
        return status_set(error, RILL_EDATA, NULL, 0, fault + 1, "invalid UTF-8");
    }
    buffer_clear(&c->normal);
    if (unicode_normalise(line, c->form, &c->normal, &c->map) < 0) return status_nomem(error);
    bytes text = buffer_view(&c->normal);
    for (size_t at = 0, end; at < text.size; at = end) {
        for (end = at; end < text.size && is_blank(text.data[end]) == is_blank(text.data[at]);)
            end++;
        if (!is_blank(text.data[at])) TRY(count_word(c, bytes_slice(text, at, end), error));
    }
    return 0;
}

static int count_line(counter *c, bytes line, rill_error *error) {
    if (c->units) {
        TRY(subword_encode(c->session, line, NULL, &c->list, error));
        for (size_t i = 0; i < c->list.count; i++) {
            TRY(count_word(c, subword_piece(c->units, c->list.item[i].id), error));
        }
        return 0;
    }
    if (!c->tokenizer) return count_blanks(c, line, error);
    TRY(token_words(c->tokens, line, &c->text, error));
    for (size_t i = 0; i < c->text.words; i++) TRY(count_word(c, c->text.word[i], error));
    return 0;
}

static int count_file(counter *c, const char *path, rill_error *error) {
    reader *r;
    bytes line;
    TRY(reader_open(path, 0, &r, error));
    int status;
    while ((status = reader_text(r, &line, error)) > 0) {
        status = count_line(c, line, error);
        if (status < 0) status_place(error, status, reader_name(r), reader_number(r));
        if (status < 0) break;
    }
    reader_close(r);
    return status;
}

static int count_text(const vocabs_options *o, const char *const *files, size_t count, tally *out,
                      rill_error *error) {
    static const char *const standard[] = {"-"};
    counter c = {.o = o, .out = out};
    if (count == 0) files = standard, count = 1;
    int status = counter_make(&c, error);
    for (size_t i = 0; i < count && status == 0; i++) status = count_file(&c, files[i], error);
    counter_free(&c);
    return status;
}

/* ---- writing */

static int64_t running(const vocab *v) {
    int64_t sum = 0;
    for (int32_t i = v->specials; i < vocab_size(v); i++) sum = count_sum(sum, v->count[i]);
    return sum;
}

static int write_vocab(const vocabs_options *o, const vocab *v, writer *w, rill_error *error) {
    buffer text = {0};
    int status = vocabs_format(v, o->to, &text, error);
    if (status == 0) status = writer_add_bytes(w, buffer_view(&text), error);
    if (status == 0) status = writer_commit(w, error);
    buffer_free(&text);
    return status;
}

static double percent(int64_t part, int64_t whole) {
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* What is left of so many words. */
static void tell_kept(const vocab *v, int64_t words, int64_t total, buffer *report) {
    int64_t kept = vocab_size(v) - v->specials;
    buffer_printf(report,
                  "%" PRId64 " of %" PRId64 " different words, %.2f %% of %" PRId64
                  " running words\n",
                  kept, words, percent(running(v), total), total);
}

/* ---- verbs */

static int64_t tally_total(const tally *t) {
    int64_t sum = 0;
    for (int32_t i = 0; i < t->words.count; i++) sum = count_sum(sum, t->count[i]);
    return sum;
}

static int need_room(const vocabs_options *o, int32_t specials, rill_error *error) {
    if (o->max_size == 0 || specials <= o->max_size) return 0;
    return status_fail(error, RILL_EUSAGE,
                       "--max-size %" PRId64 " leaves no room for %" PRId32 " special words",
                       o->max_size, specials);
}

/* Builds from counts and specials, and writes. */
static int finish(const vocabs_options *o, const tally *t, const bytes *special, size_t specials,
                  writer *w, buffer *report, rill_error *error) {
    vocab v = {0};
    TRY(need_room(o, (int32_t)specials, error));
    TRY(vocab_build(&v, t, special, (int32_t)specials, o->min_count, (int32_t)o->max_size, error));
    int status = write_vocab(o, &v, w, error);
    tell_kept(&v, t->words.count, tally_total(t), report);
    vocab_free(&v);
    return status;
}

/* The lines of option --special, each a word of its own. */
static int list_specials(const vocabs_options *o, strmap *out, rill_error *error) {
    bytes rest = {o->special, o->special ? strlen(o->special) : 0}, word;
    while (rest.data && bytes_split(&rest, '\n', &word)) {
        const int32_t next = out->count;
        int32_t id;
        if (word.size == 0 || !utf8_valid(word, NULL)) {
            return status_fail(error, RILL_EUSAGE,
                               "option --special: found \"%s\", expected a word in UTF-8",
                               excerpt_of(word).text);
        }
        if (strmap_add(out, word, &id) < 0) return status_nomem(error);
        if (id == next) continue;
        return status_fail(error, RILL_EUSAGE, "option --special: \"%s\" stands twice",
                           excerpt_of(word).text);
    }
    return 0;
}

/* Writes counts and specials. */
static int finish_all(const vocabs_options *o, const tally *t, const strmap *special, writer *w,
                      buffer *report, rill_error *error) {
    bytes *list = mem_new((size_t)special->count, sizeof *list);
    if (!list) return status_nomem(error);
    for (int32_t i = 0; i < special->count; i++) list[i] = strmap_get(special, i);
    int status = finish(o, t, list, (size_t)special->count, w, report, error);
    free(list);
    return status;
}

static int build(const vocabs_options *o, const char *const *files, size_t count, writer *w,
                 buffer *report, rill_error *error) {
    tally t = {0};
    strmap special = {0};
    int status = list_specials(o, &special, error);
    if (status == 0) status = count_text(o, files, count, &t, error);
    if (status == 0) status = finish_all(o, &t, &special, w, report, error);
    strmap_free(&special);
    tally_free(&t);
    return status;
}

/* Specials in the order in which they are first seen, words by their sums. */
static int merge_one(const vocab *v, strmap *special, tally *t) {
    for (int32_t i = 0; i < vocab_size(v); i++) {
        int32_t id;
        if (i < v->specials) {
            TRY(strmap_add(special, vocab_word(v, i), &id));
        } else {
            TRY(tally_add(t, vocab_word(v, i), v->count[i]));
        }
    }
    return 0;
}

static int merge(const vocabs_options *o, const char *const *files, size_t count, writer *w,
                 buffer *report, rill_error *error) {
    tally t = {0};
    strmap special = {0};
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        vocab v = {0};
        status = vocabs_read(files[i], o->from, o->table, &v, error);
        if (status == 0 && merge_one(&v, &special, &t) < 0) status = status_nomem(error);
        vocab_free(&v);
    }
    if (status == 0) status = finish_all(o, &t, &special, w, report, error);
    strmap_free(&special);
    tally_free(&t);
    return status;
}

typedef struct row {
    int64_t count;
    int32_t id;
} row;

/* The most frequent first, the first in the file first. */
static int compare_rows(const void *a, const void *b) {
    const row *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return (x->id > y->id) - (x->id < y->id);
}

static int compare_ids(const void *a, const void *b) {
    const row *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Words that stay, in the order of the file: list[0 .. *count). */
static row *choose(const vocabs_options *o, const vocab *v, const vocab *keep, size_t *count) {
    row *list = mem_new((size_t)vocab_size(v), sizeof *list);
    *count = 0;
    for (int32_t i = v->specials; list && i < vocab_size(v); i++) {
        bool wanted = !o->keep || strmap_find(&keep->words, vocab_word(v, i)) >= 0;
        if (wanted && v->count[i] >= o->min_count) list[(*count)++] = (row){v->count[i], i};
    }
    const size_t most = o->max_size ? (size_t)(o->max_size - v->specials) : *count;
    if (!list || *count <= most) return list;
    qsort(list, *count, sizeof *list, compare_rows);
    *count = most;
    qsort(list, *count, sizeof *list, compare_ids);
    return list;
}

static int copy_row(const vocab *v, int32_t from, vocab *out) {
    int32_t id;
    TRY(strmap_add(&out->words, vocab_word(v, from), &id));
    out->count[id] = v->count[from];
    return 0;
}

static int prune_into(const vocabs_options *o, const vocab *v, const vocab *keep, vocab *out,
                      rill_error *error) {
    size_t count;
    TRY(need_room(o, v->specials, error));
    row *list = choose(o, v, keep, &count);
    out->count = mem_new((size_t)v->specials + count, sizeof *out->count);
    int status = list && out->count ? 0 : RILL_ENOMEM;
    for (int32_t i = 0; status == 0 && i < v->specials; i++) status = copy_row(v, i, out);
    for (size_t i = 0; status == 0 && i < count; i++) status = copy_row(v, list[i].id, out);
    out->specials = v->specials;
    free(list);
    return status < 0 ? status_nomem(error) : 0;
}

static int prune(const vocabs_options *o, const char *file, writer *w, buffer *report,
                 rill_error *error) {
    vocab v = {0}, keep = {0}, out = {0};
    int status = vocabs_read(file, o->from, o->table, &v, error);
    if (status == 0 && o->keep) status = vocabs_read(o->keep, "auto", NULL, &keep, error);
    if (status == 0) status = prune_into(o, &v, &keep, &out, error);
    if (status == 0) status = write_vocab(o, &out, w, error);
    if (status == 0) tell_kept(&out, vocab_size(&v) - v.specials, running(&v), report);
    vocab_free(&v);
    vocab_free(&keep);
    vocab_free(&out);
    return status;
}

static int convert(const vocabs_options *o, const char *file, writer *w, rill_error *error) {
    vocab v = {0};
    int status = vocabs_read(file, o->from, o->table, &v, error);
    if (status == 0) status = write_vocab(o, &v, w, error);
    vocab_free(&v);
    return status;
}

/* ---- reports */

static int print_report(const vocabs_options *o, json_t *report, buffer *out, rill_error *error) {
    const char *key;
    json_t *value;
    if (!report) return status_nomem(error);
    if (o->json) return json_write(report, out, error);
    json_object_foreach(report, key, value) {
        if (json_is_object(value)) {
            const char *name;
            json_t *count;
            buffer_printf(out, "%s\n", key);
            json_object_foreach(value, name, count) {
                buffer_printf(out, "  %-20s ", excerpt_of(bytes_of(name)).text);
                if (json_is_real(count)) {
                    buffer_printf(out, "%.2f %%\n", 100 * json_real_value(count));
                } else {
                    buffer_printf(out, "%" JSON_INTEGER_FORMAT "\n", json_integer_value(count));
                }
            }
        } else if (json_is_real(value)) {
            buffer_printf(out, "%-22s %.2f %%\n", key, 100 * json_real_value(value));
        } else {
            buffer_printf(out, "%-22s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
        }
    }
    return buffer_status(out, error);
}

static int compare_counts(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* Share of running words that the most frequent 10, 100, ... words make. */
static int add_shares(json_t *report, const int64_t *count, size_t n, int64_t total) {
    json_t *shares = json_object();
    int64_t sum = 0;
    size_t next = 10;
    for (size_t i = 0; i < n && shares; i++) {
        char name[32];
        sum = count_sum(sum, count[i]);
        if (i + 1 != next || total == 0) continue;
        snprintf(name, sizeof name, "%zu", next);
        TRY(report_set(shares, bytes_of(name), json_real((double)sum / (double)total)));
        next *= 10;
    }
    return report_set(report, BYTES("share_of_the_first"), shares);
}

static int stats_of(const vocab *v, json_t *report) {
    size_t n = (size_t)(vocab_size(v) - v->specials), once = 0, longest = 0;
    int64_t *count = mem_new(n, sizeof *count), total = running(v);
    if (!count || !report) {
        free(count);
        return RILL_ENOMEM;
    }
    if (n) memcpy(count, v->count + v->specials, n * sizeof *count);
    qsort(count, n, sizeof *count, compare_counts);
    for (size_t i = 0; i < n; i++) {
        size_t points = utf8_count(vocab_word(v, v->specials + (int32_t)i));
        once += count[i] == 1;
        if (points > longest) longest = points;
    }
    int status = report_set(report, BYTES("words"), json_integer((json_int_t)n));
    if (!status) status = report_set(report, BYTES("special"), json_integer(v->specials));
    if (!status) status = report_set(report, BYTES("running"), json_integer(total));
    if (!status) status = report_set(report, BYTES("seen_once"), json_integer((json_int_t)once));
    if (!status) status = report_set(report, BYTES("longest"), json_integer((json_int_t)longest));
    if (!status) status = add_shares(report, count, n, total);
    free(count);
    return status;
}

static int stats(const vocabs_options *o, const char *file, buffer *out, rill_error *error) {
    vocab v = {0};
    TRY(vocabs_read(file, o->from, o->table, &v, error));
    json_t *report = json_object();
    int status = stats_of(&v, report) < 0 ? status_nomem(error) : 0;
    if (status == 0) status = print_report(o, report, out, error);
    json_decref(report);
    vocab_free(&v);
    return status;
}

/* A word as the name of a field, which ends at a NUL. */
static int add_name(json_t *list, bytes word, int64_t count) {
    excerpt shown = excerpt_of(word);
    bytes name = word.size && memchr(word.data, 0, word.size) ? bytes_of(shown.text) : word;
    return report_set(list, name, json_integer(count));
}

/* The unknown words, most frequent first. */
static int add_unknown(const vocabs_options *o, const vocab *v, const tally *t, json_t *report) {
    tally unknown = {0};
    vocab sorted = {0};
    int status = 0;
    for (int32_t i = 0; i < t->words.count && status == 0; i++) {
        bytes word = strmap_get(&t->words, i);
        int32_t id = strmap_find(&v->words, word);
        if (id < v->specials) status = tally_add(&unknown, word, t->count[i]);
    }
    if (!status) status = vocab_build(&sorted, &unknown, NULL, 0, 1, (int32_t)o->top, NULL);
    json_t *list = json_object();
    for (int32_t i = 0; i < vocab_size(&sorted) && status == 0 && o->top; i++) {
        status = add_name(list, vocab_word(&sorted, i), sorted.count[i]);
    }
    if (!status && o->top && unknown.words.count) {
        status = report_set(report, BYTES("unknown"), list);
    } else {
        json_decref(list);
    }
    tally_free(&unknown);
    vocab_free(&sorted);
    return status;
}

static int coverage_of(const vocabs_options *o, const vocab *v, const tally *t, json_t *report) {
    int64_t known = 0, all = 0, different = 0;
    for (int32_t i = 0; i < t->words.count; i++) {
        bool found = strmap_find(&v->words, strmap_get(&t->words, i)) >= v->specials;
        all = count_sum(all, t->count[i]);
        known = count_sum(known, found ? t->count[i] : 0);
        different += found;
    }
    double words = t->words.count;
    TRY(report_set(report, BYTES("running"), json_integer(all)));
    TRY(report_set(report, BYTES("running_known"),
                   json_real(all ? (double)known / (double)all : 0)));
    TRY(report_set(report, BYTES("different"), json_integer(t->words.count)));
    TRY(report_set(report, BYTES("different_known"),
                   json_real(words > 0 ? (double)different / words : 0)));
    return add_unknown(o, v, t, report);
}

static int coverage(const vocabs_options *o, const char *const *files, size_t count, buffer *out,
                    rill_error *error) {
    vocab v = {0};
    tally t = {0};
    TRY(vocabs_read(files[0], o->from, o->table, &v, error));
    int status = count_text(o, files + 1, count - 1, &t, error);
    json_t *report = json_object();
    if (status == 0 && (!report || coverage_of(o, &v, &t, report) < 0))
        status = status_nomem(error);
    if (status == 0) status = print_report(o, report, out, error);
    json_decref(report);
    vocab_free(&v);
    tally_free(&t);
    return status;
}

/* ---- all verbs */

static int check_options(unsigned verb, const vocabs_options *o, rill_error *error) {
    if (!(verb & COUNT) || !o->codes) return 0;
    if (!o->lower && !strcmp(o->split, "spaces") && !strcmp(o->normalize, "nfc")) return 0;
    return status_fail(error, RILL_EUSAGE,
                       "--codes say how text is cut and spelt, and leave nothing to "
                       "--split, --lower and --normalize");
}

/* What is read is not written over, and standard input is read once. */
static int check_files(unsigned verb, const vocabs_options *o, const char *const *files,
                       size_t count, rill_error *error) {
    const char *const named[] = {verb & COUNT ? o->codes : NULL, verb & PRUNE ? o->keep : NULL};
    const size_t texts = verb == BUILD ? count : verb == COVERAGE ? count - 1 : 1;
    int times = texts == 0; /* then standard input is the text */
    for (size_t i = 0; i < count + 2; i++) {
        const char *path = i < count ? files[i] : named[i - count];
        if (!path) continue;
        if (verb & WRITE) TRY(file_differs(o->output, path, error));
        times += !strcmp(path, "-");
    }
    if (times < 2) return 0;
    return status_fail(error, RILL_EUSAGE, "standard input can't be read twice");
}

static int write_verb(unsigned verb, const vocabs_options *o, const char *const *files,
                      size_t count, buffer *report, rill_error *error) {
    writer *w;
    TRY(file_spare(o->output, o->force, error));
    TRY(writer_open(o->output, &w, error));
    int status = verb == BUILD   ? build(o, files, count, w, report, error)
                 : verb == MERGE ? merge(o, files, count, w, report, error)
                 : verb == PRUNE ? prune(o, files[0], w, report, error)
                                 : convert(o, files[0], w, error);
    writer_close(w);
    return status;
}

int vocabs_run(unsigned verb, const vocabs_options *o, const char *const *files, size_t count,
               buffer *report, rill_error *error) {
    const bool one = verb & (STATS | PRUNE | CONVERT);
    if (!(verb & (READ | WRITE)) || verb & (verb - 1)) {
        return status_fail(error, RILL_EUSAGE, "unknown verb of vocabularies");
    }
    if (verb != BUILD && count == 0) return status_fail(error, RILL_EUSAGE, "no vocabulary given");
    if (one && count > 1) return status_fail(error, RILL_EUSAGE, "more than one vocabulary given");
    TRY(check_options(verb, o, error));
    TRY(check_files(verb, o, files, count, error));
    if (verb & WRITE) return write_verb(verb, o, files, count, report, error);
    return verb == STATS ? stats(o, files[0], report, error)
                         : coverage(o, files, count, report, error);
}
