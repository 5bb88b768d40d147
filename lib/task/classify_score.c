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
        mem_grow(&c->baseline, &c->baseline_room, c->texts * w, sizeof *c->baseline) < 0) {
        return status_nomem(error);
    }
    for (size_t i = 0; i < p->count; i++) p->view[i] = buffer_view(&p->text[i]);
    size_t count = p->count;
    p->count = 0;
    TRY(classify_session_run(s, p->view, count, c->value + from * K, logits, error));
    if (!c->wants_baseline) return 0;
    return classify_session_baseline(s, p->view, count, c->baseline + from * w, error);
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

/* ---- what is decided on held-out logits */

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

/* Cross entropy of one text's logits at temperature 1/scale. */
static double entropy(const classify_scores *c, size_t i, double scale) {
    const float *x = c->value + i * (size_t)c->K;
    double sum = 0, top = -INFINITY;
    if (c->multi) {
        for (int k = 0; k < c->K; k++) {
            double z = scale * (double)x[k];
            sum += softplus(z) - c->gold[i * (size_t)c->K + (size_t)k] * z;
        }
        return sum;
    }
    if (c->gold[i] >= c->K) return 0;
    for (int k = 0; k < c->K; k++) top = fmax(top, scale * (double)x[k]);
    for (int k = 0; k < c->K; k++) sum += exp(scale * (double)x[k] - top);
    return log(sum) + top - scale * (double)x[c->gold[i]];
}

static double entropy_at(const classify_scores *c, double log_temperature) {
    double sum = 0;
    for (size_t i = 0; i < c->texts; i++) sum += entropy(c, i, exp(-log_temperature));
    return sum;
}

/* Golden section over the temperature's logarithm; the entropy has one minimum in it. Held-out data
 * without a single error would make the answers ever surer, hence the lower bound. */
static double best_temperature(const classify_scores *c) {
    double a = log(0.5), b = log(10), golden = 0.6180339887498949;
    double left = b - golden * (b - a), right = a + golden * (b - a);
    double at_left = entropy_at(c, left), at_right = entropy_at(c, right);
    for (int round = 0; round < 30; round++) {
        if (at_left < at_right) {
            b = right, right = left, at_right = at_left;
            left = b - golden * (b - a);
            at_left = entropy_at(c, left);
        } else {
            a = left, left = right, at_left = at_right;
            right = a + golden * (b - a);
            at_right = entropy_at(c, right);
        }
    }
    return exp((a + b) / 2);
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
    d->temperature = c->texts > 0 ? best_temperature(c) : 1;
    for (size_t i = 0; i < c->texts; i++) {
        float *value = c->value + i * K;
        classify_probabilities(kernels, c->multi, c->K, d->temperature, value, value);
    }
    for (size_t k = 0; k < K; k++) d->threshold[k] = 0.5f;
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
