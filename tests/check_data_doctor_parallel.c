/* check_data_doctor_parallel: each accident of parallel text is found, with its place and count,
 * and clean data give none. */
#include "check_data.h"
#include "data/doctor.h"

static char paths[4][256];

static const char *put(int which, const char *name, bytes text) {
    snprintf(paths[which], sizeof paths[which], "%s", temp_file(name, text));
    return paths[which];
}

/* A text of two columns as two files. */
static void put_halves(int which, const char *side, bytes text) {
    buffer half[2] = {{0}, {0}};
    char name[32];
    bytes line, field;
    while (text.size && bytes_split(&text, '\n', &line)) {
        for (int i = 0; i < 2; i++) {
            ck_assert(bytes_split(&line, '\t', &field));
            buffer_add_bytes(&half[i], field);
            buffer_add_char(&half[i], '\n');
        }
    }
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s.%s", side, i ? "de" : "en");
        put(which + i, name, buffer_view(&half[i]));
        buffer_free(&half[i]);
    }
}

static doctor_report run(bool dev, bool columns, const doctor_options *options) {
    doctor_report report = {0};
    rill_error error = {0};
    const char *source[] = {paths[0], paths[2]}, *target[] = {paths[1], paths[3]};
    doctor_pairs train = {source, columns ? NULL : target, 1};
    doctor_pairs held = {source + 1, columns ? NULL : target + 1, dev};
    int status = doctor_parallel(train, held, options, &report, &error);
    ck_assert_msg(status == 0, "%s", error.message);
    temp_remove();
    return report;
}

/* Texts of two columns, read as one file or as two. */
static doctor_report examine(bytes train, const bytes *dev, bool columns,
                             const doctor_options *options) {
    if (columns) {
        put(0, "train.tsv", train);
        if (dev) put(2, "dev.tsv", *dev);
    } else {
        put_halves(0, "train", train);
        if (dev) put_halves(2, "dev", *dev);
    }
    return run(dev != NULL, columns, options);
}

static const doctor_finding *find(const doctor_report *report, const char *check) {
    for (size_t i = 0; i < report->count; i++) {
        if (strcmp(report->finding[i].check, check) == 0) return report->finding + i;
    }
    return NULL;
}

#define LONG_A "a man in a red shirt plays the guitar"
#define LONG_B "ein Mann in einem roten Hemd spielt Gitarre"
#define CLEAN "one dog\tein Hund\n" LONG_A "\t" LONG_B "\ntwo\tzwei\nthree cats\tdrei Katzen\n"

static const struct {
    bytes train, dev;
    const char *check;
    doctor_severity severity;
    const char *file; /* the last part of its name in two files */
    size_t line, column, count;
    size_t column_tsv;
    const char *message;
} accident[] = {
    {TEXT(CLEAN "x\t\n \ty\nz\t \n"), TEXT(""), "empty-side", DOCTOR_WARNING, "train.en", 6, 0, 1,
     0, "1 lines are empty, but not on the other side"},
    {TEXT(CLEAN "x\t\n"), TEXT(""), "empty-side", DOCTOR_WARNING, "train.de", 5, 0, 1, 0,
     "1 lines are empty"},
    {TEXT(CLEAN "\t\n \t\n"), TEXT(""), "empty-pair", DOCTOR_NOTE, "train.en", 5, 0, 2, 0,
     "2 pairs are empty on both sides"},
    {TEXT(CLEAN "x\ta b c d e f g h i j k\n"), TEXT(""), "long-line", DOCTOR_WARNING, "train.de", 5,
     1, 1, 3, "more than 10 words"},
    {TEXT(CLEAN "x abcdefghijklmnopqrstu\ty\n"), TEXT(""), "long-word", DOCTOR_WARNING, "train.en",
     5, 1, 1, 1, "more than 20 bytes"},
    {TEXT(CLEAN "x\xC2\xA0y\tz\n"), TEXT(""), "odd-space", DOCTOR_NOTE, "train.en", 5, 1, 1, 1,
     "1 lines with odd white space"},
    {TEXT(CLEAN "x\te\xCC\x81\n"), TEXT(""), "not-nfc", DOCTOR_NOTE, "train.de", 5, 1, 1, 3,
     "1 lines that are not in normalisation form NFC"},
    {TEXT(CLEAN "x\tx\n"), TEXT(""), "same-text", DOCTOR_NOTE, "train.en", 5, 1, 1, 1,
     "1 pairs of 5 have the same text on both sides"},
    {TEXT(CLEAN "x\tx\ny\ty\n"), TEXT(""), "same-text", DOCTOR_WARNING, "train.en", 5, 1, 2, 1,
     "2 pairs of 6"},
    {TEXT(CLEAN "a long line of many words\tx\n" LONG_A "\t" LONG_B "!\n"), TEXT(""),
     "length-ratio", DOCTOR_WARNING, "train.en", 5, 1, 1, 1, "1 pairs whose lengths are more than"},
    {TEXT(CLEAN "x\teine lange Zeile mit Woertern\nlong long long long long\ty\n"), TEXT(""),
     "length-ratio", DOCTOR_WARNING, "train.en", 5, 1, 2, 1, "2 pairs"},
    {TEXT(CLEAN "two\tzwei\n"), TEXT(""), "duplicate-pair", DOCTOR_NOTE, "train.en", 5, 1, 1, 1,
     "the first (\"two\") at train."},
    {TEXT(CLEAN), TEXT("x\ty\nthree cats\tdrei\n" LONG_A "\t" LONG_B "\n"), "train-dev-overlap",
     DOCTOR_WARNING, "dev.en", 2, 1, 2, 1,
     "2 sources of dev stand in train too, 1 of them with more than 5 words, 1 with the same "
     "target"},
    {TEXT(CLEAN "x\ty\xFF\n"), TEXT(""), "bad-data", DOCTOR_ERROR, "train.de", 5, 2, 1, 4,
     "expected UTF-8"},
    {TEXT("\t\n"), TEXT(""), "no-pairs", DOCTOR_ERROR, "train.en", 0, 0, 1, 0, "no pairs"},
    {TEXT(""), TEXT(""), "no-pairs", DOCTOR_ERROR, "train.en", 0, 0, 1, 0, "no pairs"},
};

