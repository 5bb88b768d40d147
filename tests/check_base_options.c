/* check_base_options: JSON, and the option table on it. */
#include "check_base.h"

#include "base/options.h"
#include <math.h>
#include <unistd.h>

/* ---- json */

START_TEST(json_is_canonical) {
    static const char *const rows[][2] = {
        {" { \"b\" : 1 , \"a\":[ ] } ", "{\"b\":1,\"a\":[]}"},
        {"[0.1, 1e2, -0.0, 1.50, 1E400E]", NULL},
        {"[0.1,1e2,-0.0,1.50,3e-320,123456789.125]", "[0.1,100.0,-0.0,1.5,3e-320,123456789.125]"},
        {"[true,false,null,{},\"\"]", "[true,false,null,{},\"\"]"},
        {"[9223372036854775807,-9223372036854775808]",
         "[9223372036854775807,-9223372036854775808]"},
        {"\"\\u00e9\\ud55c\\t\\u001f\\/\"", "\"\xC3\xA9\xED\x95\x9C\\t\\u001f/\""},
        {"17", "17"},
    };
    json_t *value;
    rill_error e = {0};
    int status = json_read(bytes_of(rows[_i][0]), "x", &value, &e);
    if (!rows[_i][1]) {
        ck_assert_int_eq(status, RILL_EDATA);
        return;
    }
    ck_assert_msg(status == 0, "%s", e.message);
    buffer b = {0};
    ck_assert_int_eq(json_write(value, &b, &e), 0);
    check_bytes(buffer_view(&b), rows[_i][1]);
    json_t *again;
    ck_assert_int_eq(json_read(buffer_view(&b), "x", &again, &e), 0);
    ck_assert(json_equal(value, again));
    json_decref(again);
    json_decref(value);
    buffer_free(&b);
}
END_TEST

START_TEST(json_refuses) {
    static const struct {
        bytes text;
        size_t line, column;
    } rows[] = {
        {BYTES(""), 1, 1},
        {BYTES("{"), 1, 1},
        {BYTES("{\"a\":1,\"a\":2}"), 1, 0},
        {BYTES("[1] x"), 1, 5},
        {BYTES("[1][2]"), 1, 4},
        {BYTES("{\"a\":\n1,\n  x}"), 3, 3},
        {BYTES("\"a\0b\""), 1, 0},
        {BYTES("\"a\\u0000b\""), 1, 0},
        {BYTES("\"\xFF\""), 1, 0},
        {BYTES("\"\xED\xA0\x80\""), 1, 0},
        {BYTES("[1e999]"), 1, 0},
        {BYTES("99999999999999999999"), 1, 0},
        {BYTES("nan"), 1, 0},
        {BYTES("[1,]"), 1, 4},
        {BYTES("{\"a\":1}\0"), 1, 0},
    };
    for (int i = 0; i < LENGTH(rows); i++) {
        json_t *value;
        rill_error e = {0};
        ck_assert_msg(json_read(rows[i].text, "f.json", &value, &e) == RILL_EDATA, "row %d", i);
        ck_assert_ptr_null(value);
        ck_assert_str_eq(e.file, "f.json");
        ck_assert_uint_eq(e.line, rows[i].line);
        if (rows[i].column)
            ck_assert_msg(e.column == rows[i].column, "row %d: column %zu: %s", i, e.column,
                          e.message);
    }
}
END_TEST

START_TEST(json_refuses_deep_nesting) {
    buffer b = {0};
    for (int i = 0; i < 1000000; i++) buffer_add_char(&b, '[');
    json_t *value;
    ck_assert_int_eq(json_read(buffer_view(&b), "x", &value, NULL), RILL_EDATA);
    buffer_free(&b);
}
END_TEST

