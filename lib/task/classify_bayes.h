/* classify_bayes: counts of n-grams by label, while training; see classify_bayes.c. */
#ifndef RILL_TASK_CLASSIFY_BAYES_H
#define RILL_TASK_CLASSIFY_BAYES_H

#include "task/classify.h"

typedef struct bayes_counts {
    int K;
    bool multi;
    double grams, singles;    /* how many distinct n-grams, and units alone, there are */
    int32_t *n;               /* [grams, K] texts */
    double *sum, *single_sum; /* [K] over n-grams, over units alone */
    double total;
    int64_t *texts;           /* [K] */
} bayes_counts;

/* Text i has n-grams gram[start[i] .. start[i+1]) of `map`. */
MUST_USE int classify_bayes_counts(bayes_counts *c, const int32_t *label, size_t texts, bool multi,
                                   int K, const int64_t *start, const int32_t *gram, size_t grams,
                                   const strmap *map);
void classify_bayes_free(bayes_counts *c);
/* The lexicon's tables. */
MUST_USE int classify_bayes_table(const bayes_counts *c, classify_lexicon *l, size_t texts);
/* Scores [K] of a training text, its own counts left out. */
MUST_USE int classify_bayes_train(const bayes_counts *c, const int32_t *label, const int32_t *gram,
                                  size_t count, real *score);
bool classify_is_single(bytes gram);

#endif