/* Every accident in two files and in two columns. */
START_TEST(finds_accidents) {
    bool columns = _i % 2;
    int row = _i / 2;
    doctor_options options = {.long_sentence = 10, .long_word = 20};
    const bytes *dev = accident[row].dev.size ? &accident[row].dev : NULL;
    doctor_report report = examine(accident[row].train, dev, columns, &options);
    const doctor_finding *f = find(&report, accident[row].check);
    ck_assert_msg(f != NULL, "%s not found", accident[row].check);
    ck_assert_int_eq(f->severity, accident[row].severity);
    ck_assert_uint_eq(f->place.line, accident[row].line);
    ck_assert_uint_eq(f->place.column, columns ? accident[row].column_tsv : accident[row].column);
    ck_assert_uint_eq(f->count, accident[row].count);
    ck_assert_msg(strstr(f->message, accident[row].message) != NULL, "%s", f->message);
    ck_assert_ptr_nonnull(strstr(f->place.file, columns ? ".tsv" : accident[row].file));
    doctor_free(&report);
}
END_TEST

START_TEST(leaves_clean_data_alone) {
    const bytes dev = TEXT("four\tvier\nfive cows\tf\xC3\xBCnf K\xC3\xBChe\n");
    doctor_report report = examine(TEXT(CLEAN), &dev, false, NULL);
    for (size_t i = 0; i < report.count; i++) printf("%s\n", report.finding[i].message);
    ck_assert_uint_eq(report.count, 0);
    doctor_free(&report);
    /* An empty side is that and nothing else: no length, no overlap, no duplicate. */
    report = examine(TEXT(CLEAN LONG_A "\t\n"), NULL, true, NULL);
    ck_assert_uint_eq(report.count, 1);
    doctor_free(&report);
}
END_TEST

/* A proportion that is far from 1 but usual for the two languages is none to report. */
START_TEST(learns_the_proportion) {
    buffer text = {0};
    for (int i = 0; i < 20; i++) {
        buffer_printf(&text, "this line number %d has many characters\tshort %d\n", i, i);
    }
    doctor_options options = {.long_word = 1000};
    doctor_report report = examine(buffer_view(&text), NULL, true, &options);
    ck_assert_uint_eq(report.count, 0);
    doctor_free(&report);
    buffer_add_text(&text, "a line that is as long as its translation\t"
                           "a translation that is as long as its line\n");
    report = examine(buffer_view(&text), NULL, true, &options);
    const doctor_finding *f = find(&report, "length-ratio");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(f->place.line, 21);
    ck_assert_msg(strstr(f->message, "the usual 4.76 characters") != NULL, "%s", f->message);
    doctor_free(&report);
    buffer_free(&text);
}
END_TEST

