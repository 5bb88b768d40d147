/* classify_eval: the eval verb: what a classifier gets right, beside the most frequent label and naive
 * Bayes over single units, with intervals.
 *
 * Intervals are percentile bootstraps over texts (metric.h). The calibration error (ECE, Naeini et al.
 * 2015) is the mean distance between how sure the answer was and how often it was right, over ten
 * bins of sureness.
 *
 * --compare reads another system's answers to the same texts, one JSON object each with its label:
 * the difference of the two, its paired bootstrap interval, and the p value of approximate
 * randomisation.
 */
#include "base/io.h"
#include "model/matrix.h"
#include "model/metric.h"
#include "task/classify.h"
#include "task/job.h"
#include "task/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONFUSIONS = 10, TEXT_LABELS = 40, BINS = 10, TABLE = 12, DRAWN = 40 /* labels drawn */ };

typedef struct evaluation {
    classify_scores scores;
    const classify_options *o;
    const float *threshold;
    int32_t *given; /* [texts], multi [texts,K] */
    metric_ratio *part; /* [texts] share of accuracy or micro F1 */
    json_t *report;
    rill_error *error;
} evaluation;

static size_t width(const classify_scores *c) { return c->multi ? (size_t)c->K : 1; }

/* ---- decisions */

static int give(evaluation *e) {
    classify_scores *c = &e->scores;
    size_t K = (size_t)c->K, w = width(c);
    e->given = mem_new(c->texts, w * sizeof *e->given);
    e->part = mem_new(c->texts, sizeof *e->part);
    if (!e->given || !e->part) return RILL_ENOMEM;
    for (size_t i = 0; i < c->texts; i++) {
        if (!c->multi) e->given[i] = classify_best(c, i);
        for (size_t k = 0; c->multi && k < K; k++) {
            float threshold = e->o->threshold > 0 ? (float)e->o->threshold : e->threshold[k];
            e->given[i * K + k] = c->value[i * K + k] >= threshold;
        }
    }
    return 0;
}

/* Share of a text in accuracy, or (multi) in micro F1. */
static void share_out(const classify_scores *c, const int32_t *given, metric_ratio *part) {
    size_t K = (size_t)c->K;
    for (size_t i = 0; i < c->texts; i++) {
        part[i] = (metric_ratio){0};
        if (!c->multi) part[i] = (metric_ratio){given[i] == c->gold[i], 1};
        for (size_t k = 0; c->multi && k < K; k++) {
            bool gold = c->gold[i * K + k] == 1, got = given[i * K + k] == 1;
            part[i].part += 2 * (gold && got);
            part[i].whole += gold + got;
        }
    }
    if (c->multi && c->texts > 0) part[0].whole += c->unknown;
}

static void count_labels(const classify_scores *c, const int32_t *given, metric_counts *counts) {
    size_t K = (size_t)c->K;
    if (!c->multi) {
        metric_label_counts(c->gold, given, c->texts, c->labels.count, counts);
        return;
    }
    for (size_t i = 0; i < c->texts * K; i++) {
        counts[i % K].gold += c->gold[i];
        counts[i % K].system += given[i];
        counts[i % K].right += c->gold[i] && given[i];
    }
}

/* ---- the report */

static double calibration_error(const evaluation *e) {
    const classify_scores *c = &e->scores;
    double sure[BINS] = {0}, right[BINS] = {0}, error = 0, n = 0;
    size_t K = (size_t)c->K, answers = c->multi ? c->texts * K : c->texts;
    for (size_t i = 0; i < answers; i++) {
        float p = c->multi ? c->value[i] : c->value[i * K + (size_t)e->given[i]];
        int bin = (int)(p * BINS);
        if (bin >= BINS) bin = BINS - 1;
        sure[bin] += (double)p;
        right[bin] += c->multi ? c->gold[i] : e->given[i] == c->gold[i];
        n++;
    }
    for (int b = 0; b < BINS; b++) error += fabs(sure[b] - right[b]);
    return n > 0 ? error / n : 0;
}

static int add_labels(evaluation *e) {
    classify_scores *c = &e->scores;
    size_t labels = (size_t)c->labels.count;
    metric_counts *counts = mem_new(labels, sizeof *counts);
    if (!counts) return RILL_ENOMEM;
    count_labels(c, e->given, counts);
    int status = report_set(e->report, BYTES("micro_f1"),
                            json_real(metric_f1(metric_micro(counts, labels))));
    if (status == 0) status = report_labels(&c->labels, counts, e->report);
    free(counts);
    return status;
}

