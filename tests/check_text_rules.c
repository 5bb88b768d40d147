/* check_text_rules: rules of one's own, faults in them, and the patterns below. */
#include "check_text.h"
#include "text/pattern.h"
#include "text/rules.h"
#include "text/token.h"
#include <unistd.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

START_TEST(test_pattern) {
    pattern *p;
    pattern_scratch *s;
    size_t end, low, high;
    bytes text = bytes_of("xéa1 b");
    ck_assert_int_eq(pattern_new(BYTES("(\\w)(\\d)|(\\p{L})(z)?"), NULL, 0, 0, &p, NULL), 0);
    ck_assert_int_eq(pattern_groups(p), 4);
    ck_assert_int_eq(pattern_scratch_new(4, &s, NULL), 0);
    ck_assert_int_eq(pattern_at(p, s, text, 3, &end, NULL), 1);
    ck_assert_uint_eq(end, 5);
    ck_assert(pattern_group(s, 2, &low, &high));
    ck_assert_uint_eq(low, 4);
    ck_assert_uint_eq(high, 5);
    ck_assert(!pattern_group(s, 3, &low, &high));
    ck_assert_int_eq(pattern_at(p, s, text, 1, &end, NULL), 1); /* é, two bytes */
    ck_assert_uint_eq(end, 3);
    ck_assert(!pattern_group(s, 4, &low, &high));
    ck_assert(!pattern_group(s, 5, &low, &high));
    ck_assert(!pattern_group(s, 1 << 28, &low, &high));         /* far outside */
    ck_assert_int_eq(pattern_at(p, s, text, 5, &end, NULL), 0); /* anchored: no search */
    ck_assert(!pattern_group(s, 1, &low, &high));
    pattern_scratch_free(s);
    pattern_free(p);
}
END_TEST

/* Where a pattern matches, it was said that it may; what is said to be idle is worth asking. */
START_TEST(test_pattern_starts) {
    static const char *const regex[] = {
        "[0-9]+", "\\d+", "abc", "(?i)k", "(?i)straße", "a*b?", "(?<=x)a", "\\bx", "^a", "$|a",
        "a|bc", "(?(?=x)xa|b)", "(*NO_START_OPT)a", "(a)(?1)", "\\w+@", "(?m)^a", ".x", "(?!a)b|k",
        "\\X", "x{0}b", "é", "\\p{Lu}+", "[^a]", "(?x) b # c", "\\Qa", "a\\Kb", "(?:a|(?R))+b",
        "\\Ga", "\\N", "(*ACCEPT)a", "s(?=b)", "x\\z"};
    static const char *const after[] = {"", "a", "b", "x", "bc", "traße", "@", "\n", "aab"};
    for (size_t i = 0; i < sizeof regex / sizeof *regex; i++) {
        pattern *p;
        pattern_scratch *s;
        ck_assert_int_eq(pattern_new(bytes_of(regex[i]), NULL, 0, 0, &p, NULL), 0);
        ck_assert_int_eq(pattern_scratch_new(pattern_groups(p), &s, NULL), 0);
        for (int32_t point = 0; point < 0x2200; point++) {
            for (size_t k = 0; k < sizeof after / sizeof *after; k++) {
                buffer text = {0};
                size_t end;
                buffer_add_char(&text, point % 3 ? 'x' : '\n'); /* something stands before */
                utf8_encode(point, &text);
                buffer_add_text(&text, after[k]);
                bool hit = pattern_at(p, s, buffer_view(&text), 1, &end, NULL) == 1;
                if (hit && !pattern_starts(p, (unsigned char)text.data[1])) {
                    ck_abort_msg("%s at U+%04X", regex[i], (unsigned)point);
                }
                buffer_free(&text);
            }
        }
        pattern_scratch_free(s);
        pattern_free(p);
    }
    pattern *p;
    ck_assert_int_eq(pattern_new(BYTES("\\d+"), NULL, 0, 0, &p, NULL), 0);
    ck_assert(pattern_starts(p, '7') && !pattern_starts(p, 'a') && pattern_starts(p, 0xD9));
    pattern_free(p);
}
END_TEST

