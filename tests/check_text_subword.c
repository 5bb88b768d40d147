/* check_text_subword: goldens of subword-nmt, round trips, the learner against brute force,
 * dropout, damaged files. */
#include "base/io.h"
#include "base/rng.h"
#include "check_text.h"
#include "text/subword.h"

static const char *golden(const char *name) {
    static char path[4096];
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/subword/%s", source ? source : ".", name);
    return path;
}

static buffer slurp(const char *name) {
    buffer b = {0};
    rill_error error;
    int status = file_slurp(golden(name), 0, &b, &error);
    if (status < 0) ck_abort_msg("%s", error.message);
    return b;
}

/* Says where long texts begin to differ. */
static void expect_same(const buffer *got, const buffer *want) {
    size_t at = 0;
    while (at < got->size && at < want->size && got->data[at] == want->data[at]) at++;
    if (at == got->size && at == want->size) return;
    ck_abort_msg("differs at byte %zu: \"%.40s\", expected \"%.40s\"", at, got->data + at,
                 want->data + at);
}

static subword *learn(const subword_config *config, bytes text) {
    subword_learner *l;
    subword *s;
    rill_error error = {0};
    bytes line;
    if (subword_learner_new(config, &l, &error) < 0) ck_abort_msg("%s", error.message);
    while (text.size && bytes_split(&text, '\n', &line)) {
        if (subword_learner_add(l, line, &error) < 0) ck_abort_msg("%s", error.message);
    }
    if (subword_learner_finish(l, &s, NULL, &error) < 0) ck_abort_msg("%s", error.message);
    subword_learner_free(l);
    return s;
}

static subword_session *session(const subword *s) {
    subword_session *t;
    ck_assert_int_eq(subword_session_new(s, &t, NULL), 0);
    return t;
}

static subword_config nmt(int32_t merges, int64_t least) {
    return (subword_config){
        .kind = SUBWORD_BPE, .format = SUBWORD_NMT, .merges = merges, .min_count = least};
}

/* ---- what subword-nmt does */

static const struct {
    const char *codes;
    int32_t merges;
    int64_t least;
} golden_codes[] = {{"bpe-600.codes", 600, 2}, {"bpe-300-min5.codes", 300, 5}};

START_TEST(test_golden_learn) {
    buffer text = slurp("bpe-text.txt"), want = slurp(golden_codes[_i].codes), got = {0};
    subword_config config = nmt(golden_codes[_i].merges, golden_codes[_i].least);
    subword *s = learn(&config, buffer_view(&text));
    subword_write(s, &got);
    expect_same(&got, &want);
    subword_free(s);
    buffer_free(&text);
    buffer_free(&want);
    buffer_free(&got);
}
END_TEST

static void apply_all(const subword *s, bytes text, buffer *out) {
    subword_session *t = session(s);
    bytes line;
    while (text.size && bytes_split(&text, '\n', &line)) {
        if (!text.data && !line.size) break;
        ck_assert_int_eq(subword_apply(t, line, NULL, out, NULL), 0);
        buffer_add_char(out, '\n');
    }
    subword_session_free(t);
}

static const char *const golden_texts[][2] = {{"../ref.txt", "ref.bpe"},
                                              {"../hyp2.txt", "hyp2.bpe"}};

START_TEST(test_golden_apply) {
    buffer text = slurp(golden_texts[_i][0]), want = slurp(golden_texts[_i][1]), got = {0};
    subword *s;
    ck_assert_int_eq(subword_open(golden("bpe-600.codes"), &s, NULL), 0);
    apply_all(s, buffer_view(&text), &got);
    expect_same(&got, &want);
    subword_free(s);
    buffer_free(&text);
    buffer_free(&want);
    buffer_free(&got);
}
END_TEST

/* ---- round trips */

