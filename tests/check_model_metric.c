/* check_model_metric: scores against values worked out by hand, against brute force on random data,
 * and against what a statistic must do by its definition. */
#include "base/rng.h"
#include "check_model.h"
#include "model/metric.h"
#include <math.h>

static void near(double found, double expected, double slack) {
    ck_assert_msg(fabs(found - expected) <= slack, "%.9f, expected %.9f", found, expected);
}

static void counts_are(metric_counts c, int64_t gold, int64_t system, int64_t right) {
    ck_assert_msg(c.gold == gold && c.system == system && c.right == right,
                  "gold %ld system %ld right %ld, expected %ld %ld %ld", (long)c.gold,
                  (long)c.system, (long)c.right, (long)gold, (long)system, (long)right);
}

/* ---- labels */

static const int32_t gold_ids[8] = {0, 0, 1, 1, 2, 2, 2, 0};
static const int32_t system_ids[8] = {0, 1, 1, 1, 2, 0, -1, 1};

START_TEST(label_scores) {
    const bool known[8] = {true, true, true, false, false, true, true, false};
    const int32_t start[4] = {0, 3, 3, 8};
    metric_counts counts[4] = {{0, 0, 0}};
    metric_ratio part[3];
    metric_accuracy a = metric_accuracy_of(gold_ids, system_ids, known, 8);
    ck_assert(a.all.part == 4 && a.all.whole == 8);
    ck_assert(a.known.part == 2 && a.known.whole == 5);
    ck_assert(a.unknown.part == 2 && a.unknown.whole == 3);
    a = metric_accuracy_of(gold_ids, system_ids, NULL, 8);
    ck_assert(a.known.whole == 8 && a.unknown.whole == 0 && metric_value(a.unknown) == 0);
    metric_label_counts(gold_ids, system_ids, 8, 4, counts);
    counts_are(counts[0], 3, 2, 1);
    counts_are(counts[1], 2, 4, 2);
    counts_are(counts[2], 3, 1, 1);
    counts_are(counts[3], 0, 0, 0);
    counts_are(metric_micro(counts, 4), 8, 7, 4);
    near(metric_precision(counts[1]), 0.5, 1e-15);
    near(metric_recall(counts[1]), 1, 1e-15);
    near(metric_f1(counts[1]), 2 / 3., 1e-15);
    near(metric_f1(counts[3]), 0, 0);
    near(metric_macro_f1(counts, 4), (2 / 5. + 2 / 3. + 2 / 4.) / 3, 1e-15); /* label 3 is unused */
    near(metric_macro_f1(counts + 3, 1), 0, 0);
    metric_by_sentence(gold_ids, system_ids, start, 3, part);
    ck_assert(part[0].part == 2 && part[0].whole == 3 && part[2].part == 2 && part[2].whole == 5);
    ck_assert(metric_sum(part, 3).part == 4 && metric_sum(part, 3).whole == 8);
    metric_ratio whole = metric_sentence_accuracy(part, 3); /* the empty sentence has no fault */
    ck_assert(whole.part == 1 && whole.whole == 3);
}
END_TEST

START_TEST(labels_out_of_range) {
    const int32_t gold[4] = {5, -1, 0, INT32_MAX}, system[4] = {0, 0, INT32_MIN, 9};
    metric_counts counts[2] = {{0, 0, 0}};
    metric_label_counts(gold, system, 4, 2, counts);
    counts_are(counts[0], 1, 2, 0);
    counts_are(counts[1], 0, 0, 0);
}
END_TEST

START_TEST(confusions) {
    metric_confusion *list;
    size_t count;
    ck_assert_int_eq(metric_confusions(gold_ids, system_ids, 8, &list, &count), 0);
    ck_assert_uint_eq(count, 3);
    ck_assert(list[0].gold == 0 && list[0].system == 1 && list[0].count == 2);
    ck_assert(list[1].gold == 2 && list[1].system == -1 && list[1].count == 1);
    ck_assert(list[2].gold == 2 && list[2].system == 0 && list[2].count == 1);
    free(list);
    ck_assert_int_eq(metric_confusions(gold_ids, gold_ids, 8, &list, &count), 0);
    ck_assert_uint_eq(count, 0);
    free(list);
}
END_TEST