/* Both baselines: the most frequent label of training (the larger prior), and naive Bayes. */
static int add_baselines(evaluation *e, const classify_lexicon *l) {
    classify_scores *c = &e->scores;
    size_t K = (size_t)c->K, w = width(c), best = 0;
    int32_t *majority = mem_new(c->texts, w * sizeof *majority);
    metric_ratio *part = mem_new(c->texts, sizeof *part);
    int status = majority && part ? 0 : RILL_ENOMEM;
    for (size_t k = 1; k < K; k++) {
        if (l->prior[k] > l->prior[best]) best = k;
    }
    for (size_t i = 0; status == 0 && i < c->texts; i++) {
        if (c->multi) majority[i * K + best] = 1;
        else majority[i] = (int32_t)best;
    }
    if (status == 0) {
        share_out(c, majority, part);
        double value = metric_value(metric_sum(part, c->texts));
        status = report_set(e->report, BYTES("majority"), json_real(value));
    }
    if (status == 0) {
        share_out(c, c->baseline, part);
        double value = metric_value(metric_sum(part, c->texts));
        status = report_set(e->report, BYTES("naive_bayes"), json_real(value));
    }
    free(majority);
    free(part);
    return status;
}

static int add_exact(evaluation *e) {
    const classify_scores *c = &e->scores;
    size_t right = 0, w = width(c);
    for (size_t i = 0; i < c->texts; i++) {
        right += !memcmp(c->gold + i * w, e->given + i * w, w * sizeof *c->gold);
    }
    return report_set(e->report, BYTES("accuracy"),
                      json_real((double)right / (double)c->texts));
}

/* ---- another system's answers */

/* One answer: a label, or a list of them, as ids; unknown labels are wrong. */
static int read_answer(const classify_scores *c, const json_t *label, int32_t *out) {
    if (!c->multi) {
        if (!json_is_string(label)) return RILL_EDATA;
        out[0] = strmap_find(&c->labels, bytes_of(json_string_value(label)));
        return 0;
    }
    if (!json_is_array(label)) return RILL_EDATA;
    for (size_t i = 0; i < json_array_size(label); i++) {
        const char *name = json_string_value(json_array_get(label, i));
        int32_t k = name ? strmap_find(&c->labels, bytes_of(name)) : -1;
        if (!name) return RILL_EDATA;
        if (k >= 0) out[k] = 1;
    }
    return 0;
}

static int read_answers(evaluation *e, reader *in, int32_t *given) {
    const classify_scores *c = &e->scores;
    size_t i = 0, w = width(c);
    bytes line;
    int more;
    while ((more = reader_text(in, &line, e->error)) > 0) {
        json_t *json = NULL;
        if (bytes_trim(line).size == 0) continue;
        if (i == c->texts) break;
        TRY(json_read(line, reader_name(in), &json, e->error));
        int status = read_answer(c, json_object_get(json, "label"), given + i++ * w);
        json_decref(json);
        if (status < 0) {
            return status_set(e->error, status, reader_name(in), reader_number(in), 0,
                              "field \"label\": expected %s", c->multi ? "a list" : "a string");
        }
    }
    if (more < 0) return more;
    if (more == 0 && i == c->texts) return 0;
    return status_set(e->error, RILL_EDATA, reader_name(in), reader_number(in), 0,
                      "found %s answers than the %zu texts", more ? "more" : "fewer", c->texts);
}

static int add_comparison(evaluation *e) {
    const classify_scores *c = &e->scores;
    reader *in = NULL;
    int32_t *given = mem_new(c->texts, width(c) * sizeof *given);
    metric_ratio *part = mem_new(c->texts, sizeof *part);
    metric_comparison found;
    int status = given && part ? 0 : status_nomem(e->error);
    int samples = e->o->samples > 0 ? (int)e->o->samples : 1000;
    if (status == 0) status = reader_open(e->o->compare, 0, &in, e->error);
    if (status == 0) status = read_answers(e, in, given);
    if (status == 0) {
        share_out(c, given, part);
        status = metric_compare(e->part, part, c->texts, samples, 0.95,
                                (uint64_t)e->o->common.seed, &found);
        json_t *row = json_pack("{sf sf so sf}", "other", metric_value(metric_sum(part, c->texts)),
                                "difference", found.difference, "ci",
                                report_interval(found.interval), "p", found.p);
        if (status == 0) status = report_set(e->report, BYTES("comparison"), row);
        if (status < 0) status = status_nomem(e->error);
    }
    reader_close(in);
    free(given);
    free(part);
    return status;
}

/* ---- the confusion matrix */

static int64_t *count_matrix(const evaluation *e, int n) {
    const classify_scores *c = &e->scores;
    int64_t *count = mem_new((size_t)n, (size_t)n * sizeof *count);
    for (size_t i = 0; count && i < c->texts; i++) {
        if (c->gold[i] < n && e->given[i] < n) count[c->gold[i] * n + e->given[i]]++;
    }
    return count;
}

static int draw_matrix(const evaluation *e, const char *path) {
    const classify_scores *c = &e->scores;
    buffer svg = {0};
    writer *w = NULL;
    if (c->multi) {
        return status_fail(e->error, RILL_EUSAGE, "option --matrix: texts have several labels");
    }
    int n = c->labels.count < DRAWN ? c->labels.count : DRAWN;
    int64_t *count = count_matrix(e, n);
    if (count) matrix_svg(&(matrix){&c->labels, n, count}, &svg);
    int status = count ? buffer_status(&svg, e->error) : status_nomem(e->error);
    if (status == 0) status = writer_open(path, &w, e->error);
    if (status == 0) status = writer_add_bytes(w, buffer_view(&svg), e->error);
    if (status == 0) status = writer_commit(w, e->error);
    writer_close(w);
    buffer_free(&svg);
    free(count);
    return status;
}

