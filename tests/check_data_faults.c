/* check_data_faults: every fault has its place and says what was expected; reading goes on behind
 * it; no bytes whatsoever do harm. */
#include "check_data.h"

#include "base/io.h"
#include "base/rng.h"

#include <unistd.h>

/* ---- files for tests */

static char temp_folder[64], temp_path[256];

const char *temp_file(const char *name, bytes content) {
    writer *w;
    if (!*temp_folder) {
        strcpy(temp_folder, "/tmp/rill-data-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(temp_folder));
    }
    snprintf(temp_path, sizeof temp_path, "%s/%s", temp_folder, name);
    ck_assert_int_eq(writer_open(temp_path, &w, NULL), 0);
    ck_assert_int_eq(writer_add_bytes(w, content, NULL), 0);
    ck_assert_int_eq(writer_commit(w, NULL), 0);
    writer_close(w);
    return temp_path;
}

void temp_remove(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", temp_folder);
    ck_assert_int_eq(system(command), 0);
    *temp_folder = 0;
}

/* ---- one fault each */

#define ROW(n) n "\ta" NIL

static const struct {
    corpus_options options;
    bytes text;
    size_t line, column;
    const char *message;
} fault[] = {
    {{.format = CORPUS_CONLLU},
     TEXT("1\ta\tb\n"),
     1,
     6,
     "wrong number of columns, found 3 in \"1\\x09a\\x09b\", expected 10"},
    {{.format = CORPUS_CONLLU}, TEXT("\n1\ta\t_\t_\t_\t_\t_\t_\t_\t_\t_\n"), 2, 21, "found 11"},
    {{.format = CORPUS_CONLLU}, TEXT("1\t\t_\t_\t_\t_\t_\t_\t_\t_\n"), 1, 3, "empty column 2"},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("1") ROW("2") ROW("4")), 3, 1, "found \"4\", expected 3"},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("2")), 1, 1, "word out of order, found \"2\", expected 1"},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("01")), 1, 1, "bad word number, found \"01\""},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("1-")), 1, 1, "bad word number"},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("1234567890")), 1, 1, "bad word number"},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("x")), 1, 1, "bad word number, found \"x\""},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("2-1") ROW("1")), 1, 1, "does not end before it begins"},
    {{.format = CORPUS_CONLLU},
     TEXT(ROW("1-2") ROW("1") ROW("2-3") ROW("2") ROW("3")),
     3,
     1,
     "found \"2-3\", expected a range that overlaps none before"},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("2-3") ROW("1")), 1, 1, "right before its first word"},
    {{.format = CORPUS_CONLLU},
     TEXT(ROW("1-3") ROW("1") ROW("2") "\n"),
     4,
     0,
     "found \"1-3\", expected an end within the 2 words"},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("1-3") ROW("1")), 2, 0, "within the 1 words"},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("1") ROW("2.1")), 2, 1, "found \"2.1\", expected 1.1"},
    {{.format = CORPUS_CONLLU}, TEXT(ROW("0.2")), 1, 1, "found \"0.2\", expected 0.1"},
    {{.format = CORPUS_CONLLU},
     TEXT("# \xFF\n"),
     1,
     3,
     "found the bytes \"\\xFF\", expected UTF-8"},
    {{.format = CORPUS_CONLLU}, TEXT(BOM "1\t\xC3(\n"), 1, 3, "expected UTF-8"},
    {{.format = CORPUS_CONLLU}, TEXT("1\ta\0b\n"), 1, 4, "found a NUL byte"},
    {{.format = CORPUS_COLUMNS}, TEXT("a b\nc\n"), 2, 2, "found 1 in \"c\", expected 2 separated"},
    {{.format = CORPUS_COLUMNS}, TEXT("a\tb\nc\td\te\n"), 2, 5, "separated by TABs"},
    {{.format = CORPUS_COLUMNS}, TEXT("a\tb\nc d\n"), 2, 4, "found 1 in \"c d\""},
    {{.format = CORPUS_COLUMNS}, TEXT("a\tb\n\tO\n"), 2, 3, "found 1"},
    {{.format = CORPUS_VERTICAL}, TEXT("a\nb\tc\n"), 2, 2, "expected one word a line"},
    {{.format = CORPUS_HORIZONTAL}, TEXT("a_X b\n"), 1, 5, "found \"b\", expected word_TAG"},
    {{.format = CORPUS_HORIZONTAL}, TEXT("a_\n"), 1, 1, "found \"a_\", expected word_TAG"},
    {{.format = CORPUS_HORIZONTAL}, TEXT("_X\n"), 1, 1, "found \"_X\", expected word_TAG"},
    {{.format = CORPUS_TEXT}, TEXT("ok\nab\xED\xA0\x80\n"), 2, 3, "expected UTF-8"},
    {{.format = CORPUS_TEXT}, TEXT("a\n\0\n"), 2, 1, "found a NUL byte"},
};

