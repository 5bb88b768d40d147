/* check_data_doctor: each accident is found, with its place and count, and clean data give none. */
#include "check_data.h"
#include "data/doctor.h"

static doctor_report examine(const char *train, const char *dev, const doctor_options *options) {
    doctor_report report = {0};
    rill_error error = {0};
    char first[256], second[256];
    const char *paths[] = {first, second};
    snprintf(first, sizeof first, "%s", temp_file("train.conll", bytes_of(train)));
    if (dev) snprintf(second, sizeof second, "%s", temp_file("dev.conll", bytes_of(dev)));
    int status = doctor_tagged((doctor_files){paths, 1}, (doctor_files){paths + 1, dev != NULL},
                               options, &report, &error);
    ck_assert_msg(status == 0, "%s", error.message);
    temp_remove();
    return report;
}

static const doctor_finding *find(const doctor_report *report, const char *check) {
    for (size_t i = 0; i < report->count; i++) {
        if (strcmp(report->finding[i].check, check) == 0) return report->finding + i;
    }
    return NULL;
}

#define CLEAN "a\tO\nb\tB-X\nc\tI-X\n\nd\tB-X\ne\tI-X\nf\tO\n\ng\tB-X\nh\tI-X\ni\tO\n\n"

static const struct {
    const char *train, *dev, *check;
    doctor_severity severity;
    const char *file;
    size_t line, column, count;
    const char *message;
} accident[] = {
    {CLEAN "x\tO\n\xFF\tO\n\ny\tO\n\n\n", NULL, "bad-data", DOCTOR_ERROR, "train", 14, 1, 1,
     "UTF-8"},
    {CLEAN "x\tO\tO\n", NULL, "bad-data", DOCTOR_ERROR, "train", 13, 5, 1, "found 3"},
    {"\n\n", NULL, "no-words", DOCTOR_ERROR, "train", 0, 0, 1, "no words"},
    {"", NULL, "no-words", DOCTOR_ERROR, "train", 0, 0, 1, "no words"},
    {CLEAN, "", "no-words", DOCTOR_ERROR, "dev", 0, 0, 1, "no words"},
    {CLEAN "\n\nx\tO\n", NULL, "empty-sentence", DOCTOR_NOTE, "train", 13, 0, 2,
     "2 empty sentences"},
    {CLEAN "j\tO\nk\tO\nl\tO\nm\tO\n", NULL, "long-sentence", DOCTOR_WARNING, "train", 13, 1, 1,
     "more than 3 words"},
    {CLEAN "abcdefghijklmnop\tO\n", NULL, "long-word", DOCTOR_WARNING, "train", 13, 1, 1,
     "more than 10 bytes"},
    {CLEAN "x\xC2\xA0y\tO\nz\x01\tO\n", NULL, "odd-space", DOCTOR_WARNING, "train", 13, 1, 2,
     "2 words"},
    {CLEAN "x\tB-\xE2\x80\x8BX\nx\tB-\xE2\x80\x8BX\n", NULL, "odd-space", DOCTOR_WARNING, "train",
     13, 3, 1, "1 words and labels"},
    {CLEAN "e\xCC\x81\tO\n\xC3\xA9\tO\n", NULL, "not-nfc", DOCTOR_NOTE, "train", 13, 1, 1,
     "1 words"},
    {CLEAN "d\tO\ne\tO\nf\tO\n", NULL, "duplicate-sentence", DOCTOR_NOTE, "train", 13, 1, 1,
     "at train.conll:5 too"},
    {CLEAN "x\tO\nb\tI-X\n\nb\tI-X\n", NULL, "illegal-sequence", DOCTOR_WARNING, "train", 14, 3, 2,
     "2 sentences break the scheme bio, the first has I-X after O"},
    {CLEAN "b\tB-X\nc\tE-X\n\nb\tB-X\n", NULL, "illegal-sequence", DOCTOR_WARNING, "train", 3, 3, 4,
     "scheme bioes"},
    {"b\tB-X\nc\tE-X\n\nb\tO\nc\tB-X\n", NULL, "illegal-sequence", DOCTOR_WARNING, "train", 5, 3, 1,
     "has the end of the sentence after B-X"},
    {CLEAN "x\tb-X\n", NULL, "near-label", DOCTOR_WARNING, "train", 13, 3, 1,
     "\"b-X\" (1 words) differs only in case from \"B-X\" (3 words)"},
    {"x\tb-X\n\n" CLEAN, NULL, "near-label", DOCTOR_WARNING, "train", 1, 3, 1,
     "\"b-X\" (1 words) differs only in case from \"B-X\" (3 words)"},
    {CLEAN "x\tB-Y\n", NULL, "rare-label", DOCTOR_NOTE, "train", 13, 3, 1, "\"B-Y\""},
    {"a\tO\nb\tO\n", NULL, "constant-label", DOCTOR_WARNING, "train", 1, 3, 2, "all 2 words"},
    {CLEAN, "x\tO\nx\tB-Y\ny\tB-Y\n", "unseen-label", DOCTOR_WARNING, "dev", 2, 3, 1,
     "1 labels of dev are not in train (2 words): \"B-Y\""},
    {CLEAN, "x\tI-X\ny\tO\n", "scheme-differs", DOCTOR_WARNING, NULL, 0, 0, 1,
     "found iob1 in dev, expected bio"},
    {CLEAN, "x\tO\n\ng\tO\nh\tO\ni\tO\n", "train-dev-overlap", DOCTOR_WARNING, "dev", 3, 1, 1,
     "1 sentences of dev stand in train too, 0 of them with more than 5 words: dev.conll:3 is "
     "train.conll:9"},
};

