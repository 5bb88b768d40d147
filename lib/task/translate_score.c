/* translate_score: see translate_score.h.
 *
 * Pairs are sorted by length and cut into portions; threads take one portion after the other, each
 * with a worker of its own. Results stand at the place of their pair, so who took what makes no
 * difference.
 */
#include "task/translate_score.h"
#include "base/io.h"
#include "data/batch.h"
#include "task/report.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers */

typedef struct answer_job {
    const translate_run *run;
    const translate_data *d;
    translate_answers *out;
    batch_plan plan;
    int32_t *cost; /* [pairs] */
    atomic_size_t next;
    int *status; /* [threads] */
    rill_error *why;
} answer_job;

static bool repeats(const translate_data *d, size_t pair) {
    return pair > 0 && d->start[SOURCE] &&
           bytes_equal(translate_data_line(d, SOURCE, pair - 1),
                       translate_data_line(d, SOURCE, pair));
}

void translate_answers_free(translate_answers *a) {
    for (size_t i = 0; a->text && i < a->pairs; i++) buffer_free(&a->text[i]);
    free(a->text);
    free(a->logp);
    free(a->units);
    *a = (translate_answers){0};
}

static int answers_room(translate_answers *a, size_t pairs) {
    *a = (translate_answers){.pairs = pairs};
    a->text = mem_new(pairs, sizeof *a->text);
    a->logp = mem_new(pairs, sizeof *a->logp);
    a->units = mem_new(pairs, sizeof *a->units);
    return a->text && a->logp && a->units ? 0 : RILL_ENOMEM;
}

int translate_answers_copy(const translate_data *d, translate_answers *out) {
    TRY(answers_room(out, d->pairs));
    for (size_t i = 0; i < d->pairs; i++) {
        buffer_add_bytes(&out->text[i], translate_data_line(d, SOURCE, i));
        if (out->text[i].failed) return RILL_ENOMEM;
    }
    return 0;
}

static int read_answers(reader *r, translate_answers *a, rill_error *error) {
    bytes line;
    size_t count = 0, at;
    int more;
    while ((more = reader_text(r, &line, error)) > 0) {
        if (!utf8_valid(line, &at)) {
            return status_set(error, RILL_EDATA, reader_name(r), reader_number(r), at + 1,
                              "invalid UTF-8");
        }
        if (count++ >= a->pairs) continue;
        buffer_add_bytes(&a->text[count - 1], line);
        TRY(buffer_status(&a->text[count - 1], error));
    }
    if (more < 0 || count == a->pairs) return more;
    return status_set(error, RILL_EDATA, reader_name(r), 0, 0,
                      "found %zu lines, expected %zu, one for every pair", count, a->pairs);
}

int translate_answers_read(const char *path, size_t max_line, size_t pairs, translate_answers *out,
                           rill_error *error) {
    reader *r = NULL;
    int status = answers_room(out, pairs) < 0 ? status_nomem(error) : 0;
    if (status == 0) status = reader_open(path, max_line, &r, error);
    if (status == 0) status = read_answers(r, out, error);
    reader_close(r);
    return status;
}

/* The portion's sources that are to be translated, and what came out. */
static int answer_portion(answer_job *j, translate_worker *w, const int32_t *item, size_t count,
                          translate_line *line, rill_error *error) {
    size_t asked = 0, faulty;
    for (size_t i = 0; i < count; i++) {
        if (repeats(j->d, (size_t)item[i])) continue;
        line[asked++] =
            (translate_line){.source = translate_data_line(j->d, SOURCE, (size_t)item[i]),
                             .name = (uint64_t)item[i]};
    }
    TRY(translate_worker_run(w, line, asked, &faulty, error));
    for (size_t i = 0; i < asked; i++) {
        const search_result *r = translate_worker_result(w, i);
        buffer *text = &j->out->text[line[i].name];
        if (r->count > 0) translate_worker_text(w, i, r->answer, text);
        TRY(buffer_status(text, error));
    }
    return 0;
}

static int score_portion(answer_job *j, translate_worker *w, const int32_t *item, size_t count,
                         translate_line *line, translate_scored *scored, rill_error *error) {
    size_t faulty;
    for (size_t i = 0; i < count; i++) {
        line[i] = (translate_line){.source = translate_data_line(j->d, SOURCE, (size_t)item[i]),
                                   .target = translate_data_line(j->d, TARGET, (size_t)item[i])};
    }
    TRY(translate_worker_score(w, line, count, scored, &faulty, error));
    for (size_t i = 0; i < count; i++) {
        j->out->logp[item[i]] = scored[i].logp;
        j->out->units[item[i]] = scored[i].units;
    }
    return 0;
}

/* Before and between portions, on the caller's thread; who is asked to stop leaves nothing to the others. */
static int between_portions(answer_job *j, rill_error *error) {
    const rill_hooks *hooks = j->run->hooks;
    size_t begun = atomic_load(&j->next), all = j->plan.batches;
    if (begun < all) {
        train_tell(hooks, RILL_EVENT_PROGRESS, NULL, "%2zu %% of %zu pairs", 100 * begun / all,
                   j->d->pairs);
    }
    int status = train_go_on(hooks, error);
    if (status < 0) atomic_store(&j->next, all);
    return status;
}

