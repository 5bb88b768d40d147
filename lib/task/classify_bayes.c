/* classify_bayes: naive Bayes over the distinct n-grams of a text (Wang and Manning 2012 found it hard
 * to beat on short texts with them).
 *
 * With n[g,k] the number of training texts of label k that hold n-gram g, and N[k] their sum over g,
 *
 *     w[g,k] = log((n[g,k] + 1) / (N[k] + G))             minus the same over the other labels (multi)
 *     score[k] = (sum over g of w[g,k] - mean over k) / sqrt(number of g)      single: centred
 *
 * The square root keeps long texts, whose n-grams repeat the same evidence, from drowning the network.
 * In training each text's own counts are left out, so that the last layer sees what a new text
 * would give. The baseline of `eval` is the same over units alone, with its own sums and the labels'
 * shares.
 *
 *     prior[0,k]  log share of label k           prior[1,k]  what a unit's weight needs to be added
 *                                                            to be one of the units alone
 */
#include "task/classify.h"
#include "task/classify_bayes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Between the units of an n-gram; before those of stems; before those of letters. */
enum { BETWEEN = 0x1f, STEM = 0x1e, LETTERS = 0x1d, LEAST_LETTERS = 3 };

void classify_grams_free(classify_grams *g) {
    free(g->id);
    buffer_free(&g->key);
    buffer_free(&g->text);
    *g = (classify_grams){0};
}

