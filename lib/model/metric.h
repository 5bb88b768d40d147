/* metric: honest scores as plain functions over plain arrays. Nothing here reads or writes files.
 *
 * Everything that fails can only fail for want of memory, except where said otherwise. Scores are
 * fractions in 0..1; a fraction with an empty denominator is 0.
 *
 *     metric.c           accuracy, per-label counts, confusions, baseline
 *     metric_resample.c  intervals and paired tests
 *     metric_entity.c    entity spans as conlleval counts them
 *     metric_ud.c        tokens, words, sentences and tags as the CoNLL 2018 scorer counts them
 *     metric_bleu.h, metric_chrf.h   translations, in points 0..100; their own headers
 */
#ifndef RILL_MODEL_METRIC_H
#define RILL_MODEL_METRIC_H

#include "base/bytes.h"

/* A fraction that can be added up: part of whole. F1 is one too: 2 right of (gold + system). */
typedef struct metric_ratio {
    int64_t part, whole;
} metric_ratio;

double metric_value(metric_ratio r); /* part / whole, 0 when whole is 0 */

/* How often something stands in gold, in the system's answer, and in both. */
typedef struct metric_counts {
    int64_t gold, system, right;
} metric_counts;

double metric_precision(metric_counts c); /* right / system */
double metric_recall(metric_counts c);    /* right / gold */
double metric_f1(metric_counts c);        /* 2 right / (gold + system) */
metric_ratio metric_f1_ratio(metric_counts c);

/* ---- labels: gold and system are [n] ids of one label set; a system id may be -1 (no answer) */

typedef struct metric_accuracy {
    metric_ratio all, known, unknown;
} metric_accuracy;

/* known[i] says whether word i was seen in training; NULL: all known. */
metric_accuracy metric_accuracy_of(const int32_t *gold, const int32_t *system, const bool *known,
                                   size_t n);
/* Per sentence s, items start[s] .. start[s+1]: right answers of items, into part[s]. */
void metric_by_sentence(const int32_t *gold, const int32_t *system, const int32_t *start,
                        size_t sentences, metric_ratio *part);
/* Sentences without a fault, of all. */
metric_ratio metric_sentence_accuracy(const metric_ratio *part, size_t sentences);
metric_ratio metric_sum(const metric_ratio *part, size_t n);

/* Adds to counts[labels]; ids outside 0..labels-1 count for nobody. */
void metric_label_counts(const int32_t *gold, const int32_t *system, size_t n, int32_t labels,
                         metric_counts *counts);
/* Mean F1 over the labels that occur in gold or system (as scikit-learn's average="macro"). */
double metric_macro_f1(const metric_counts *counts, size_t labels);
metric_counts metric_micro(const metric_counts *counts, size_t labels); /* sums */

typedef struct metric_confusion {
    int32_t gold, system;
    int64_t count;
} metric_confusion;

/* Pairs gold != system, most frequent first (ties by ids); *out is heap, release with free. */
MUST_USE int metric_confusions(const int32_t *gold, const int32_t *system, size_t n,
                               metric_confusion **out, size_t *count);

/* ---- the trivial baseline: each word gets its most frequent label of training, a word never seen
 * the most frequent label over all (ties go to the smaller id). Zeroed is empty. */

typedef struct metric_baseline {
    strmap words;
    int32_t *label;   /* [words.count], set by finish */
    int32_t fallback; /* label of unknown words, -1 when nothing was added */
    uint64_t *seen;   /* [seen_count] word << 32 | label, until finish */
    size_t seen_count, seen_room;
} metric_baseline;

MUST_USE int metric_baseline_add(metric_baseline *b, bytes word, int32_t label); /* label >= 0 */
MUST_USE int metric_baseline_finish(metric_baseline *b); /* once, before the questions below */
int32_t metric_baseline_label(const metric_baseline *b, bytes word);
bool metric_baseline_known(const metric_baseline *b, bytes word);
void metric_baseline_free(metric_baseline *b);

/* ---- how sure: intervals and tests over sentences */

typedef struct metric_interval {
    double low, high;
} metric_interval;

/* Wilson's interval for right of total independent answers; level 0.95 for 95 %. */
metric_interval metric_wilson(metric_ratio r, double level);
/* Percentile bootstrap of sum(part) / sum(whole), sentences drawn with replacement. */
MUST_USE int metric_bootstrap(const metric_ratio *part, size_t sentences, int samples, double level,
                              uint64_t seed, metric_interval *out);