START_TEST(confusions_brute_force) {
    enum { N = 500, LABELS = 7 };
    rng r = rng_make(test_seed("confusions_brute_force"), 2, 0);
    int32_t gold[N], system[N];
    int64_t table[LABELS][LABELS] = {{0}};
    for (int i = 0; i < N; i++) {
        gold[i] = (int32_t)rng_below(&r, LABELS);
        system[i] = (int32_t)rng_below(&r, LABELS);
        table[gold[i]][system[i]]++;
    }
    metric_confusion *list;
    size_t count, expected = 0;
    ck_assert_int_eq(metric_confusions(gold, system, N, &list, &count), 0);
    for (int g = 0; g < LABELS; g++) {
        for (int s = 0; s < LABELS; s++) expected += g != s && table[g][s] > 0;
    }
    ck_assert_uint_eq(count, expected);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(list[i].count, table[list[i].gold][list[i].system]);
        if (i > 0) ck_assert_int_ge(list[i - 1].count, list[i].count);
    }
    free(list);
}
END_TEST

START_TEST(baseline) {
    metric_baseline b = {.fallback = 0};
    static const struct {
        const char *word;
        int32_t label;
    } seen[] = {{"run", 1}, {"run", 0}, {"run", 1}, {"dog", 0}, {"a", 2}, {"a", 2},
                {"tie", 5}, {"tie", 3}, {"tie", 5}, {"tie", 3}, {"a", 2}};
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        ck_assert_int_eq(metric_baseline_add(&b, bytes_of(seen[i].word), seen[i].label), 0);
    }
    ck_assert_int_eq(metric_baseline_finish(&b), 0);
    ck_assert_int_eq(metric_baseline_label(&b, BYTES("run")), 1);
    ck_assert_int_eq(metric_baseline_label(&b, BYTES("dog")), 0);
    ck_assert_int_eq(metric_baseline_label(&b, BYTES("tie")), 3);
    ck_assert_int_eq(metric_baseline_label(&b, BYTES("never")), 2);
    ck_assert(metric_baseline_known(&b, BYTES("a")) && !metric_baseline_known(&b, BYTES("never")));
    metric_baseline_free(&b);
    metric_baseline none = {.fallback = 0};
    ck_assert_int_eq(metric_baseline_finish(&none), 0);
    ck_assert_int_eq(metric_baseline_label(&none, BYTES("a")), -1);
    metric_baseline_free(&none);
}
END_TEST

/* ---- intervals and comparison */

START_TEST(wilson) {
    /* z = 1.9599639845: (0.8 + z^2/20 -+ z sqrt(0.016 + z^2/400)) / (1 + z^2/10) */
    metric_interval i = metric_wilson((metric_ratio){8, 10}, 0.95);
    near(i.low, 0.4901624715, 1e-9);
    near(i.high, 0.9433178485, 1e-9);
    i = metric_wilson((metric_ratio){0, 10}, 0.95); /* z^2 / (n + z^2) */
    near(i.low, 0, 1e-15);
    near(i.high, 0.2775327999, 1e-9);
    i = metric_wilson((metric_ratio){10, 10}, 0.95);
    near(i.low, 1 - 0.2775327999, 1e-9);
    near(i.high, 1, 1e-15);
    i = metric_wilson((metric_ratio){50, 100}, 0.6826894921370859); /* z = 1 */
    near(i.low, (0.5 + 0.005 - sqrt(0.0025 + 0.000025)) / 1.01, 1e-9);
    i = metric_wilson((metric_ratio){0, 0}, 0.95);
    ck_assert(i.low == 0 && i.high == 1);
}
END_TEST

