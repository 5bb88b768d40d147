/* check_model_translation: BLEU and chrF against sacreBLEU's own figures (tests/golden), against
 * brute force, and against what resampling must do by its definition. */
#include "check_model.h"

#include "base/io.h"
#include "base/rng.h"
#include "model/metric_bleu.h"
#include "model/metric_chrf.h"
#include "model/metric_ngram.h"

#include <locale.h>
#include <math.h>

enum { MOST_LINES = 64 };

typedef struct text {
    buffer all;
    bytes line[MOST_LINES];
    size_t lines;
} text;

/* A file of tests/golden, in lines. */
static text golden(const char *name) {
    text t = {0};
    char path[4096];
    const char *source = getenv("srcdir");
    bytes line;
    snprintf(path, sizeof path, "%s/tests/golden/%s", source ? source : ".", name);
    ck_assert_int_eq(file_slurp(path, 0, &t.all, NULL), 0);
    bytes rest = buffer_view(&t.all);
    while (bytes_split(&rest, '\n', &line)) {
        ck_assert_uint_lt(t.lines, MOST_LINES);
        t.line[t.lines++] = line;
    }
    t.lines--; /* behind the last line end */
    return t;
}

/* One figure of the reference tool. */
typedef struct row {
    bytes metric, system, score, signature, line;
} row;

static row row_of(bytes line) {
    row r;
    bytes *const field[] = {&r.metric, &r.system, &r.score, &r.signature, &r.line};
    for (size_t i = 0; i < 5; i++) ck_assert(bytes_split(&line, '\t', field[i]));
    return r;
}

/* The value of "key:value" in a signature; empty when the key is not there. */
static bytes signature_value(bytes signature, const char *key) {
    bytes field, name;
    while (bytes_split(&signature, '|', &field)) {
        if (bytes_split(&field, ':', &name) && bytes_equal(name, bytes_of(key))) return field;
    }
    return BYTES("");
}

static bool signature_is(bytes signature, const char *key, const char *value) {
    return bytes_equal(signature_value(signature, key), bytes_of(value));
}

static double real_of(bytes text) {
    double value = 0;
    ck_assert(bytes_to_real(text, &value));
    return value;
}

/* A signature without its version, which is another program's. */
static bytes without_version(bytes signature) {
    size_t at = signature.size;
    while (at > 0 && signature.data[at] != '|') at--;
    ck_assert(bytes_starts(bytes_slice(signature, at, signature.size), BYTES("|version:")));
    return bytes_slice(signature, 0, at);
}

static void same_text(const buffer *found, bytes expected) {
    ck_assert_msg(bytes_equal(buffer_view(found), expected), "%s, expected %.*s", found->data,
                  (int)expected.size, expected.data);
}

static void near(double found, double expected, double slack) {
    ck_assert_msg(fabs(found - expected) <= slack, "%.10f, expected %.10f", found, expected);
}

/* ---- BLEU */

static bleu_stats bleu_of(const bleu_options *o, const text *system, const text *reference,
                          bleu_stats *each) {
    bleu_stats sum = {{0}, {0}, 0, 0}, one;
    bleu *b;
    ck_assert_int_eq(bleu_new(o, &b, NULL), 0);
    ck_assert_uint_eq(system->lines, reference->lines);
    for (size_t i = 0; i < system->lines; i++) {
        ck_assert_int_eq(bleu_count(b, system->line[i], &reference->line[i], 1, &one, NULL), 0);
        bleu_add(&sum, &one);
        if (each) each[i] = one;
    }
    bleu_free(b);
    return sum;
}

static bleu_options bleu_options_of(bytes signature) {
    bleu_options o = {.lower = signature_is(signature, "case", "lc")};
    bytes smooth = signature_value(signature, "smooth"), name;
    ck_assert(segment_find(signature_value(signature, "tok"), &o.tokenizer));
    ck_assert(bytes_split(&smooth, '[', &name));
    ck_assert(bleu_smoothing_find(name, &o.smoothing));
    return o;
}