/* ---- the report as text */

static int print_matrix(const evaluation *e, buffer *out) {
    const classify_scores *c = &e->scores;
    int n = c->labels.count;
    if (c->multi || n > TABLE) return 0;
    int64_t *count = count_matrix(e, n);
    if (!count) return status_nomem(e->error);
    matrix_text(&(matrix){&c->labels, n, count}, out);
    free(count);
    return 0;
}

static int print_report(const evaluation *e, buffer *out) {
    const json_t *r = e->report, *other = json_object_get(r, "comparison");
    bool multi = e->scores.multi;
    buffer_printf(out, "%zu texts\n  accuracy %.2f%%", e->scores.texts,
                  100 * report_number(r, "accuracy"));
    report_print_interval(json_object_get(r, "ci"), out);
    buffer_printf(out, "  micro f1 %.2f%%", 100 * report_number(r, "micro_f1"));
    report_print_interval(json_object_get(r, "micro_f1_ci"), out);
    buffer_printf(out, "  macro f1 %.2f%%\n", 100 * report_number(r, "macro_f1"));
    buffer_printf(out, "  baselines (%s): most frequent label %.2f%%, naive Bayes %.2f%%\n",
                  multi ? "micro f1" : "accuracy", 100 * report_number(r, "majority"),
                  100 * report_number(r, "naive_bayes"));
    buffer_printf(out, "  calibration error %.2f%%\n", 100 * report_number(r, "calibration_error"));
    if (other) {
        buffer_printf(out, "  other system %.2f%%, difference %+.2f", 100 * report_number(other, "other"),
                      100 * report_number(other, "difference"));
        report_print_interval(json_object_get(other, "ci"), out);
        buffer_printf(out, "  p %.4f\n", report_number(other, "p"));
    }
    report_print_rows("label", json_object_get(r, "labels"), TEXT_LABELS, out);
    if (e->scores.labels.count > TABLE) report_print_confusions(json_object_get(r, "confusions"), out);
    return print_matrix(e, out);
}

/* ---- the verb */

static int fill_report(evaluation *e, const classify_lexicon *l) {
    const classify_scores *c = &e->scores;
    TRY(report_set(e->report, BYTES("texts"), json_integer((json_int_t)c->texts)));
    TRY(add_exact(e));
    share_out(c, e->given, e->part);
    TRY(report_bootstrap(e->part, c->texts, e->o->samples, (uint64_t)e->o->common.seed,
                         c->multi ? "micro_f1_ci" : "ci", e->report));
    TRY(add_labels(e));
    TRY(add_baselines(e, l));
    TRY(report_set(e->report, BYTES("calibration_error"), json_real(calibration_error(e))));
    if (c->multi) return 0;
    return report_confusions(&c->labels, c->gold, e->given, c->texts, CONFUSIONS, e->report);
}

static int eval_files(evaluation *e, classify_session *s, const char *const *files, size_t count) {
    for (size_t i = 0; i < count; i++) {
        TRY(classify_scores_add(&e->scores, s, e->o, files[i], false, e->error));
    }
    if (e->scores.texts == 0) {
        return status_set(e->error, RILL_EDATA, count ? files[0] : NULL, 0, 0, "no texts to score");
    }
    e->threshold = classify_session_threshold(s);
    if (give(e) < 0 || fill_report(e, classify_session_lexicon(s)) < 0) {
        return status_nomem(e->error);
    }
    if (e->o->compare) TRY(add_comparison(e));
    return e->o->matrix ? draw_matrix(e, e->o->matrix) : 0;
}

int classify_eval(void *const *models, size_t model_count, const void *options,
                  const char *const *files, size_t count, const rill_hooks *hooks, buffer *report,
                  rill_error *error) {
    evaluation e = {.scores.hooks = hooks, .scores.wants_baseline = true, .o = options, .report = json_object(),
                    .error = error};
    pool *threads = NULL;
    classify_session *s = NULL;
    int status = e.report ? pool_new(job_threads(&e.o->common), &threads, error)
                          : status_nomem(error);
    if (status == 0) {
        status = classify_session_new((classify_model *const *)models, model_count, e.o, threads,
                                      &s, error);
    }
    if (status == 0) status = file_spare(e.o->matrix, e.o->common.force, error);
    if (status == 0) status = eval_files(&e, s, files, count);
    if (status == 0 && e.o->common.json) {
        status = json_write(e.report, report, error);
        buffer_add_char(report, '\n');
    } else if (status == 0) {
        status = print_report(&e, report);
    }
    if (status == 0) status = buffer_status(report, error);
    classify_session_free(s);
    pool_free(threads);
    classify_scores_free(&e.scores);
    free(e.given);
    free(e.part);
    json_decref(e.report);
    return status;
}
