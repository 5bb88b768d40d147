/* metric: counts of labels, the fractions made of them, and the trivial baseline. See metric.h.
 *
 *     precision P = right / system     recall R = right / gold
 *     F1 = 2 P R / (P + R) = 2 right / (gold + system)        (van Rijsbergen 1979, beta = 1)
 *
 * The second form of F1 needs no case for P + R = 0 and is a fraction of sums, so that it can be
 * resampled sentence by sentence like any other.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "model/metric.h"
#include <stdlib.h>
#include <string.h>

double metric_value(metric_ratio r) {
    return r.whole ? (double)r.part / (double)r.whole : 0;
}

double metric_precision(metric_counts c) {
    return metric_value((metric_ratio){c.right, c.system});
}

double metric_recall(metric_counts c) {
    return metric_value((metric_ratio){c.right, c.gold});
}

metric_ratio metric_f1_ratio(metric_counts c) {
    return (metric_ratio){2 * c.right, c.gold + c.system};
}

double metric_f1(metric_counts c) {
    return metric_value(metric_f1_ratio(c));
}

/* ---- labels */

metric_accuracy metric_accuracy_of(const int32_t *gold, const int32_t *system, const bool *known,
                                   size_t n) {
    metric_accuracy a = {{0, 0}, {0, 0}, {0, 0}};
    for (size_t i = 0; i < n; i++) {
        metric_ratio *kind = !known || known[i] ? &a.known : &a.unknown;
        kind->whole++;
        kind->part += gold[i] == system[i];
    }
    a.all.part = a.known.part + a.unknown.part;
    a.all.whole = a.known.whole + a.unknown.whole;
    return a;
}

void metric_by_sentence(const int32_t *gold, const int32_t *system, const int32_t *start,
                        size_t sentences, metric_ratio *part) {
    for (size_t s = 0; s < sentences; s++) {
        part[s] = (metric_ratio){0, start[s + 1] - start[s]};
        for (int32_t i = start[s]; i < start[s + 1]; i++) part[s].part += gold[i] == system[i];
    }
}

metric_ratio metric_sentence_accuracy(const metric_ratio *part, size_t sentences) {
    metric_ratio r = {0, (int64_t)sentences};
    for (size_t s = 0; s < sentences; s++) r.part += part[s].part == part[s].whole;
    return r;
}

metric_ratio metric_sum(const metric_ratio *part, size_t n) {
    metric_ratio sum = {0, 0};
    for (size_t i = 0; i < n; i++) {
        sum.part += part[i].part;
        sum.whole += part[i].whole;
    }
    return sum;
}

/* Each side counts on its own, so a wrong answer costs precision of one label and recall of
 * another. */
void metric_label_counts(const int32_t *gold, const int32_t *system, size_t n, int32_t labels,
                         metric_counts *counts) {
    for (size_t i = 0; i < n; i++) {
        bool gold_in = gold[i] >= 0 && gold[i] < labels;
        if (gold_in) counts[gold[i]].gold++;
        if (system[i] >= 0 && system[i] < labels) counts[system[i]].system++;
        if (gold_in && gold[i] == system[i]) counts[gold[i]].right++;
    }
}

double metric_macro_f1(const metric_counts *counts, size_t labels) {
    double sum = 0;
    size_t used = 0;
    for (size_t i = 0; i < labels; i++) {
        if (counts[i].gold + counts[i].system == 0) continue;
        sum += metric_f1(counts[i]);
        used++;
    }
    return used ? sum / (double)used : 0;
}

metric_counts metric_micro(const metric_counts *counts, size_t labels) {
    metric_counts sum = {0, 0, 0};
    for (size_t i = 0; i < labels; i++) {
        sum.gold += counts[i].gold;
        sum.system += counts[i].system;
        sum.right += counts[i].right;
    }
    return sum;
}

/* ---- confusions: pairs as 64-bit keys, sorted so that equal ones stand together */

/* -1 becomes the largest 32-bit number: no answer sorts last. */
static uint64_t key_of(int32_t high, int32_t low) {
    return (uint64_t)(uint32_t)high << 32 | (uint32_t)low;
}

static int key_compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void key_sort(uint64_t *key, size_t count) {
    if (count) qsort(key, count, sizeof *key, key_compare);
}

/* Length of the run of equal keys at `begin`. */
static size_t key_run(const uint64_t *key, size_t begin, size_t count) {
    size_t end = begin + 1;
    while (end < count && key[end] == key[begin]) end++;
    return end - begin;
}