static int by_number(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static int add_key(classify_grams *g, strmap *map, bool grow) {
    int32_t id;
    if (g->key.failed) return RILL_ENOMEM;
    if (grow) TRY(strmap_add(map, buffer_view(&g->key), &id));
    else id = strmap_find(map, buffer_view(&g->key));
    if (id < 0) return 0;
    TRY(mem_grow(&g->id, &g->room, g->count + 1, sizeof *g->id));
    g->id[g->count++] = id;
    return 0;
}

/* N-grams that begin at unit i, of whole forms or of stems; keys of stems begin with a mark. */
static int add_grams(classify_grams *g, strmap *map, bool grow, int order, int stem,
                     const classify_unit *unit, size_t units, size_t i) {
    buffer_clear(&g->key);
    if (stem > 0) buffer_add_char(&g->key, STEM);
    for (size_t n = 0; n < (size_t)order && i + n < units; n++) {
        bytes form = unit[i + n].form;
        if (n > 0) buffer_add_char(&g->key, BETWEEN);
        buffer_add_bytes(&g->key, stem > 0 ? utf8_prefix(form, (size_t)stem) : form);
        TRY(add_key(g, map, grow));
    }
    return 0;
}

/* N-grams of the letters of all units, with a blank before, between and behind them. */
static int add_letters(classify_grams *g, strmap *map, bool grow, int longest,
                       const classify_unit *unit, size_t units) {
    buffer_clear(&g->text);
    buffer_add_char(&g->text, ' ');
    for (size_t i = 0; i < units; i++) {
        buffer_add_bytes(&g->text, unit[i].form);
        buffer_add_char(&g->text, ' ');
    }
    if (g->text.failed) return RILL_ENOMEM;
    bytes rest = buffer_view(&g->text);
    for (size_t one; rest.size > 0; rest = bytes_slice(rest, one, rest.size)) {
        bytes gram = utf8_prefix(rest, LEAST_LETTERS - 1);
        one = utf8_prefix(rest, 1).size;
        for (int n = LEAST_LETTERS; n <= longest && gram.size < rest.size; n++) {
            bytes next = utf8_prefix(bytes_slice(rest, gram.size, rest.size), 1);
            gram.size += next.size;
            buffer_clear(&g->key);
            buffer_add_char(&g->key, LETTERS);
            buffer_add_bytes(&g->key, gram);
            TRY(add_key(g, map, grow));
        }
    }
    return 0;
}

int classify_grams_find(classify_grams *g, const classify_lexicon *l, strmap *map, bool grow,
                        const classify_unit *unit, size_t units) {
    g->count = 0;
    for (size_t i = 0; i < units; i++) {
        TRY(add_grams(g, map, grow, l->order, 0, unit, units, i));
        if (l->stems > 0) TRY(add_grams(g, map, grow, l->order, l->stems, unit, units, i));
    }
    if (l->letters > 0) TRY(add_letters(g, map, grow, l->letters, unit, units));
    if (g->count == 0) return 0;
    qsort(g->id, g->count, sizeof *g->id, by_number);
    size_t kept = 1;
    for (size_t i = 1; i < g->count; i++) {
        if (g->id[i] != g->id[kept - 1]) g->id[kept++] = g->id[i];
    }
    g->count = kept;
    return 0;
}

bool classify_is_single(bytes gram) {
    if (gram.size == 0) return true;
    return gram.data[0] != STEM && gram.data[0] != LETTERS && !memchr(gram.data, BETWEEN, gram.size);
}

static void finish(const double *sum, int K, bool multi, size_t grams, real *score) {
    double mean = 0, scale = grams > 0 ? 1 / sqrt((double)grams) : 0;
    for (int k = 0; k < K && !multi; k++) mean += sum[k] / K;
    for (int k = 0; k < K; k++) score[k] = (real)((sum[k] - mean) * scale);
}

void classify_bayes(const classify_lexicon *l, const classify_grams *g, real *score,
                    real *baseline) {
    size_t K = (size_t)l->labels.count;
    for (size_t k = 0; k < K; k++) {
        if (score) score[k] = 0;
        if (baseline) baseline[k] = l->prior[k];
    }
    for (size_t i = 0; i < g->count; i++) {
        const real *w = l->gram + (size_t)g->id[i] * K;
        for (size_t k = 0; k < K; k++) {
            if (score) score[k] += w[k];
            if (baseline && l->single[g->id[i]]) baseline[k] += w[k] + l->prior[K + k];
        }
    }
    if (!score) return;
    real mean = 0, scale = g->count > 0 ? 1 / sqrtf((float)g->count) : 0;
    for (size_t k = 0; k < K && !l->multi; k++) mean += score[k] / (real)K;
    for (size_t k = 0; k < K; k++) score[k] = (score[k] - mean) * scale;
}

/* ---- counting */

/* Weight of an n-gram: n texts of the label hold it, of all labels n_all; N and N_all are the sums. */
static double weight(const bayes_counts *c, double n, double N, double n_all, double N_all) {
    double w = log((n + 1) / (N + c->grams));
    return c->multi ? w - log((n_all - n + 1) / (N_all - N + c->grams)) : w;
}

static double total(const int32_t *n, size_t K) {
    double sum = 0;
    for (size_t k = 0; k < K; k++) sum += n[k];
    return sum;
}

int classify_bayes_counts(bayes_counts *c, const int32_t *label, size_t texts, bool multi, int K,
                          const int64_t *start, const int32_t *gram, size_t grams,
                          const strmap *map) {
    *c = (bayes_counts){.K = K, .multi = multi, .grams = (double)grams};
    c->n = mem_new(grams, (size_t)K * sizeof *c->n);
    c->sum = mem_new((size_t)K, sizeof *c->sum);
    c->single_sum = mem_new((size_t)K, sizeof *c->single_sum);
    c->texts = mem_new((size_t)K, sizeof *c->texts);
    if (!c->n || !c->sum || !c->single_sum || !c->texts) return RILL_ENOMEM;
    for (size_t i = 0; i < texts; i++) {
        for (int k = 0; k < K; k++) {
            if (multi ? label[i * (size_t)K + (size_t)k] != 1 : label[i] != k) continue;
            c->texts[k]++;
            for (int64_t g = start[i]; g < start[i + 1]; g++) {
                c->n[(size_t)gram[g] * (size_t)K + (size_t)k]++;
                c->sum[k]++;
                if (classify_is_single(strmap_get(map, gram[g]))) c->single_sum[k]++;
            }
        }
    }
    for (int k = 0; k < K; k++) c->total += c->sum[k];
    for (size_t g = 0; g < grams; g++) c->singles += classify_is_single(strmap_get(map, (int32_t)g));
    return 0;
}

void classify_bayes_free(bayes_counts *c) {
    free(c->n);
    free(c->sum);
    free(c->single_sum);
    free(c->texts);
}

int classify_bayes_table(const bayes_counts *c, classify_lexicon *l, size_t texts) {
    size_t K = (size_t)c->K, G = (size_t)l->grams.count;
    l->gram = mem_new(G, K * sizeof *l->gram);
    l->prior = mem_new(2, K * sizeof *l->prior);
    l->single = mem_new(G, sizeof *l->single);
    if (!l->gram || !l->prior || !l->single) return RILL_ENOMEM;
    for (size_t g = 0; g < G; g++) {
        l->single[g] = classify_is_single(strmap_get(&l->grams, (int32_t)g));
        const int32_t *n = c->n + g * K;
        double all = total(n, K);
        for (size_t k = 0; k < K; k++) {
            l->gram[g * K + k] = (real)weight(c, n[k], c->sum[k], all, c->total);
        }
    }
    for (size_t k = 0; k < K; k++) {
        double share = ((double)c->texts[k] + 1) / ((double)texts + (double)K);
        double shift = log((c->sum[k] + c->grams) / (c->single_sum[k] + c->singles));
        double single_total = 0;
        for (size_t j = 0; j < K; j++) single_total += c->single_sum[j];
        if (c->multi) {
            share = share / (1 - share < 1e-9 ? 1e-9 : 1 - share);
            shift -= log((c->total - c->sum[k] + c->grams) /
                         (single_total - c->single_sum[k] + c->singles));
        }
        l->prior[k] = (real)log(share);
        l->prior[K + k] = (real)shift;
    }
    return 0;
}

int classify_bayes_train(const bayes_counts *c, const int32_t *label, const int32_t *gram,
                         size_t count, real *score) {
    size_t K = (size_t)c->K;
    double *own = mem_new(2 * K, sizeof *own), *sum = own + K, owned = 0;
    if (!own) return RILL_ENOMEM;
    for (size_t k = 0; k < K; k++) {
        own[k] = c->multi ? label[k] == 1 : label[0] == (int32_t)k;
        owned += own[k];
    }
    double size = (double)count;
    for (size_t g = 0; g < count; g++) {
        const int32_t *n = c->n + (size_t)gram[g] * K;
        double all = total(n, K) - owned;
        for (size_t k = 0; k < K; k++) {
            sum[k] += weight(c, n[k] - own[k], c->sum[k] - own[k] * size, all,
                             c->total - owned * size);
        }
    }
    finish(sum, c->K, c->multi, count, score);
    free(own);
    return 0;
}
