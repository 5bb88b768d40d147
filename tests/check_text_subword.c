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
    ck_assert_str_eq(got.data, want.data);
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

static const char *const golden_texts[][2] = {{"../ref.txt", "ref.bpe"}, {"../hyp2.txt", "hyp2.bpe"}};

START_TEST(test_golden_apply) {
    buffer text = slurp(golden_texts[_i][0]), want = slurp(golden_texts[_i][1]), got = {0};
    subword *s;
    ck_assert_int_eq(subword_open(golden("bpe-600.codes"), &s, NULL), 0);
    apply_all(s, buffer_view(&text), &got);
    ck_assert_str_eq(got.data, want.data);
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

/* Ranges ascend, stay in the line, and together cover it. */
static void check_ranges(const subword_list *list, bytes line, bool bytewise) {
    size_t covered = 0;
    for (size_t i = 0; i < list->count; i++) {
        const subword_item *x = &list->item[i];
        MUST(x->begin <= x->end && x->end <= line.size);
        MUST(x->begin <= covered);
        if (x->end > covered) covered = x->end;
        if (bytewise) MUST(x->id != SUBWORD_UNKNOWN);
    }
    MUST(covered == line.size);
}

static void check_round(const subword *s, subword_session *t, bytes line) {
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
    check_ranges(&list, line,
                 subword_settings(s)->kind == SUBWORD_BYTE &&
                     subword_settings(s)->vocab_size == 0 && false);
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
        check_round(s, t, buffer_view(&line));
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
    ck_assert_str_eq(once.data, twice.data);
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

void add_subword_cases(Suite *suite) {
    TCase *c = tcase_create("subword");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, test_golden_learn, 0, 2);
    tcase_add_loop_test(c, test_golden_apply, 0, 2);
    tcase_add_loop_test(c, test_round_trip, 0, ROUND_CONFIGS);
    tcase_add_loop_test(c, test_file_round, 0, ROUND_CONFIGS);
    suite_add_tcase(suite, c);
}