/* A random valid text: letters of several scripts, every plane, signs that are used for marks. */
static void random_text(rng *r, buffer *out) {
    static const char *const pieces[] = {" ",
                                         "  ",
                                         "the",
                                         "The",
                                         "THE",
                                         "iPhone",
                                         "\xE2\x96\x81",
                                         "\xE2\x90\x9B",
                                         "\xE2\x86\x91",
                                         "\xE2\x87\x91",
                                         "\t",
                                         "\r",
                                         "\xC2\xA0",
                                         "\xC3\x89t\xC3\xA9",
                                         "\xC4\xB0",
                                         "\xC7\x85",
                                         "123",
                                         "x\xCC\x81",
                                         "\xEB\x82\x98\xEB\x8A\x94",
                                         "<unk>",
                                         "<s>",
                                         "</w>",
                                         "@@",
                                         "\xE2\x90\x9B"
                                         "41",
                                         "\xC3\x9F",
                                         "\xE1\xBA\x9E",
                                         "<2de>",
                                         "\xE1\x84\x80\xE1\x85\xA1"};
    size_t count = rng_below(r, 12);
    for (size_t i = 0; i < count; i++) {
        if (rng_below(r, 3)) {
            buffer_add_text(out, pieces[rng_below(r, sizeof pieces / sizeof *pieces)]);
            continue;
        }
        int32_t point = (int32_t)(rng_below(r, 17) << 16 | rng_below(r, 0x10000));
        if (rng_below(r, 2)) point = (int32_t)rng_below(r, 0x500);
        if ((point < 0xD800 || point > 0xDFFF) && point != '\n') utf8_encode(point, out);
    }
}

static const bytes patterns[] = {{"[0-9]+", 6}, {"the b", 5}, {" x\\w", 4}};
static const bytes symbols[] = {{"<2de>", 5}, {"The", 3}, {" <", 2}};

/* All kinds with all switches. */
static subword_config round_config(int number) {
    subword_config g = subword_defaults();
    g.kind = (subword_kind)(number % 4);
    g.normalise = number / 4 % 2 ? UNICODE_NFC : UNICODE_NONE;
    g.lower = number / 8 % 2;
    g.borders = number / 16 % 2;
    g.vocab_size = 600;
    if (number / 32 % 2) {
        g.protect = patterns;
        g.protects = 3;
        g.symbol = symbols;
        g.symbols = 3;
    }
    return g;
}
enum { ROUND_CONFIGS = 64 };

static bool between_characters(bytes line, size_t at) {
    return at == line.size || ((unsigned char)line.data[at] & 0xC0) != 0x80;
}

/* Ranges ascend, stay in the line, hold whole characters, and together cover it. */
static void check_ranges(const subword_list *list, bytes line, bool bytewise) {
    size_t covered = 0;
    for (size_t i = 0; i < list->count; i++) {
        const subword_item *x = &list->item[i];
        MUST(x->begin <= x->end && x->end <= line.size);
        MUST(between_characters(line, x->begin) && between_characters(line, x->end));
        MUST(x->begin <= covered);
        if (x->end > covered) covered = x->end;
        if (bytewise) MUST(x->id != SUBWORD_UNKNOWN);
    }
    MUST(covered == line.size);
}

static void check_round(const subword *s, subword_session *t, bytes line, bool complete) {
    buffer want = {0}, units = {0}, got = {0}, decoded = {0};
    unicode_map map = {0};
    subword_list list = {0};
    MUST(unicode_normalise(line, subword_settings(s)->normalise, &want, &map) == 0);
    MUST(subword_apply(t, line, NULL, &units, NULL) == 0);
    MUST(!units.data || !memchr(units.data, '\n', units.size));
    subword_undo(s, buffer_view(&units), &got);
    if (!bytes_equal(buffer_view(&got), buffer_view(&want))) {
        ck_abort_msg("\"%s\" became \"%s\", by \"%s\"", want.data, got.data, units.data);
    }
    MUST(subword_encode(t, line, NULL, &list, NULL) == 0);
    check_ranges(&list, line, complete);
    int32_t *id = mem_new(list.count, sizeof *id);
    bytes *raw = mem_new(list.count, sizeof *raw);
    for (size_t i = 0; i < list.count; i++) {
        id[i] = list.item[i].id;
        raw[i] = bytes_slice(line, list.item[i].begin, list.item[i].end);
    }
    if (subword_settings(s)->normalise == UNICODE_NONE) { /* else raw text is not normalised */
        subword_decode(s, id, list.count, raw, &decoded);
        if (!bytes_equal(buffer_view(&decoded), line)) {
            ck_abort_msg("\"%s\" was decoded to \"%s\", by \"%s\"", want.data, decoded.data,
                         units.data);
        }
    }
    free(id);
    free(raw);
    subword_list_free(&list);
    unicode_map_free(&map);
    buffer_free(&want);
    buffer_free(&units);
    buffer_free(&got);
    buffer_free(&decoded);
}