START_TEST(bootstrap) {
    enum { N = 400 };
    metric_ratio same[3] = {{3, 4}, {3, 4}, {3, 4}}, part[N];
    metric_interval i, again;
    ck_assert_int_eq(metric_bootstrap(same, 3, 100, 0.95, 1, &i), 0);
    ck_assert(i.low == 0.75 && i.high == 0.75);
    for (int s = 0; s < N; s++) part[s] = (metric_ratio){s % 4 != 0, 1};
    ck_assert_int_eq(metric_bootstrap(part, N, 4000, 0.95, 1, &i), 0);
    ck_assert_int_eq(metric_bootstrap(part, N, 4000, 0.95, 1, &again), 0);
    ck_assert(i.low == again.low && i.high == again.high);
    /* 300 of 400 independent answers: 0.75 -+ 1.96 sqrt(0.75 * 0.25 / 400) */
    near(i.low, 0.75 - 1.96 * 0.02165, 0.004);
    near(i.high, 0.75 + 1.96 * 0.02165, 0.004);
    ck_assert_int_eq(metric_bootstrap(part, N, 4000, 0.95, 2, &again), 0);
    near(again.low, i.low, 0.006);
    ck_assert_int_eq(metric_bootstrap(part, N, 4000, 0.5, 1, &again), 0);
    near(again.low, 0.75 - 0.6745 * 0.02165, 0.004);
    /* Sentences of unequal length are weighted by it: one draw of two takes 0/1 or 9/9 twice, or
     * both. */
    metric_ratio two[2] = {{0, 1}, {9, 9}};
    ck_assert_int_eq(metric_bootstrap(two, 2, 1000, 0.4, 1, &i), 0);
    near(i.low, 0.9, 1e-12);
    near(i.high, 0.9, 1e-12);
    ck_assert_int_eq(metric_bootstrap(part, 0, 10, 0.95, 1, &i), 0);
    ck_assert(i.low == 0 && i.high == 0);
}
END_TEST

/* p by all 2^n ways of swapping. */
static double exact_p(const metric_ratio *a, const metric_ratio *b, unsigned n) {
    int extreme = 0;
    double difference = metric_value(metric_sum(a, n)) - metric_value(metric_sum(b, n));
    for (unsigned mask = 0; mask < 1u << n; mask++) {
        metric_ratio x = {0, 0}, y = {0, 0};
        for (unsigned s = 0; s < n; s++) {
            const metric_ratio *p = mask >> s & 1 ? &b[s] : &a[s],
                               *q = mask >> s & 1 ? &a[s] : &b[s];
            x = (metric_ratio){x.part + p->part, x.whole + p->whole};
            y = (metric_ratio){y.part + q->part, y.whole + q->whole};
        }
        extreme += fabs(metric_value(x) - metric_value(y)) >= fabs(difference) - 1e-12;
    }
    return extreme / (double)(1u << n);
}

START_TEST(comparison) {
    const metric_ratio a[8] = {{5, 5}, {4, 6}, {3, 3}, {7, 9}, {2, 4}, {8, 8}, {1, 3}, {6, 7}};
    const metric_ratio b[8] = {{4, 5}, {4, 6}, {2, 3}, {7, 9}, {3, 4}, {5, 8}, {0, 3}, {5, 7}};
    metric_comparison c, back;
    ck_assert_int_eq(metric_compare(a, b, 8, 20000, 0.95, 1, &c), 0);
    near(c.difference, 36 / 45. - 30 / 45., 1e-12);
    near(c.p, exact_p(a, b, 8), 0.015);
    ck_assert(c.interval.low < c.difference && c.difference < c.interval.high);
    ck_assert_int_eq(metric_compare(b, a, 8, 20000, 0.95, 1, &back), 0);
    ck_assert(back.difference == -c.difference && back.p == c.p);
    near(back.interval.low, -c.interval.high, 1e-12);
    ck_assert_int_eq(metric_compare(a, a, 8, 100, 0.95, 1, &c), 0);
    ck_assert(c.difference == 0 && c.p == 1 && c.interval.low == 0 && c.interval.high == 0);
    ck_assert_int_eq(metric_compare(a, b, 0, 100, 0.95, 1, &c), 0);
    ck_assert(c.difference == 0 && c.p == 1);
}
END_TEST

START_TEST(comparison_clear) {
    enum { N = 200 };
    metric_ratio a[N], b[N];
    metric_comparison c;
    for (int s = 0; s < N; s++) {
        a[s] = (metric_ratio){9, 10};
        b[s] = (metric_ratio){s % 3 ? 8 : 9, 10};
    }
    ck_assert_int_eq(metric_compare(a, b, N, 999, 0.95, 1, &c), 0);
    near(c.p, 0.001, 1e-12);
    ck_assert(c.interval.low > 0);
}
END_TEST