START_TEST(names_the_place) {
    corpus *c;
    record r = {0};
    rill_error error = {0};
    int status;
    ck_assert_int_eq(corpus_open_bytes(fault[_i].text, "f", &fault[_i].options, &c, &error), 0);
    while ((status = corpus_next(c, &r, &error)) > 0) {
    }
    ck_assert_int_eq(status, RILL_EDATA);
    ck_assert_int_eq(error.code, RILL_EDATA);
    ck_assert_str_eq(error.file, "f");
    ck_assert_msg(strstr(error.message, fault[_i].message) != NULL, "%s", error.message);
    ck_assert_uint_eq(error.line, fault[_i].line);
    ck_assert_uint_eq(error.column, fault[_i].column);
    corpus_close(c);
    record_free(&r);
}
END_TEST

/* Only the faulty sentence is lost, whether the fault stands in it or at its end. */
START_TEST(goes_on_behind_a_fault) {
    static const struct {
        corpus_options options;
        const char *text;
    } row[] = {
        {{.format = CORPUS_CONLLU}, ROW("2") ROW("x") "\xFF\n\n" ROW("1")},
        {{.format = CORPUS_CONLLU}, ROW("1-2") ROW("1") "\n" ROW("1")},
        {{.format = CORPUS_COLUMNS}, "a b\nc\nd e f\n\na b\n"},
        {{.format = CORPUS_VERTICAL}, "\xFF\nb\tc\n\na\n"},
        {{.format = CORPUS_HORIZONTAL}, "a\na_b\n"},
        {{.format = CORPUS_TEXT}, "\xFF\na\n"},
        {{.format = CORPUS_TEXT, .wrapped = true}, "\xFF\nx\n\na\n"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        corpus *c;
        record r = {0};
        ck_assert_int_eq(corpus_open_bytes(bytes_of(row[i].text), "f", &row[i].options, &c, NULL),
                         0);
        ck_assert_int_eq(corpus_next(c, &r, NULL), RILL_EDATA);
        ck_assert_int_eq(corpus_next(c, &r, NULL), 1);
        ck_assert_uint_eq(r.number, 1);
        ck_assert_int_eq(r.words, row[i].options.format != CORPUS_TEXT);
        ck_assert_int_eq(corpus_next(c, &r, NULL), 0);
        corpus_close(c);
        record_free(&r);
    }
}
END_TEST

START_TEST(bounds_the_record) {
    corpus_options options = {.format = CORPUS_VERTICAL, .max_record = 8};
    corpus *c;
    record r = {0};
    rill_error error = {0};
    ck_assert_int_eq(corpus_open_bytes(TEXT("abcdef\n\nab\ncd\nef\n"), "f", &options, &c, NULL), 0);
    ck_assert_int_eq(corpus_next(c, &r, &error), 1);
    ck_assert_int_eq(corpus_next(c, &r, &error), RILL_ELIMIT);
    ck_assert_uint_eq(error.line, 5);
    corpus_close(c);
    record_free(&r);
}
END_TEST

START_TEST(refuses_unreadable_files) {
    corpus *c;
    rill_error error = {0};
    ck_assert_int_eq(corpus_open("/nowhere/x.conllu", NULL, &c, &error), RILL_EIO);
    ck_assert_ptr_nonnull(strstr(error.message, "/nowhere/x.conllu"));
    /* Damaged gzip data are not a fault one could pass over. */
    const char *path = temp_file("cut", TEXT("\x1F\x8B\x08\0\0\0\0\0\0\x03KL"));
    record r = {0};
    corpus_options options = {.format = CORPUS_TEXT};
    ck_assert_int_eq(corpus_open(path, &options, &c, NULL), 0);
    ck_assert_int_eq(corpus_next(c, &r, &error), RILL_EIO);
    ck_assert_int_eq(error.code, RILL_EIO);
    corpus_close(c);
    record_free(&r);
    temp_remove();
}
END_TEST

/* Messages stay short, printable and whole whatever was found. */
START_TEST(quotes_what_it_found) {
    static const struct {
        const char *piece, *shown;
    } row[] = {
        {"\"x\\", "found \"\\x22x\\x5C\""},
        {"a\x01", "found \"a\\x01\""},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "found \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\""},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xC3\xA9", "found \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\""},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        corpus *c;
        record r = {0};
        rill_error error;
        corpus_options options = {.format = CORPUS_HORIZONTAL};
        ck_assert_int_eq(corpus_open_bytes(bytes_of(row[i].piece), "f", &options, &c, NULL), 0);
        ck_assert_int_eq(corpus_next(c, &r, &error), RILL_EDATA);
        ck_assert_msg(strstr(error.message, row[i].shown) != NULL, "%s", error.message);
        corpus_close(c);
        record_free(&r);
    }
}
END_TEST