/* A hundred bytes of memory for each of theirs: what stands in strings is no list. */
START_TEST(json_refuses_lists_without_end) {
    buffer b = {0};
    buffer_add_text(&b, "[\"\\\"");
    for (int i = 0; i < 1 << 20; i++) buffer_add_char(&b, '[');
    buffer_add_char(&b, '"');
    json_t *value;
    size_t begin = b.size;
    buffer_add_text(&b, "]");
    ck_assert_int_eq(json_read(buffer_view(&b), "x", &value, NULL), 0);
    json_decref(value);
    b.size = begin;
    for (int i = 0; i < 1 << 20; i++) buffer_add_text(&b, ",{}");
    buffer_add_text(&b, "]");
    rill_error e = {0};
    ck_assert_int_eq(json_read(buffer_view(&b), "x", &value, &e), RILL_ELIMIT);
    ck_assert_ptr_null(value);
    ck_assert_str_eq(e.message, "JSON of more than 1048576 lists and objects");
    buffer_free(&b);
}
END_TEST

/* A chain of additions needs one look at its end: one that failed leaves nothing. */
START_TEST(json_chains) {
    json_t *list = json_array(), *object = json_object();
    json_add(&list, json_text(BYTES("a\xFF" "b")));
    json_add(&list, json_text(BYTES("")));
    json_put(&object, "list", list);
    ck_assert_ptr_nonnull(object);
    ck_assert_str_eq(json_string_value(json_array_get(list, 0)), "a\xEF\xBF\xBD" "b");
    ck_assert_uint_eq(json_array_size(list), 2);
    json_put(&object, "nothing", NULL);
    ck_assert_ptr_null(object);
    json_put(&object, "later", json_true());
    ck_assert_ptr_null(object);
    list = json_array();
    json_add(&list, NULL);
    ck_assert_ptr_null(list);
}
END_TEST