/* ---- entities */

enum { MOST = 64 };

static size_t labels_split(const char *text, bytes *label) {
    bytes rest = bytes_of(text), field;
    size_t n = 0;
    while (bytes_split(&rest, ' ', &field)) {
        if (field.size) label[n++] = field;
    }
    ck_assert_uint_le(n, MOST);
    return n;
}

/* Spans of a label sequence as "begin-end:type " each. */
static const struct {
    const char *labels, *spans;
} span_rows[] = {
    {"O O", ""},
    {"B-PER I-PER O B-LOC", "0-2:PER 3-4:LOC "},
    {"B-PER B-PER I-PER", "0-1:PER 1-3:PER "},
    {"O I-PER I-PER O", "1-3:PER "},                         /* IOB1, or a stray I */
    {"I-PER B-PER I-PER I-LOC", "0-1:PER 1-3:PER 3-4:LOC "}, /* IOB1 */
    {"B-PER I-LOC I-LOC", "0-1:PER 1-3:LOC "},
    {"S-PER B-LOC I-LOC E-LOC S-LOC S-LOC", "0-1:PER 1-4:LOC 4-5:LOC 5-6:LOC "},
    {"B-LOC E-LOC B-LOC E-LOC", "0-2:LOC 2-4:LOC "},
    {"I-LOC E-LOC I-LOC E-LOC E-LOC O E-LOC", "0-2:LOC 2-4:LOC 4-5:LOC 6-7:LOC "}, /* IOE */
    {"S-LOC I-LOC", "0-1:LOC 1-2:LOC "},
    {"B-PER E-LOC", "0-1:PER 1-2:LOC "},
    {"B-per-son I-per-son", "0-2:per-son "}, /* the first hyphen divides */
    {"B I O I", "0-2: 3-4: "},               /* no type */
    {"O-PER I-PER", "1-2:PER "},
    {". I-NP . B-NP", "1-2:NP 3-4:NP "},
    {"PER PER", ""},
    {"X-PER X-PER O", "0-2:PER "},
};

START_TEST(spans) {
    bytes label[MOST];
    size_t n = labels_split(span_rows[_i].labels, label), room = 0, count;
    metric_span *list = NULL;
    buffer text = {0};
    ck_assert_int_eq(metric_spans(label, n, &list, &room, &count), 0);
    for (size_t i = 0; i < count; i++) {
        buffer_printf(&text, "%zu-%zu:%.*s ", list[i].begin, list[i].end, (int)list[i].type.size,
                      list[i].type.data);
    }
    ck_assert_msg(bytes_equal(buffer_view(&text), bytes_of(span_rows[_i].spans)),
                  "%s: %s, expected %s", span_rows[_i].labels, text.data, span_rows[_i].spans);
    buffer_free(&text);
    free(list);
}
END_TEST

/* Writes disjoint spans of types P and Q in a scheme; IOB1 says B only behind a like neighbour. */
static void scheme_write(const metric_span *span, size_t count, size_t n, int scheme,
                         char text[MOST][4], bytes *label) {
    for (size_t i = 0; i < n; i++) strcpy(text[i], "O");
    for (size_t s = 0; s < count; s++) {
        bool touches = s > 0 && span[s - 1].end == span[s].begin &&
                       bytes_equal(span[s - 1].type, span[s].type);
        for (size_t i = span[s].begin; i < span[s].end; i++) {
            bool first = i == span[s].begin, last = i + 1 == span[s].end;
            char kind = 'I';
            if (scheme == 0 && first) kind = 'B';
            if (scheme == 1 && first && touches) kind = 'B';
            if (scheme == 2) kind = first ? last ? 'S' : 'B' : last ? 'E' : 'I';
            snprintf(text[i], 4, "%c-%c", kind, span[s].type.data[0]);
        }
    }
    for (size_t i = 0; i < n; i++) label[i] = bytes_of(text[i]);
}

