/* translate_score: answers to all pairs of a file, and what they are worth. Validation during training
 * and eval share it, so their numbers are the same. */
#ifndef RILL_TASK_TRANSLATE_SCORE_H
#define RILL_TASK_TRANSLATE_SCORE_H

#include "base/json.h"
#include "model/metric_bleu.h"
#include "model/metric_chrf.h"
#include "task/translate_lines.h"

typedef struct translate_answers {
    buffer *text;      /* [pairs] the best answer to each source */
    double *logp;      /* [pairs] of the gold target */
    int32_t *units;    /* [pairs] of the gold target, its end counted */
    size_t pairs;
} translate_answers;

/* Decodes every source and scores every target, on the threads of the pool. A source that equals the
 * one before is not translated again. */
MUST_USE int translate_answer_all(const translate_run *run, const translate_data *d, pool *pool,
                                  translate_answers *out, rill_error *error);
/* Answers that stand in a file, one a line for every one of `pairs`; logp and units stay 0. */
MUST_USE int translate_answers_read(const char *path, size_t max_line, size_t pairs,
                                    translate_answers *out, rill_error *error);
/* The sources, as if they were answers: the trivial baseline. RILL_ENOMEM. */
MUST_USE int translate_answers_copy(const translate_data *d, translate_answers *out);
void translate_answers_free(translate_answers *a);

/* Statistics of every pair. */
typedef struct translate_stats {
    bleu_options bleu_options;
    bleu_stats *bleu; /* [pairs] */
    chrf_stats *chrf, *chrf_words; /* [pairs] chrF, chrF++ */
    metric_ratio *exact; /* [groups] pairs in a row with one source are a group: any target will do */
    size_t pairs, groups;
    double loss; /* mean negative log probability of a unit */
} translate_stats;

MUST_USE int translate_stats_make(const translate_options *o, const translate_data *d,
                                  const translate_answers *a, translate_stats *out,
                                  rill_error *error);
void translate_stats_free(translate_stats *s);
/* Fields signature, chrf_signature, chrf++_signature. RILL_ENOMEM. */
MUST_USE int translate_stats_signatures(const translate_stats *s, json_t *out);
double translate_stats_bleu(const translate_stats *s);
double translate_stats_chrf(const translate_stats *s, int words);

/* Greedy scores of weights in training; the main one is that of option metric. */
MUST_USE int translate_validate(const translate_run *run, const translate_data *dev, pool *pool,
                                train_scores *out, rill_error *error);

#endif