static int confusion_compare(const void *left, const void *right) {
    const metric_confusion *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    if (a->gold != b->gold) return a->gold < b->gold ? -1 : 1;
    return (a->system > b->system) - (a->system < b->system);
}

int metric_confusions(const int32_t *gold, const int32_t *system, size_t n, metric_confusion **out,
                      size_t *count) {
    *out = NULL;
    *count = 0;
    uint64_t *key = mem_new(n, sizeof *key);
    if (!key) return RILL_ENOMEM;
    size_t wrong = 0, pairs = 0;
    for (size_t i = 0; i < n; i++) {
        if (gold[i] != system[i]) key[wrong++] = key_of(gold[i], system[i]);
    }
    key_sort(key, wrong);
    for (size_t i = 0; i < wrong; i += key_run(key, i, wrong)) pairs++;
    metric_confusion *list = mem_new(pairs, sizeof *list);
    if (list) {
        for (size_t i = 0, run; i < wrong; i += run) {
            run = key_run(key, i, wrong);
            list[(*count)++] = (metric_confusion){(int32_t)(uint32_t)(key[i] >> 32),
                                                  (int32_t)(uint32_t)key[i], (int64_t)run};
        }
        if (pairs) qsort(list, pairs, sizeof *list, confusion_compare);
        *out = list;
    }
    free(key);
    return list ? 0 : RILL_ENOMEM;
}

/* ---- baseline */

/* Pairs are only collected here and counted at the end: a corpus has far fewer distinct pairs than
 * words, but which ones is known only then. */
int metric_baseline_add(metric_baseline *b, bytes word, int32_t label) {
    int32_t id;
    TRY(strmap_add(&b->words, word, &id));
    TRY(mem_grow(&b->seen, &b->seen_room, b->seen_count + 1, sizeof *b->seen));
    b->seen[b->seen_count++] = key_of(id, label);
    return 0;
}

int metric_baseline_finish(metric_baseline *b) {
    b->label = mem_new((size_t)b->words.count, sizeof *b->label);
    size_t *most = mem_new((size_t)b->words.count, sizeof *most);
    if (!b->label || !most) {
        free(most);
        return RILL_ENOMEM;
    }
    /* Sorted by word, then label: a later run wins only by being longer, so ties go to the smaller
     * id. */
    key_sort(b->seen, b->seen_count);
    for (size_t i = 0, run; i < b->seen_count; i += run) {
        run = key_run(b->seen, i, b->seen_count);
        size_t word = (size_t)(b->seen[i] >> 32);
        if (run <= most[word]) continue;
        most[word] = run;
        b->label[word] = (int32_t)(uint32_t)b->seen[i];
    }
    free(most);
    for (size_t i = 0; i < b->seen_count; i++) b->seen[i] &= UINT32_MAX; /* labels alone */
    key_sort(b->seen, b->seen_count);
    size_t longest = 0;
    b->fallback = -1;
    for (size_t i = 0, run; i < b->seen_count; i += run) {
        run = key_run(b->seen, i, b->seen_count);
        if (run <= longest) continue;
        longest = run;
        b->fallback = (int32_t)(uint32_t)b->seen[i];
    }
    free(b->seen);
    b->seen = NULL;
    b->seen_count = b->seen_room = 0;
    return 0;
}

int32_t metric_baseline_label(const metric_baseline *b, bytes word) {
    int32_t id = strmap_find(&b->words, word);
    return id < 0 ? b->fallback : b->label[id];
}

bool metric_baseline_known(const metric_baseline *b, bytes word) {
    return strmap_find(&b->words, word) >= 0;
}

void metric_baseline_free(metric_baseline *b) {
    strmap_free(&b->words);
    free(b->label);
    free(b->seen);
    *b = (metric_baseline){.fallback = -1};
}

/* ---- signatures */

void metric_signature(size_t references, bool lower, buffer *out) {
    if (references) {
        buffer_printf(out, "nrefs:%zu", references);
    } else {
        buffer_add_text(out, "nrefs:var");
    }
    buffer_printf(out, "|case:%s", lower ? "lc" : "mixed");
}

void metric_version(buffer *out) {
    buffer_add_text(out, "|version:rill-" PACKAGE_VERSION);
}

int metric_failed(int status, rill_error *error) {
    if (status == RILL_ENOMEM) return status_nomem(error);
    if (status == RILL_ELIMIT) return status_fail(error, status, "a line is too long to be scored");
    return status;
}
