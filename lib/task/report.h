/* report: what the eval verbs of the tasks print: built as one JSON object, from which the text is made. */
#ifndef RILL_TASK_REPORT_H
#define RILL_TASK_REPORT_H

#include "base/json.h"
#include "model/metric.h"

/* Sets a field; takes `value`, which may be NULL for want of memory. RILL_ENOMEM. */
MUST_USE int report_set(json_t *object, bytes key, json_t *value);
/* The same for a text; what the buffer could not hold is RILL_ENOMEM. */
MUST_USE int report_text(json_t *object, const char *key, const buffer *text);
json_t *report_interval(metric_interval i);
/* precision, recall, f1, support */
json_t *report_counts(metric_counts c);
/* One row of report_counts for every label that occurs, into fields labels and macro_f1. */
MUST_USE int report_labels(const strmap *labels, const metric_counts *counts, json_t *out);
/* Field `key`: a bootstrap interval over items, unless samples is 0. */
MUST_USE int report_bootstrap(const metric_ratio *part, size_t items, int64_t samples,
                              uint64_t seed, const char *key, json_t *out);
/* Field confusions: the most frequent pairs gold != given, at most `most`. */
MUST_USE int report_confusions(const strmap *labels, const int32_t *gold, const int32_t *given,
                               size_t n, size_t most, json_t *out);

/* ---- as text */

double report_number(const json_t *object, const char *key);
/* A table of report_counts, at most `most` rows. */
void report_print_rows(const char *title, const json_t *rows, size_t most, buffer *out);
/* "  [39.10, 41.87]" of an interval times `scale`; nothing for NULL. */
void report_print_range(const json_t *interval, double scale, buffer *out);
void report_print_interval(const json_t *interval, buffer *out); /* "  [81.20, 84.00]" in percent */
void report_print_confusions(const json_t *pairs, buffer *out);

#endif
