/* check_model_heat: attention matrices as text and SVG. */
#include "check_model.h"

#include "model/heat.h"

#include <math.h>

enum { S = 3, T = 2 };

/* A picture of pieces given as strings. */
static heat make(const char *const *source, const char *const *target, const real *weight,
                 bytes *pieces) {
    for (int i = 0; i < S; i++) pieces[i] = bytes_of(source[i]);
    for (int i = 0; i < T; i++) pieces[S + i] = bytes_of(target[i]);
    return (heat){pieces, S, pieces + S, T, weight};
}

static const char *const english[] = {"the", "cat", "sleeps"};
static const char *const korean[] = {"고양이는", "자요"};
static const real weights[] = {0.1F, 0.85F, 0.05F, 0.3F, 0.1F, 0.6F};

static int count_of(const buffer *text, const char *part) {
    int count = 0;
    for (const char *at = text->data; (at = strstr(at, part)); at += strlen(part)) count++;
    return count;
}

START_TEST(draws_text) {
    bytes pieces[S + T];
    buffer out = {0};
    heat h = make(english, korean, weights, pieces);
    heat_text(&h, &out);
    ck_assert_str_eq(out.data, "             s\n"
                               "             l\n"
                               "             e\n"
                               "         t c e\n"
                               "         h a p\n"
                               "         e t s\n"
                               "고양이는 ░░██\n"
                               "자요     ▒▒░░▓▓\n");
    buffer_clear(&out);
    const real other[] = {0, 0, 0, 1, NAN, -1};
    const char *const marks[] = {"한", "e\xCC\x81", "a\tb"}, *const rows[] = {"x\ny", ""};
    h = make(marks, rows, other, pieces);
    heat_text(&h, &out);
    ck_assert_str_eq(out.data, "       a\n"
                               "\n"
                               "   한e\xCC\x81 b\n"
                               "xy\n"
                               "   ██\n");
    buffer_free(&out);
}
END_TEST

START_TEST(draws_svg) {
    bytes pieces[S + T];
    buffer out = {0};
    const char *const source[] = {"<unk>", "a&b", "c\n"};
    const real some[] = {0.004F, 0.5F, 7, 0, NAN, 0.25F};
    heat h = make(source, korean, some, pieces);
    heat_svg(&h, &out);
    /* Labels take 8 pixels a column and 10 more: 8 columns on the left, 5 above. */
    ck_assert_ptr_nonnull(strstr(out.data, "viewBox=\"0 0 150 104\""));
    ck_assert_int_eq(count_of(&out, "<title>"), 3);
    ck_assert_ptr_nonnull(strstr(out.data, "<rect x=\"96\" y=\"50\" width=\"21\" height=\"21\" "
                                           "fill-opacity=\"0.500\"><title>고양이는 - a&amp;b: "
                                           "0.500</title></rect>\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "c : 1.000"));
    ck_assert_ptr_nonnull(strstr(out.data, "x=\"118\" y=\"72\" width=\"21\" height=\"21\" "
                                           "fill-opacity=\"0.250\""));
    ck_assert_ptr_nonnull(strstr(out.data, "&lt;unk>"));
    ck_assert_int_eq(count_of(&out, "<text"), S + T);
    ck_assert_int_eq(count_of(&out, "</svg>\n"), 1);
    ck_assert_int_eq(count_of(&out, "nan"), 0);
    buffer_free(&out);
}
END_TEST

/* Nothing at all, and a piece without end. */
START_TEST(odd_sizes) {
    buffer out = {0}, name = {0};
    heat h = {NULL, 0, NULL, 0, NULL};
    heat_text(&h, &out);
    ck_assert_uint_eq(out.size, 0);
    heat_svg(&h, &out);
    ck_assert_int_eq(count_of(&out, "viewBox=\"0 0 20 20\""), 1);
    for (int i = 0; i < 1000; i++) buffer_add_text(&name, "ab");
    bytes piece = buffer_view(&name);
    const real one = 1;
    h = (heat){&piece, 1, &piece, 1, &one};
    buffer_clear(&out);
    heat_svg(&h, &out);
    ck_assert_int_eq(count_of(&out, "textLength=\"320\""), 2);
    buffer_clear(&out);
    heat_text(&h, &out);
    ck_assert_int_eq(count_of(&out, "\n"), 41);
    ck_assert_int_eq(count_of(&out, "…\n"), 1);
    buffer_free(&out);
    buffer_free(&name);
}
END_TEST

void model_heat_cases(Suite *suite) {
    TCase *c = tcase_create("heat");
    tcase_add_test(c, draws_text);
    tcase_add_test(c, draws_svg);
    tcase_add_test(c, odd_sizes);
    suite_add_tcase(suite, c);
}