START_TEST(test_round_trip) {
    buffer text = slurp("bpe-text.txt"), line = {0};
    rng r = rng_make(test_seed("round trip"), 7, (uint64_t)_i);
    for (int i = 0; i < 300; i++) {
        random_text(&r, &text);
        buffer_add_char(&text, '\n');
    }
    subword_config config = round_config(_i);
    subword *s = learn(&config, buffer_view(&text));
    subword_session *t = session(s);
    for (int i = 0; i < 1500; i++) {
        buffer_clear(&line);
        random_text(&r, &line);
        check_round(s, t, buffer_view(&line), config.kind == SUBWORD_BYTE && !config.protects);
    }
    subword_session_free(t);
    subword_free(s);
    buffer_free(&text);
    buffer_free(&line);
}
END_TEST

/* What was learnt reads back to the same bytes and ids. */
START_TEST(test_file_round) {
    buffer text = slurp("bpe-text.txt"), once = {0}, twice = {0};
    subword_config config = round_config(_i);
    subword *s = learn(&config, buffer_view(&text)), *again;
    subword_write(s, &once);
    rill_error error;
    if (subword_read(buffer_view(&once), "units", &again, &error))
        ck_abort_msg("%s", error.message);
    subword_write(again, &twice);
    expect_same(&twice, &once);
    ck_assert_int_eq(subword_size(s), subword_size(again));
    for (int32_t i = 0; i < subword_size(s); i++) {
        MUST(bytes_equal(subword_piece(s, i), subword_piece(again, i)));
        MUST(subword_find(s, subword_piece(s, i)) == i);
    }
    subword_free(s);
    subword_free(again);
    buffer_free(&text);
    buffer_free(&once);
    buffer_free(&twice);
}
END_TEST

/* Every code point there is, in lines of 256. */
START_TEST(test_planes) {
    buffer text = slurp("bpe-text.txt"), line = {0};
    subword_config config = round_config(_i ? 11 + 16 : 2 + 4 + 8); /* bytes; bpe with NFC, lower */
    subword *s = learn(&config, buffer_view(&text));
    subword_session *t = session(s);
    for (int32_t first = 0; first < 0x110000; first += 256) {
        buffer_clear(&line);
        for (int32_t i = first; i < first + 256; i++) {
            if ((i < 0xD800 || i > 0xDFFF) && i != '\n') utf8_encode(i, &line);
        }
        check_round(s, t, buffer_view(&line), _i == 1);
    }
    subword_session_free(t);
    subword_free(s);
    buffer_free(&text);
    buffer_free(&line);
}
END_TEST

/* ---- against brute force */

enum { WORDS = 40, SIGNS = 400 };

/* Words as lists of strings, the way subword-nmt sees them. */
typedef struct plain_word {
    char *sign[SIGNS];
    int count;
} plain_word;

static char *joined(const char *a, const char *b) {
    char *both = malloc(strlen(a) + strlen(b) + 1);
    return strcat(strcpy(both, a), b);
}

static void plain_take(plain_word *w, bytes word) {
    w->count = 0;
    for (size_t i = 0; i < word.size; i++) {
        char one[2] = {word.data[i], 0};
        w->sign[w->count++] = joined(one, i + 1 == word.size ? "</w>" : "");
    }
}

static void plain_free(plain_word *w) {
    while (w->count) free(w->sign[--w->count]);
}

static void plain_merge(plain_word *w, const char *left, const char *right) {
    int kept = 0;
    for (int i = 0; i < w->count; i++) {
        char *one = w->sign[i];
        if (i + 1 < w->count && !strcmp(one, left) && !strcmp(w->sign[i + 1], right)) {
            char *both = joined(one, w->sign[i + 1]);
            free(one);
            free(w->sign[++i]);
            one = both;
        }
        w->sign[kept++] = one;
    }
    w->count = kept;
}

static int plain_count(const plain_word *word, int words, const char *left, const char *right) {
    int count = 0;
    for (int w = 0; w < words; w++) {
        for (int i = 0; i + 1 < word[w].count; i++) {
            count += !strcmp(word[w].sign[i], left) && !strcmp(word[w].sign[i + 1], right);
        }
    }
    return count;
}