static size_t spans_draw(rng *r, size_t n, metric_span *span) {
    size_t count = 0;
    for (size_t at = rng_below(r, 3); at < n; at += rng_below(r, 3)) {
        size_t end = at + 1 + rng_below(r, 3);
        if (end > n) end = n;
        span[count++] = (metric_span){at, end, rng_below(r, 2) ? BYTES("P") : BYTES("Q")};
        at = end;
    }
    return count;
}

static int64_t spans_common(const metric_span *a, size_t na, const metric_span *b, size_t nb) {
    int64_t common = 0;
    for (size_t i = 0; i < na; i++) {
        for (size_t k = 0; k < nb; k++) {
            common += a[i].begin == b[k].begin && a[i].end == b[k].end &&
                      bytes_equal(a[i].type, b[k].type);
        }
    }
    return common;
}

/* Random spans survive writing and reading in each scheme, and are counted as by comparing all
 * pairs, also when the two sides use different schemes. */
START_TEST(entities_brute_force) {
    rng r = rng_make(test_seed("entities_brute_force"), 3, 0);
    for (int turn = 0; turn < 3000; turn++) {
        metric_span span[2][MOST];
        char text[2][MOST][4];
        bytes label[2][MOST];
        size_t n = rng_below(&r, 14), count[2];
        for (int side = 0; side < 2; side++) {
            count[side] = spans_draw(&r, n, span[side]);
            scheme_write(span[side], count[side], n, (int)rng_below(&r, 3), text[side],
                         label[side]);
        }
        metric_entities e = {.type_room = 0};
        metric_ratio part;
        int64_t right = spans_common(span[0], count[0], span[1], count[1]);
        ck_assert_int_eq(metric_entities_add(&e, label[0], label[1], n, &part), 0);
        counts_are(e.all, (int64_t)count[0], (int64_t)count[1], right);
        ck_assert_int_eq(part.part, 2 * right);
        ck_assert_int_eq(part.whole, (int64_t)(count[0] + count[1]));
        metric_counts sum = metric_micro(e.by_type, (size_t)e.types.count);
        counts_are(sum, (int64_t)count[0], (int64_t)count[1], right);
        metric_entities_free(&e);
    }
}
END_TEST

START_TEST(entities_by_type) {
    bytes gold[MOST], system[MOST];
    metric_entities e = {.type_room = 0};
    metric_ratio part;
    size_t n = labels_split("B-PER I-PER O B-LOC O B-ORG I-ORG", gold);
    ck_assert_uint_eq(labels_split("B-PER I-PER O B-ORG O B-ORG O", system), n);
    ck_assert_int_eq(metric_entities_add(&e, gold, system, n, &part), 0);
    n = labels_split("B-LOC O", gold);
    labels_split("B-LOC I-MISC", system);
    ck_assert_int_eq(metric_entities_add(&e, gold, system, n, NULL), 0);
    counts_are(e.by_type[strmap_find(&e.types, BYTES("PER"))], 1, 1, 1);
    counts_are(e.by_type[strmap_find(&e.types, BYTES("LOC"))], 2, 1, 1);
    counts_are(e.by_type[strmap_find(&e.types, BYTES("ORG"))], 1, 2, 0);
    counts_are(e.by_type[strmap_find(&e.types, BYTES("MISC"))], 0, 1, 0);
    counts_are(e.all, 4, 5, 2);
    near(metric_f1(e.all), 4 / 9., 1e-15);
    ck_assert(part.part == 2 && part.whole == 6);
    metric_entities_free(&e);
}
END_TEST

/* ---- raw text */

/* "ab=a+b/X c/Y/Z/F=1 | d": tokens, words of multiword tokens, labels behind slashes (upos, xpos,
 * feats), sentence ends. Labels of a multiword token go to its last word. */
