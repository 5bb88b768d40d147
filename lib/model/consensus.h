/* consensus: which of several answers is most like all of them (minimum Bayes risk; Kumar and Byrne 2004).
 *
 *     gain of answer a = sum over answers b of share(b) * BLEU(a, b)
 *
 * BLEU is that of a single sentence, of units, in 0..1, with one match more in orders from 2 on (Lin and Och
 * 2004). A share is the answer's probability among them all, were it as long as the best of them (as the
 * search ranks: score * logp / score of the best); of answers that were drawn each has the same, for draws come as
 * often as they are probable.
 */
#ifndef RILL_MODEL_CONSENSUS_H
#define RILL_MODEL_CONSENSUS_H

#include "model/metric_bleu.h"
#include "model/search.h"

/* BLEU of one sequence of units against another, 0..1. */
MUST_USE int consensus_bleu(bleu *b, const int32_t *system, int length, const int32_t *reference,
                            int reference_length, double *out);
/* The answers anew, most gain first (which is their score now), equal ones as they stood, in memory of `a`.
 * Quadratic in their number. RILL_ENOMEM, RILL_ELIMIT. */
MUST_USE int consensus_sort(bleu *b, bool drawn, arena *a, search_result *r);

#endif
