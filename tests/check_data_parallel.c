/* check_data_parallel: pairs of lines, the accidents of parallel files, and hostile ones. */
#include "check_data.h"
#include "data/parallel.h"

static char source_path[256], target_path[256];

/* Opens texts as files; target NULL: two columns. */
static parallel *open_texts(bytes source, const bytes *target, size_t max_line) {
    parallel *p;
    rill_error error = {0};
    snprintf(source_path, sizeof source_path, "%s", temp_file("a.en", source));
    if (target) snprintf(target_path, sizeof target_path, "%s", temp_file("a.de", *target));
    int status = parallel_open(source_path, target ? target_path : NULL, max_line, &p, &error);
    ck_assert_msg(status == 0, "%s", error.message);
    return p;
}

static void close_texts(parallel *p) {
    parallel_close(p);
    temp_remove();
}

/* What comes out, in one line: pairs as "line:source|target", "~" behind an empty side, faults as
 * "!line:column", or "!code" where they have no place. */
static void walk(parallel *p, buffer *out, rill_error *last) {
    parallel_pair pair;
    int status, turns = 0;
    rill_error error = {0};
    while ((status = parallel_next(p, &pair, &error)) != 0) {
        ck_assert_int_lt(turns++, 100000);
        if (out->size) buffer_add_char(out, ' ');
        if (status < 0) {
            buffer_printf(out, "!%zu:%zu", error.line, error.column);
            *last = error;
            if (status != RILL_EDATA) buffer_printf(out, "(%d)", status);
            continue;
        }
        buffer_printf(out, "%zu:%.*s%s|%.*s%s", pair.line, (int)pair.source.size, pair.source.data,
                      pair.empty[0] ? "~" : "", (int)pair.target.size, pair.target.data,
                      pair.empty[1] ? "~" : "");
    }
    ck_assert_int_eq(parallel_next(p, &pair, NULL), 0); /* the end stays the end */
}

static const struct {
    bytes source, target;
    bool columns;
    const char *walk, *message; /* of the last fault */
} walks[] = {
    {TEXT("a\nb\n"), TEXT("x\ny\n"), false, "1:a|x 2:b|y", NULL},
    {TEXT("a\nb"), TEXT("x\r\ny\r\n"), false, "1:a|x 2:b|y", NULL},
    {TEXT(""), TEXT(""), false, "", NULL},
    {TEXT(BOM "a\n" BOM "b\n"), TEXT(BOM "x\ny\n"), false, "1:a|x 2:" BOM "b|y", NULL},
    {TEXT("a\n\n \t\n"), TEXT("\ny\n\n"), false, "1:a|~ 2:~|y 3: \t~|~", NULL},
    {TEXT("a\n\xFF\nc\n"), TEXT("x\ny\nz\n"), false, "1:a|x !2:1 3:c|z",
     "bad text, found the bytes \"\\xFF\", expected UTF-8"},
    {TEXT("a\nb\nc\n"), TEXT("x\nyy\0\nz\n"), false, "1:a|x !2:3 3:c|z", "a NUL byte"},
    {TEXT("a\n\xC3\nc\n"), TEXT("x\n\xC3\nz\n"), false, "1:a|x !2:1 3:c|z", "\\xC3"},
    {TEXT("a\nb\nc\nd\ne\n"), TEXT("x\ny\nz\nv\nw\nu\n"), false,
     "1:a|x 2:b|y 3:c|z 4:d|v 5:e|w !6:0", "a.en has 5 lines, "},
    {TEXT("a\nb\n"), TEXT("x"), false, "1:a|x !2:0", "a.de has 1"},
    {TEXT("a\n"), TEXT(""), false, "!1:0", "a.en has 1 lines, "},
    {TEXT("a\tx\nb\ty\r\n"), TEXT(""), true, "1:a|x 2:b|y", NULL},
    {TEXT(BOM "a\t\n\tx\n\n"), TEXT(""), true, "1:a|~ 2:~|x 3:~|~", NULL},
    {TEXT("a\nb\tx\ty\nc\tz\n"), TEXT(""), true, "!1:0 !2:0 3:c|z",
     "columns separated by TAB, found 3, expected source and target"},
    {TEXT("a\tx\xC0\x80\nb\ty\n"), TEXT(""), true, "!1:4 2:b|y", "\\xC0\\x80"},
    {TEXT("a\tx\x1E\xE2\x80\xA8y\n"), TEXT(""), true, "1:a|x\x1E\xE2\x80\xA8y", NULL},
};