START_TEST(finds_accidents) {
    doctor_options options = {.long_sentence = 3, .long_word = 10, .rare = 1};
    doctor_report report = examine(accident[_i].train, accident[_i].dev, &options);
    const doctor_finding *f = find(&report, accident[_i].check);
    ck_assert_msg(f != NULL, "%s not found", accident[_i].check);
    ck_assert_int_eq(f->severity, accident[_i].severity);
    ck_assert_uint_eq(f->place.line, accident[_i].line);
    ck_assert_uint_eq(f->place.column, accident[_i].column);
    ck_assert_uint_eq(f->count, accident[_i].count);
    ck_assert_msg(strstr(f->message, accident[_i].message) != NULL, "%s", f->message);
    ck_assert_int_eq(f->place.file != NULL, accident[_i].file != NULL);
    if (f->place.file) ck_assert_ptr_nonnull(strstr(f->place.file, accident[_i].file));
    size_t severe = report.severe[0] + report.severe[1] + report.severe[2];
    ck_assert_uint_eq(severe, report.count);
    doctor_free(&report);
}
END_TEST

START_TEST(leaves_clean_data_alone) {
    doctor_report report = examine(CLEAN, "x\tB-X\ny\tI-X\nz\tO\n", NULL);
    for (size_t i = 0; i < report.count; i++) printf("%s\n", report.finding[i].message);
    ck_assert_uint_eq(report.count, 0);
    doctor_free(&report);
    /* A document mark is no empty sentence, a plain blank inside a form is nothing odd. */
    report = examine("-DOCSTART-\tO\n\n" CLEAN "caf\xC3\xA9 noir\tO\n", NULL, NULL);
    ck_assert_uint_eq(report.count, 0);
    doctor_free(&report);
}
END_TEST

/* What follows a line beyond the limit can't be read: one finding, and an end. */
START_TEST(stops_at_endless_lines) {
    doctor_options options = {.corpus.max_record = 16};
    doctor_report report = examine("a\tO\n\naaaaaaaaaaaaaaaaaaaaaa\tO\n", NULL, &options);
    const doctor_finding *f = find(&report, "bad-data");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(f->place.line, 3);
    doctor_free(&report);
}
END_TEST

/* The first faults one by one, then their number. */
START_TEST(lists_some_faults) {
    buffer text = {0};
    buffer_add_text(&text, CLEAN);
    for (int i = 0; i < 10; i++) buffer_add_text(&text, "x\n\n");
    doctor_options options = {.faults = 3};
    doctor_report report = examine(text.data, NULL, &options);
    ck_assert_uint_eq(report.count, 4);
    ck_assert_uint_eq(report.finding[2].place.line, 17);
    ck_assert_uint_eq(report.finding[3].count, 7);
    doctor_free(&report);
    buffer_free(&text);
}
END_TEST

START_TEST(refuses_what_it_cannot_read) {
    static const struct {
        const char *name, *text, *columns, *message;
    } row[] = {
        {"t.conll", "a\tb\n", "ner", "unknown column, found \"ner\""},
        {"t.vert", "a\nb\n", NULL, "found format vertical without tags"},
        {"t.conll", "a\n", NULL, "found format columns without tags"},
    };
    rill_error error = {0};
    doctor_report report = {0};
    const char *nowhere = "/nowhere/x";
    doctor_files none = {NULL, 0}, missing = {&nowhere, 1};
    ck_assert_int_eq(doctor_tagged(missing, none, NULL, &report, &error), RILL_EIO);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const char *path = temp_file(row[i].name, bytes_of(row[i].text));
        doctor_options options = {.columns = row[i].columns};
        ck_assert_int_eq(doctor_tagged((doctor_files){&path, 1}, none, &options, &report, &error),
                         RILL_EUSAGE);
        ck_assert_msg(strstr(error.message, row[i].message) != NULL, "%s", error.message);
        temp_remove();
    }
    doctor_free(&report);
}
END_TEST

/* The tally of the treebank agrees with what sort and uniq say of its forms. */
START_TEST(examines_a_treebank) {
    const char *folder = test_data();
    char train[4200], dev[4200];
    const char *paths[] = {train, dev};
    doctor_report report = {0};
    if (!folder) return;
    snprintf(train, sizeof train, "%s/ud-english-ewt/train.conllu.gz", folder);
    snprintf(dev, sizeof dev, "%s/ud-english-ewt/dev.conllu.gz", folder);
    ck_assert_int_eq(
        doctor_tagged((doctor_files){paths, 1}, (doctor_files){paths + 1, 1}, NULL, &report, NULL),
        0);
    ck_assert_uint_eq(report.severe[DOCTOR_ERROR], 0);
    ck_assert_uint_eq(find(&report, "duplicate-sentence")->count, 810);
    ck_assert_uint_eq(find(&report, "train-dev-overlap")->count, 68);
    ck_assert_int_eq(find(&report, "unseen-label")->severity, DOCTOR_NOTE); /* feats only */
    doctor_free(&report);
}
END_TEST

TCase *doctor_cases(void) {
    TCase *t = tcase_create("doctor");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, finds_accidents, 0, (int)(sizeof accident / sizeof *accident));
    tcase_add_test(t, leaves_clean_data_alone);
    tcase_add_test(t, stops_at_endless_lines);
    tcase_add_test(t, lists_some_faults);
    tcase_add_test(t, refuses_what_it_cannot_read);
    tcase_add_test(t, examines_a_treebank);
    return t;
}