/* Two systems on the same sentences. */
typedef struct metric_comparison {
    double difference;        /* value(a) - value(b) */
    metric_interval interval; /* of the difference: paired bootstrap, percentiles */
    double p;                 /* two-sided, approximate randomisation */
    double p_bootstrap;       /* one-sided: share of draws where the better one is not ahead */
} metric_comparison;
MUST_USE int metric_compare(const metric_ratio *a, const metric_ratio *b, size_t sentences,
                            int samples, double level, uint64_t seed, metric_comparison *out);

/* The same for any score that is made of counts: a sentence is a row of `width` counts, rows add
 * up, and `score` makes the score of a sum. */
enum { METRIC_WIDTH = 32 };
typedef struct metric_rows {
    size_t width; /* at most METRIC_WIDTH */
    double (*score)(const int64_t *sum, const void *context);
    const void *context;
} metric_rows;
double metric_rows_score(metric_rows kind, const int64_t *row, size_t sentences);
/* row is [sentences][kind.width]. */
MUST_USE int metric_rows_bootstrap(metric_rows kind, const int64_t *row, size_t sentences,
                                   int samples, double level, uint64_t seed, metric_interval *out);
MUST_USE int metric_rows_compare(metric_rows kind, const int64_t *a, const int64_t *b,
                                 size_t sentences, int samples, double level, uint64_t seed,
                                 metric_comparison *out);

/* ---- signatures: how a score came about, in sacreBLEU's form
 * The version names rill, not sacreBLEU: the numbers are the same, the program is another. */
void metric_signature(size_t references, bool lower, buffer *out); /* "nrefs:1|case:mixed" */
void metric_version(buffer *out);                                  /* "|version:rill-0.1.0" */

/* Says in *error what a failure inside a metric means; returns status. */
MUST_USE int metric_failed(int status, rill_error *error);

/* ---- entities, on label strings in BIO, IOB1 or BIOES ("B-PER", "O") */

typedef struct metric_span {
    size_t begin, end; /* tokens */
    bytes type;        /* view into the labels */
} metric_span;

/* Spans of one sentence, in order, by conlleval's rules for where a chunk starts and ends. *out is
 * grown as needed (heap, *room elements; start with NULL and 0). */
MUST_USE int metric_spans(const bytes *label, size_t n, metric_span **out, size_t *room,
                          size_t *count);

/* Zeroed is empty. */
typedef struct metric_entities {
    strmap types;
    metric_counts *by_type; /* [types.count] */
    size_t type_room;
    metric_counts all;
    metric_span *span[2]; /* scratch: gold, system */
    size_t span_room[2];
} metric_entities;

/* Adds a sentence of n tokens; *part (may be NULL) gets its share of F1 for the bootstrap. */
MUST_USE int metric_entities_add(metric_entities *e, const bytes *gold, const bytes *system,
                                 size_t n, metric_ratio *part);
void metric_entities_free(metric_entities *e);

/* ---- raw text: segmentation and tags as the CoNLL 2018 shared task scored them */

/* A word as it stands in the file; all strings are copied. */
typedef struct metric_ud_word {
    bytes form, upos, xpos, feats;
} metric_ud_word;

typedef struct metric_ud metric_ud; /* one side: a text cut into sentences, tokens, words */

MUST_USE int metric_ud_new(metric_ud **out);
/* Adds the next token: its surface and the words it holds; more than one word is a multiword
 * token. Positions count characters of the surface without spaces. A token without characters, or
 * bytes that are not UTF-8, are refused with RILL_EDATA. */
MUST_USE int metric_ud_token(metric_ud *u, bytes surface, const metric_ud_word *word, size_t words,
                             rill_error *error);
/* Ends the sentence that the tokens since the last call form (none: no sentence). */
MUST_USE int metric_ud_sentence(metric_ud *u);
void metric_ud_free(metric_ud *u);
/* Are both texts the same, spaces aside, from byte *at of them on, where the last call stopped? */
bool metric_ud_agree(const metric_ud *a, const metric_ud *b, size_t *at);

typedef struct metric_ud_scores {
    metric_counts tokens, sentences, words;    /* right: equal ranges; words: aligned words */
    metric_counts upos, xpos, feats, all_tags; /* right: aligned words with equal labels */
} metric_ud_scores;

/* FEATS compares universal features only, as the official scorer does. Texts that differ in
 * anything but spaces are refused with RILL_EDATA, naming the sentence of gold. */
MUST_USE int metric_ud_score(const metric_ud *gold, const metric_ud *system, metric_ud_scores *out,
                             rill_error *error);

#endif
