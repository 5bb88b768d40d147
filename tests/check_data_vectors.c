/* check_data_vectors: word vectors in every form, wanted rows only, and what is wrong with a file.
 */
#include "check_data.h"
#include "data/vectors.h"

static vectors load(const char *name, bytes content, const vectors_options *options) {
    vectors v = {0};
    rill_error error = {0};
    int status = vectors_load(temp_file(name, content), options, &v, &error);
    ck_assert_msg(status == 0, "%s:%zu: %s", error.file, error.line, error.message);
    temp_remove();
    return v;
}

static void check_row(const vectors *v, const char *word, float a, float b) {
    int32_t id = strmap_find(&v->words, bytes_of(word));
    ck_assert_msg(id >= 0, "no row for %s", word);
    ck_assert_float_eq(vectors_row(v, id)[0], a);
    ck_assert_float_eq(vectors_row(v, id)[1], b);
}

/* Numbers chosen so that their bytes hold LF, CR LF, a blank, and a gzip-like start. */
#define F_LF "\x0A\x0A\x0A\x3F"
#define F_CRLF "\x0D\x0A\x20\x3F"
#define BINARY                                                                                     \
    "3 2\n"                                                                                        \
    "the " F_LF F_CRLF "\n"                                                                        \
    "of " F_CRLF F_LF "\n"                                                                         \
    "a \0\0\x80\x3F\0\0\0\xC0"