/* Patterns that would run for ever or recurse without end fail, and say so. */
START_TEST(test_limits) {
    static const char *const wild[] = {"(a+)+[bc]", "(?:a|aa)+[bc]", "(?:a|(?R))+[bc]"};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        pattern *p;
        pattern_scratch *s;
        size_t end;
        rill_error error = {0};
        buffer text = {0};
        for (int n = 0; n < 100000; n++) buffer_add_char(&text, 'a');
        ck_assert_int_eq(pattern_new(bytes_of(wild[i]), NULL, 0, 0, &p, NULL), 0);
        ck_assert_int_eq(pattern_scratch_new(1, &s, NULL), 0);
        int status = pattern_at(p, s, buffer_view(&text), 0, &end, &error);
        ck_assert_msg(status == RILL_ELIMIT, "%s: %d", wild[i], status);
        ck_assert_uint_eq(error.column, 1);
        pattern_scratch_free(s);
        pattern_free(p);
        buffer_free(&text);
    }
}
END_TEST

static const char own[] = "# own rules\r\n"
                          "let digits [0-9]+\n"
                          "  let date {{digits}}-{{digits}}\n"
                          "\n"
                          "token ({{date}})(?!x)\n"
                          "token (\\w)\\1+!\n" /* \1 is this rule's own first group */
                          "token \\w+\n"
                          "split (du)(bist)|(.)(q)\n"
                          "split (zu)(m)\n"
                          "split ((o)k)|(En)((d)e)\n" /* a group inside a group is no word */
                          "stop [.;]|zu\n"            /* zu alone, not zum */
                          "close \\)\n"
                          "carry und\n";

static const char *const own_tokens[] = {"12-34", "aa!", "b", "dubist", "zum", "zumal", "xq",  ".",
                                         ")",     "ok",  ";", "und",    "so",  ".",     "Ende"};
static const char *const own_words[] = {"12-34", "aa!", "b", "du", "bist", "zu", "m",
                                        "zumal", "x",   "q", ".",  ")",    "ok", ";",
                                        "und",   "so",  ".", "En", "de"};

static void check_own(const tokenizer *t) {
    token_session *s;
    token_text text = {0};
    ck_assert_int_eq(token_session_new(t, &s, NULL), 0);
    bytes raw = bytes_of("12-34 aa! b dubist zum zumal xq.) ok; und so. Ende");
    ck_assert_int_eq(token_words(s, raw, &text, NULL), 0);
    ck_assert_int_eq(token_sentences(s, &text, NULL), 0);
    ck_assert_uint_eq(text.tokens, COUNT(own_tokens));
    ck_assert_uint_eq(text.words, COUNT(own_words));
    for (size_t i = 0; i < text.tokens; i++) {
        ck_assert(bytes_equal(text.token[i].form, bytes_of(own_tokens[i])));
    }
    for (size_t i = 0; i < text.words; i++) {
        ck_assert(bytes_equal(text.word[i], bytes_of(own_words[i])));
    }
    ck_assert_uint_eq(text.sentences, 3);
    ck_assert_int_eq(text.sentence[1].token, 9);
    ck_assert_int_eq(text.sentence[2].token, 14);
    token_text_free(&text);
    token_session_free(s);
}

START_TEST(test_own) {
    char path[] = "check_rules_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, own, sizeof own - 1), (ssize_t)sizeof own - 1);
    close(fd);
    tokenizer *t, *again;
    ck_assert_int_eq(tokenizer_open(path, UNICODE_NFC, &t, NULL), 0);
    ck_assert(bytes_equal(tokenizer_rules(t), bytes_of(own)));
    check_own(t);
    /* What a model file stores makes an equal tokenizer. */
    ck_assert_int_eq(tokenizer_new(tokenizer_rules(t), tokenizer_form(t), NULL, &again, NULL), 0);
    check_own(again);
    tokenizer_free(t);
    tokenizer_free(again);
    unlink(path);
    ck_assert_int_eq(tokenizer_open(path, UNICODE_NFC, &t, NULL), RILL_EIO);
    ck_assert_int_eq(tokenizer_open("/dev/null", UNICODE_NFC, &t, NULL), RILL_EDATA);
}
END_TEST

