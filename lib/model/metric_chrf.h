/* metric_chrf: chrF (Popovic 2015) and chrF++ (Popovic 2017), as sacreBLEU 2 computes them.
 *
 * Counts of sentences add up like those of BLEU; see metric_bleu.h. With several references the one
 * that gives the sentence the best score is counted. Scores are points, 0..100.
 */
#ifndef RILL_MODEL_METRIC_CHRF_H
#define RILL_MODEL_METRIC_CHRF_H

#include "model/metric.h"

enum { CHRF_ORDERS = 10 }; /* most orders of characters and words together */

/* Zeroed is chrF2: characters 1..6, cased, white space left out. */
typedef struct chrf_options {
    int characters; /* longest n-gram of characters, 0: 6 */
    int words;      /* longest n-gram of words, 2 makes it chrF++ */
    int beta;       /* recall counts beta times as much as precision, 0: 2 */
    bool lower;
    bool space; /* white space counts as characters */
} chrf_options;

/* Orders of characters, then of words. */
typedef struct chrf_stats {
    int64_t system[CHRF_ORDERS], reference[CHRF_ORDERS], match[CHRF_ORDERS];
} chrf_stats;

typedef struct chrf chrf; /* counts sentences; belongs to one thread */

/* Options are copied; NULL: zeroed. RILL_EUSAGE for orders out of range. */
MUST_USE int chrf_new(const chrf_options *options, chrf **out, rill_error *error);
void chrf_free(chrf *c);
MUST_USE int chrf_count(chrf *c, bytes system, const bytes *reference, size_t references,
                        chrf_stats *out, rill_error *error);
void chrf_add(chrf_stats *sum, const chrf_stats *one);
double chrf_score(const chrf_stats *sum, const chrf_options *options); /* 0..100 */

void chrf_line(double score, const chrf_options *options, buffer *out); /* "chrF2++ = 66.00" */
/* "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:rill-0.1.0" */
void chrf_signature(const chrf_options *options, size_t references, buffer *out);
/* For intervals and paired tests on chrf_stats. The options must outlive it; NULL: zeroed. */
metric_rows chrf_rows(const chrf_options *options);

#endif