static int do_portions(answer_job *j, translate_worker *w, bool caller, rill_error *error) {
    size_t most = 0, at;
    for (size_t i = 0; i < j->plan.batches; i++) {
        size_t size = (size_t)(j->plan.start[i + 1] - j->plan.start[i]);
        most = size > most ? size : most;
    }
    translate_line *line = mem_new(most, sizeof *line);
    translate_scored *scored = mem_new(most, sizeof *scored);
    int status = line && scored ? 0 : status_nomem(error);
    while (status == 0 && (at = atomic_fetch_add(&j->next, 1)) < j->plan.batches) {
        const int32_t *item = j->plan.item + j->plan.start[at];
        size_t count = (size_t)(j->plan.start[at + 1] - j->plan.start[at]);
        status = answer_portion(j, w, item, count, line, error);
        if (status == 0) status = score_portion(j, w, item, count, line, scored, error);
        if (status == 0 && caller) status = between_portions(j, error);
    }
    free(line);
    free(scored);
    return status;
}

static void answer_task(void *data, int task, int worker_number) {
    answer_job *j = data;
    translate_worker *w = NULL;
    int status = translate_worker_new(j->run, &w, &j->why[task]);
    if (status == 0) status = do_portions(j, w, worker_number == 0, &j->why[task]);
    translate_worker_free(w);
    j->status[task] = status;
}

static int plan_answers(answer_job *j) {
    const translate_data *d = j->d;
    j->cost = mem_new(d->pairs, sizeof *j->cost);
    if (!j->cost || answers_room(j->out, d->pairs) < 0) return RILL_ENOMEM;
    for (size_t i = 0; i < d->pairs; i++) {
        size_t cost = translate_cost(translate_data_line(d, SOURCE, i));
        j->cost[i] = cost < INT32_MAX ? (int32_t)cost : INT32_MAX;
    }
    const size_t portion = translate_portion(j->run->o, j->run->batch);
    return batch_sorted(&j->plan, j->cost, d->pairs, (int64_t)portion);
}

/* A repeated source has the answer of the pair before. */
static int copy_repeats(const translate_data *d, translate_answers *a) {
    for (size_t i = 1; i < d->pairs; i++) {
        if (!repeats(d, i)) continue;
        buffer_add_bytes(&a->text[i], buffer_view(&a->text[i - 1]));
        if (a->text[i].failed) return RILL_ENOMEM;
    }
    return 0;
}

static int run_answers(answer_job *j, pool *pool, rill_error *error) {
    int threads = pool_threads(pool);
    j->status = mem_new((size_t)threads, sizeof *j->status);
    j->why = mem_new((size_t)threads, sizeof *j->why);
    if (!j->status || !j->why || plan_answers(j) < 0) return status_nomem(error);
    TRY(between_portions(j, error)); /* the other threads may leave none to the caller's */
    pool_run(pool, threads, answer_task, j);
    for (int i = 0; i < threads; i++) {
        if (j->status[i] == 0) continue;
        if (error) *error = j->why[i];
        return j->status[i];
    }
    return copy_repeats(j->d, j->out) < 0 ? status_nomem(error) : 0;
}

int translate_answer_all(const translate_run *run, const translate_data *d, pool *pool,
                         translate_answers *out, rill_error *error) {
    answer_job j = {.run = run, .d = d, .out = out};
    *out = (translate_answers){0};
    int status = run_answers(&j, pool, error);
    batch_free(&j.plan);
    free(j.cost);
    free(j.status);
    free(j.why);
    if (status < 0) translate_answers_free(out);
    return status;
}

/* ---- statistics */

void translate_stats_free(translate_stats *s) {
    free(s->bleu);
    free(s->chrf);
    free(s->chrf_words);
    free(s->exact);
    *s = (translate_stats){0};
}

double translate_stats_bleu(const translate_stats *s) {
    bleu_stats sum = {0};
    for (size_t i = 0; i < s->pairs; i++) bleu_add(&sum, &s->bleu[i]);
    return bleu_score(&sum, &s->bleu_options).score;
}

double translate_stats_chrf(const translate_stats *s, int words) {
    const chrf_options options = {.words = words};
    chrf_stats sum = {0};
    for (size_t i = 0; i < s->pairs; i++) chrf_add(&sum, words ? &s->chrf_words[i] : &s->chrf[i]);
    return chrf_score(&sum, &options);
}

int translate_stats_signatures(const translate_stats *s, json_t *out) {
    const chrf_options plain = {0}, words = {.words = 2};
    buffer text = {0};
    bleu_signature(&s->bleu_options, 1, &text);
    int status = report_text(out, "signature", &text);
    buffer_clear(&text);
    chrf_signature(&plain, 1, &text);
    if (status == 0) status = report_text(out, "chrf_signature", &text);
    buffer_clear(&text);
    chrf_signature(&words, 1, &text);
    if (status == 0) status = report_text(out, "chrf++_signature", &text);
    buffer_free(&text);
    return status;
}

