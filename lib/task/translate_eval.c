/* translate_eval: the eval verb: BLEU and chrF as sacreBLEU has them, exact answers, perplexity;
 * beside the trivial baseline (the source as its own translation), with bootstrap intervals over
 * lines, and a paired test against another system's answers.
 *
 * BLEU and chrF are points, 0..100, in JSON too: that is their unit wherever they are printed.
 */
#include "task/job.h"
#include "task/report.h"
#include "task/translate_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct evaluation {
    const translate_options *o;
    const translate_data *d;
    translate_stats stats, baseline, other; /* other: of --compare */
    json_t *report;
} evaluation;

static int fill(json_t *object, const char *key, json_t *value) {
    return report_set(object, bytes_of(key), value);
}

static int add_rows(const evaluation *e, metric_rows kind, const void *row, const char *key) {
    metric_interval interval;
    if (e->o->samples == 0) return 0;
    TRY(metric_rows_bootstrap(kind, row, e->stats.pairs, (int)e->o->samples, 0.95,
                              (uint64_t)e->o->common.seed, &interval));
    return fill(e->report, key, report_interval(interval));
}

static int add_line(const evaluation *e) {
    bleu_stats sum = {0};
    buffer text = {0};
    for (size_t i = 0; i < e->stats.pairs; i++) bleu_add(&sum, &e->stats.bleu[i]);
    bleu_result result = bleu_score(&sum, &e->stats.bleu_options);
    bleu_line(&result, &text);
    int status = report_text(e->report, "bleu_line", &text);
    buffer_free(&text);
    return status;
}

static int add_scores(const evaluation *e) {
    const translate_stats *s = &e->stats;
    const chrf_options plain = {0};
    json_t *r = e->report;
    TRY(fill(r, "pairs", json_integer((json_int_t)s->pairs)));
    TRY(fill(r, "bleu", json_real(translate_stats_bleu(s))));
    TRY(add_rows(e, bleu_rows(&s->bleu_options), s->bleu, "bleu_ci"));
    TRY(add_line(e));
    TRY(fill(r, "chrf", json_real(translate_stats_chrf(s, 0))));
    TRY(add_rows(e, chrf_rows(&plain), s->chrf, "chrf_ci"));
    TRY(fill(r, "chrf++", json_real(translate_stats_chrf(s, 2))));
    TRY(translate_stats_signatures(s, r));
    metric_ratio exact = metric_sum(s->exact, s->groups);
    TRY(fill(r, "exact", json_real(metric_value(exact))));
    TRY(report_bootstrap(s->exact, s->groups, e->o->samples, (uint64_t)e->o->common.seed,
                         "exact_ci", r));
    TRY(fill(r, "sources", json_integer((json_int_t)s->groups)));
    TRY(fill(r, "loss", json_real(s->loss)));
    TRY(fill(r, "perplexity", json_real(exp(fmin(s->loss, 700)))));
    json_t *base = json_pack("{sf sf sf}", "bleu", translate_stats_bleu(&e->baseline), "chrf",
                             translate_stats_chrf(&e->baseline, 0), "exact",
                             metric_value(metric_sum(e->baseline.exact, e->baseline.groups)));
    return fill(r, "baseline", base);
}

/* This model less the other system. */
static int add_comparison(const evaluation *e) {
    metric_comparison c;
    if (!e->o->compare) return 0;
    int samples = e->o->samples > 0 ? (int)e->o->samples : 1000;
    TRY(metric_rows_compare(bleu_rows(&e->stats.bleu_options), (const int64_t *)e->stats.bleu,
                            (const int64_t *)e->other.bleu, e->stats.pairs, samples, 0.95,
                            (uint64_t)e->o->common.seed, &c));
    json_t *json = json_pack("{sf sf so sf sf}", "bleu", translate_stats_bleu(&e->other),
                             "difference", c.difference, "ci", report_interval(c.interval), "p",
                             c.p, "p_bootstrap", c.p_bootstrap);
    return fill(e->report, "compare", json);
}

/* ---- as text */

static void print_value(const json_t *r, const char *name, const char *key, const char *ci,
                        double scale, buffer *out) {
    buffer_printf(out, "%-10s %6.2f", name, scale * report_number(r, key));
    if (ci) report_print_range(json_object_get(r, ci), scale, out);
}

static void print_signed(const json_t *r, const char *key, buffer *out) {
    buffer_printf(out, "  %s\n", json_string_value(json_object_get(r, key)));
}

