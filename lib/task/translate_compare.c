/* translate_compare: the compare verb: systems' answers as they stand in files, scored against a file of
 * references, line by line, no model needed. Every system after the first is tested against it on
 * the same lines (metric.h): difference, interval by paired bootstrap, p by approximate randomisation.
 */
#include "base/io.h"
#include "task/report.h"
#include "task/translate_score.h"

#include <stdlib.h>
#include <string.h>

typedef struct comparison {
    const translate_options *o;
    translate_data d;        /* only its target side: the references */
    translate_stats *system; /* [systems] */
    size_t systems;
    json_t *report;
} comparison;

/* ---- reading */

/* Every line of the references, blank ones too. */
static int read_references(translate_data *d, const char *path, size_t max_line,
                           rill_error *error) {
    reader *r = NULL;
    bytes line;
    int more;
    TRY(reader_open(path, max_line, &r, error));
    while ((more = reader_text(r, &line, error)) > 0) {
        size_t at;
        if (!utf8_valid(line, &at)) {
            more = status_set(error, RILL_EDATA, path, reader_number(r), at + 1, "invalid UTF-8");
            break;
        }
        if (mem_grow(&d->start[TARGET], &d->start_room[TARGET], d->pairs + 2,
                     sizeof *d->start[TARGET]) < 0) {
            more = status_nomem(error);
            break;
        }
        d->start[TARGET][d->pairs] = d->text[TARGET].size;
        buffer_add_bytes(&d->text[TARGET], line);
        d->start[TARGET][++d->pairs] = d->text[TARGET].size;
    }
    reader_close(r);
    TRY(more);
    if (d->pairs == 0) return status_set(error, RILL_EDATA, path, 0, 0, "there is no line in it");
    return buffer_status(&d->text[TARGET], error);
}

static int read_system(comparison *c, const char *path, translate_stats *out, rill_error *error) {
    translate_answers a;
    int status = translate_answers_read(path, (size_t)c->o->max_record, c->d.pairs, &a, error);
    if (status == 0) status = translate_stats_make(c->o, &c->d, &a, out, error);
    translate_answers_free(&a);
    return status;
}

/* ---- the report */

static int set(json_t *object, const char *key, json_t *value) {
    return report_set(object, bytes_of(key), value);
}

static int add_test(const comparison *c, metric_rows kind, const void *a, const void *b,
                    const char *name, json_t *out) {
    metric_comparison m;
    TRY(metric_rows_compare(kind, a, b, c->d.pairs, (int)c->o->samples, 0.95,
                            (uint64_t)c->o->common.seed, &m));
    return set(out, name, json_pack("{sf so sf sf}", "difference", m.difference, "ci",
                                    report_interval(m.interval), "p", m.p, "p_bootstrap",
                                    m.p_bootstrap));
}

static int add_interval(const comparison *c, metric_rows kind, const void *row, const char *key,
                        json_t *out) {
    metric_interval interval;
    TRY(metric_rows_bootstrap(kind, row, c->d.pairs, (int)c->o->samples, 0.95,
                              (uint64_t)c->o->common.seed, &interval));
    return set(out, key, report_interval(interval));
}

static int fill_system(const comparison *c, size_t number, const char *path, json_t *out) {
    const translate_stats *s = &c->system[number], *first = &c->system[0];
    const chrf_options chrf = {0};
    TRY(set(out, "file", json_text(bytes_of(path))));
    TRY(set(out, "bleu", json_real(translate_stats_bleu(s))));
    TRY(set(out, "chrf", json_real(translate_stats_chrf(s, 0))));
    TRY(set(out, "chrf++", json_real(translate_stats_chrf(s, 2))));
    TRY(set(out, "exact", json_real(metric_value(metric_sum(s->exact, s->groups)))));
    if (c->o->samples == 0) return 0;
    TRY(add_interval(c, bleu_rows(&s->bleu_options), s->bleu, "bleu_ci", out));
    TRY(add_interval(c, chrf_rows(&chrf), s->chrf, "chrf_ci", out));
    if (number == 0) return 0;
    TRY(add_test(c, bleu_rows(&s->bleu_options), s->bleu, first->bleu, "bleu_test", out));
    return add_test(c, chrf_rows(&chrf), s->chrf, first->chrf, "chrf_test", out);
}

static int fill_report(comparison *c, const char *const *files) {
    json_t *list = json_array();
    c->report = json_object();
    if (!c->report || set(c->report, "systems", list) < 0) return RILL_ENOMEM;
    for (size_t i = 0; i < c->systems; i++) {
        json_t *system = json_object();
        if (json_array_append_new(list, system)) return RILL_ENOMEM;
        TRY(fill_system(c, i, files[i], system));
    }
    return translate_stats_signatures(&c->system[0], c->report);
}

static void print_test(const json_t *system, const char *key, buffer *out) {
    const json_t *test = json_object_get(system, key);
    if (!test) return;
    buffer_printf(out, "  %+.2f", report_number(test, "difference"));
    report_print_range(json_object_get(test, "ci"), 1, out);
    buffer_printf(out, " p %.3f", report_number(test, "p"));
}

static void print_report(const json_t *report, buffer *out) {
    const json_t *system;
    size_t i;
    buffer_printf(out, "%s\n%s\n", json_string_value(json_object_get(report, "signature")),
                  json_string_value(json_object_get(report, "chrf_signature")));
    json_array_foreach((json_t *)json_object_get(report, "systems"), i, system) {
        buffer_printf(out, "%s\n  BLEU    %6.2f", json_string_value(json_object_get(system, "file")),
                      report_number(system, "bleu"));
        report_print_range(json_object_get(system, "bleu_ci"), 1, out);
        print_test(system, "bleu_test", out);
        buffer_printf(out, "\n  chrF2   %6.2f", report_number(system, "chrf"));
        report_print_range(json_object_get(system, "chrf_ci"), 1, out);
        print_test(system, "chrf_test", out);
        buffer_printf(out, "\n  chrF2++ %6.2f\n  exact   %6.2f %%\n", report_number(system, "chrf++"),
                      100 * report_number(system, "exact"));
    }
}

/* ---- the verb */

static int compare(comparison *c, const char *const *files, size_t count, rill_error *error) {
    TRY(read_references(&c->d, files[0], (size_t)c->o->max_record, error));
    c->system = mem_new(count - 1, sizeof *c->system);
    if (!c->system) return status_nomem(error);
    for (; c->systems < count - 1; c->systems++) {
        TRY(read_system(c, files[c->systems + 1], &c->system[c->systems], error));
    }
    return fill_report(c, files + 1) < 0 ? status_nomem(error) : 0;
}

int translate_compare(const void *options, const char *const *files, size_t count, buffer *report,
                      rill_error *error) {
    comparison c = {.o = options};
    if (count < 2) {
        return status_fail(error, RILL_EUSAGE, "expected a file of references and one of answers");
    }
    int status = compare(&c, files, count, error);
    if (status == 0 && c.o->common.json) {
        status = json_write(c.report, report, error);
        buffer_add_char(report, '\n');
    } else if (status == 0) {
        print_report(c.report, report);
    }
    for (size_t i = 0; c.system && i < count - 1; i++) translate_stats_free(&c.system[i]);
    free(c.system);
    json_decref(c.report);
    translate_data_free(&c.d);
    return status < 0 ? status : buffer_status(report, error);
}
