/* check_data_labelled: every format of labelled texts, its faults with their places, detection, and
 * what the doctor finds in them. */
#include "check_data.h"
#include "base/io.h"
#include "data/doctor.h"
#include "data/labelled.h"

#include <sys/stat.h>
#include <unistd.h>

/* "label,label|text;" of every example, "!line:column;" for a fault. */
static void read_all(labelled *in, buffer *out) {
    example e = {0};
    rill_error error;
    int more;
    while ((more = labelled_next(in, &e, &error)) != 0) {
        if (more < 0) {
            ck_assert_int_eq(more, RILL_EDATA);
            buffer_printf(out, "!%zu:%zu;", error.line, error.column);
            continue;
        }
        for (size_t i = 0; i < e.labels; i++) {
            if (i) buffer_add_char(out, ',');
            buffer_add_bytes(out, example_label(&e, i));
        }
        buffer_add_char(out, '|');
        buffer_add_bytes(out, example_text(&e));
        buffer_add_char(out, ';');
    }
    example_free(&e);
}

static const struct {
    const char *name, *text;
    labelled_options options;
    labelled_format format;
    const char *found;
} row[] = {
    {"t", "__label__a some text\n__label__b __label__c x y  \n", {0}, LABELLED_FASTTEXT,
     "a|some text;b,c|x y;"},
    {"t", "behind it __label__a\n__label__a __label__a twice\n\n__label__ b", {0},
     LABELLED_FASTTEXT, "a|behind it;a|twice;|__label__ b;"},
    {"t", "pos\tgood\twith a tab\r\nneg\tbad", {0}, LABELLED_TSV, "pos|good\twith a tab;neg|bad;"},
    {"t", "pos\tgood\nno label\n\t\n\tx\nneg\tbad\n", {0}, LABELLED_TSV,
     "pos|good;!2:1;!4:1;neg|bad;"},
    {"t", "text,label\n\"a, \"\"b\"\"\nc\",x\nd,y\n", {0}, LABELLED_CSV, "x|a, \"b\"\nc;y|d;"},
    {"t", BOM "id;label;text\n1;x;a,b\n2;y\n3;;c\n", {0}, LABELLED_CSV, "x|a,b;!3:0;!4:0;"},
    {"t", "label\ttext\nx\ta\n", {0}, LABELLED_CSV, "x|a;"},
    {"t.csv", "class,review\nx,\"a\" b\ny,\"open\n", {.text_column = "review", .label_column = "1"},
     LABELLED_CSV, "!2:6;!3:0;"},
    {"t", "{\"text\":\"a\\nb\",\"label\":\"x\"}\n{\"label\":[\"x\",\"y\"],\"text\":\"c\"}\n"
          "{\"text\":\"d\",\"label\":1}\n{\"text\":\"e\",\"label\":[]}\n", {0}, LABELLED_JSONL,
     "x|a\nb;x,y|c;1|d;|e;"},
    {"t.jsonl", "{\"text\":1}\n[]\n{\"text\":\"a\"}\n{\"t\n{\"text\":\"b\",\"label\":{}}", {0},
     LABELLED_JSONL, "!1:0;!2:0;!3:0;!4:3;!5:0;"},
    {"t", "a\xFFz\tx\nb\tgood\nc\tna\xC0\xAFive\nd\tn\x01\n", {.format = LABELLED_TSV},
     LABELLED_TSV, "!1:2;b|good;!3:5;d|n\x01;"},
    {"t", "just text\n", {0}, LABELLED_TEXT, "|just text;"},
    {"t", "", {0}, LABELLED_TEXT, ""},
    {"t", "\n\na\t\n", {.unlabelled = true}, LABELLED_TEXT, "|;|;|a\t;"},
    {"t.tsv", "x\ta\nb\n", {.unlabelled = true}, LABELLED_TSV, "x|a;|b;"},
    {"t.csv.gz", "text\na\n", {.unlabelled = true}, LABELLED_CSV, "|a;"},
    {"t", "__label__x a\nb\n", {.unlabelled = true}, LABELLED_FASTTEXT, "x|a;|b;"},
    {"t", "{\"text\":\"a\"}\n", {.unlabelled = true, .format = LABELLED_JSONL}, LABELLED_JSONL,
     "|a;"},
    {"t.txt", "{\"text\":\"a\"}\nb\n", {.unlabelled = true}, LABELLED_JSONL, "|a;!2:1;"},
    {"t", " {\"t\":\"a\",\"label\":\"x\"}\n", {.unlabelled = true, .text_column = "t"},
     LABELLED_JSONL, "x|a;"},
    {"t", "{\"t\":1}\n", {.unlabelled = true}, LABELLED_TEXT, "|{\"t\":1};"},
    {"t", "{text\n", {.unlabelled = true}, LABELLED_TEXT, "|{text;"},
    {"t", BOM "id;text\n1;a, b\n", {.unlabelled = true}, LABELLED_CSV, "|a, b;"},
    {"t.tsv", "\"label\"\ttext\nx\ta\n", {.unlabelled = true}, LABELLED_CSV, "x|a;"},
    {"t", ",text\n0,a\n", {.unlabelled = true}, LABELLED_CSV, "|a;"},
    {"t", "text, please\n", {.unlabelled = true}, LABELLED_TEXT, "|text, please;"},
    {"t", "text\na\tb\n", {.unlabelled = true}, LABELLED_TEXT, "|text;|a\tb;"},
    {"t", "a\tlabel\nb\n", {.unlabelled = true}, LABELLED_TEXT, "|a\tlabel;|b;"},
};