static metric_ud *ud_parse(const char *text) {
    metric_ud *u;
    bytes rest = bytes_of(text), token;
    ck_assert_int_eq(metric_ud_new(&u), 0);
    while (bytes_split(&rest, ' ', &token)) {
        if (token.size == 0) continue;
        if (bytes_equal(token, BYTES("|"))) {
            ck_assert_int_eq(metric_ud_sentence(u), 0);
            continue;
        }
        metric_ud_word word[8] = {{.form = {"", 0}}};
        bytes surface, forms, label[3] = {{"", 0}, {"", 0}, {"", 0}};
        size_t words = 0;
        bytes_split(&token, '/', &surface);
        for (int i = 0; i < 3 && bytes_split(&token, '/', &label[i]);) i++;
        forms = surface;
        bytes_split(&forms, '=', &surface);
        if (!forms.data) forms = surface;
        while (words < 8 && bytes_split(&forms, '+', &word[words].form)) words++;
        word[words - 1].upos = label[0];
        word[words - 1].xpos = label[1];
        word[words - 1].feats = label[2];
        ck_assert_int_eq(metric_ud_token(u, surface, word, words, NULL), 0);
    }
    ck_assert_int_eq(metric_ud_sentence(u), 0);
    return u;
}

static const struct {
    const char *gold, *system;
    int64_t tokens[3], sentences[3], words[3]; /* gold, system, right */
} ud_rows[] = {
    {"", "", {0, 0, 0}, {0, 0, 0}, {0, 0, 0}},
    {"the dog | runs", "the dog | runs", {3, 3, 3}, {2, 2, 2}, {3, 3, 3}},
    {"the dog | runs", "the dog runs", {3, 3, 3}, {2, 1, 0}, {3, 3, 3}},
    {"ab c | d | e", "a bc d | e", {4, 4, 2}, {3, 2, 1}, {4, 4, 2}},
    {"don't=do+n't", "do n't", {1, 2, 0}, {1, 1, 1}, {2, 2, 2}},
    {"do n't", "don't=do+n't", {2, 1, 0}, {1, 1, 1}, {2, 2, 2}},
    {"Don't=Do+n't", "Don't=dO+N'T", {1, 1, 1}, {1, 1, 1}, {2, 2, 2}}, /* forms without case */
    {"don't=do+not", "don't=do+n't", {1, 1, 1}, {1, 1, 1}, {2, 2, 1}},
    {"don't=do+n't", "don't", {1, 1, 1}, {1, 1, 1}, {2, 1, 0}},
    {"x du=de+le y", "x d u y", {3, 4, 2}, {1, 1, 1}, {4, 4, 2}},
    {"abc=x+y+z", "abc=y+q+z", {1, 1, 1}, {1, 1, 1}, {3, 3, 2}}, /* subsequence y z */
    {"abc=x+y+x", "abc=y+x+y", {1, 1, 1}, {1, 1, 1}, {3, 3, 2}},
    /* the regions of ab and bc join, a and c stand outside on one side only */
    {"a bc=b+c d", "ab=a+b c d", {3, 3, 1}, {1, 1, 1}, {4, 4, 4}},
    /* a word that sticks out of the region is no part of it */
    {"a bc=b+c d", "a b cd", {3, 3, 1}, {1, 1, 1}, {4, 3, 2}},
    {"a bc=b+cd d", "a b cd", {3, 3, 1}, {1, 1, 1}, {4, 3, 2}},
    {"a bc=ab+c", "ab c", {2, 2, 0}, {1, 1, 1}, {3, 2, 1}},
    {"\u00c9t\u00e9s=\u00c9t\u00e9+s", "\u00c9t\u00e9 s", {1, 2, 0}, {1, 1, 1}, {2, 2, 2}},
    {"\u00c9t\u00e9=\u00c9+t\u00e9",
     "\u00c9t\u00e9=\u00e9+T\u00c9",
     {1, 1, 1},
     {1, 1, 1},
     {2, 2, 2}},
};

START_TEST(ud_segmentation) {
    const int64_t *t = ud_rows[_i].tokens, *s = ud_rows[_i].sentences, *w = ud_rows[_i].words;
    metric_ud *gold = ud_parse(ud_rows[_i].gold), *system = ud_parse(ud_rows[_i].system);
    metric_ud_scores scores;
    rill_error why = {0};
    ck_assert_msg(metric_ud_score(gold, system, &scores, &why) == 0, "%s", why.message);
    counts_are(scores.tokens, t[0], t[1], t[2]);
    counts_are(scores.sentences, s[0], s[1], s[2]);
    counts_are(scores.words, w[0], w[1], w[2]);
    metric_ud_free(gold);
    metric_ud_free(system);
}
END_TEST