static void bleu_row(const row *r, const text *system, const text *reference) {
    bleu_options o = bleu_options_of(r->signature);
    bleu_stats sum = bleu_of(&o, system, reference, NULL);
    bleu_result result = bleu_score(&sum, &o);
    buffer out = {0};
    near(result.score, real_of(r->score), 1e-9);
    bleu_line(&result, &out);
    same_text(&out, r->line);
    buffer_clear(&out);
    bleu_signature(&o, 1, &out);
    bytes found = without_version(buffer_view(&out)), expected = without_version(r->signature);
    ck_assert_msg(bytes_equal(found, expected), "%s, expected %.*s", out.data, (int)expected.size,
                  expected.data);
    ck_assert(strstr(out.data, "|version:rill-"));
    buffer_free(&out);
}

/* ---- chrF */

static chrf_stats chrf_of(const chrf_options *o, const text *system, const text *reference,
                          chrf_stats *each) {
    chrf_stats sum = {{0}, {0}, {0}}, one;
    chrf *c;
    ck_assert_int_eq(chrf_new(o, &c, NULL), 0);
    for (size_t i = 0; i < system->lines; i++) {
        ck_assert_int_eq(chrf_count(c, system->line[i], &reference->line[i], 1, &one, NULL), 0);
        chrf_add(&sum, &one);
        if (each) each[i] = one;
    }
    chrf_free(c);
    return sum;
}

static chrf_options chrf_options_of(const row *r) {
    chrf_options o = {.lower = signature_is(r->signature, "case", "lc"),
                      .space = signature_is(r->signature, "space", "yes")};
    o.characters = (int)real_of(signature_value(r->signature, "nc"));
    o.words = (int)real_of(signature_value(r->signature, "nw"));
    ck_assert(bytes_starts(r->line, BYTES("chrF")));
    o.beta = r->line.data[4] - '0';
    return o;
}

static void chrf_row(const row *r, const text *system, const text *reference) {
    chrf_options o = chrf_options_of(r);
    chrf_stats sum = chrf_of(&o, system, reference, NULL);
    double score = chrf_score(&sum, &o);
    buffer out = {0};
    near(score, real_of(r->score), 1e-9);
    chrf_line(score, &o, &out);
    same_text(&out, r->line);
    buffer_clear(&out);
    chrf_signature(&o, 1, &out);
    ck_assert(bytes_equal(without_version(buffer_view(&out)), without_version(r->signature)));
    buffer_free(&out);
}

/* Every figure of the reference tool but the edit rates. */
START_TEST(golden_scores) {
    text figures = golden("scores.tsv"), reference = golden("ref.txt");
    text one = golden("hyp.txt"), two = golden("hyp2.txt");
    size_t bleus = 0, chrfs = 0;
    for (size_t i = 1; i < figures.lines; i++) {
        row r = row_of(figures.line[i]);
        const text *system = bytes_equal(r.system, BYTES("hyp2")) ? &two : &one;
        if (bytes_equal(r.metric, BYTES("BLEU"))) {
            bleu_row(&r, system, &reference);
            bleus++;
        } else if (bytes_equal(r.metric, BYTES("chrF"))) {
            chrf_row(&r, system, &reference);
            chrfs++;
        }
    }
    ck_assert_uint_eq(bleus, 26);
    ck_assert_uint_eq(chrfs, 10);
    buffer_free(&figures.all);
    buffer_free(&reference.all);
    buffer_free(&one.all);
    buffer_free(&two.all);
}
END_TEST

START_TEST(golden_sentences) {
    text figures = golden("sentence-scores.tsv"), reference = golden("ref.txt");
    text system = golden("hyp.txt");
    bleu_options o = {.effective = true};
    bleu_stats stats[MOST_LINES];
    chrf_stats characters[MOST_LINES];
    (void)bleu_of(&o, &system, &reference, stats);
    (void)chrf_of(NULL, &system, &reference, characters);
    ck_assert_uint_eq(figures.lines, system.lines + 1);
    for (size_t i = 0; i < system.lines; i++) {
        bytes rest = figures.line[i + 1], number, bleu_figure;
        ck_assert(bytes_split(&rest, '\t', &number));
        ck_assert(bytes_split(&rest, '\t', &bleu_figure));
        near(bleu_score(&stats[i], &o).score, real_of(bleu_figure), 1e-9);
        near(chrf_score(&characters[i], NULL), real_of(rest), 1e-9);
    }
    buffer_free(&figures.all);
    buffer_free(&reference.all);
    buffer_free(&system.all);
}
END_TEST

/* ---- tokens */