START_TEST(json_quotes) {
    static const struct {
        bytes text;
        const char *quoted;
    } rows[] = {
        {BYTES(""), "\"\""},
        {BYTES("a\"\\\b\f\n\r\t\x01\x7F/"), "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f/\""},
        {BYTES("\xC2\x80\xC2\x9B\xC2\xA0"), "\"\\u0080\\u009b\xC2\xA0\""},
        {BYTES("a\0b"), "\"a\\u0000b\""},
        {BYTES("\xED\x95\x9C\xF0\x9F\x98\x80"), "\"\xED\x95\x9C\xF0\x9F\x98\x80\""},
        {BYTES("\xFFx\xED\x95"), "\"\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {{"\xED\x95\x9C", 2}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* cut inside */
        {BYTES("\xC0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {BYTES("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {BYTES("\xF4\x90\x80\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (int i = 0; i < LENGTH(rows); i++) {
        buffer b = {0};
        json_quote(rows[i].text, &b);
        check_bytes(buffer_view(&b), rows[i].quoted);
        json_t *back; /* JSON always takes it, unless there is a NUL in it */
        bool nul = rows[i].text.size && memchr(rows[i].text.data, '\0', rows[i].text.size);
        ck_assert_int_eq(json_read(buffer_view(&b), "x", &back, NULL), nul ? RILL_EDATA : 0);
        json_decref(back);
        buffer_free(&b);
    }
}
END_TEST

/* ---- options */

typedef struct settings {
    bool bidirectional, quiet;
    int64_t hidden;
    double dropout, rate;
    char *cell, *model, *with;
} settings;

#define AT(field) offsetof(settings, field)
static const option_row rows[] = {
    {"hidden", 'H', OPTION_INT, AT(hidden), "256", 1, 8192, NULL, "N", OPTION_TRAIN | OPTION_STORED,
     "Width."},
    {"bidirectional", 0, OPTION_FLAG, AT(bidirectional), "yes", 0, 0, NULL, NULL,
     OPTION_TRAIN | OPTION_STORED, "Both ways."},
    {"quiet", 'q', OPTION_FLAG, AT(quiet), NULL, 0, 0, NULL, NULL, OPTION_ALL, "No words."},
    {"dropout", 0, OPTION_REAL, AT(dropout), "0.1", 0, 1, NULL, "P", OPTION_TRAIN | OPTION_STORED,
     "Dropped."},
    {"rate", 0, OPTION_REAL, AT(rate), NULL, 0, HUGE_VAL, NULL, "X", OPTION_TRAIN, "Speed."},
    {"cell", 0, OPTION_TEXT, AT(cell), "lstm", 0, 0, "rnn|lstm|gru", "CELL",
     OPTION_TRAIN | OPTION_STORED, "Cell."},
    {"model", 'm', OPTION_TEXT, AT(model), NULL, 0, 0, NULL, "FILE", OPTION_ALL, "Model."},
    {"with", 0, OPTION_LIST, AT(with), NULL, 0, 0, NULL, "FILE", OPTION_APPLY | OPTION_STORED,
     "More models."},
};
static const option_table table = {rows, LENGTH(rows), sizeof(settings)};

static settings make_settings(void) {
    settings s = {0};
    ck_assert_int_eq(options_defaults(&table, &s, NULL), 0);
    return s;
}

START_TEST(options_have_defaults) {
    settings s = make_settings();
    s.model = mem_text("x", 1);
    ck_assert_int_eq(options_defaults(&table, &s, NULL), 0); /* releases and sets anew */
    ck_assert_int_eq(s.hidden, 256);
    ck_assert(s.bidirectional && !s.quiet);
    ck_assert_double_eq(s.dropout, 0.1);
    ck_assert_str_eq(s.cell, "lstm");
    ck_assert(!s.model && !s.with);
    ck_assert_ptr_eq(options_find(&table, BYTES("cell")), &rows[5]);
    ck_assert_ptr_null(options_find(&table, BYTES("cel")));
    options_free(&table, &s);
    ck_assert_ptr_null(s.cell);
}
END_TEST

/* name, value, and the value read back or the message. */
static const char *const set_rows[][3] = {
    {"hidden", "1", "1"},
    {"hidden", "8192", "8192"},
    {"hidden", "abc", "option --hidden: found \"abc\", expected a whole number from 1 to 8192"},
    {"hidden", "0", "option --hidden: found \"0\", expected a whole number from 1 to 8192"},
    {"hidden", "8193", "option --hidden: found \"8193\", expected a whole number from 1 to 8192"},
    {"hidden", "12x", "option --hidden: found \"12x\", expected a whole number from 1 to 8192"},
    {"hidden", "1.5", "option --hidden: found \"1.5\", expected a whole number from 1 to 8192"},
    {"hidden", "", "option --hidden: found \"\", expected a whole number from 1 to 8192"},
    {"dropout", "0.25", "0.25"},
    {"dropout", "1", "1"},
    {"dropout", "1.01", "option --dropout: found \"1.01\", expected a number from 0 to 1"},
    {"dropout", "nan", "option --dropout: found \"nan\", expected a number from 0 to 1"},
    {"rate", "1e-3", "0.001"},
    {"rate", "inf", "option --rate: found \"inf\", expected a number of at least 0"},
    {"rate", "-1", "option --rate: found \"-1\", expected a number of at least 0"},
    {"quiet", "yes", "true"},
    {"quiet", "1", "true"},
    {"quiet", "false", "false"},
    {"quiet", "si", "option --quiet: found \"si\", expected true, false, yes, no, 1 or 0"},
    {"cell", "gru", "gru"},
    {"cell", "gr", "option --cell: found \"gr\", expected one of rnn, lstm, gru"},
    {"cell", "rnn|lstm", "option --cell: found \"rnn|lstm\", expected one of rnn, lstm, gru"},
    {"model", "", ""},
    {"model", "a = b", "a = b"},
    {"hiden", "1", "unknown option --hiden (did you mean --hidden?)"},
    {"bidirectoinal", "1", "unknown option --bidirectoinal (did you mean --bidirectional?)"},
    {"zzzzz", "1", "unknown option --zzzzz"},
    {"", "1", "unknown option --"},
};

START_TEST(options_are_checked) {
    settings s = make_settings();
    rill_error e = {0};
    buffer b = {0};
    bytes name = bytes_of(set_rows[_i][0]);
    int status = options_set(&table, &s, name, bytes_of(set_rows[_i][1]), &e);
    if (status < 0) {
        ck_assert_int_eq(status, RILL_EUSAGE);
        ck_assert_str_eq(e.message, set_rows[_i][2]);
        ck_assert_int_eq(s.hidden, 256); /* nothing changed */
        ck_assert_str_eq(s.cell, "lstm");
    } else {
        ck_assert(options_get(&table, &s, options_find(&table, name), &b));
        check_bytes(buffer_view(&b), set_rows[_i][2]);
    }
    options_free(&table, &s);
    buffer_free(&b);
}
END_TEST

START_TEST(options_collect_lists) {
    settings s = make_settings();
    buffer b = {0};
    ck_assert(!options_get(&table, &s, options_find(&table, BYTES("with")), &b));
    ck_assert_int_eq(options_set(&table, &s, BYTES("with"), BYTES("a"), NULL), 0);
    ck_assert_int_eq(options_set(&table, &s, BYTES("with"), BYTES("b c"), NULL), 0);
    ck_assert_str_eq(s.with, "a\nb c");
    bytes nul = {"x\0y", 3};
    ck_assert_int_eq(options_set(&table, &s, BYTES("with"), nul, NULL), RILL_EUSAGE);
    ck_assert_int_eq(options_set(&table, &s, BYTES("model"), nul, NULL), RILL_EUSAGE);
    options_free(&table, &s);
    buffer_free(&b);
}
END_TEST

START_TEST(options_are_stored) {
    settings s = make_settings(), back = make_settings();
    static const char *const sets[][2] = {{"dropout", "0.3"}, {"with", "a"},       {"with", "b"},
                                          {"cell", "gru"},    {"model", "m.rill"}, {"hidden", "7"}};
    for (int i = 0; i < LENGTH(sets); i++)
        ck_assert_int_eq(options_set(&table, &s, bytes_of(sets[i][0]), bytes_of(sets[i][1]), NULL),
                         0);
    ck_assert_int_eq(options_set(&table, &back, BYTES("with"), BYTES("other"), NULL), 0);
    json_t *stored;
    buffer b = {0};
    ck_assert_int_eq(options_store(&table, &s, &stored, NULL), 0);
    ck_assert_int_eq(json_write(stored, &b, NULL), 0);
    check_bytes(buffer_view(&b), "{\"hidden\":\"7\",\"bidirectional\":\"true\",\"dropout\":\"0.3\","
                                 "\"cell\":\"gru\",\"with\":\"a\\nb\"}");
    ck_assert_int_eq(options_restore(&table, &back, stored, NULL), 0);
    ck_assert_int_eq(back.hidden, 7);
    ck_assert_double_eq(back.dropout, 0.3);
    ck_assert_str_eq(back.with, "a\nb");
    ck_assert_ptr_null(back.model);
    json_decref(stored);
    options_free(&table, &s);
    options_free(&table, &back);
    buffer_free(&b);
}
END_TEST

START_TEST(options_restore_refuses) {
    static const char *const texts[] = {
        "[]",           "{\"colour\":\"red\"}", "{\"hidden\":7}",     "{\"hidden\":\"0\"}",
        "{\"with\":7}", "{\"model\":\"x\"}",    "{\"cell\":\"tree\"}"};
    settings s = make_settings();
    json_t *in;
    rill_error e;
    ck_assert_int_eq(json_read(bytes_of(texts[_i]), "x", &in, NULL), 0);
    ck_assert_int_eq(options_restore(&table, &s, in, &e), RILL_EMODEL);
    ck_assert_int_eq(e.code, RILL_EMODEL);
    json_decref(in);
    options_free(&table, &s);
}
END_TEST

START_TEST(options_store_refuses_bad_text) {
    settings s = make_settings();
    json_t *stored;
    ck_assert_int_eq(options_set(&table, &s, BYTES("with"), BYTES("\xFF"), NULL), 0);
    ck_assert_int_eq(options_store(&table, &s, &stored, NULL), RILL_EUSAGE);
    ck_assert_ptr_null(stored);
    options_free(&table, &s);
}
END_TEST

static int read_config(const char *text, settings *s, rill_error *e) {
    char path[] = "/tmp/check_base.XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int status = options_read(&table, s, path, e);
    if (status < 0) ck_assert_str_eq(e->file, path);
    unlink(path);
    return status;
}

START_TEST(options_read_files) {
    static const struct {
        const char *text;
        size_t line;
        const char *message;
    } bad[] = {
        {"hidden = 3\nhiden = 4\n", 2, "unknown option --hiden (did you mean --hidden?)"},
        {"\nhidden\n", 2, "found \"hidden\", expected key = value"},
        {"hidden =", 1, "option --hidden: found \"\", expected a whole number from 1 to 8192"},
        {"= 5", 1, "unknown option --"},
    };
    settings s = make_settings();
    rill_error e = {0};
    ck_assert_int_eq(read_config("\xEF\xBB\xBF# remark\n\nhidden = 12\r\n model=x = #y\n", &s, &e),
                     0);
    ck_assert_int_eq(s.hidden, 12);
    ck_assert_str_eq(s.model, "x = #y");
    for (int i = 0; i < LENGTH(bad); i++) {
        ck_assert_int_eq(read_config(bad[i].text, &s, &e), RILL_EUSAGE);
        ck_assert_str_eq(e.message, bad[i].message);
        ck_assert_uint_eq(e.line, bad[i].line);
    }
    ck_assert_int_eq(options_read(&table, &s, "/nowhere", &e), RILL_EIO);
    options_free(&table, &s);
}
END_TEST

static const char *word_at(const void *list, size_t i) {
    return ((const char *const *)list)[i];
}

START_TEST(options_suggest) {
    static const char *const words[] = {"epochs", "dev", "seed", "threads", "learning-rate", "log"};
    static const char *const tests[][2] = {
        {"epoch", "epochs"},  {"epcohs", "epochs"},
        {"eopchs", "epochs"}, {"spochst", "epochs"},
        {"sede", "seed"},     {"de", "dev"},
        {"x", NULL},          {"ab", NULL},
        {"xyz", NULL},        {"threaded", "threads"},
        {"learning", NULL},   {"learnign_raet", "learning-rate"},
        {"", NULL},           {"logs", "log"},
    };
    for (int i = 0; i < LENGTH(tests); i++) {
        const char *near = options_nearest(bytes_of(tests[i][0]), word_at, words, LENGTH(words));
        ck_assert_msg(near == tests[i][1] || (near && tests[i][1] && !strcmp(near, tests[i][1])),
                      "%s gives %s", tests[i][0], near ? near : "nothing");
    }
    char longer[5000];
    memset(longer, 'x', sizeof longer);
    ck_assert_ptr_null(options_nearest((bytes){longer, sizeof longer}, word_at, words, 6));
}
END_TEST

TCase *tcase_json(void) {
    TCase *t = tcase_create("json");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, json_is_canonical, 0, 7);
    tcase_add_test(t, json_refuses);
    tcase_add_test(t, json_refuses_deep_nesting);
    tcase_add_test(t, json_refuses_lists_without_end);
    tcase_add_test(t, json_quotes);
    tcase_add_test(t, json_chains);
    return t;
}

TCase *tcase_options(void) {
    TCase *t = tcase_create("options");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, options_have_defaults);
    tcase_add_loop_test(t, options_are_checked, 0, LENGTH(set_rows));
    tcase_add_test(t, options_collect_lists);
    tcase_add_test(t, options_are_stored);
    tcase_add_loop_test(t, options_restore_refuses, 0, 7);
    tcase_add_test(t, options_store_refuses_bad_text);
    tcase_add_test(t, options_read_files);
    tcase_add_test(t, options_suggest);
    return t;
}
