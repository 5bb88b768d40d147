/* check_text_vocab: counting, order, limits, files, model arrays. */
#include "check_text.h"
#include "text/vocab.h"
#include <unistd.h>

static void count_words(tally *t, const char *words) {
    bytes rest = bytes_of(words), word;
    while (bytes_split(&rest, ' ', &word)) ck_assert_int_eq(tally_add(t, word, 1), 0);
}

static void expect(const vocab *v, const char *words) {
    buffer b = {0};
    for (int32_t i = 0; i < vocab_size(v); i++) {
        if (i) buffer_add_char(&b, ' ');
        buffer_add_bytes(&b, vocab_word(v, i));
        buffer_printf(&b, ":%lld", (long long)v->count[i]);
    }
    ck_assert_str_eq(b.data ? b.data : "", words);
    buffer_free(&b);
}

static const bytes specials[] = {{"<unk>", 5}, {"<s>", 3}};

static const struct {
    int64_t min_count;
    int32_t max_size, specials;
    const char *text, *want;
} build_cases[] = {
    {1, 0, 0, "b a b c a b", "b:3 a:2 c:1"},
    {1, 0, 0, "c b a é z B", "B:1 a:1 b:1 c:1 z:1 é:1"}, /* ties by bytes */
    {1, 0, 0, "z é B a c b", "B:1 a:1 b:1 c:1 z:1 é:1"}, /* whatever the order */
    {1, 0, 0, "aa a ab a aa ab", "a:2 aa:2 ab:2"},
    {2, 0, 2, "b a b c a b", "<unk>:0 <s>:0 b:3 a:2"},
    {1, 3, 2, "b a b c a b", "<unk>:0 <s>:0 b:3"},
    {1, 0, 2, "<s> a <unk> a <s> <s>", "<unk>:0 <s>:0 a:2"}, /* text can't forge specials */
    {9, 0, 1, "a b", "<unk>:0"},
    {9, 0, 0, "a b", ""},
};

START_TEST(test_build) {
    tally t = {0};
    vocab v = {0};
    count_words(&t, build_cases[_i].text);
    ck_assert_int_eq(vocab_build(&v, &t, specials, build_cases[_i].specials,
                                 build_cases[_i].min_count, build_cases[_i].max_size, NULL),
                     0);
    expect(&v, build_cases[_i].want);
    for (int32_t i = v.specials; i < vocab_size(&v); i++) {
        ck_assert_int_eq(vocab_id(&v, vocab_word(&v, i)), i);
    }
    int32_t unknown = v.specials ? 0 : -1;
    ck_assert_int_eq(vocab_id(&v, BYTES("never seen")), unknown);
    ck_assert_int_eq(vocab_id(&v, BYTES("<s>")), unknown);
    vocab_free(&v);
    tally_free(&t);
}
END_TEST

/* Counts that come from a file may be anything; their sums end at the most there is. */
START_TEST(test_tally_ends) {
    tally t = {0};
    ck_assert_int_eq(tally_add(&t, BYTES("a"), INT64_MAX - 1), 0);
    ck_assert_int_eq(tally_add(&t, BYTES("a"), 1), 0);
    ck_assert_int_eq(tally_add(&t, BYTES("a"), 1), 0);
    ck_assert_int_eq(tally_add(&t, BYTES("a"), INT64_MAX), 0);
    ck_assert(t.count[0] == INT64_MAX);
    tally_free(&t);
}
END_TEST

START_TEST(test_build_refused) {
    tally t = {0};
    vocab v = {0};
    const bytes twice[] = {{"<a>", 3}, {"<a>", 3}};
    ck_assert_int_eq(vocab_build(&v, &t, twice, 2, 1, 0, NULL), RILL_EDATA);
    vocab_free(&v);
    ck_assert_int_eq(vocab_build(&v, &t, NULL, 0, 0, 0, NULL), RILL_EUSAGE);
    vocab_free(&v);
}
END_TEST

START_TEST(test_file) {
    char path[] = "check_vocab_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    tally t = {0};
    vocab v = {0}, back = {0};
    count_words(&t, "한국 b a b café \xE2\x80\xA8 # \" b");
    ck_assert_int_eq(tally_add(&t, BYTES("big"), INT64_C(1) << 40), 0);
    ck_assert_int_eq(tally_add(&t, BYTES(""), 2), 0);
    ck_assert_int_eq(vocab_build(&v, &t, specials, 2, 1, 0, NULL), 0);
    ck_assert_int_eq(vocab_save(&v, path, NULL), 0);
    ck_assert_int_eq(vocab_open(&back, path, NULL), 0);
    ck_assert_int_eq(back.specials, 2);
    ck_assert_int_eq(vocab_size(&back), vocab_size(&v));
    for (int32_t i = 0; i < vocab_size(&v); i++) {
        ck_assert(bytes_equal(vocab_word(&v, i), vocab_word(&back, i)));
        ck_assert_int_eq(v.count[i], back.count[i]);
    }
    vocab_free(&v);
    vocab_free(&back);
    ck_assert_int_eq(tally_add(&t, BYTES("tab\there"), 1), 0);
    ck_assert_int_eq(vocab_build(&v, &t, NULL, 0, 1, 0, NULL), 0);
    ck_assert_int_eq(vocab_save(&v, path, NULL), RILL_EDATA);
    vocab_free(&v);
    tally_free(&t);
    unlink(path);
    rill_error error;
    ck_assert_int_eq(vocab_open(&v, path, &error), RILL_EIO);
}
END_TEST