static const struct {
    segment_tokenizer tokenizer;
    const char *line, *tokens; /* joined by one blank */
} token_rows[] = {
    {SEGMENT_13A, "It's 3.5% of $1,200.", "It's 3.5 % of $ 1,200 ."},
    {SEGMENT_13A, "a.. b,,c 5. .5 ...", "a . . b , , c 5 . . 5 . . ."},
    {SEGMENT_13A, "2010-2011 well-known -5", "2010 - 2011 well-known -5"},
    {SEGMENT_13A, "&amp;lt; &quot;x&quot; &apos;", "< \" x \" & apos ;"},
    {SEGMENT_13A, "a<skipped>b \xE2\x80\x9Cq\xE2\x80\x9D", "ab \xE2\x80\x9Cq\xE2\x80\x9D"},
    {SEGMENT_13A, "x\xC2\xA0y\xE3\x80\x80z\xE2\x80\x8Bq", "x y z\xE2\x80\x8Bq"},
    {SEGMENT_INTL, "It's 3.5% of $1,200.", "It ' s 3.5 % of $ 1,200."},
    {SEGMENT_INTL, "\xE2\x80\x9Cq\xE2\x80\x9D 5. a+b", "\xE2\x80\x9C q \xE2\x80\x9D 5 . a + b"},
    {SEGMENT_INTL, "5-6 \xC2\xBD-x ,", "5-6 \xC2\xBD - x ,"},
    {SEGMENT_INTL, ",x  ", ", x"},
    {SEGMENT_CHAR, " ab\tc ", "a b c"},
    {SEGMENT_NONE, " a.b\tc,  ", "a.b c,"},
    {SEGMENT_ZH, "\xE6\x9D\xB1x.5\xE3\x80\x82", "\xE6\x9D\xB1 x . 5 \xE3\x80\x82"},
    {SEGMENT_ZH, " .5 &lt;", ".5 & lt ;"},
    {SEGMENT_13A, " .5", ". 5"},
    {SEGMENT_13A, "", ""},
};

static void tokens_are(const segment *s, const char *expected) {
    buffer out = {0};
    for (size_t i = 0; i < s->tokens; i++) {
        if (i) buffer_add_char(&out, ' ');
        for (size_t p = s->token[i].begin; p < s->token[i].end; p++) {
            int32_t point = s->point[p];
            char utf8[4] = {(char)point};
            size_t size = 1;
            if (point >= 0x800) {
                size = 3;
                utf8[0] = (char)(0xE0 | point >> 12);
                utf8[1] = (char)(0x80 | (point >> 6 & 0x3F));
                utf8[2] = (char)(0x80 | (point & 0x3F));
            } else if (point >= 0x80) {
                size = 2;
                utf8[0] = (char)(0xC0 | point >> 6);
                utf8[1] = (char)(0x80 | (point & 0x3F));
            }
            buffer_add(&out, utf8, size);
        }
    }
    ck_assert_str_eq(out.data ? out.data : "", expected);
    buffer_free(&out);
}

START_TEST(tokens) {
    segment s = {0};
    ck_assert_int_eq(segment_line(&s, bytes_of(token_rows[_i].line), false), 0);
    ck_assert_int_eq(segment_cut(&s, token_rows[_i].tokenizer), 0);
    tokens_are(&s, token_rows[_i].tokens);
    segment_free(&s);
}
END_TEST

START_TEST(words) {
    segment s = {0};
    ck_assert_int_eq(segment_line(&s, BYTES(" (A) 'b c. ... ? d\xE2\x80\x9D "), true), 0);
    ck_assert_int_eq(segment_words(&s), 0);
    tokens_are(&s, "(a ) ' b c . .. . ? d\xE2\x80\x9D");
    segment_free(&s);
}
END_TEST

/* ---- n-grams */