START_TEST(counts_both_files) {
    put(0, "a.en", TEXT("1\n2\n3\n4\n5\n"));
    put(1, "a.de", TEXT("a\nb\nc\nd\ne\nf\n"));
    doctor_report report = run(false, false, NULL);
    const doctor_finding *f = find(&report, "different-length");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(f->severity, DOCTOR_ERROR);
    ck_assert_uint_eq(f->place.line, 6);
    ck_assert_ptr_nonnull(strstr(f->place.file, "a.de")); /* the longer one */
    ck_assert_ptr_nonnull(strstr(f->message, "a.en has 5 lines, "));
    ck_assert_ptr_nonnull(strstr(f->message, "a.de has 6"));
    ck_assert_ptr_null(find(&report, "bad-data"));
    doctor_free(&report);
}
END_TEST

/* The first faults one by one, then their number; behind a line beyond the limit nothing. */
START_TEST(lists_some_faults) {
    buffer text = {0};
    buffer_add_text(&text, CLEAN);
    for (int i = 0; i < 10; i++) buffer_add_text(&text, "x\n");
    doctor_options options = {.faults = 3};
    doctor_report report = examine(buffer_view(&text), NULL, true, &options);
    ck_assert_uint_eq(report.count, 4);
    ck_assert_uint_eq(report.finding[2].place.line, 7);
    ck_assert_uint_eq(report.finding[3].count, 7);
    doctor_free(&report);
    options = (doctor_options){.corpus.max_record = 16};
    report = examine(TEXT("a\tb\nccccccccccccccccccccc\td\n\xFF\te\n"), NULL, true, &options);
    ck_assert_uint_eq(report.count, 1);
    ck_assert_uint_eq(report.finding[0].place.line, 2);
    doctor_free(&report);
    buffer_free(&text);
}
END_TEST

START_TEST(refuses_what_it_cannot_read) {
    rill_error error = {0};
    doctor_report report = {0};
    const char *nowhere = "/nowhere/x";
    ck_assert_int_eq(doctor_parallel((doctor_pairs){&nowhere, NULL, 1}, (doctor_pairs){0}, NULL,
                                     &report, &error),
                     RILL_EIO);
    ck_assert_ptr_nonnull(strstr(error.message, nowhere));
    doctor_free(&report);
}
END_TEST

/* Our own phrases, and a corpus of captions; counts as sort and uniq give them. */
START_TEST(examines_real_text) {
    const char *folder = test_data(), *source = getenv("srcdir");
    doctor_report report = {0};
    const char *file[] = {paths[0], paths[1], paths[2], paths[3]};
    snprintf(paths[0], sizeof paths[0], "%s/corpora/phrases.tsv", source ? source : ".");
    snprintf(paths[1], sizeof paths[1], "%s/corpora/phrases-dev.tsv", source ? source : ".");
    ck_assert_int_eq(doctor_parallel((doctor_pairs){file, NULL, 1},
                                     (doctor_pairs){file + 1, NULL, 1}, NULL, &report, NULL),
                     0);
    for (size_t i = 0; i < report.count; i++) printf("%s\n", report.finding[i].message);
    ck_assert_uint_eq(report.count, 0);
    doctor_free(&report);
    if (!folder) return;
    snprintf(paths[0], sizeof paths[0], "%s/multi30k/train.en.gz", folder);
    snprintf(paths[1], sizeof paths[1], "%s/multi30k/train.de.gz", folder);
    snprintf(paths[2], sizeof paths[2], "%s/multi30k/val.en.gz", folder);
    snprintf(paths[3], sizeof paths[3], "%s/multi30k/val.de.gz", folder);
    ck_assert_int_eq(doctor_parallel((doctor_pairs){file, file + 1, 1},
                                     (doctor_pairs){file + 2, file + 3, 1}, NULL, &report, NULL),
                     0);
    ck_assert_uint_eq(report.severe[DOCTOR_ERROR], 0);
    ck_assert_uint_eq(find(&report, "duplicate-pair")->count, 3);
    ck_assert_uint_eq(find(&report, "train-dev-overlap")->count, 1);
    ck_assert_uint_eq(find(&report, "length-ratio")->count, 2);
    doctor_free(&report);
}
END_TEST

TCase *doctor_parallel_cases(void) {
    TCase *t = tcase_create("doctor_parallel");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, finds_accidents, 0, 2 * (int)(sizeof accident / sizeof *accident));
    tcase_add_test(t, leaves_clean_data_alone);
    tcase_add_test(t, learns_the_proportion);
    tcase_add_test(t, counts_both_files);
    tcase_add_test(t, lists_some_faults);
    tcase_add_test(t, refuses_what_it_cannot_read);
    tcase_add_test(t, examines_real_text);
    return t;
}