START_TEST(formats) {
    labelled *in;
    rill_error e = {0};
    buffer found = {0};
    bytes text = bytes_of(row[_i].text);
    int status = labelled_open_bytes(text, row[_i].name, &row[_i].options, &in, &e);
    ck_assert_msg(status == 0, "%s", e.message);
    ck_assert_str_eq(labelled_format_name(labelled_format_of(in)),
                     labelled_format_name(row[_i].format));
    read_all(in, &found);
    assert_text(buffer_view(&found), row[_i].found);
    buffer_free(&found);
    labelled_close(in);
}
END_TEST

START_TEST(nul_bytes) {
    labelled *in;
    buffer found = {0};
    ck_assert_int_eq(labelled_open_bytes(TEXT("a\tb\nx\ty\0z\n"), "t", NULL, &in, NULL), 0);
    read_all(in, &found);
    assert_text(buffer_view(&found), "a|b;!2:4;");
    buffer_free(&found);
    labelled_close(in);
}
END_TEST

START_TEST(missing_columns) {
    static const labelled_options options = {.format = LABELLED_CSV, .label_column = "nope"};
    labelled *in = NULL;
    rill_error e = {0};
    ck_assert_int_eq(labelled_open_bytes(TEXT("text,label\n"), "t", &options, &in, &e), RILL_EDATA);
    ck_assert_ptr_nonnull(strstr(e.message, "nope"));
    ck_assert_ptr_nonnull(strstr(e.message, "--label-col"));
    ck_assert_uint_eq(e.line, 1);
    ck_assert_ptr_null(in);
}
END_TEST

START_TEST(lines_are_no_folder) {
    static const labelled_options options = {.format = LABELLED_FOLDER};
    labelled *in = NULL;
    rill_error e = {0};
    ck_assert_int_eq(labelled_open_bytes(TEXT("a\n"), "t", &options, &in, &e), RILL_EUSAGE);
    ck_assert_int_eq(labelled_open_fd(0, "t", &options, &in, &e), RILL_EUSAGE);
    ck_assert_ptr_nonnull(strstr(e.message, "folder"));
    ck_assert_ptr_null(in);
}
END_TEST

START_TEST(folders) {
    labelled *in;
    rill_error e = {0};
    buffer found = {0};
    char root[256], path[300];
    snprintf(root, sizeof root, "%s", temp_file("x", TEXT("")));
    unlink(root);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", root, i ? "neg" : "pos");
        mkdir(root, 0700);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        for (int k = 2; k > 0; k--) {
            snprintf(path, sizeof path, "%s/%s/%d.txt", root, i ? "neg" : "pos", k);
            FILE *f = fopen(path, "w");
            fprintf(f, BOM "text %d\nof %d\n", k, i);
            fclose(f);
        }
    }
    ck_assert_msg(labelled_open(root, NULL, &in, &e) == 0, "%s", e.message);
    ck_assert_int_eq(labelled_format_of(in), LABELLED_FOLDER);
    read_all(in, &found);
    assert_text(buffer_view(&found), "neg|text 1\nof 1\n;neg|text 2\nof 1\n;pos|text 1\nof 0\n;"
                                     "pos|text 2\nof 0\n;");
    labelled_close(in);
    hash128 before, after;
    ck_assert_int_eq(file_hash(root, &before, &e), 0);
    ck_assert_int_eq(file_hash(root, &after, &e), 0);
    ck_assert(hash128_equal(before, after));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(file_hash(root, &after, &e), 0);
    ck_assert(!hash128_equal(before, after));
    buffer_free(&found);
    snprintf(path, sizeof path, "rm -r %s", root);
    ck_assert_int_eq(system(path), 0);
    temp_remove();
}
END_TEST

/* ---- the doctor */