/* Times that items[at .. at+n) stands in a side. */
static int64_t occurrences(const int32_t *side, size_t length, const int32_t *gram, size_t n) {
    int64_t count = 0;
    for (size_t i = 0; i + n <= length; i++) count += !memcmp(side + i, gram, n * sizeof *gram);
    return count;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

enum { SIDES = 3, LENGTH = 24 };

/* Shared n-grams of side 0 and the union of the others from `first` to `last`, by definition. */
static int64_t shared(int32_t side[SIDES][LENGTH], const size_t *length, size_t first, size_t last,
                      size_t n) {
    int64_t sum = 0;
    for (size_t i = 0; i + n <= length[0]; i++) {
        const int32_t *gram = side[0] + i;
        if (occurrences(side[0], i + n - 1, gram, n)) continue; /* it stood here before */
        int64_t most = 0;
        for (size_t s = first; s <= last; s++) {
            int64_t here = occurrences(side[s], length[s], gram, n);
            if (here > most) most = here;
        }
        sum += least(occurrences(side[0], length[0], gram, n), most);
    }
    return sum;
}

START_TEST(ngrams_brute_force) {
    rng r = rng_make(test_seed("ngrams_brute_force"), 1, 0);
    ngrams g = {0};
    for (int turn = 0; turn < 300; turn++) {
        int32_t side[SIDES][LENGTH], *item;
        size_t length[SIDES];
        int64_t match[SIDES], clipped;
        ngrams_clear(&g);
        for (size_t s = 0; s < SIDES; s++) {
            length[s] = (size_t)rng_below(&r, LENGTH + 1);
            for (size_t i = 0; i < length[s]; i++) side[s][i] = (int32_t)rng_below(&r, 3);
            ck_assert_int_eq(ngrams_side(&g, length[s], &item), 0);
            memcpy(item, side[s], length[s] * sizeof *item);
        }
        for (size_t n = 1; n <= 6; n++) {
            ck_assert_int_eq(ngrams_next(&g, match, &clipped), 0);
            for (size_t s = 1; s < SIDES; s++) {
                ck_assert_int_eq(match[s], shared(side, length, s, s, n));
            }
            ck_assert_int_eq(clipped, shared(side, length, 1, SIDES - 1, n));
            ck_assert_int_eq(ngrams_total(&g, 0), length[0] < n ? 0 : (int)(length[0] - n + 1));
        }
    }
    ngrams_free(&g);
}
END_TEST

/* ---- several references, by hand */

START_TEST(references) {
    const bytes reference[2] = {BYTES("the the cat sat"), BYTES("a cat sat on mats here")};
    bleu_options o = {.tokenizer = SEGMENT_NONE, .smoothing = BLEU_NONE};
    bleu *b;
    bleu_stats s;
    buffer out = {0};
    ck_assert_int_eq(bleu_new(&o, &b, NULL), 0);
    ck_assert_int_eq(bleu_count(b, BYTES("the the the cat sat"), reference, 2, &s, NULL), 0);
    ck_assert(s.match[0] == 4 && s.total[0] == 5);
    ck_assert(s.match[1] == 3 && s.match[2] == 2 && s.match[3] == 1 && s.total[3] == 2);
    ck_assert(s.system == 5 && s.reference == 4); /* 4 and 6 are equally near */
    near(bleu_score(&s, &o).score, 100 * pow(4 / 5. * 3 / 4 * 2 / 3 * 1 / 2, 0.25), 1e-12);
    ck_assert_int_eq(bleu_count(b, BYTES("x"), reference, 0, &s, NULL), RILL_EUSAGE);
    bleu_signature(&o, 0, &out);
    ck_assert(bytes_starts(buffer_view(&out), BYTES("nrefs:var|case:mixed|eff:no|tok:none|")));
    buffer_free(&out);
    bleu_free(b);
}
END_TEST

START_TEST(chrf_references) {
    const bytes reference[2] = {BYTES("zzzz"), BYTES("abcd")};
    chrf *c;
    chrf_stats s;
    ck_assert_int_eq(chrf_new(NULL, &c, NULL), 0);
    ck_assert_int_eq(chrf_count(c, BYTES("ab cd"), reference, 2, &s, NULL), 0);
    near(chrf_score(&s, NULL), 100, 1e-9);
    ck_assert_int_eq(s.match[0], 4);
    ck_assert_int_eq(s.system[4], 0); /* nobody has five characters */
    ck_assert_int_eq(chrf_count(c, BYTES("abcdefg"), reference, 1, &s, NULL), 0);
    ck_assert_int_eq(s.system[3], 4);
    ck_assert_int_eq(s.system[4], 0); /* the reference has none, so these don't count */
    near(chrf_score(&s, NULL), 0, 0);
    ck_assert_int_eq(chrf_count(c, BYTES("x"), reference, 0, &s, NULL), RILL_EUSAGE);
    chrf_free(c);
    chrf_options bad = {.characters = 9, .words = 2};
    ck_assert_int_eq(chrf_new(&bad, &c, NULL), RILL_EUSAGE);
    bad = (chrf_options){.beta = -1};
    ck_assert_int_eq(chrf_new(&bad, &c, NULL), RILL_EUSAGE);
}
END_TEST

/* Smoothing where it matters: 3 words, no trigram right, no 4-gram at all. */
START_TEST(smoothing) {
    static const struct {
        bleu_options options;
        double logs[4];
        int orders;
    } row[] = {
        {{.tokenizer = SEGMENT_NONE}, {2 / 3., 1 / 2., 1 / 2., 0}, 4},
        {{.tokenizer = SEGMENT_NONE, .effective = true}, {2 / 3., 1 / 2., 1 / 2., 0}, 3},
        {{.tokenizer = SEGMENT_NONE, .effective = true, .smoothing = BLEU_FLOOR},
         {2 / 3., 1 / 2., 0.1, 0},
         3},
        {{.tokenizer = SEGMENT_NONE, .effective = true, .smoothing = BLEU_FLOOR, .value = 0.5},
         {2 / 3., 1 / 2., 0.5, 0},
         3},
        {{.tokenizer = SEGMENT_NONE, .smoothing = BLEU_ADD}, {2 / 3., 2 / 3., 1 / 2., 1}, 4},
        {{.tokenizer = SEGMENT_NONE, .smoothing = BLEU_NONE}, {2 / 3., 1 / 2., 0, 0}, 4},
    };
    const bytes reference = BYTES("a b x");
    bleu *b;
    bleu_stats s;
    ck_assert_int_eq(bleu_new(&row[_i].options, &b, NULL), 0);
    ck_assert_int_eq(bleu_count(b, BYTES("a b c"), &reference, 1, &s, NULL), 0);
    double product = 1;
    for (int n = 0; n < row[_i].orders; n++) product *= row[_i].logs[n];
    near(bleu_score(&s, &row[_i].options).score, 100 * pow(product, 1. / row[_i].orders), 1e-9);
    bleu_free(b);
}
END_TEST

START_TEST(empty_texts) {
    const bytes nothing = BYTES(""), something = BYTES("a b");
    bleu *b;
    bleu_stats s;
    buffer out = {0};
    ck_assert_int_eq(bleu_new(NULL, &b, NULL), 0);
    ck_assert_int_eq(bleu_count(b, nothing, &something, 1, &s, NULL), 0);
    bleu_result r = bleu_score(&s, NULL);
    ck_assert(r.score == 0 && r.brevity == 0);
    ck_assert_int_eq(bleu_count(b, nothing, &nothing, 1, &s, NULL), 0);
    r = bleu_score(&s, NULL);
    bleu_line(&r, &out);
    ck_assert_str_eq(out.data, "BLEU = 0.00 0.0/0.0/0.0/0.0 (BP = 1.000 ratio = 0.000 hyp_len = 0 "
                               "ref_len = 0)");
    buffer_free(&out);
    bleu_free(b);
}
END_TEST

/* A host may have set a locale whose numbers have a comma. */
START_TEST(locale_point) {
    buffer out = {0};
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) printf("note: no locale with a comma to try\n");
    chrf_line(12.345, &(chrf_options){.beta = 3}, &out);
    ck_assert_str_eq(out.data, "chrF3 = 12.35");
    buffer_clear(&out);
    buffer_add_fixed(&out, -1e300, 1);
    ck_assert_uint_eq(out.size, 304);
    buffer_clear(&out);
    buffer_add_fixed(&out, -0.004, 2);
    buffer_add_fixed(&out, -0.006, 2);
    ck_assert_str_eq(out.data, "0.00-0.01");
    setlocale(LC_NUMERIC, "C");
    buffer_free(&out);
}
END_TEST