static void print_report(const json_t *r, buffer *out) {
    const json_t *base = json_object_get(r, "baseline"), *other = json_object_get(r, "compare");
    print_value(r, "BLEU", "bleu", "bleu_ci", 1, out);
    print_signed(r, "signature", out);
    buffer_printf(out, "%s\n", json_string_value(json_object_get(r, "bleu_line")));
    print_value(r, "chrF2", "chrf", "chrf_ci", 1, out);
    print_signed(r, "chrf_signature", out);
    print_value(r, "chrF2++", "chrf++", NULL, 1, out);
    print_signed(r, "chrf++_signature", out);
    print_value(r, "exact", "exact", "exact_ci", 100, out);
    buffer_printf(out, "  %% of %lld sources, any of their targets\n",
                  (long long)json_integer_value(json_object_get(r, "sources")));
    buffer_printf(out, "%-10s %6.4f  a unit, perplexity %.3f\n", "loss", report_number(r, "loss"),
                  report_number(r, "perplexity"));
    buffer_printf(out, "%-10s %6.2f BLEU, %.2f chrF2, %.2f %% exact, by copying the source\n",
                  "baseline", report_number(base, "bleu"), report_number(base, "chrf"),
                  100 * report_number(base, "exact"));
    if (!other) return;
    buffer_printf(out, "%-10s %6.2f BLEU of the other; difference %+.2f", "compare",
                  report_number(other, "bleu"), report_number(other, "difference"));
    report_print_range(json_object_get(other, "ci"), 1, out);
    buffer_printf(out, "  p %.3f\n", report_number(other, "p"));
}

/* ---- the verb */

static int score_others(evaluation *e, rill_error *error) {
    translate_answers a;
    int status = translate_answers_copy(e->d, &a) < 0 ? status_nomem(error) : 0;
    if (status == 0) status = translate_stats_make(e->o, e->d, &a, &e->baseline, error);
    translate_answers_free(&a);
    if (status < 0 || !e->o->compare) return status;
    status =
        translate_answers_read(e->o->compare, (size_t)e->o->max_record, e->d->pairs, &a, error);
    if (status == 0) status = translate_stats_make(e->o, e->d, &a, &e->other, error);
    translate_answers_free(&a);
    return status;
}

static int evaluate(evaluation *e, const translate_run *run, rill_error *error) {
    translate_answers a;
    pool *p = NULL;
    TRY(pool_new(job_threads(&e->o->common), &p, error));
    int status = translate_answer_all(run, e->d, p, &a, error);
    pool_free(p);
    TRY(status);
    status = translate_stats_make(e->o, e->d, &a, &e->stats, error);
    translate_answers_free(&a);
    if (status == 0) status = score_others(e, error);
    TRY(status);
    e->report = json_object();
    status = e->report ? add_scores(e) : RILL_ENOMEM;
    if (status == 0) status = add_comparison(e);
    return status < 0 ? status_nomem(error) : 0;
}

static int eval_files(evaluation *e, translate_run *run, const char *const *files, size_t count,
                      buffer *report, rill_error *error) {
    translate_data d = {0};
    translate_dictionary dictionary = {0};
    int status = translate_data_read(&d, files, count, true, (size_t)e->o->max_record, error);
    if (status == 0 && e->o->dictionary) {
        status = translate_dictionary_open(e->o->dictionary, &dictionary, error);
        run->dictionary = &dictionary;
    }
    e->d = &d;
    if (status == 0) status = evaluate(e, run, error);
    if (status == 0 && e->o->common.json) {
        status = json_write(e->report, report, error);
        buffer_add_char(report, '\n');
    } else if (status == 0) {
        print_report(e->report, report);
    }
    translate_dictionary_free(&dictionary);
    translate_data_free(&d);
    return status < 0 ? status : buffer_status(report, error);
}

int translate_eval(void *const *models, size_t model_count, const void *options,
                   const char *const *files, size_t count, const rill_hooks *hooks, buffer *report,
                   rill_error *error) {
    evaluation e = {.o = options};
    translate_model **model = mem_new(model_count, sizeof *model);
    if (!model) return status_nomem(error);
    for (size_t i = 0; i < model_count; i++) model[i] = models[i];
    translate_run run = {.lexicon = &model[0]->lexicon,
                         .o = options,
                         .models = model,
                         .count = model_count,
                         .batch = e.o->common.batch,
                         .hooks = hooks};
    int status = eval_files(&e, &run, files, count, report, error);
    json_decref(e.report);
    translate_stats_free(&e.stats);
    translate_stats_free(&e.baseline);
    translate_stats_free(&e.other);
    free(model);
    return status;
}