/* ---- any bytes */

static const char *const seeds[] = {
    "# text = a b\n1-2\tab" NIL "1\ta" NIL "2\tb" NIL "2.1\tb" NIL "\n# newpar\n1\ta" NIL "\n",
    "-DOCSTART- O\n\na B-X\nb I-X\n\nc O\n",
    "a\tB-X\nb c\tI-X\n\t\nd\tO\n",
    "a_X b_Y\n\nc_Z\r\n",
    "a\nb\n\nc\n",
};

/* Some bytes of the text replaced, doubled or dropped. */
static void mutate(bytes seed, rng *random, buffer *out) {
    static const char odd[] = "\0\n\r\t _-.#1290\xFF\xEF\xBB\xBF\xE2\x80\xA8";
    buffer_clear(out);
    for (size_t i = 0; i < seed.size; i++) {
        uint64_t kind = rng_below(random, 40);
        if (kind == 0) continue;
        if (kind == 1) buffer_add_char(out, odd[rng_below(random, sizeof odd - 1)]);
        buffer_add_char(out, seed.data[i]);
        if (kind == 2) buffer_add_char(out, seed.data[i]);
    }
}

/* Whatever is read without a fault is written back whole. */
static void read_all(bytes text, corpus_options options) {
    corpus *c;
    record r = {0};
    buffer out = {0};
    bool faults = false;
    int status;
    if (corpus_open_bytes(text, "f", &options, &c, NULL) < 0) return;
    while ((status = corpus_next(c, &r, NULL)) != 0) {
        faults |= status < 0;
        if (status < 0) continue;
        record_write(&r, NULL, 0, &out);
        for (size_t w = 0; w < r.words; w++) {
            for (size_t k = 0; k < r.columns; k++) ck_assert_uint_gt(record_cell(&r, w, k).size, 0);
            ck_assert_uint_gt(record_word_line(&r, w), 0);
        }
        (void)record_text(&r);
    }
    if (!faults) ck_assert(bytes_equal(text, out.data ? buffer_view(&out) : TEXT("")));
    corpus_close(c);
    record_free(&r);
    buffer_free(&out);
}

START_TEST(survives_any_bytes) {
    rng random = rng_make(test_seed("survives_any_bytes"), 1, 0);
    buffer text = {0};
    for (int round = 0; round < 3000; round++) {
        mutate(bytes_of(seeds[rng_below(&random, sizeof seeds / sizeof *seeds)]), &random, &text);
        corpus_options options = {.format = (corpus_format)rng_below(&random, CORPUS_TEXT + 1),
                                  .untagged = rng_below(&random, 2),
                                  .wrapped = rng_below(&random, 2),
                                  .plain = rng_below(&random, 2),
                                  .columns = rng_below(&random, 4) ? NULL : "a,b"};
        read_all(text.data ? buffer_view(&text) : TEXT(""), options);
    }
    buffer_free(&text);
}
END_TEST

TCase *fault_cases(void) {
    TCase *t = tcase_create("faults");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, names_the_place, 0, (int)(sizeof fault / sizeof *fault));
    tcase_add_test(t, goes_on_behind_a_fault);
    tcase_add_test(t, bounds_the_record);
    tcase_add_test(t, refuses_unreadable_files);
    tcase_add_test(t, quotes_what_it_found);
    tcase_add_test(t, survives_any_bytes);
    return t;
}