/* The most frequent pair, counted anew; among equals the greatest. */
static int plain_best(const plain_word *word, int words, char **left, char **right) {
    int best = 0;
    for (int w = 0; w < words; w++) {
        for (int i = 0; i + 1 < word[w].count; i++) {
            char *a = word[w].sign[i], *b = word[w].sign[i + 1];
            int count = plain_count(word, words, a, b);
            int order = count > best ? 1 : count < best ? -1 : strcmp(a, *left);
            if (order == 0) order = strcmp(b, *right);
            if (order <= 0) continue;
            best = count;
            *left = a;
            *right = b;
        }
    }
    return best;
}

/* Lines of one word each over a few letters. */
static void few_letters(rng *r, int letters, int longest, buffer *text) {
    for (int w = 0; w < WORDS; w++) {
        int size = 1 + (int)rng_below(r, (uint64_t)longest);
        for (int i = 0; i < size; i++) {
            buffer_add_char(text, (char)('a' + rng_below(r, (uint64_t)letters)));
        }
        buffer_add_char(text, '\n');
    }
}

static int plain_words(bytes text, plain_word *word) {
    bytes line;
    int words = 0;
    while (text.size && bytes_split(&text, '\n', &line)) {
        if (line.size) plain_take(&word[words++], line);
    }
    return words;
}

START_TEST(test_learner_brute_force) {
    static plain_word word[WORDS];
    buffer text = {0}, want = {0}, got = {0};
    rng r = rng_make(test_seed("learner"), 8, (uint64_t)_i);
    few_letters(&r, 1 + _i % 4, 3 + _i % 9, &text);
    int words = plain_words(buffer_view(&text), word), least = 1 + _i % 3;
    buffer_add_text(&want, "#version: 0.2\n");
    char *left = NULL, *right = NULL;
    while (plain_best(word, words, &left, &right) >= least) {
        char *a = strdup(left), *b = strdup(right);
        buffer_printf(&want, "%s %s\n", a, b);
        for (int w = 0; w < words; w++) plain_merge(&word[w], a, b);
        free(a);
        free(b);
    }
    subword_config config = nmt(0, least);
    subword *s = learn(&config, buffer_view(&text));
    subword_write(s, &got);
    expect_same(&got, &want);
    for (int w = 0; w < words; w++) plain_free(&word[w]);
    subword_free(s);
    buffer_free(&text);
    buffer_free(&want);
    buffer_free(&got);
}
END_TEST

/* The lines of the codes in order, each as often as it can be applied, until none can. */
static void plain_apply(bytes codes, plain_word *w) {
    bytes line, rest = codes;
    while (rest.size && bytes_split(&rest, '\n', &line)) {
        char pair[2 * SIGNS], *right;
        if (!line.size || line.data[0] == '#') continue;
        memcpy(pair, line.data, line.size);
        pair[line.size] = 0;
        right = strchr(pair, ' ');
        *right++ = 0;
        plain_merge(w, pair, right);
    }
}

/* Words up to 300 signs, so that both ways of merging are taken. */
START_TEST(test_apply_brute_force) {
    static plain_word word[WORDS];
    buffer text = {0}, codes = {0}, want = {0}, got = {0};
    rng r = rng_make(test_seed("apply"), 9, (uint64_t)_i);
    few_letters(&r, 1 + _i % 3, 30, &text);
    subword_config config = nmt(200, 2);
    subword *s = learn(&config, buffer_view(&text));
    subword_write(s, &codes);
    buffer_clear(&text);
    few_letters(&r, 1 + _i % 3, 300, &text);
    int words = plain_words(buffer_view(&text), word);
    for (int w = 0; w < words; w++) {
        plain_apply(buffer_view(&codes), &word[w]);
        for (int i = 0; i < word[w].count; i++) {
            bool last = i + 1 == word[w].count;
            size_t size = strlen(word[w].sign[i]) - (last ? 4 : 0);
            buffer_printf(&want, "%.*s%s", (int)size, word[w].sign[i], last ? "\n" : "@@ ");
        }
        plain_free(&word[w]);
    }
    apply_all(s, buffer_view(&text), &got);
    expect_same(&got, &want);
    subword_free(s);
    buffer_free(&text);
    buffer_free(&codes);
    buffer_free(&want);
    buffer_free(&got);
}
END_TEST