START_TEST(ud_labels) {
    metric_ud *gold =
        ud_parse("the/DET/DT/Definite=Def|PronType=Art dogs/NOUN/NNS/Number=Plur "
                 "don't=do+n't/PART/RB/Polarity=Neg bark/VERB/VB/_ ! x/X/FW/Foreign=Yes");
    metric_ud *system =
        ud_parse("the/DET/DT/PronType=Art|Definite=Def|Odd=1 dogs/NOUN/NN/Number=Sing "
                 "do n't/PART/RB/Polarity=Neg bark/NOUN/VB/_ ! x/X/LS/Foreign=Yes");
    metric_ud_scores s;
    ck_assert_int_eq(metric_ud_score(gold, system, &s, NULL), 0);
    counts_are(s.tokens, 6, 7, 5);
    counts_are(s.words, 7, 7, 7);
    counts_are(s.upos, 7, 7, 6);
    counts_are(s.xpos, 7, 7, 5);
    counts_are(s.feats, 7, 7, 6); /* order and Odd don't count, Number does */
    counts_are(s.all_tags, 7, 7, 4);
    near(metric_f1(s.upos), 6 / 7., 1e-15);
    metric_ud_free(gold);
    metric_ud_free(system);
}
END_TEST

/* Spaces inside tokens are no characters; other scripts count code points. */
START_TEST(ud_spaces) {
    metric_ud *gold, *system;
    metric_ud_scores s;
    metric_ud_word word = {.form = {"", 0}};
    const char *gold_tokens[] = {"1\u00a0000 000", "\uace0\uc591\uc774", "x"};
    const char *system_tokens[] = {"1000000", "\uace0\uc591", "\uc774\u3000", "x"};
    ck_assert_int_eq(metric_ud_new(&gold), 0);
    ck_assert_int_eq(metric_ud_new(&system), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(metric_ud_token(gold, bytes_of(gold_tokens[i]), &word, 1, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(metric_ud_token(system, bytes_of(system_tokens[i]), &word, 1, NULL), 0);
    }
    ck_assert_int_eq(metric_ud_score(gold, system, &s, NULL), 0);
    counts_are(s.tokens, 3, 4, 2);
    counts_are(s.words, 3, 4, 2);
    counts_are(s.sentences, 0, 0, 0); /* none was ended */
    metric_ud_free(gold);
    metric_ud_free(system);
}
END_TEST

START_TEST(ud_refuses) {
    metric_ud *gold = ud_parse("the cat | sat down"), *system = ud_parse("the cat sit down");
    metric_ud *half = ud_parse("the cat | sat");
    metric_ud_scores s;
    metric_ud_word word = {.form = {"", 0}};
    rill_error why = {0};
    ck_assert_int_eq(metric_ud_score(gold, system, &s, &why), RILL_EDATA);
    ck_assert_ptr_nonnull(strstr(why.message, "from character 8 on"));
    ck_assert_ptr_nonnull(strstr(why.message, "in sentence 2 of gold"));
    ck_assert_int_eq(metric_ud_score(gold, half, &s, &why), RILL_EDATA);
    ck_assert_ptr_nonnull(strstr(why.message, "from character 10 on"));
    ck_assert_int_eq(metric_ud_token(half, BYTES(" \u00a0"), &word, 1, NULL), RILL_EDATA);
    ck_assert_int_eq(metric_ud_token(half, BYTES("\xff"), &word, 1, NULL), RILL_EDATA);
    ck_assert_int_eq(metric_ud_token(half, BYTES("x"), &word, 0, NULL), RILL_EDATA);
    metric_ud_free(gold);
    metric_ud_free(system);
    metric_ud_free(half);
    metric_ud_free(NULL);
}
END_TEST

/* One token of very many words on both sides would need a table of all pairs. */
START_TEST(ud_limit) {
    enum { WORDS = 9000 };
    metric_ud_word *word = calloc(WORDS, sizeof *word);
    metric_ud *u;
    metric_ud_scores s;
    rill_error why = {0};
    for (int i = 0; i < WORDS; i++) word[i].form = BYTES("w");
    ck_assert_int_eq(metric_ud_new(&u), 0);
    ck_assert_int_eq(metric_ud_token(u, BYTES("x"), word, WORDS, NULL), 0);
    ck_assert_int_eq(metric_ud_score(u, u, &s, &why), RILL_ELIMIT);
    ck_assert_ptr_nonnull(strstr(why.message, "9000 gold and 9000 system words"));
    metric_ud_free(u);
    free(word);
}
END_TEST

/* Random cuts of one text: a side scored against itself is perfect; tokens and
 * sentences don't care which side is gold; without multiword tokens words are tokens. */
static void ud_draw(rng *r, metric_ud *u, int many) {
    static const char text[] = "abcabdacbdcabacdbabcd";
    for (size_t at = 0; at < sizeof text - 1;) {
        metric_ud_word word[3] = {{.form = {"", 0}}};
        size_t size = 1 + rng_below(r, 3), words = 1;
        if (at + size > sizeof text - 1) size = sizeof text - 1 - at;
        if (many && rng_below(r, 3) == 0) words = 2 + rng_below(r, 2);
        for (size_t i = 0; i < words; i++) {
            word[i].form = (bytes){text + rng_below(r, 4), 1};
            word[i].upos = rng_below(r, 2) ? BYTES("A") : BYTES("B");
        }
        ck_assert_int_eq(metric_ud_token(u, (bytes){text + at, size}, word, words, NULL), 0);
        if (rng_below(r, 4) == 0) ck_assert_int_eq(metric_ud_sentence(u), 0);
        at += size;
    }
    ck_assert_int_eq(metric_ud_sentence(u), 0);
}

START_TEST(ud_random) {
    rng r = rng_make(test_seed("ud_random"), 4, 0);
    for (int turn = 0; turn < 3000; turn++) {
        metric_ud *a, *b;
        metric_ud_scores ab, ba, aa;
        ck_assert_int_eq(metric_ud_new(&a), 0);
        ck_assert_int_eq(metric_ud_new(&b), 0);
        ud_draw(&r, a, turn % 2);
        ud_draw(&r, b, turn % 2);
        ck_assert_int_eq(metric_ud_score(a, b, &ab, NULL), 0);
        ck_assert_int_eq(metric_ud_score(b, a, &ba, NULL), 0);
        ck_assert_int_eq(metric_ud_score(a, a, &aa, NULL), 0);
        ck_assert_int_eq(aa.words.right, aa.words.gold);
        ck_assert_int_eq(aa.all_tags.right, aa.words.gold);
        ck_assert_int_eq(aa.sentences.right, aa.sentences.gold);
        counts_are(ba.tokens, ab.tokens.system, ab.tokens.gold, ab.tokens.right);
        counts_are(ba.sentences, ab.sentences.system, ab.sentences.gold, ab.sentences.right);
        if (turn % 2 == 0) {
            counts_are(ab.words, ab.tokens.gold, ab.tokens.system, ab.tokens.right);
        }
        ck_assert_int_le(ab.upos.right, ab.words.right);
        metric_ud_free(a);
        metric_ud_free(b);
    }
}
END_TEST

void model_metric_cases(Suite *suite) {
    TCase *c = tcase_create("metric");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, label_scores);
    tcase_add_test(c, labels_out_of_range);
    tcase_add_test(c, confusions);
    tcase_add_test(c, confusions_brute_force);
    tcase_add_test(c, baseline);
    tcase_add_test(c, wilson);
    tcase_add_test(c, bootstrap);
    tcase_add_test(c, comparison);
    tcase_add_test(c, comparison_clear);
    tcase_add_loop_test(c, spans, 0, sizeof span_rows / sizeof *span_rows);
    tcase_add_test(c, entities_brute_force);
    tcase_add_test(c, entities_by_type);
    tcase_add_loop_test(c, ud_segmentation, 0, sizeof ud_rows / sizeof *ud_rows);
    tcase_add_test(c, ud_labels);
    tcase_add_test(c, ud_spaces);
    tcase_add_test(c, ud_refuses);
    tcase_add_test(c, ud_limit);
    tcase_add_test(c, ud_random);
    suite_add_tcase(suite, c);
}
