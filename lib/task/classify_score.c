/* classify_score: gold labels of files beside what a session says of their texts; what is decided on
 * held-out data. Training's dev scores and the eval verb both start from here.
 */
#include "task/classify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PORTION = 256 }; /* texts read ahead of the session */

void classify_scores_free(classify_scores *c) {
    strmap_free(&c->labels);
    free(c->gold);
    free(c->value);
    free(c->baseline);
    free(c->score);
    *c = (classify_scores){0};
}

static int begin(classify_scores *c, const classify_session *s) {
    const classify_lexicon *l = classify_session_lexicon(s);
    if (c->K > 0) return 0;
    c->K = l->labels.count;
    c->multi = l->multi;
    for (int32_t k = 0; k < c->K; k++) {
        int32_t id;
        TRY(strmap_add(&c->labels, strmap_get(&l->labels, k), &id));
    }
    return 0;
}

static size_t width(const classify_scores *c) { return c->multi ? (size_t)c->K : 1; }

static int add_gold(classify_scores *c, const example *e, rill_error *error) {
    size_t w = width(c), i = c->texts;
    if (!c->multi && e->labels != 1) {
        return status_set(error, RILL_EDATA, e->file, e->line, 0,
                          "found %zu labels, expected one", e->labels);
    }
    if (mem_grow(&c->gold, &c->gold_room, (i + 1) * w, sizeof *c->gold) < 0) {
        return status_nomem(error);
    }
    memset(c->gold + i * w, 0, w * sizeof *c->gold);
    for (size_t k = 0; k < e->labels; k++) {
        bytes label = example_label(e, k);
        if (c->multi) {
            int32_t id = strmap_find(&c->labels, label);
            if (id < 0) c->unknown++;
            else c->gold[i * w + (size_t)id] = 1;
        } else if (strmap_add(&c->labels, label, &c->gold[i]) < 0) {
            return status_nomem(error);
        }
    }
    c->texts++;
    return 0;
}

/* Texts of a portion, copied, because the reader forgets them. */
typedef struct portion {
    buffer text[PORTION];
    bytes view[PORTION];
    size_t count;
} portion;

static int run(classify_scores *c, classify_session *s, portion *p, bool logits,
               rill_error *error) {
    size_t K = (size_t)c->K, from = c->texts - p->count, w = width(c);
    if (mem_grow(&c->value, &c->value_room, c->texts * K, sizeof *c->value) < 0 ||
        mem_grow(&c->score, &c->score_room, c->texts * K, sizeof *c->score) < 0 ||
        mem_grow(&c->baseline, &c->baseline_room, c->texts * w, sizeof *c->baseline) < 0) {
        return status_nomem(error);
    }
    for (size_t i = 0; i < p->count; i++) p->view[i] = buffer_view(&p->text[i]);
    size_t count = p->count;
    p->count = 0;
    TRY(classify_session_run(s, p->view, count, c->value + from * K, logits, error));
    float *score = logits ? c->score + from * K : NULL;
    int32_t *baseline = c->wants_baseline ? c->baseline + from * w : NULL;
    if (score || baseline) TRY(classify_session_bayes(s, p->view, count, score, baseline, error));
    train_tell(c->hooks, RILL_EVENT_PROGRESS, NULL, "%zu texts", c->texts);
    return train_go_on(c->hooks, error);
}

static int add_all(classify_scores *c, classify_session *s, labelled *in, portion *p, bool logits,
                   rill_error *error) {
    example e = {0};
    int status = 0, more;
    while (status == 0 && (more = labelled_next(in, &e, error)) != 0) {
        status = more < 0 ? more : add_gold(c, &e, error);
        if (status < 0) break;
        buffer *text = &p->text[p->count++];
        buffer_clear(text);
        buffer_add_bytes(text, example_text(&e));
        status = buffer_status(text, error);
        if (status == 0 && p->count == PORTION) status = run(c, s, p, logits, error);
    }
    example_free(&e);
    return status == 0 && p->count > 0 ? run(c, s, p, logits, error) : status;
}

int classify_scores_add(classify_scores *c, classify_session *s, const classify_options *o,
                        const char *path, bool logits, rill_error *error) {
    const labelled_options options = classify_labelled(o, false);
    labelled *in = NULL;
    if (begin(c, s) < 0) return status_nomem(error);
    portion *p = mem_new(1, sizeof *p);
    int status = p ? labelled_open(path, &options, &in, error) : status_nomem(error);
    if (status == 0 && labelled_format_of(in) == LABELLED_TEXT) {
        status = status_set(error, RILL_EDATA, path, 0, 0,
                            "found text without labels or an empty file, expected labelled texts");
    }
    if (status == 0) status = add_all(c, s, in, p, logits, error);
    for (size_t i = 0; p && i < PORTION; i++) buffer_free(&p->text[i]);
    free(p);
    labelled_close(in);
    return status;
}

int32_t classify_best(const classify_scores *c, size_t i) {
    const float *value = c->value + i * (size_t)c->K;
    int32_t best = 0;
    for (int32_t k = 1; k < c->K; k++) {
        if (value[k] > value[best]) best = k;
    }
    return best;
}

/* ---- what is decided on held-out logits: how sure they are, and what naive Bayes counts beside
 *      them. Logits x, scores s: z = scale (x + bayes s), the cross entropy of z is made small. As in
 *      Platt (1999) a gold label counts (n+1)/(n+2) for n texts: without an error among few texts
 *      the answers would become ever surer. */