/* A long line, and one n-gram over and over. */
START_TEST(long_line) {
    buffer line = {0};
    bleu *b;
    bleu_stats s;
    for (int i = 0; i < 100000; i++) buffer_add_text(&line, "a ");
    bytes view = buffer_view(&line), half = bytes_slice(view, 0, view.size / 2);
    ck_assert_int_eq(bleu_new(NULL, &b, NULL), 0);
    ck_assert_int_eq(bleu_count(b, view, &half, 1, &s, NULL), 0);
    for (int n = 0; n < BLEU_ORDER; n++) {
        ck_assert_int_eq(s.match[n], 50000 - n);
        ck_assert_int_eq(s.total[n], 100000 - n);
    }
    bleu_free(b);
    buffer_free(&line);
}
END_TEST

/* ---- intervals and tests */

START_TEST(paired) {
    text reference = golden("ref.txt"), one = golden("hyp.txt"), two = golden("hyp2.txt");
    bleu_stats a[MOST_LINES], b[MOST_LINES];
    bleu_stats sum_a = bleu_of(NULL, &one, &reference, a);
    bleu_stats sum_b = bleu_of(NULL, &two, &reference, b);
    const int64_t *rows_a = (const int64_t *)a, *rows_b = (const int64_t *)b;
    metric_rows kind = bleu_rows(NULL);
    metric_comparison c, same;
    metric_interval interval;
    double score_a = bleu_score(&sum_a, NULL).score, score_b = bleu_score(&sum_b, NULL).score;
    near(metric_rows_score(kind, rows_a, one.lines), score_a, 0);
    ck_assert_int_eq(metric_rows_compare(kind, rows_a, rows_b, one.lines, 999, 0.95, 1, &c), 0);
    near(c.difference, score_a - score_b, 1e-12);
    ck_assert(c.interval.low < c.difference && c.difference < c.interval.high);
    ck_assert(c.p > 0.3 && c.p_bootstrap > 0.1); /* half a point on 18 lines says nothing */
    ck_assert_int_eq(metric_rows_compare(kind, rows_a, rows_a, one.lines, 99, 0.95, 1, &same), 0);
    ck_assert(same.difference == 0 && same.p == 1 && same.p_bootstrap == 1);
    ck_assert(same.interval.low == 0 && same.interval.high == 0);
    ck_assert_int_eq(metric_rows_bootstrap(kind, rows_a, one.lines, 999, 0.95, 1, &interval), 0);
    ck_assert(interval.low < score_a && score_a < interval.high && interval.high < 100);
    buffer_free(&reference.all);
    buffer_free(&one.all);
    buffer_free(&two.all);
}
END_TEST