static float float_of(const char *little) {
    uint32_t word = 0;
    for (int i = 3; i >= 0; i--) word = word << 8 | (unsigned char)little[i];
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static const struct {
    const char *name;
    bytes text;
    int32_t rows;
    size_t declared, seen;
} form[] = {
    {"glove.txt", TEXT("the 1 2\nof 0.5 -1e1\n"), 2, 0, 2},
    {"w2v.txt", TEXT("2 2\nthe 1 2 \nof 0.5 -1e1 \n"), 2, 2, 2},
    {"fast.vec.gz", TEXT(BOM "2 2\r\nthe 1 2\r\nof\t0.5\t-1e1\r\n\r\n"), 2, 2, 2},
    {"blanks.txt", TEXT("the 1 2\nnew york 3 4\n. . 5 6\nof 0.5 -10"), 4, 0, 4},
    {"twice.txt", TEXT("the 1 2\nof 0.5 -10\nthe 8 9\n"), 2, 0, 3},
    {"odd.txt", TEXT("the 1 2\n\xFF 1 1\n 7 7\nof 0.5 -10\n"), 2, 0, 4},
};

START_TEST(reads_text_forms) {
    vectors v = load(form[_i].name, form[_i].text, NULL);
    ck_assert_int_eq(v.words.count, form[_i].rows);
    ck_assert_int_eq(v.width, 2);
    ck_assert_uint_eq(v.declared, form[_i].declared);
    ck_assert_uint_eq(v.seen, form[_i].seen);
    check_row(&v, "the", 1, 2);
    check_row(&v, "of", 0.5f, -10);
    if (_i == 3) check_row(&v, "new york", 3, 4);
    if (_i == 3) check_row(&v, ". .", 5, 6);
    ck_assert_uint_eq(v.duplicates, _i == 4);
    ck_assert_uint_eq(v.unusable, _i == 5 ? 2 : 0);
    vectors_free(&v);
}
END_TEST

START_TEST(reads_binary) {
    static const char *const names[] = {"v.bin", "v.bin.gz"};
    for (int i = 0; i < 2; i++) {
        vectors v = load(names[i], TEXT(BINARY), NULL);
        ck_assert_int_eq(v.words.count, 3);
        check_row(&v, "the", float_of(F_LF), float_of(F_CRLF));
        check_row(&v, "of", float_of(F_CRLF), float_of(F_LF));
        check_row(&v, "a", 1, -2);
        vectors_free(&v);
    }
}
END_TEST

/* Every cut of a binary file is noticed, and named. */
START_TEST(notices_cut_binary) {
    bytes whole = TEXT(BINARY);
    vectors_options options = {.format = VECTORS_BINARY};
    for (size_t size = 0; size < whole.size; size++) {
        vectors v;
        rill_error error = {0};
        const char *path = temp_file("v.bin", bytes_slice(whole, 0, size));
        ck_assert_int_eq(vectors_load(path, &options, &v, &error), RILL_EDATA);
        ck_assert_msg(strstr(error.message, "expected") != NULL, "%s", error.message);
    }
    temp_remove();
}
END_TEST

static bool want_of(void *data, bytes word) {
    ++*(int *)data;
    return bytes_equal(word, TEXT("of"));
}

START_TEST(keeps_wanted_rows) {
    int asked = 0;
    vectors_options options = {.want = want_of, .want_data = &asked};
    /* The numbers of what nobody wants are not even looked at. */
    vectors v = load("v.txt", TEXT("the 1 2\nof 3 4\nThe x y\nof 5 6\nx x x\n"), &options);
    ck_assert_int_eq(v.words.count, 1);
    check_row(&v, "of", 3, 4);
    ck_assert_int_eq(asked, 4); /* not for the second "of" */
    vectors_free(&v);
}
END_TEST

START_TEST(stops_at_the_limit) {
    vectors_options options = {.limit = 1};
    vectors v = load("v.txt", TEXT("the 1 2\nof 3 4\n"), &options);
    ck_assert_int_eq(v.words.count, 1);
    ck_assert_uint_eq(v.seen, 1);
    vectors_free(&v);
    v = load("v.bin", TEXT(BINARY), &options);
    ck_assert_int_eq(v.words.count, 1);
    vectors_free(&v);
}
END_TEST

START_TEST(counts_coverage) {
    vectors v = load("v.txt", TEXT("the 1 2\nof 3 4\n\xC3\xA9t\xC3\xA9 5 6\nParis 7 8\n"), NULL);
    static const char *const words[] = {"the", "The", "OF", "\xC3\x89T\xC3\x89", "x", "paris"};
    strmap map = {0};
    int32_t id;
    size_t exact, lower;
    buffer scratch = {0};
    for (size_t i = 0; i < 6; i++) ck_assert_int_eq(strmap_add(&map, bytes_of(words[i]), &id), 0);
    ck_assert_int_eq(vectors_coverage(&v, &map, &exact, &lower), 0);
    ck_assert_uint_eq(exact, 1);
    ck_assert_uint_eq(lower, 3);
    ck_assert_int_eq(vectors_find(&v, TEXT("OF"), &scratch), 1);
    ck_assert_int_eq(vectors_find(&v, TEXT("paris"), &scratch), -1);
    buffer_free(&scratch);
    strmap_free(&map);
    vectors_free(&v);
}
END_TEST

static const struct {
    bytes text;
    vectors_options options;
    size_t line, column;
    const char *message;
} fault[] = {
    {TEXT(""), {0}, 1, 0, "found \"\", expected \"COUNT WIDTH\" or a word"},
    {TEXT("word\n"), {0}, 1, 0, "found \"word\""},
    {TEXT("the 1 2\nof 3\n"), {0}, 2, 0, "found 1 numbers in \"of 3\", expected 2"},
    {TEXT("the 1 2\nof 3 4 5\n"), {0}, 2, 0, "found 3 numbers in \"of 3 4 5\", expected 2"},
    {TEXT("the 1 2\nof 3 x4\n"), {0}, 2, 6, "found \"x4\", expected a finite number"},
    {TEXT("the 1 2\nof 3 nan\n"), {0}, 2, 6, "found \"nan\", expected a finite number"},
    {TEXT("the 1 2\nof 1e99 3\n"), {0}, 2, 4, "found \"1e99\", expected a finite number"},
    {TEXT("the 1 2\n"), {.width = 3}, 1, 0, "found 2, expected 3"},
    {TEXT("2 2\nthe 1 2\nof 3\n"), {0}, 3, 0, "found 1 numbers"},
    {TEXT("2 99999999\n"), {0}, 1, 0, "found 99999999, expected 1 to 65536"},
    {TEXT("2 2\n"), {0}, 2, 0, "found the end of the file, expected 2 rows"},
    {TEXT("the 1 2\n"), {.format = VECTORS_BINARY}, 1, 0, "expected \"COUNT WIDTH\""},
    {TEXT("1 1\na \0\0\x80\x7F"), {0}, 0, 0, "a number that is not finite in row 1"},
    {TEXT("2 1\na \0\0\x80\x3F"), {0}, 0, 0, "at byte 11, found the end of the file in row 2"},
};

START_TEST(names_the_fault) {
    vectors v;
    rill_error error = {0};
    const char *path = temp_file("v", fault[_i].text);
    ck_assert_int_eq(vectors_load(path, &fault[_i].options, &v, &error), RILL_EDATA);
    ck_assert_msg(strstr(error.message, fault[_i].message) != NULL, "%s", error.message);
    ck_assert_uint_eq(error.line, fault[_i].line);
    ck_assert_uint_eq(error.column, fault[_i].column);
    ck_assert_str_eq(error.file, path);
    temp_remove();
}
END_TEST

TCase *vectors_cases(void) {
    TCase *t = tcase_create("vectors");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, reads_text_forms, 0, (int)(sizeof form / sizeof *form));
    tcase_add_loop_test(t, names_the_fault, 0, (int)(sizeof fault / sizeof *fault));
    tcase_add_test(t, reads_binary);
    tcase_add_test(t, notices_cut_binary);
    tcase_add_test(t, keeps_wanted_rows);
    tcase_add_test(t, stops_at_the_limit);
    tcase_add_test(t, counts_coverage);
    return t;
}