typedef struct fit {
    int K;
    bool multi;
    size_t texts, step;        /* every step-th text is looked at: enough for two numbers */
    const int32_t *gold;
    const float *value, *score; /* [texts,K]; value may be NULL: 0 */
} fit;

enum { FIT_NUMBERS = 200000 };

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

static double logit(const fit *f, size_t i, int k, double scale, double bayes) {
    size_t at = i * (size_t)f->K + (size_t)k;
    return scale * ((f->value ? (double)f->value[at] : 0) + bayes * (double)f->score[at]);
}

static double entropy(const fit *f, size_t i, double scale, double bayes) {
    double sum = 0, mean = 0, top = -INFINITY, rest = 1 / ((double)f->texts + 2);
    if (f->multi) {
        for (int k = 0; k < f->K; k++) {
            double z = logit(f, i, k, scale, bayes);
            sum += softplus(z) - (f->gold[i * (size_t)f->K + (size_t)k] ? 1 - rest : rest) * z;
        }
        return sum;
    }
    if (f->gold[i] >= f->K) return 0;
    for (int k = 0; k < f->K; k++) {
        double z = logit(f, i, k, scale, bayes);
        mean += z / f->K;
        top = fmax(top, z);
    }
    for (int k = 0; k < f->K; k++) sum += exp(logit(f, i, k, scale, bayes) - top);
    return log(sum) + top - (1 - rest) * logit(f, i, f->gold[i], scale, bayes) - rest * mean;
}

static double entropy_at(const fit *f, double log_scale, double bayes) {
    double sum = 0;
    for (size_t i = 0; i < f->texts; i += f->step) sum += entropy(f, i, exp(log_scale), bayes);
    return sum;
}

/* Golden section over the scale's logarithm between two bounds; the entropy has one minimum. */
static double best_scale(const fit *f, double bayes, double low, double high, double *least) {
    double a = log(low), b = log(high), golden = 0.6180339887498949;
    double left = b - golden * (b - a), right = a + golden * (b - a);
    double at_left = entropy_at(f, left, bayes), at_right = entropy_at(f, right, bayes);
    for (int round = 0; round < 20; round++) {
        if (at_left < at_right) {
            b = right, right = left, at_right = at_left;
            left = b - golden * (b - a);
            at_left = entropy_at(f, left, bayes);
        } else {
            a = left, left = right, at_left = at_right;
            right = a + golden * (b - a);
            at_right = entropy_at(f, right, bayes);
        }
    }
    *least = fmin(at_left, at_right);
    return exp((a + b) / 2);
}

static fit make_fit(int K, bool multi, size_t texts, const int32_t *gold, const float *value,
                    const float *score) {
    size_t numbers = texts * (size_t)K;
    return (fit){K, multi, texts, 1 + numbers / FIT_NUMBERS, gold, value, score};
}

double classify_bayes_weight(const classify_data *d, int K, bool multi) {
    const fit f = make_fit(K, multi, d->texts, d->label, NULL, d->bayes);
    double least;
    return best_scale(&f, 1, 0.01, 10, &least);
}

static void decide_scale(const classify_scores *c, classify_decision *d) {
    static const double shares[] = {0, 0.25, 0.5, 0.75, 1, 1.5, 2};
    const fit f = make_fit(c->K, c->multi, c->texts, c->gold, c->value, c->score);
    double start = d->bayes, best = INFINITY;
    for (size_t i = 0; i < (start > 0 ? sizeof shares / sizeof *shares : 1); i++) {
        double least, bayes = start * shares[i], scale = best_scale(&f, bayes, 0.1, 2, &least);
        if (least >= best) continue;
        best = least;
        d->bayes = bayes;
        d->temperature = 1 / scale;
    }
}

typedef struct ranked {
    float value;
    int32_t gold;
} ranked;

static int by_value(const void *a, const void *b) {
    float x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
    return (x < y) - (x > y);
}

/* Best F1 of a label over all places where its ranked texts can be cut; the threshold is halfway to
 * the next value. A label that held-out data lack keeps 0.5. */
static float best_threshold(ranked *list, size_t n) {
    int64_t gold = 0, right = 0;
    double best = 0;
    float threshold = 0.5f;
    qsort(list, n, sizeof *list, by_value);
    for (size_t i = 0; i < n; i++) gold += list[i].gold;
    for (size_t i = 0; i < n; i++) {
        right += list[i].gold;
        if (i + 1 < n && list[i + 1].value == list[i].value) continue;
        double f1 = 2.0 * (double)right / (double)(gold + (int64_t)i + 1);
        if (f1 <= best) continue;
        best = f1;
        threshold = i + 1 < n ? (list[i].value + list[i + 1].value) / 2 : list[i].value / 2;
    }
    return threshold;
}

int classify_decide(classify_scores *c, classify_decision *d) {
    size_t K = (size_t)c->K;
    const kernels *kernels = cpu_kernels();
    for (size_t k = 0; k < K; k++) d->threshold[k] = 0.5f;
    if (c->texts == 0) return 0;
    decide_scale(c, d);
    for (size_t i = 0; i < c->texts; i++) {
        float *value = c->value + i * K;
        classify_probabilities(kernels, c->multi, c->K, d, value, c->score + i * K, value);
    }
    if (!c->multi) return 0;
    ranked *list = mem_new(c->texts, sizeof *list);
    if (!list) return RILL_ENOMEM;
    for (size_t k = 0; k < K; k++) {
        for (size_t i = 0; i < c->texts; i++) {
            list[i] = (ranked){c->value[i * K + k], c->gold[i * K + k]};
        }
        d->threshold[k] = best_threshold(list, c->texts);
    }
    free(list);
    return 0;
}