/* Neither the order of lines nor their grouping to files matters; max_words is told. */
START_TEST(test_order) {
    buffer text = slurp("bpe-text.txt"), turned = {0}, a = {0}, b = {0};
    size_t end = text.size;
    for (size_t i = text.size; i-- > 0;) {
        if (i && text.data[i - 1] != '\n') continue;
        buffer_add(&turned, text.data + i, end - i);
        end = i;
    }
    subword_config config = subword_defaults();
    config.vocab_size = 500;
    subword *s = learn(&config, buffer_view(&text)), *t = learn(&config, buffer_view(&turned));
    subword_write(s, &a);
    subword_write(t, &b);
    expect_same(&a, &b);
    ck_assert_int_eq(subword_size(s), 500);
    subword_free(s);
    subword_free(t);
    subword_learner *l;
    subword_learnt report;
    config.max_words = 100;
    ck_assert_int_eq(subword_learner_new(&config, &l, NULL), 0);
    bytes rest = buffer_view(&text), line;
    while (rest.size && bytes_split(&rest, '\n', &line)) MUST(!subword_learner_add(l, line, NULL));
    ck_assert_int_eq(subword_learner_finish(l, &s, &report, NULL), 0);
    ck_assert(report.dropped > 0 && report.distinct <= 100);
    subword_learner_free(l);
    subword_free(s);
    buffer_free(&text);
    buffer_free(&turned);
    buffer_free(&a);
    buffer_free(&b);
}
END_TEST

/* ---- ranges and dropout */

START_TEST(test_ranges) {
    /* e and U+0301 become one character; the mark of a capital has no width */
    bytes line = BYTES("e\xCC\x81"
                       "A \xE1\xBA\x9B\xCC\xA3");
    static const size_t want[][2] = {{0, 3}, {3, 3}, {3, 4}, {4, 5}, {5, 8}, {8, 10}};
    subword_config config = subword_defaults();
    subword_list list = {0};
    config.kind = SUBWORD_CHAR;
    config.lower = true;
    config.min_count = 1;
    subword *s = learn(&config, line);
    subword_session *t = session(s);
    ck_assert_int_eq(subword_encode(t, line, NULL, &list, NULL), 0);
    ck_assert_uint_ge(list.count, 5);
    for (size_t i = 0; i < list.count; i++) {
        ck_assert_uint_eq(list.item[i].begin, want[i][0]);
        ck_assert_uint_eq(list.item[i].end, want[i][1]);
        ck_assert_int_ne(list.item[i].id, SUBWORD_UNKNOWN);
    }
    subword_list_free(&list);
    subword_session_free(t);
    subword_free(s);
}
END_TEST

START_TEST(test_dropout) {
    buffer text = slurp("bpe-text.txt"), got = {0}, back = {0};
    subword_config config = subword_defaults();
    config.vocab_size = 1000;
    config.min_count = 1;
    subword *s = learn(&config, buffer_view(&text));
    subword_session *t = session(s);
    bytes rest = buffer_view(&text), line;
    subword_list plain = {0}, some = {0}, again = {0}, all = {0}, none = {0};
    size_t sums[3] = {0}, differ = 0, number = 0;
    while (rest.size && bytes_split(&rest, '\n', &line)) {
        subword_dropout d = {.key = 5, .name = ++number};
        MUST(!subword_encode(t, line, NULL, &plain, NULL));
        MUST(!subword_encode(t, line, &d, &none, NULL));
        d.rate = 1;
        MUST(!subword_encode(t, line, &d, &all, NULL));
        d.rate = 0.3;
        MUST(!subword_encode(t, line, &d, &some, NULL));
        MUST(!subword_encode(t, line, &d, &again, NULL));
        MUST(none.count == plain.count && again.count == some.count);
        MUST(!memcmp(none.item, plain.item, plain.count * sizeof *plain.item));
        MUST(!memcmp(again.item, some.item, some.count * sizeof *some.item));
        MUST(all.count == utf8_count(line) + (line.size > 0)); /* and the imagined space */
        d.name += 1000000;
        MUST(!subword_encode(t, line, &d, &again, NULL));
        differ += again.count != some.count;
        buffer_clear(&got);
        buffer_clear(&back);
        MUST(!subword_apply(t, line, &d, &got, NULL));
        subword_undo(s, buffer_view(&got), &back);
        MUST(bytes_equal(buffer_view(&back), line));
        sums[0] += plain.count;
        sums[1] += some.count;
        sums[2] += all.count;
    }
    ck_assert(sums[0] < sums[1] && sums[1] < sums[2]);
    ck_assert_uint_gt(differ, 10);
    subword_list_free(&plain);
    subword_list_free(&some);
    subword_list_free(&again);
    subword_list_free(&all);
    subword_list_free(&none);
    subword_session_free(t);
    subword_free(s);
    buffer_free(&text);
    buffer_free(&got);
    buffer_free(&back);
}
END_TEST

