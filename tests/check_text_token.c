/* check_text_token: tokens, words, sentences, and that no byte is lost. */
#include "base/io.h"
#include "base/rng.h"
#include "check_text.h"
#include "text/token.h"

static tokenizer *tokens_by(unicode_form form, token_session **session) {
    tokenizer *t;
    ck_assert_int_eq(tokenizer_new((bytes){0}, form, "default.rules", &t, NULL), 0);
    ck_assert_int_eq(token_session_new(t, session, NULL), 0);
    return t;
}

static void cut(token_session *s, bytes raw, token_text *t) {
    rill_error error = {0};
    int status = token_words(s, raw, t, &error);
    if (status == 0) status = token_sentences(s, t, &error);
    ck_assert_msg(status == 0, "%s", error.message);
}

/* Everything that holds for any text: nothing lost, order, partition into words and sentences. */
static void check_invariants(const token_text *t, bytes raw) {
    size_t end = 0, word = 0, token_count = 0, length;
    for (size_t i = 0; i < t->tokens; i++) {
        const token *k = &t->token[i];
        MUST(k->begin >= end);
        MUST(k->end > k->begin);
        MUST((size_t)k->word == word);
        MUST(k->words >= 1);
        MUST(k->form.size > 0);
        bool gap_follows = token_gap(t, raw, i + 1).size > 0 || i + 1 == t->tokens;
        MUST(k->space_after == gap_follows);
        word += (size_t)k->words;
        end = k->end;
    }
    MUST(word == t->words);
    for (size_t i = 0; i < t->words; i++) MUST(t->word[i].size > 0);
    for (size_t i = 0; i <= t->tokens; i++) {
        bytes gap = token_gap(t, raw, i);
        for (size_t at = 0; at < gap.size; at += length) {
            MUST(unicode_class_of(utf8_decode(gap, at, &length)) == UNICODE_SPACE);
        }
    }
    for (size_t i = 0; i < t->sentences; i++) {
        MUST((size_t)t->sentence[i].token == token_count);
        MUST(t->sentence[i].tokens > 0);
        token_count += (size_t)t->sentence[i].tokens;
    }
    MUST(token_count == t->tokens);
}

/* Writes the result the way tests/cases/tokens.tsv does. */
static void show(const token_text *t, buffer *out) {
    buffer_clear(out);
    for (size_t s = 0; s < t->sentences; s++) {
        const token *k = t->token + t->sentence[s].token;
        if (s) buffer_add_text(out, " //");
        for (int32_t i = 0; i < t->sentence[s].tokens; i++, k++) {
            for (int32_t w = 0; w < k->words; w++) {
                buffer_add_text(out, w ? "¦" : i || s ? " " : "");
                buffer_add_bytes(out, t->word[k->word + w]);
            }
        }
    }
}

START_TEST(test_cases) {
    char path[4096];
    reader *r;
    token_session *s;
    token_text text = {0};
    buffer shown = {0};
    bytes line, raw, want;
    int done = 0, got;
    const char *source = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/cases/tokens.tsv", source ? source : ".");
    ck_assert_int_eq(reader_open(path, 0, &r, NULL), 0);
    tokenizer *t = tokens_by(UNICODE_NFC, &s);
    while ((got = reader_line(r, &line, NULL)) > 0) {
        if (reader_number(r) == 1) continue;
        want = line;
        ck_assert(bytes_split(&want, '\t', &raw) && want.data);
        cut(s, raw, &text);
        check_invariants(&text, raw);
        show(&text, &shown);
        ck_assert_msg(bytes_equal(buffer_view(&shown), want), "line %zu: %s", reader_number(r),
                      shown.data);
        done++;
    }
    ck_assert_int_eq(got, 0);
    ck_assert_int_gt(done, 40);
    reader_close(r);
    token_text_free(&text);
    buffer_free(&shown);
    token_session_free(s);
    tokenizer_free(t);
}
END_TEST