static const struct {
    const char *text;
    size_t line, column; /* 0: accepted */
    const char *want;    /* contents or part of the message */
} read_cases[] = {
    {"", 0, 0, ""},
    {"<u>\t0\na\t5\nb\t7\n", 0, 0, "<u>:0 a:5 b:7"}, /* the file's order is kept */
    {"a\t5\r\nb\t7", 0, 0, "a:5 b:7"},
    {"a\t5\nb\t7\na\t1\n", 3, 1, "twice"},
    {"a\t5\nb\n", 2, 2, "word TAB count"},
    {"a\t5\n\nb\t1", 2, 1, "word TAB count"},
    {"a\tfive\n", 1, 3, "expected a count, found \"five\""},
    {"a\t-1\n", 1, 3, "expected a count"},
    {"a\t1\t2\n", 1, 3, "expected a count"},
    {"a\t99999999999999999999\n", 1, 3, "expected a count"},
    {"a\t5\nb\t0\n", 2, 3, "come first"},
    {"a\t5\nx\xC3\t1\n", 2, 2, "UTF-8"},
};

START_TEST(test_read) {
    reader *r;
    vocab v = {0};
    rill_error error = {0};
    ck_assert_int_eq(reader_open_bytes(bytes_of(read_cases[_i].text), "v.txt", &r, NULL), 0);
    int status = vocab_read(&v, r, &error);
    if (read_cases[_i].line) {
        ck_assert_int_eq(status, RILL_EDATA);
        ck_assert_str_eq(error.file, "v.txt");
        ck_assert_uint_eq(error.line, read_cases[_i].line);
        ck_assert_uint_eq(error.column, read_cases[_i].column);
        ck_assert_ptr_nonnull(strstr(error.message, read_cases[_i].want));
        ck_assert_int_eq(vocab_size(&v), 0);
    } else {
        ck_assert_int_eq(status, 0);
        expect(&v, read_cases[_i].want);
    }
    reader_close(r);
    vocab_free(&v);
}
END_TEST

static int restore(vocab *v, const char *text, const int64_t *start, const int64_t *count,
                   size_t size) {
    return vocab_restore(v, bytes_of(text), start, count, size, NULL);
}

START_TEST(test_restore) {
    const int64_t start[] = {0, 3, 4, 6}, bad_start[] = {0, 3, 2, 6}, invalid[] = {0, 3, 5, 6};
    const int64_t count[] = {0, 5, 2}, late_special[] = {3, 0, 2}, negative[] = {0, 5, -2};
    vocab v = {0};
    ck_assert_int_eq(restore(&v, "<u>aé", start, count, 3), 0);
    expect(&v, "<u>:0 a:5 é:2");
    ck_assert_int_eq(v.specials, 1);
    ck_assert_int_eq(vocab_id(&v, BYTES("é")), 2);
    vocab_free(&v);
    ck_assert_int_lt(restore(&v, "<u>aé", bad_start, count, 3), 0);
    ck_assert_int_eq(restore(&v, "<u>aé", invalid, count, 3), RILL_EMODEL);
    ck_assert_int_eq(restore(&v, "<u>aé", start, late_special, 3), RILL_EMODEL);
    ck_assert_int_eq(restore(&v, "<u>aé", start, negative, 3), RILL_EMODEL);
    ck_assert_int_eq(restore(&v, "", (const int64_t[]){0}, NULL, 0), 0);
    vocab_free(&v);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

void add_vocab_cases(Suite *suite) {
    TCase *vocabulary = tcase_create("vocab");
    tcase_add_loop_test(vocabulary, test_build, 0, COUNT(build_cases));
    tcase_add_test(vocabulary, test_tally_ends);
    tcase_add_test(vocabulary, test_build_refused);
    tcase_add_test(vocabulary, test_file);
    tcase_add_loop_test(vocabulary, test_read, 0, COUNT(read_cases));
    tcase_add_test(vocabulary, test_restore);
    suite_add_tcase(suite, vocabulary);
}