/* Words of one token come before split, and take over its capitals. */
START_TEST(test_words) {
    static const char *const want[][2] = {{"du", "de|le"},   {"Du", "De|le"},   {"DU", "DE|LE"},
                                          {"dU", "de|le"},   {"im", "im"},      {"IM", "IM"},
                                          {"Ça", "Ç|a"},     {"ÇA", "Ç|A"},     {"aim", "a|im"},
                                          {"x", "xx"},       {"X", "Xx"},       {"dus", "dus"},
                                          {"l\u2019", "l|'"}, {"L'", "L|'"}, {"\u2019", "\u2019"}};
    static const char text[] =
        "token \\w*['\u2019]|\\w+\nsplit (.)(im|m)|(d)(u)\nwords du de le\nwords im im\nwords ça ç a\nwords x xx\n"
        "words l' l '\n";
    tokenizer *t;
    token_session *s;
    token_text made = {0};
    ck_assert_int_eq(tokenizer_new(bytes_of(text), UNICODE_NFC, NULL, &t, NULL), 0);
    ck_assert_int_eq(token_session_new(t, &s, NULL), 0);
    for (int i = 0; i < COUNT(want); i++) {
        buffer got = {0};
        ck_assert_int_eq(token_words(s, bytes_of(want[i][0]), &made, NULL), 0);
        ck_assert_uint_eq(made.tokens, 1);
        for (size_t w = 0; w < made.words; w++) {
            if (w) buffer_add_char(&got, '|');
            buffer_add_bytes(&got, made.word[w]);
        }
        buffer_add_char(&got, '\0');
        ck_assert_str_eq(got.data, want[i][1]);
        buffer_free(&got);
    }
    token_text_free(&made);
    token_session_free(s);
    tokenizer_free(t);
}
END_TEST

START_TEST(test_default) {
    tokenizer *t;
    ck_assert_int_eq(tokenizer_new((bytes){0}, UNICODE_NFKC, NULL, &t, NULL), 0);
    ck_assert(bytes_equal(tokenizer_rules(t), rules_default()));
    ck_assert_int_eq(tokenizer_form(t), UNICODE_NFKC);
    tokenizer_free(t);
}
END_TEST

static const struct {
    const char *text;
    int code;
    size_t line, column;
    const char *want;
} fault_cases[] = {
    {"token a\ntoken (b\n", RILL_EDATA, 2, 9, "regular expression"},
    {"token [z-a]", RILL_EDATA, 1, 10, "regular expression"},
    {"token a\n   split *", RILL_EDATA, 2, 10, "regular expression"},
    {"token a\nstop \\p{Nothing}", RILL_EDATA, 2, 17, "regular expression"},
    {"token \\C", RILL_EDATA, 1, 9, "regular expression"},
    {"token a)|(b", RILL_EDATA, 1, 8, "regular expression"},
    {"token a\nwords du", RILL_EDATA, 2, 7, "words TOKEN WORD"},
    {"token a\nwords", RILL_EDATA, 2, 6, "words TOKEN WORD"},
    {"token a\nwords Du de le", RILL_EDATA, 2, 7, "lower case"},
    {"token a\nwords du de  le", RILL_EDATA, 2, 7, "one blank"},
    {"token a\nwords du de\u00A0le", RILL_EDATA, 2, 7, "one blank"},
    {"token a\nwords du de\tle", RILL_EDATA, 2, 7, "one blank"},
    {"token a\nwords du de le\nwords du d", RILL_EDATA, 3, 7, "twice"},
    {"token a\ntokens b", RILL_EDATA, 2, 1, "expected let, token"},
    {"token", RILL_EDATA, 1, 6, "expected a regular expression"},
    {"token a\nclose  ", RILL_EDATA, 2, 6, "expected a regular expression"},
    {"token x{{no}}", RILL_EDATA, 1, 8, "unknown name"},
    {"let a x\ntoken {{a", RILL_EDATA, 2, 7, "unknown name"},
    {"let a x\nlet a y\ntoken a", RILL_EDATA, 2, 5, "twice"},
    {"let a\ntoken a", RILL_EDATA, 1, 5, "let NAME REGEX"},
    {"let a (", RILL_EDATA, 1, 8, "regular expression"},
    {"let x    (", RILL_EDATA, 1, 11, "regular expression"},
    {"let x \t {{y}}", RILL_EDATA, 1, 9, "unknown name"},
    {"let a b\ntoken {{a}}(", RILL_EDATA, 2, 7, "regular expression"},
    {"token a\xFF", RILL_EDATA, 1, 8, "UTF-8"},
    {"# nothing\n", RILL_EDATA, 0, 0, "without a token rule"},
    {"stop x\n", RILL_EDATA, 0, 0, "without a token rule"},
    {"token \\Qab\ntoken c", RILL_EDATA, 0, 0, "regular expression"},
};

