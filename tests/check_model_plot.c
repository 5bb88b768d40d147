/* check_model_plot: logs in, pictures out; and logs that are none. */
#include "check_model.h"

#include "base/io.h"
#include "model/plot.h"

#include <unistd.h>

static char folder[] = "/tmp/rill-plot-XXXXXX";
static char log_path[64], svg_path[64];

static void begin(void) {
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(log_path, sizeof log_path, "%s/log.jsonl", folder);
    snprintf(svg_path, sizeof svg_path, "%s/curve.svg", folder);
}

static void end(void) {
    unlink(log_path);
    unlink(svg_path);
    rmdir(folder);
}

/* Draws a log of that text; the picture, or an empty buffer and *error. */
static int draw(const char *log, buffer *svg, rill_error *error) {
    FILE *f = fopen(log_path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(log, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    int status = plot_log(log_path, svg_path, error);
    if (status == 0) ck_assert_int_eq(file_slurp(svg_path, 0, svg, error), 0);
    return status;
}

/* How often `part` stands in the picture. */
static int count_of(const buffer *svg, const char *part) {
    int count = 0;
    for (const char *at = svg->data; (at = strstr(at, part)); at += strlen(part)) count++;
    return count;
}

START_TEST(test_curves) {
    buffer svg = {0};
    ck_assert_int_eq(
        draw("{\"event\":\"begin\",\"words\":12}\n"
             "{\"event\":\"epoch\",\"epoch\":1,\"loss\":2,\"scores\":{\"upos\":0.5}}\n"
             "\n"
             "{\"event\":\"epoch\",\"epoch\":2,\"loss\":1,\"scores\":{\"upos\":0.75}}\n"
             "{\"event\":\"epoch\",\"epoch\":3,\"loss\":0,\"scores\":{\"upos\":1}}\n",
             &svg, NULL),
        0);
    /* The axes end at 0 and 2, and at 0.5 and 1, so every point is known: x 70, 380, 690. */
    ck_assert_int_eq(count_of(&svg, "points=\"70.0,70.0 380.0,215.0 690.0,360.0\""), 1);
    ck_assert_int_eq(count_of(&svg, "points=\"70.0,360.0 380.0,215.0 690.0,70.0\""), 1);
    ck_assert_int_eq(count_of(&svg, ">upos 1.0000<"), 1);
    ck_assert_int_eq(count_of(&svg, ">loss 0.0000<"), 1);
    ck_assert_int_eq(count_of(&svg, "prefers-color-scheme:dark"), 1);
    ck_assert_int_eq(count_of(&svg, "</svg>\n"), 1);
    buffer_free(&svg);
}
END_TEST

START_TEST(
    test_two_losses) { /* the dev data's loss has a curve of its own, on the axis of the losses */
    buffer svg = {0};
    ck_assert_int_eq(
        draw("{\"event\":\"epoch\",\"epoch\":1,\"loss\":2,\"scores\":{\"bleu\":10,\"loss\":2}}\n"
             "{\"event\":\"epoch\",\"epoch\":2,\"loss\":0,\"scores\":{\"bleu\":20,\"loss\":1}}\n",
             &svg, NULL),
        0);
    ck_assert_int_eq(count_of(&svg, "curve c0 loss\" points=\"70.0,70.0 690.0,360.0\""), 1);
    ck_assert_int_eq(count_of(&svg, "points=\"70.0,70.0 690.0,215.0\""), 1);
    ck_assert_int_eq(count_of(&svg, "points=\"70.0,360.0 690.0,70.0\""),
                     1); /* BLEU, on the right */
    ck_assert_int_eq(count_of(&svg, ">dev loss 1.0000<"), 1);
    buffer_free(&svg);
}
END_TEST

START_TEST(test_resumed) { /* epochs 2 and 3 came twice: the later ones count */
    buffer svg = {0};
    ck_assert_int_eq(draw("{\"event\":\"epoch\",\"epoch\":1,\"loss\":2}\n"
                          "{\"event\":\"epoch\",\"epoch\":2,\"loss\":9}\n"
                          "{\"event\":\"epoch\",\"epoch\":3,\"loss\":9}\n"
                          "{\"event\":\"epoch\",\"epoch\":2,\"loss\":1}\n"
                          "{\"event\":\"epoch\",\"epoch\":3,\"loss\":0}\n",
                          &svg, NULL),
                     0);
    ck_assert_int_eq(count_of(&svg, "points=\"70.0,70.0 380.0,215.0 690.0,360.0\""), 1);
    buffer_free(&svg);
}
END_TEST

START_TEST(test_gaps) { /* what is no number, or none to draw, is left out */
    buffer svg = {0};
    ck_assert_int_eq(draw("{\"event\":\"epoch\",\"epoch\":1,\"loss\":2,\"dev_score\":0.5}\n"
                          "{\"event\":\"epoch\",\"epoch\":2,\"loss\":null,\"dev_score\":0.6}\n"
                          "{\"event\":\"epoch\",\"epoch\":3,\"loss\":1e300,\"dev_score\":0.7}\n"
                          "{\"event\":\"epoch\",\"epoch\":5,\"loss\":0,\"dev_score\":0.9}\n",
                          &svg, NULL),
                     0);
    ck_assert_int_eq(count_of(&svg, "points=\"70.0,70.0 690.0,360.0\""), 1);
    ck_assert_int_eq(count_of(&svg, ">score 0.9000<"), 1);
    buffer_free(&svg);
}
END_TEST

START_TEST(test_single) { /* one epoch: no line, but its dots */
    buffer svg = {0};
    ck_assert_int_eq(draw("{\"event\":\"epoch\",\"epoch\":7,\"loss\":0.25}", &svg, NULL), 0);
    ck_assert_int_eq(count_of(&svg, "<circle"), 1);
    ck_assert_int_eq(count_of(&svg, "nan"), 0);
    ck_assert_int_eq(count_of(&svg, "inf"), 0);
    buffer_free(&svg);
}
END_TEST

START_TEST(test_names) { /* names are text, not markup; colours end after eight scores */
    buffer svg = {0};
    ck_assert_int_eq(draw("{\"event\":\"epoch\",\"epoch\":1,\"loss\":1,\"scores\":{\"<a&b\":1,"
                          "\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}}\n",
                          &svg, NULL),
                     0);
    ck_assert_int_eq(count_of(&svg, ">&lt;a&amp;b 1.0000<"), 1);
    ck_assert_int_eq(count_of(&svg, ">h 1.0000<"), 1);
    ck_assert_int_eq(count_of(&svg, ">i 1.0000<"), 0);
    buffer_free(&svg);
}
END_TEST

static const struct bad_log {
    const char *text;
    size_t line;
    const char *says;
} bad_logs[] = {
    {"", 0, "no epoch"},
    {"{\"event\":\"begin\"}\n", 0, "no epoch"},
    {"{\"event\":\"epoch\",\"epoch\":1,\"loss\":null}\n", 0, "no epoch"},
    {"{\"event\":\"begin\"}\n{\"event\":\n", 2, "not JSON"},
    {"not a log\n", 1, "not JSON"},
    {"{\"event\":\"epoch\",\"loss\":1}\n", 1, "without its number"},
    {"{\"event\":\"epoch\",\"epoch\":-1,\"loss\":1}\n", 1, "without its number"},
    {"{\"event\":\"epoch\",\"epoch\":9000000000000000000,\"loss\":1}\n", 1, "without its number"},
};

START_TEST(test_bad) {
    const struct bad_log *bad = &bad_logs[_i];
    buffer svg = {0};
    rill_error error = {0};
    ck_assert_int_eq(draw(bad->text, &svg, &error), RILL_EDATA);
    ck_assert_uint_eq(error.line, bad->line);
    ck_assert_str_eq(error.file, log_path);
    ck_assert_ptr_nonnull(strstr(error.message, bad->says));
    ck_assert(!file_exists(svg_path));
    buffer_free(&svg);
}
END_TEST

START_TEST(test_paths) {
    buffer svg = {0};
    rill_error error = {0};
    ck_assert_int_eq(plot_log("/nonexistent/log", svg_path, &error), RILL_EIO);
    ck_assert_int_eq(draw("{\"event\":\"epoch\",\"epoch\":1,\"loss\":1}\n", &svg, NULL), 0);
    ck_assert_int_eq(plot_log(log_path, "/nonexistent/x.svg", &error), RILL_EIO);
    buffer_free(&svg);
}
END_TEST

void model_plot_cases(Suite *suite) {
    TCase *plot = tcase_create("plot");
    tcase_add_checked_fixture(plot, begin, end);
    tcase_add_test(plot, test_curves);
    tcase_add_test(plot, test_two_losses);
    tcase_add_test(plot, test_resumed);
    tcase_add_test(plot, test_gaps);
    tcase_add_test(plot, test_single);
    tcase_add_test(plot, test_names);
    tcase_add_loop_test(plot, test_bad, 0, sizeof bad_logs / sizeof *bad_logs);
    tcase_add_test(plot, test_paths);
    suite_add_tcase(suite, plot);
}