START_TEST(walks_in_step) {
    buffer out = {0};
    rill_error last = {0};
    parallel *p = open_texts(walks[_i].source, walks[_i].columns ? NULL : &walks[_i].target, 0);
    walk(p, &out, &last);
    ck_assert_str_eq(out.data ? out.data : "", walks[_i].walk);
    if (walks[_i].message) {
        ck_assert_msg(strstr(last.message, walks[_i].message) != NULL, "%s", last.message);
        ck_assert_ptr_nonnull(strstr(last.file, "/a."));
    }
    close_texts(p);
    buffer_free(&out);
}
END_TEST

/* The fault of a pair names the side that has it. */
START_TEST(names_the_side) {
    const bytes target = TEXT("\xFFx\n");
    buffer out = {0};
    rill_error last = {0};
    parallel *p = open_texts(TEXT("a\n"), &target, 0);
    ck_assert_str_eq(parallel_name(p, 0), source_path);
    ck_assert_str_eq(parallel_name(p, 1), target_path);
    walk(p, &out, &last);
    ck_assert_ptr_nonnull(strstr(last.file, "a.de"));
    close_texts(p);
    p = open_texts(TEXT("a\tb\n"), NULL, 0);
    ck_assert_str_eq(parallel_name(p, 1), source_path);
    close_texts(p);
    buffer_free(&out);
}
END_TEST

START_TEST(takes_long_lines) {
    buffer line = {0}, out = {0};
    rill_error last = {0};
    parallel_pair pair;
    for (int i = 0; i < 5000; i++) buffer_add_text(&line, i ? " word" : "word");
    buffer_add_text(&line, "\nb\n");
    const bytes target = TEXT("x\ny\n");
    parallel *p = open_texts(buffer_view(&line), &target, 0);
    ck_assert_int_eq(parallel_next(p, &pair, NULL), 1);
    ck_assert_uint_eq(pair.source.size, 5 * 5000 - 1);
    ck_assert_int_eq(parallel_next(p, &pair, NULL), 1);
    assert_text(pair.source, "b");
    close_texts(p);
    p = open_texts(buffer_view(&line), &target, 1000); /* a limit ends it */
    walk(p, &out, &last);
    ck_assert_int_eq(last.code, RILL_ELIMIT);
    ck_assert_uint_eq(last.line, 1);
    close_texts(p);
    buffer_free(&line);
    buffer_free(&out);
}
END_TEST

/* Compressed beside plain; and data that end in the middle, which is no fault to pass over. */
START_TEST(reads_gzip) {
    parallel *p;
    buffer out = {0};
    rill_error last = {0};
    for (int i = 0; i < 2000; i++) buffer_printf(&out, "line %d %d\n", i, i * 7919 % 1009);
    snprintf(source_path, sizeof source_path, "%s", temp_file("a.en.gz", buffer_view(&out)));
    snprintf(target_path, sizeof target_path, "%s", temp_file("a.de", buffer_view(&out)));
    buffer_clear(&out);
    ck_assert_int_eq(parallel_open(source_path, target_path, 0, &p, NULL), 0);
    walk(p, &out, &last);
    ck_assert_int_eq(last.code, 0);
    ck_assert_ptr_nonnull(strstr(out.data, "2000:line 1999 "));
    parallel_close(p);
    FILE *f = fopen(source_path, "rb");
    char start[400];
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fread(start, 1, sizeof start, f), sizeof start);
    fclose(f);
    f = fopen(source_path, "wb"); /* as it is, not compressed once more */
    ck_assert_uint_eq(fwrite(start, 1, sizeof start, f), sizeof start);
    fclose(f);
    ck_assert_int_eq(parallel_open(source_path, target_path, 0, &p, NULL), 0);
    buffer_clear(&out);
    walk(p, &out, &last);
    ck_assert_int_eq(last.code, RILL_EIO);
    close_texts(p);
    buffer_free(&out);
}
END_TEST

START_TEST(refuses_to_open) {
    parallel *p;
    rill_error error = {0};
    ck_assert_int_eq(parallel_open("-", "-", 0, &p, &error), RILL_EUSAGE);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(parallel_open("/nowhere/a", NULL, 0, &p, &error), RILL_EIO);
    ck_assert_int_eq(parallel_open(temp_file("a", TEXT("x\n")), "/nowhere/b", 0, &p, &error),
                     RILL_EIO);
    ck_assert_ptr_nonnull(strstr(error.message, "/nowhere/b"));
    ck_assert_ptr_null(p);
    parallel_close(NULL);
    temp_remove();
}
END_TEST

TCase *parallel_cases(void) {
    TCase *t = tcase_create("parallel");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, walks_in_step, 0, (int)(sizeof walks / sizeof *walks));
    tcase_add_test(t, names_the_side);
    tcase_add_test(t, takes_long_lines);
    tcase_add_test(t, reads_gzip);
    tcase_add_test(t, refuses_to_open);
    return t;
}