static const struct {
    const char *train, *dev, *check;
    doctor_severity severity;
    size_t line, count;
    const char *message;
} accident[] = {
    {"a\tone\nb\ttwo\na\t \nb\t\n", NULL, "empty-text", DOCTOR_WARNING, 3, 2, "2 texts"},
    {"a\tone\nb\ttwo\nb\tx\xEF\xBF\xBDy\n", NULL, "replacement-character", DOCTOR_WARNING, 3, 1,
     "U+FFFD"},
    {"a\tone\nb\tcaf\xC3\x83\xC2\xA9\n", NULL, "mojibake", DOCTOR_WARNING, 2, 1, "Latin-1"},
    {"a\tthe same words\nb\ttwo\na\tthe same words \n", NULL, "duplicate-text", DOCTOR_WARNING, 3, 1,
     "same labels"},
    {"a\tone\nb\ttwo\nb\tone\n", NULL, "contradiction", DOCTOR_WARNING, 3, 1, "other labels"},
    {"pos\tone\nneg\ttwo\nPos\tx\nPos\ty\n", NULL, "similar-labels", DOCTOR_WARNING, 3, 2,
     "\"Pos\" (2 texts) looks like \"pos\" (1)"},
    {"a\tone\na\ttwo\n", NULL, "one-label", DOCTOR_ERROR, 0, 1, "found 1 labels"},
    {"a\tone\nb\ttwo\nb\tthree\na\tx\na\ty\n", NULL, "rare-label", DOCTOR_WARNING, 2, 2,
     "\"b\" has only 2"},
    {"a\tone\nb\ttwo\n", "c\tnew\n", "unseen-label", DOCTOR_WARNING, 1, 1, "\"c\" of dev"},
    {"a\tone long enough text\nb\ttwo\n", "a\tx\na\tone long enough text\n", "overlap",
     DOCTOR_WARNING, 2, 1, "1 of 2 dev texts"},
    {"a\tone\nb\t\xFF\nb\ttwo\n", NULL, "unreadable", DOCTOR_ERROR, 2, 1, "UTF-8"},
    {"just\ntext\n", NULL, "no-labels", DOCTOR_ERROR, 0, 1, "without labels"},
    {"a\tone\nb\ttwo\n", NULL, "labels", DOCTOR_NOTE, 0, 1, "2 texts, 2 labels: a 1, b 1"},
};

START_TEST(accidents) {
    doctor_report report = {0};
    rill_error e = {0};
    char train[256], dev[256];
    const char *paths[] = {train, dev};
    snprintf(train, sizeof train, "%s", temp_file("train.tsv", bytes_of(accident[_i].train)));
    if (accident[_i].dev) {
        snprintf(dev, sizeof dev, "%s", temp_file("dev.tsv", bytes_of(accident[_i].dev)));
    }
    int status = doctor_labelled((doctor_files){paths, 1},
                                 (doctor_files){paths + 1, accident[_i].dev != NULL}, NULL, &report,
                                 &e);
    ck_assert_msg(status == 0, "%s", e.message);
    const doctor_finding *f = NULL;
    for (size_t i = 0; i < report.count; i++) {
        if (!strcmp(report.finding[i].check, accident[_i].check)) f = &report.finding[i];
    }
    ck_assert_msg(f, "%s was not found", accident[_i].check);
    ck_assert_int_eq(f->severity, accident[_i].severity);
    ck_assert_uint_eq(f->place.line, accident[_i].line);
    ck_assert_uint_eq(f->count, accident[_i].count);
    ck_assert_msg(strstr(f->message, accident[_i].message), "%s", f->message);
    doctor_free(&report);
    temp_remove();
}
END_TEST

START_TEST(clean_data) {
    doctor_report report = {0};
    const char *text = "a\tone text\nb\ttwo texts\na\tthree\nb\tfour\na\tfive\nb\tsix\n";
    const char *path[] = {temp_file("train.tsv", bytes_of(text))};
    ck_assert_int_eq(doctor_labelled((doctor_files){path, 1}, (doctor_files){0}, NULL, &report,
                                     NULL), 0);
    ck_assert_uint_eq(report.severe[DOCTOR_ERROR] + report.severe[DOCTOR_WARNING], 0);
    doctor_free(&report);
    temp_remove();
}
END_TEST

TCase *labelled_cases(void) {
    TCase *c = tcase_create("labelled");
    tcase_add_loop_test(c, formats, 0, sizeof row / sizeof *row);
    tcase_add_test(c, nul_bytes);
    tcase_add_test(c, missing_columns);
    tcase_add_test(c, lines_are_no_folder);
    tcase_add_test(c, folders);
    tcase_add_loop_test(c, accidents, 0, sizeof accident / sizeof *accident);
    tcase_add_test(c, clean_data);
    return c;
}