/* Odd characters: what is a token, and where it lies in the raw bytes. */
static const struct {
    const char *raw;
    size_t size;
    const char *shown;
    size_t begin, end; /* of the last token */
} odd_cases[] = {
    {"", 0, "", 0, 0},
    {" \t \r", 4, "", 0, 0},
    {"\0\0", 2, "", 0, 0},
    {"\xEF\xBB\xBFHi", 5, "Hi", 3, 5}, /* BOM */
    {"a\0b", 3, "a b", 2, 3},          /* NUL */
    {"a\rb", 3, "a b", 2, 3},          /* CR */
    {"a\xE2\x80\xA8"
     "b",
     5, "a b", 4, 5}, /* U+2028 */
    {"a\xC2\xA0"
     "b",
     4, "a b", 3, 4}, /* no-break space */
    {"a\xE2\x80\x8B"
     "b",
     5, "a b", 4, 5},                     /* zero width space */
    {"cafe\xCC\x81.", 7, "café .", 6, 7}, /* composed by NFC */
    {"x e\xCC\x81t", 6, "x ét", 2, 6},
    {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB!", 10, "한 !", 9, 10}, /* Jamo */
    {"\xCC\x81", 2, "\xCC\x81", 0, 2},                            /* a mark alone */
    {"co\xC2\xADop", 6, "co\xC2\xADop", 0, 6},                    /* soft hyphen */
};

START_TEST(test_odd) {
    token_session *s;
    token_text text = {0};
    buffer shown = {0};
    bytes raw = {odd_cases[_i].raw, odd_cases[_i].size};
    tokenizer *t = tokens_by(UNICODE_NFC, &s);
    cut(s, raw, &text);
    check_invariants(&text, raw);
    show(&text, &shown);
    ck_assert_str_eq(shown.data ? shown.data : "", odd_cases[_i].shown);
    if (text.tokens) {
        ck_assert_uint_eq(text.token[text.tokens - 1].begin, odd_cases[_i].begin);
        ck_assert_uint_eq(text.token[text.tokens - 1].end, odd_cases[_i].end);
    } else {
        ck_assert_uint_eq(text.sentences, 0);
    }
    token_text_free(&text);
    buffer_free(&shown);
    token_session_free(s);
    tokenizer_free(t);
}
END_TEST

START_TEST(test_invalid) {
    token_session *s;
    token_text text = {0};
    rill_error error = {0};
    tokenizer *t = tokens_by(UNICODE_NFC, &s);
    ck_assert_int_eq(token_words(s, bytes_of("caf\xC3 x"), &text, &error), RILL_EDATA);
    ck_assert_uint_eq(error.column, 4);
    ck_assert_uint_eq(text.tokens, 0);
    cut(s, bytes_of("fine."), &text); /* the session is as good as before */
    ck_assert_uint_eq(text.tokens, 2);
    token_text_free(&text);
    token_session_free(s);
    tokenizer_free(t);
}
END_TEST

/* A stretch that NFKC changes as a whole is never cut: ½ becomes 1⁄2, … three dots. */
START_TEST(test_nfkc) {
    token_session *s;
    token_text text = {0};
    bytes raw = bytes_of("½ cup…ok ㎏ ﬁne \xC2\xA8x");
    tokenizer *t = tokens_by(UNICODE_NFKC, &s);
    cut(s, raw, &text);
    check_invariants(&text, raw);
    ck_assert(bytes_equal(text.token[0].form, bytes_of("1⁄2")));
    ck_assert_uint_eq(text.token[0].end, 2);
    ck_assert(bytes_equal(text.token[2].form, BYTES("...")));
    ck_assert_uint_eq(text.token[2].end - text.token[2].begin, 3);
    ck_assert(bytes_equal(text.token[5].form, BYTES("fine")));
    token_text_free(&text);
    token_session_free(s);
    tokenizer_free(t);
}
END_TEST

/* One megabyte without a blank that is one token or a few; then 128 KiB of what some rule repeats,
 * which would take minutes if a rule scanned ahead without taking what it scanned. */
static const char *const long_cases[] = {
    "a",
    "가",
    "é",
    "1.",
    "http://a",
    "e\xCC\x81",
    "\xCC\x81\xCC\xA3",
    ".",
    "A",
    "1",
    "1-",
    "a-",
    "e-",
    "a.",
    "a'",
    "@",
    "a@",
    "#",
    "!",
    "=-",
    "(",
    "\"",
    "'",
    "/",
    "\\",
    "a/",
    "(a",
    ":)",
    "_",
    "の",
    "ー",
    "ก",
    "😂",
    "👨‍",
    "🇰",
    "。",
    "A.b",
    "a&",
    "a*",
    "$",
    "+1",
    "。",
    "a.doc",
    "ab.com/",
    "\xE1\x84\x92",
    "U.S. ",
    ". \"",
    "etc. ",
};
enum { MEGABYTES = 8 };

START_TEST(test_long) {
    size_t size = _i < MEGABYTES ? 1 << 20 : 1 << 17;
    token_session *s;
    token_text text = {0};
    buffer raw = {0};
    tokenizer *t = tokens_by(UNICODE_NFC, &s);
    while (raw.size < size) buffer_add_text(&raw, long_cases[_i]);
    cut(s, buffer_view(&raw), &text);
    check_invariants(&text, buffer_view(&raw));
    if (_i < MEGABYTES) ck_assert_uint_le(text.tokens, 2);
    token_text_free(&text);
    buffer_free(&raw);
    token_session_free(s);
    tokenizer_free(t);
}
END_TEST

/* The same a megabyte long, with an end that makes a rule refuse all that it scanned. */
static const struct {
    const char *piece, *end;
} refused_cases[] = {
    {"1-", "1a"}, {"12-", "1_"}, {"1,", "1x"}, {"a.", "bc"}, {"a_", "@"}, {"1:", "1a"}, {":)", "a"},
};

START_TEST(test_refused) {
    token_session *s;
    token_text text = {0};
    buffer raw = {0};
    tokenizer *t = tokens_by(UNICODE_NFC, &s);
    while (raw.size < 1 << 20) buffer_add_text(&raw, refused_cases[_i].piece);
    buffer_add_text(&raw, refused_cases[_i].end);
    cut(s, buffer_view(&raw), &text);
    check_invariants(&text, buffer_view(&raw));
    token_text_free(&text);
    buffer_free(&raw);
    token_session_free(s);
    tokenizer_free(t);
}
END_TEST

/* Pieces that meet badly. */
static const char *const pieces[] = {
    "a",
    "Mr",
    "don",
    "n't",
    "'",
    "s",
    ".",
    "..",
    "!",
    "?",
    " ",
    "  ",
    "\t",
    "1",
    "23",
    ",",
    "-",
    "/",
    ":",
    ")",
    "(",
    "\"",
    "http://",
    "www.",
    "@",
    "#",
    "x.com",
    "한국",
    "は",
    "漢",
    "é",
    "e\xCC\x81",
    "\xE1\x84\x92",
    "\xE1\x85\xA1",
    "\xE1\x86\xAB",
    "😂",
    "\xE2\x80\x8D",
    "🇰",
    "👍🏽",
    "\xEF\xB8\x8F",
    "\xE2\x80\xA8",
    "\xEF\xBB\xBF",
    "\r",
    "ﬁ",
    "½",
    "\xC2\xA8",
    "…",
    "。",
    "U.S.",
    "etc.",
    "ß",
    "*",
};

static void add_random(rng *r, buffer *b) {
    switch (rng_below(r, 4)) {
    case 0:
        buffer_add_char(b, (char)rng_below(r, 128));
        break;
    case 1: {
        int32_t point = (int32_t)rng_below(r, 0x110000);
        utf8_encode(point >= 0xD800 && point < 0xE000 ? 'x' : point, b);
        break;
    }
    default:
        buffer_add_text(b, pieces[rng_below(r, sizeof pieces / sizeof *pieces)]);
    }
}

START_TEST(test_random) {
    token_session *s;
    token_text text = {0};
    buffer raw = {0}, back = {0};
    rng r = rng_make(test_seed("tokens"), 0, 0);
    tokenizer *t = tokens_by((unicode_form)_i, &s);
    for (int round = 0; round < 8000; round++) {
        buffer_clear(&raw), buffer_clear(&back);
        for (uint64_t n = rng_below(&r, 12); n > 0; n--) add_random(&r, &raw);
        bytes view = buffer_view(&raw);
        cut(s, view, &text);
        check_invariants(&text, view);
        for (size_t i = 0; i <= text.tokens; i++) {
            buffer_add_bytes(&back, token_gap(&text, view, i));
            if (i == text.tokens) break;
            buffer_add_bytes(&back, bytes_slice(view, text.token[i].begin, text.token[i].end));
        }
        ck_assert(bytes_equal(view, buffer_view(&back)));
    }
    token_text_free(&text);
    buffer_free(&raw), buffer_free(&back);
    token_session_free(s);
    tokenizer_free(t);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

void add_token_cases(Suite *suite) {
    TCase *tokens = tcase_create("token");
    tcase_set_timeout(tokens, 120);
    tcase_add_test(tokens, test_cases);
    tcase_add_loop_test(tokens, test_odd, 0, COUNT(odd_cases));
    tcase_add_test(tokens, test_invalid);
    tcase_add_test(tokens, test_nfkc);
    tcase_add_loop_test(tokens, test_long, 0, COUNT(long_cases));
    tcase_add_loop_test(tokens, test_refused, 0, COUNT(refused_cases));
    tcase_add_loop_test(tokens, test_random, UNICODE_NONE, UNICODE_NFKC + 1);
    suite_add_tcase(suite, tokens);
}