/* ---- characters that no merge names */

/* With the characters of a text added: all of it is known, and the units read back are the same. */
START_TEST(test_nmt_characters) {
    buffer text = slurp("../ref.txt"), file = {0}, again = {0}, back = {0};
    bytes rest = buffer_view(&text), line;
    subword *s, *got;
    tally seen = {0};
    subword_list units = {0};
    rill_error error = {0};
    ck_assert_int_eq(subword_open(golden("bpe-300-min5.codes"), &s, NULL), 0);
    int32_t before = subword_size(s);
    while (rest.size && bytes_split(&rest, '\n', &line)) {
        ck_assert_int_eq(subword_count_characters(line, &seen, NULL), 0);
    }
    ck_assert_int_eq(subword_count_characters(BYTES("\t\r\x01 \xE2\x96\x81"), &seen, NULL), 0);
    ck_assert_int_eq(subword_count_characters(BYTES("a\xFF"), &seen, &error), RILL_EDATA);
    ck_assert_uint_eq(error.column, 2);
    ck_assert_int_eq(subword_add_characters(s, &seen, 1, NULL), 0);
    ck_assert_int_gt(subword_size(s), before);
    ck_assert_int_ge(subword_find(s, BYTES("\xE2\x96\x81</w>")), before);
    subword_write(s, &file);
    int status = subword_read(buffer_view(&file), "codes", &got, &error);
    ck_assert_msg(status == 0, "%s", error.message);
    subword_write(got, &again);
    expect_same(&again, &file);
    for (int32_t id = 0; id < subword_size(s); id++) {
        ck_assert(bytes_equal(subword_piece(s, id), subword_piece(got, id)));
    }
    subword_session *t = session(got);
    rest = buffer_view(&text);
    while (rest.size && bytes_split(&rest, '\n', &line)) {
        int32_t id[4096];
        MUST(!subword_encode(t, line, NULL, &units, NULL) && units.count <= 4096);
        for (size_t i = 0; i < units.count; i++) MUST((id[i] = units.item[i].id) > 0);
        buffer_clear(&back);
        subword_decode(got, id, units.count, NULL, &back);
        MUST(bytes_equal(buffer_view(&back), line));
    }
    subword_session_free(t);
    subword_list_free(&units);
    subword_free(s);
    subword_free(got);
    tally_free(&seen);
    buffer_free(&text);
    buffer_free(&file);
    buffer_free(&again);
    buffer_free(&back);
}
END_TEST

/* Ids say nothing of the border behind an unknown unit; most stand alone. */
START_TEST(test_nmt_unknown) {
    subword *s;
    buffer back = {0};
    const int32_t id[] = {5, 0, 5, 0};
    ck_assert_int_eq(subword_read(BYTES("#version: 0.2\na b</w>\n"), "codes", &s, NULL), 0);
    subword_decode(s, id, 4, NULL, &back);
    ck_assert_str_eq(back.data, "ab \xEF\xBF\xBD ab \xEF\xBF\xBD");
    buffer_free(&back);
    subword_free(s);
}
END_TEST

/* ---- files from strangers */

