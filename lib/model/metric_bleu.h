/* metric_bleu: corpus and sentence BLEU (Papineni et al. 2002), as sacreBLEU 2 computes it.
 *
 * A sentence is counted once; the counts of sentences are added up, and a score is made of a sum.
 * So a corpus, one sentence, and a resampled corpus are the same thing:
 *
 *     bleu_new -> bleu_count (sentence) -> bleu_add (sum) -> bleu_score -> bleu_line
 *
 * Scores are points, 0..100, as everybody quotes them. Texts must be valid UTF-8.
 */
#ifndef RILL_MODEL_METRIC_BLEU_H
#define RILL_MODEL_METRIC_BLEU_H

#include "model/metric.h"
#include "model/metric_segment.h"

enum { BLEU_ORDER = 4 };

typedef enum bleu_smoothing {
    BLEU_EXP,   /* the k-th order without a match counts 1/2^k matches (NIST) */
    BLEU_FLOOR, /* orders without a match count `value` matches */
    BLEU_ADD,   /* `value` more matches and n-grams in orders from 2 on */
    BLEU_NONE
} bleu_smoothing;

const char *bleu_smoothing_name(bleu_smoothing smoothing);             /* "exp", "add-k", ... */
MUST_USE bool bleu_smoothing_find(bytes name, bleu_smoothing *result); /* the way back */

/* Zeroed is what everybody reports: cased, 13a, exp. */
typedef struct bleu_options {
    segment_tokenizer tokenizer;
    bool lower;
    bleu_smoothing smoothing;
    double value;   /* of floor and add-k, 0: their default 0.1 and 1 */
    bool effective; /* orders longer than the system's text count nothing; for single sentences */
} bleu_options;

/* What a score is made of. All members are counts that add up; order n stands in element n-1. */
typedef struct bleu_stats {
    int64_t match[BLEU_ORDER]; /* n-grams that a reference has too */
    int64_t total[BLEU_ORDER]; /* n-grams of the system */
    int64_t system, reference; /* tokens; of the reference whose length is nearest */
} bleu_stats;

typedef struct bleu_result {
    double score;                 /* 0..100 */
    double precision[BLEU_ORDER]; /* 0..100, smoothed */
    double brevity;               /* penalty, 0..1 */
    double ratio;                 /* system / reference, 0 without a reference */
    int64_t system, reference;
} bleu_result;

typedef struct bleu bleu; /* counts sentences; belongs to one thread */

/* Options are copied; NULL: zeroed. */
MUST_USE int bleu_new(const bleu_options *options, bleu **out, rill_error *error);
void bleu_free(bleu *b);
/* One sentence of the system against its references (one or more). */
MUST_USE int bleu_count(bleu *b, bytes system, const bytes *reference, size_t references,
                        bleu_stats *out, rill_error *error);
/* The same of two sequences of numbers, such as ids of units. RILL_ENOMEM, RILL_ELIMIT. */
MUST_USE int bleu_count_ids(bleu *b, const int32_t *system, size_t length, const int32_t *reference,
                            size_t reference_length, bleu_stats *out);
void bleu_add(bleu_stats *sum, const bleu_stats *one);
/* Of options only smoothing, value and effective play a part; NULL: zeroed. */
bleu_result bleu_score(const bleu_stats *sum, const bleu_options *options);

/* "BLEU = 49.52 73.3/54.8/43.2/34.7 (BP = 1.000 ratio = 1.030 hyp_len = 172 ref_len = 167)" */
void bleu_line(const bleu_result *result, buffer *out);
/* "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:rill-0.1.0"; references 0: their number
 * varies. See metric_version. */
void bleu_signature(const bleu_options *options, size_t references, buffer *out);
/* For intervals and paired tests on bleu_stats. The options must outlive it; NULL: zeroed. */
metric_rows bleu_rows(const bleu_options *options);

#endif