/* The reference against a system that is wrong everywhere: nothing but chance 1/(R+1) is left for
 * the bootstrap, and the coins must all fall on one side for the randomisation. */
START_TEST(paired_clear) {
    text reference = golden("ref.txt"), one = golden("hyp.txt");
    chrf_stats a[MOST_LINES], b[MOST_LINES];
    (void)chrf_of(NULL, &one, &reference, a);
    (void)chrf_of(NULL, &reference, &reference, b);
    metric_rows kind = chrf_rows(NULL);
    metric_comparison ab, ba;
    const int64_t *rows_a = (const int64_t *)a, *rows_b = (const int64_t *)b;
    ck_assert_int_eq(metric_rows_compare(kind, rows_a, rows_b, one.lines, 999, 0.95, 1, &ab), 0);
    ck_assert_int_eq(metric_rows_compare(kind, rows_b, rows_a, one.lines, 999, 0.95, 1, &ba), 0);
    near(ab.p_bootstrap, 1 / 1000., 1e-12);
    near(ba.p_bootstrap, 1 / 1000., 1e-12);
    ck_assert(ab.p < 0.01 && ab.interval.high < 0 && ba.interval.low > 0);
    near(ab.p, ba.p, 0);
    buffer_free(&reference.all);
    buffer_free(&one.all);
}
END_TEST

void model_translation_cases(Suite *suite) {
    TCase *c = tcase_create("translation");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, golden_scores);
    tcase_add_test(c, golden_sentences);
    tcase_add_loop_test(c, tokens, 0, sizeof token_rows / sizeof *token_rows);
    tcase_add_test(c, words);
    tcase_add_test(c, ngrams_brute_force);
    tcase_add_test(c, references);
    tcase_add_test(c, chrf_references);
    tcase_add_loop_test(c, smoothing, 0, 6);
    tcase_add_test(c, empty_texts);
    tcase_add_test(c, locale_point);
    tcase_add_test(c, long_line);
    tcase_add_test(c, paired);
    tcase_add_test(c, paired_clear);
    suite_add_tcase(suite, c);
}
