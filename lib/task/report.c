/* report: see report.h. */
#include "task/report.h"

#include <stdlib.h>

/* ---- as JSON */

int report_set(json_t *object, bytes key, json_t *value) {
    char *name = mem_text(key.data, key.size);
    int bad = !name || json_object_set_new(object, name, value);
    if (!name) json_decref(value);
    free(name);
    return bad ? RILL_ENOMEM : 0;
}

int report_text(json_t *object, const char *key, const buffer *text) {
    if (text->failed) return RILL_ENOMEM;
    return report_set(object, bytes_of(key), json_stringn(text->data ? text->data : "", text->size));
}

json_t *report_interval(metric_interval i) { return json_pack("[ff]", i.low, i.high); }

json_t *report_counts(metric_counts c) {
    return json_pack("{sf sf sf sI}", "precision", metric_precision(c), "recall", metric_recall(c),
                     "f1", metric_f1(c), "support", (json_int_t)c.gold);
}

int report_labels(const strmap *labels, const metric_counts *counts, json_t *out) {
    json_t *list = json_object();
    int status = list ? 0 : RILL_ENOMEM;
    for (int32_t i = 0; status == 0 && i < labels->count; i++) {
        if (counts[i].gold + counts[i].system == 0) continue;
        status = report_set(list, strmap_get(labels, i), report_counts(counts[i]));
    }
    if (status == 0) {
        double macro = metric_macro_f1(counts, (size_t)labels->count);
        status = report_set(out, BYTES("macro_f1"), json_real(macro));
    }
    if (status == 0) return report_set(out, BYTES("labels"), list);
    json_decref(list);
    return status;
}

int report_bootstrap(const metric_ratio *part, size_t items, int64_t samples, uint64_t seed,
                     const char *key, json_t *out) {
    metric_interval interval;
    if (samples == 0) return 0;
    TRY(metric_bootstrap(part, items, (int)samples, 0.95, seed, &interval));
    return report_set(out, bytes_of(key), report_interval(interval));
}

int report_confusions(const strmap *labels, const int32_t *gold, const int32_t *given, size_t n,
                      size_t most, json_t *out) {
    metric_confusion *pair = NULL;
    size_t count = 0;
    TRY(metric_confusions(gold, given, n, &pair, &count));
    json_t *list = json_array();
    for (size_t i = 0; i < count && i < most; i++) {
        bytes right = strmap_get(labels, pair[i].gold);
        bytes wrong = strmap_get(labels, pair[i].system);
        json_add(&list, json_pack("{ss% ss% sI}", "gold", right.data, right.size, "given",
                                  wrong.data, wrong.size, "count", (json_int_t)pair[i].count));
    }
    free(pair);
    return report_set(out, BYTES("confusions"), list);
}

/* ---- as text */

double report_number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

void report_print_rows(const char *title, const json_t *rows, size_t most, buffer *out) {
    const char *name;
    json_t *row;
    size_t shown = 0;
    if (!rows) return;
    buffer_printf(out, "  %-24s %9s %9s %9s %9s\n", title, "precision", "recall", "f1", "support");
    json_object_foreach((json_t *)rows, name, row) {
        if (shown++ == most) {
            buffer_printf(out, "  ... and %zu more (all with --json)\n",
                          json_object_size(rows) - most);
            break;
        }
        buffer_printf(out, "  %-24s %8.2f%% %8.2f%% %8.2f%% %9.0f\n", name,
                      100 * report_number(row, "precision"), 100 * report_number(row, "recall"),
                      100 * report_number(row, "f1"), report_number(row, "support"));
    }
}

void report_print_range(const json_t *interval, double scale, buffer *out) {
    if (!interval) return;
    buffer_printf(out, "  [%.2f, %.2f]", scale * json_number_value(json_array_get(interval, 0)),
                  scale * json_number_value(json_array_get(interval, 1)));
}

void report_print_interval(const json_t *interval, buffer *out) {
    report_print_range(interval, 100, out);
}

void report_print_confusions(const json_t *pairs, buffer *out) {
    if (json_array_size(pairs) > 0) buffer_printf(out, "  most frequent confusions\n");
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        buffer_printf(out, "  %8.0f  gold %s  given %s\n", report_number(pair, "count"),
                      json_string_value(json_object_get(pair, "gold")),
                      json_string_value(json_object_get(pair, "given")));
    }
}
