/* search: from a model of the next word to whole answers: greedy, beam, n-best, sampling.
 *
 * The search knows no network. A scorer tells the log probabilities of the next word of all hypotheses
 * at once; the search says which of its rows each new hypothesis continues.
 *
 *     step:  rows of all live items -> scorer -> logp [R,V]
 *            per item: best 2K continuations -> finished ones aside, K others go on
 *            an item is done when K answers are finished and no live hypothesis would stand before
 *            them if it ended now
 *
 * A beam keeps K hypotheses an item and stops on its own, so answers do not depend on which items share
 * a search. Ties go to the better row, then to the smaller word.
 *
 *     answer's score = logp / length^power + coverage * sum over source j of log(min(sum of a[.,j], 1))
 *
 * with length counted with the end (Wu et al. 2016 for the coverage). Greedy search is a beam of 1. In
 * sampling each of K rows draws by itself from the next words that temperature, top_k and top_p leave.
 *
 * Letters: R rows (hypotheses), V words, K beam, S source length.
 */
#ifndef RILL_MODEL_SEARCH_H
#define RILL_MODEL_SEARCH_H

#include "math/cpu.h"
#include "base/mem.h"

typedef struct search_config {
    int beam;              /* K, at least 1 */
    int nbest;             /* answers wanted of each item, at most K */
    double power;          /* of the length; 0: plain log probabilities */
    double coverage;       /* weight of the coverage term, 0: none */
    int no_repeat;         /* no sequence of this many words twice, 0: no rule */
    bool attention;        /* answers carry their attention */
    bool sample;
    double temperature;    /* > 0 */
    int top_k;             /* 0: all */
    double top_p;          /* 1: all */
    uint64_t seed;
    int32_t end, begin;    /* words that end an answer and stand before it */
    int32_t barred;        /* a word never to be written (unknown), -1: none */
} search_config;

typedef struct search_item {
    int shortest, longest; /* words of an answer, the end not counted; longest >= 1 */
    const int32_t *prefix; /* words that the answer begins with */
    int prefix_length;     /* at most `longest` */
    int source;            /* S, for attention */
    uint64_t name;         /* for sampling */
} search_item;

typedef struct search_answer {
    const int32_t *word;   /* [length], the end not among them */
    int length;
    bool cut;              /* it ended because it was at its longest */
    double logp, score;
    const real *each;      /* [length + 1] log probability of each word, and of the end */
    const real *attention; /* [length + 1, S], or NULL */
} search_answer;

typedef struct search_scorer {
    void *self;
    int words; /* V */
    /* Row r continues row parent[r] of the step before (-1: the item's beginning) with word last[r] and
     * belongs to item[r]; rows of an item stand together, items ascend. Writes logp [rows, V] and, when
     * not NULL, attention: row after row [S of its item]. */
    int (*step)(void *self, int rows, const int32_t *item, const int32_t *parent,
                const int32_t *last, real *logp, real *attention);
} search_scorer;

typedef struct search_result {
    int count;
    const search_answer *answer; /* best first */
} search_result;

/* Answers of every item, in memory of `a`. 0 or a negative code (RILL_ENOMEM or the scorer's). */
MUST_USE int search_run(const search_config *config, const search_scorer *scorer, const kernels *k,
                        const search_item *items, int count, arena *a, search_result *results);

#endif