#define HEAD "#rill-subwords: 1\nunit bpe\nnormalize nfc\nlower no\nborders yes\n"
static const struct {
    const char *text;
    size_t line;
    const char *message; /* part of it */
} faults[] = {
    {"", 1, "found nothing"},
    {"hello\n", 1, "expected \"#rill-subwords: 1\""},
    {"#rill-subwords: 2\n", 1, "expected \"#rill-subwords: 1\""},
    {"#rill-subwords: 1\nunit bpe\n", 2, "its head has no end"},
    {"#rill-subwords: 1\nunit gpu\n\n", 2, "unknown value \"gpu\""},
    {"#rill-subwords: 1\nsize 3\n\n", 2, "expected a line of the head"},
    {HEAD "\n", 6, "the number of units"},
    {HEAD "units -1\n\n", 6, "expected the number of units"},
    {HEAD "units 99999999999\n\n", 6, "expected the number of units"},
    {HEAD "units 2\n\na\t1\n", 9, "cut short: expected 2 units, found 1"},
    {HEAD "units 1\n\na\t1\nb\t1\n", 9, "more lines than the 1 units"},
    {HEAD "units 1\n\na\t1", 8, "the last line has no end"},
    {HEAD "units 1\n\na\n", 8, "expected unit TAB count"},
    {HEAD "units 1\n\na\tx\n", 8, "expected unit TAB count"},
    {HEAD "units 1\n\na\t-1\n", 8, "expected unit TAB count"},
    {HEAD "units 1\n\n\t1\n", 8, "a unit has 0 bytes"},
    {HEAD "units 2\n\na\t1\na\t1\n", 9, "stands twice"},
    {HEAD "units 1\n\n<unk>\t1\n", 8, "the name of a special unit"},
    {HEAD "units 1\n\n\xE2\x90\x9Bxy\t1\n", 8, "bad escape"},
    {HEAD "units 1\n\n\xC3(\t1\n", 8, "invalid UTF-8"},
    {HEAD "units 2\n\na\t1\na b\t1\n", 9, "no line before this makes \"b\""},
    {HEAD "units 2\n\na\t1\n\xE2\x90\x9B"
          "F5<unk> a\t1\n",
     9, "no line before this makes"},
    {HEAD "units 3\n\na\t1\na a\t1\na a\t1\n", 10, "the merge stands twice"},
    {HEAD "protect (\nunits 0\n\n", 6, "bad regular expression"},
    {HEAD "symbol a\nsymbol a\nunits 0\n\n", 7, "is given twice"},
    {HEAD "symbol \nunits 0\n\n", 6, "empty, too long"},
    {HEAD "symbol\nunits 0\n\n", 6, "empty, too long"},
    {HEAD "format subword-nmt\nunits 0\n\n", 8, "plain bpe units only"},
    {"#rill-subwords: 1\nformat subword-nmt\nnormalize none\nborders no\nsymbol a\nunits 0\n\n", 5,
     "no symbols"},
    {HEAD "format gpu\nunits 0\n\n", 6, "unknown value"},
    {"#rill-subwords: 1\nunit byte-bpe\nunits 1\n\na\t1\n", 5, "no line makes the byte 00"},
    {"#rill-subwords: 1\nunit word\nunits 2\n\na\t1\na a\t1\n", 6, "are not merged"},
    {"#version: 0.1\na b\n", 1, "codes of version 0.2"},
    {"#version: 0.2\na b", 2, "the last line has no end"},
    {"#version: 0.2\na b\nab\n", 3, "expected two units"},
    {"#version: 0.2\na b c\n", 2, "expected two units"},
    {"#version: 0.2\na bc\n", 2, "\"bc\" is no character"},
    {"#version: 0.2\n\n", 2, "expected two units"},
};

START_TEST(test_faults) {
    rill_error error = {0};
    subword *s;
    int status = subword_read(bytes_of(faults[_i].text), "codes", &s, &error);
    if (status != RILL_EDATA || error.line != faults[_i].line || error.column == 0 ||
        !strstr(error.message, faults[_i].message) || strcmp(error.file, "codes")) {
        ck_abort_msg("status %d, %s:%zu: %s", status, error.file, error.line, error.message);
    }
    ck_assert(s == NULL);
}
END_TEST

/* The column of a regular expression's fault is that of the line. */
START_TEST(test_fault_column) {
    rill_error error = {0};
    subword *s;
    const char *text = HEAD "protect a(\nprotect b\nunits 0\n\n";
    ck_assert_int_eq(subword_read(bytes_of(text), "codes", &s, &error), RILL_EDATA);
    ck_assert_uint_eq(error.line, 6);
    ck_assert_uint_eq(error.column, 11);
}
END_TEST