START_TEST(test_fault) {
    tokenizer *t;
    rill_error error = {0};
    int status =
        tokenizer_new(bytes_of(fault_cases[_i].text), UNICODE_NFC, "own.rules", &t, &error);
    ck_assert_int_eq(status, fault_cases[_i].code);
    ck_assert_ptr_null(t);
    ck_assert_str_eq(error.file, "own.rules");
    ck_assert_uint_eq(error.line, fault_cases[_i].line);
    ck_assert_uint_eq(error.column, fault_cases[_i].column);
    ck_assert_msg(strstr(error.message, fault_cases[_i].want) != NULL, "%s", error.message);
}
END_TEST

/* Names that double at every line, or come back in every rule, must not fill the memory. */
START_TEST(test_growth) {
    buffer text = {0};
    tokenizer *t;
    rill_error error = {0};
    buffer_add_text(&text, "let a0 xxxxxxxx\n");
    for (int i = 1; i < 64; i++) {
        int used = _i ? 0 : i - 1;
        buffer_printf(&text, "let a%d {{a%d}}{{a%d}}\n", i, used, used);
    }
    for (int i = 0; i < 100000; i++) buffer_add_text(&text, "token {{a1}}\n");
    int status = tokenizer_new(buffer_view(&text), UNICODE_NFC, "big", &t, &error);
    /* The doubling one may pass PCRE2's own limit first. */
    ck_assert(status == RILL_ELIMIT || (_i == 0 && status == RILL_EDATA));
    ck_assert_uint_gt(error.line, _i ? 64 : 10);
    buffer_free(&text);
}
END_TEST

/* A rule that gives up on a text is an error of that text, and the session goes on. */
START_TEST(test_give_up) {
    tokenizer *t;
    token_session *s;
    token_text text = {0};
    rill_error error = {0};
    buffer raw = {0};
    for (int i = 0; i < 200000; i++) buffer_add_char(&raw, 'a');
    ck_assert_int_eq(tokenizer_new(BYTES("token (?:a|b|ab)*[cd]"), UNICODE_NFC, NULL, &t, NULL), 0);
    ck_assert_int_eq(token_session_new(t, &s, NULL), 0);
    ck_assert_int_eq(token_words(s, buffer_view(&raw), &text, &error), RILL_ELIMIT);
    ck_assert_uint_eq(error.column, 1);
    ck_assert_int_eq(token_words(s, BYTES("ababc x"), &text, &error), 0);
    ck_assert_uint_eq(text.tokens, 2);
    token_text_free(&text);
    buffer_free(&raw);
    token_session_free(s);
    tokenizer_free(t);
}
END_TEST

void add_rules_cases(Suite *suite) {
    TCase *rules = tcase_create("rules");
    tcase_set_timeout(rules, 60);
    tcase_add_test(rules, test_pattern);
    tcase_add_test(rules, test_pattern_starts);
    tcase_add_test(rules, test_limits);
    tcase_add_test(rules, test_own);
    tcase_add_test(rules, test_words);
    tcase_add_test(rules, test_default);
    tcase_add_loop_test(rules, test_fault, 0, COUNT(fault_cases));
    tcase_add_loop_test(rules, test_growth, 0, 2);
    tcase_add_test(rules, test_give_up);
    suite_add_tcase(suite, rules);
}