static int count_bleu(translate_stats *s, const translate_data *d, const translate_answers *a,
                      rill_error *error) {
    bleu *counter = NULL;
    TRY(bleu_new(&s->bleu_options, &counter, error));
    int status = 0;
    for (size_t i = 0; status == 0 && i < d->pairs; i++) {
        bytes gold = translate_data_line(d, TARGET, i);
        status = bleu_count(counter, buffer_view(&a->text[i]), &gold, 1, &s->bleu[i], error);
    }
    bleu_free(counter);
    return status;
}

static int count_chrf(const translate_data *d, const translate_answers *a, int words,
                      chrf_stats *out, rill_error *error) {
    const chrf_options options = {.words = words};
    chrf *counter = NULL;
    TRY(chrf_new(&options, &counter, error));
    int status = 0;
    for (size_t i = 0; status == 0 && i < d->pairs; i++) {
        bytes gold = translate_data_line(d, TARGET, i);
        status = chrf_count(counter, buffer_view(&a->text[i]), &gold, 1, &out[i], error);
    }
    chrf_free(counter);
    return status;
}

/* There is a source, and it is blank. */
static bool asks_nothing(const translate_data *d, size_t pair) {
    return d->start[SOURCE] && bytes_trim(translate_data_line(d, SOURCE, pair)).size == 0;
}

/* Blanks at the ends make no difference; where both sides are blank nothing is asked. */
static void count_exact(translate_stats *s, const translate_data *d, const translate_answers *a) {
    s->groups = 0;
    for (size_t i = 0; i < d->pairs; i++) {
        bytes gold = bytes_trim(translate_data_line(d, TARGET, i));
        if (gold.size == 0 && asks_nothing(d, i)) continue;
        if (!repeats(d, i) || s->groups == 0) s->exact[s->groups++] = (metric_ratio){0, 1};
        if (bytes_equal(gold, bytes_trim(buffer_view(&a->text[i])))) {
            s->exact[s->groups - 1].part = 1;
        }
    }
}

int translate_stats_make(const translate_options *o, const translate_data *d,
                         const translate_answers *a, translate_stats *out, rill_error *error) {
    *out = (translate_stats){.pairs = d->pairs, .bleu_options = {.lower = o->ignore_case}};
    if (!segment_find(bytes_of(o->tokenize), &out->bleu_options.tokenizer)) {
        return status_fail(error, RILL_EUSAGE, "unknown tokenization \"%s\"", o->tokenize);
    }
    out->bleu = mem_new(d->pairs, sizeof *out->bleu);
    out->chrf = mem_new(d->pairs, sizeof *out->chrf);
    out->chrf_words = mem_new(d->pairs, sizeof *out->chrf_words);
    out->exact = mem_new(d->pairs, sizeof *out->exact);
    bool room = out->bleu && out->chrf && out->chrf_words && out->exact;
    int status = room ? count_bleu(out, d, a, error) : status_nomem(error);
    if (status == 0) status = count_chrf(d, a, 0, out->chrf, error);
    if (status == 0) status = count_chrf(d, a, 2, out->chrf_words, error);
    if (status < 0) {
        translate_stats_free(out);
        return status;
    }
    count_exact(out, d, a);
    double logp = 0, units = 0;
    for (size_t i = 0; i < d->pairs; i++) logp += a->logp[i], units += a->units[i];
    out->loss = units > 0 ? -logp / units : 0;
    return 0;
}

/* ---- validation */

static void add_score(train_scores *out, const char *name, double value) {
    strcpy(out->item[out->count].name, name);
    out->item[out->count++].value = value;
}

int translate_validate(const translate_run *run, const translate_data *dev, pool *pool,
                       train_scores *out, rill_error *error) {
    translate_answers answers;
    translate_stats stats;
    const char *metric = run->o->metric;
    TRY(translate_answer_all(run, dev, pool, &answers, error));
    int status = translate_stats_make(run->o, dev, &answers, &stats, error);
    translate_answers_free(&answers);
    TRY(status);
    *out = (train_scores){0};
    add_score(out, "bleu", translate_stats_bleu(&stats));
    add_score(out, "chrf", translate_stats_chrf(&stats, 0));
    add_score(out, "exact", metric_value(metric_sum(stats.exact, stats.groups)));
    add_score(out, "loss", stats.loss);
    for (int i = 0; i < out->count; i++) {
        if (!strcmp(out->item[i].name, metric)) out->main = out->item[i].value;
    }
    /* Where that score can't tell epochs apart, as BLEU on single words, the loss does. */
    if (!strcmp(metric, "loss"))
        out->main = -out->main;
    else
        out->main -= 1e-6 * stats.loss;
    translate_stats_free(&stats);
    return 0;
}