/* Long symbols that text almost matches cost no more than what matches. */
START_TEST(test_long_symbol) {
    enum { SIZE = 60000 };
    buffer codes = {0}, line = {0};
    subword *s;
    subword_list units = {0};
    buffer_add_text(&codes, HEAD "symbol a");
    for (int i = 0; i < SIZE; i++) buffer_add_char(&codes, 'x');
    buffer_add_text(&codes, "\nunits 0\n\n");
    for (int i = 0; i < SIZE; i++) buffer_add_char(&line, 'a');
    ck_assert_int_eq(subword_read(buffer_view(&codes), "codes", &s, NULL), 0);
    subword_session *t = session(s);
    ck_assert_int_eq(subword_encode(t, buffer_view(&line), NULL, &units, NULL), 0);
    ck_assert_uint_eq(units.count, SIZE + 1);
    subword_list_free(&units);
    subword_session_free(t);
    subword_free(s);
    buffer_free(&codes);
    buffer_free(&line);
}
END_TEST

/* A unit can't be made to double without end. */
START_TEST(test_doubling) {
    buffer text = {0}, unit = {0};
    rill_error error = {0};
    subword *s;
    buffer_add_text(&text, HEAD "units 40\n\na\t1\n");
    buffer_add_char(&unit, 'a');
    for (int i = 0; i < 39 && unit.size < 100000; i++) {
        buffer_printf(&text, "%s %s\t1\n", unit.data, unit.data);
        size_t size = unit.size;
        for (size_t k = 0; k < size; k++) buffer_add_char(&unit, 'a');
    }
    ck_assert_int_eq(subword_read(buffer_view(&text), "codes", &s, &error), RILL_ELIMIT);
    ck_assert(strstr(error.message, "more than 65535 bytes") && error.line > 8);
    buffer_free(&text);
    buffer_free(&unit);
}
END_TEST

/* Cut at every length: always refused. Flipped anywhere: refused, or still a sound list of units.
 */
START_TEST(test_damage) {
    buffer text = slurp("bpe-text.txt"), file = {0};
    subword_config config = round_config(_i ? 2 + 32 : 3);
    config.vocab_size = 330;
    subword *s = learn(&config, buffer_view(&text)), *got;
    subword_write(s, &file);
    subword_free(s);
    for (size_t i = 0; i < file.size; i++) {
        rill_error error = {0};
        int status = subword_read(bytes_slice(buffer_view(&file), 0, i), "codes", &got, &error);
        MUST(status < 0 && error.line > 0 && error.message[0]);
    }
    rng r = rng_make(test_seed("damage"), 10, (uint64_t)_i);
    size_t sound = 0;
    for (int i = 0; i < 3000; i++) {
        size_t at = rng_below(&r, file.size);
        char was = file.data[at];
        file.data[at] = (char)rng_below(&r, 256);
        if (subword_read(buffer_view(&file), "codes", &got, NULL) == 0) {
            subword_session *t = session(got);
            check_round(got, t, BYTES("The caf\xC3\xA9 12 \xE2\x96\x81 x"), false);
            subword_session_free(t);
            subword_free(got);
            sound++;
        }
        file.data[at] = was;
    }
    ck_assert(sound > 0 && sound < 3000);
    buffer_free(&text);
    buffer_free(&file);
}
END_TEST

void add_subword_cases(Suite *suite) {
    TCase *c = tcase_create("subword");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, test_golden_learn, 0, 2);
    tcase_add_loop_test(c, test_golden_apply, 0, 2);
    tcase_add_test(c, test_nmt_characters);
    tcase_add_test(c, test_nmt_unknown);
    tcase_add_loop_test(c, test_round_trip, 0, ROUND_CONFIGS);
    tcase_add_loop_test(c, test_file_round, 0, ROUND_CONFIGS);
    tcase_add_loop_test(c, test_planes, 0, 2);
    tcase_add_loop_test(c, test_learner_brute_force, 0, 60);
    tcase_add_loop_test(c, test_apply_brute_force, 0, 60);
    tcase_add_test(c, test_order);
    tcase_add_test(c, test_ranges);
    tcase_add_test(c, test_dropout);
    tcase_add_loop_test(c, test_faults, 0, sizeof faults / sizeof *faults);
    tcase_add_test(c, test_fault_column);
    tcase_add_test(c, test_long_symbol);
    tcase_add_test(c, test_doubling);
    tcase_add_loop_test(c, test_damage, 0, 2);
    suite_add_tcase(suite, c);
}
