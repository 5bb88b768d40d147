/* translate_risk: minimum-risk training (Shen et al. 2016): the model's own answers, judged.
 *
 *     pairs of a batch -> N answers to each, drawn from the present weights without dropout
 *     -> sentence BLEU of their units against the target's -> what lies above the mean of the pair
 *     -> a batch of answers whose words weigh that much
 *
 * The gradient of such a batch's loss is that of minus the expected BLEU, as far as N draws tell it: each answer
 * has the mean of the pair's others as its baseline. (As far as dropout, which only the loss sees, and unknown
 * words, which are never drawn, leave it that.) Answers are functions of (seed, name of the pair, weights), so threads
 * make no difference.
 */
#ifndef RILL_TASK_TRANSLATE_RISK_H
#define RILL_TASK_TRANSLATE_RISK_H

#include "base/pool.h"
#include "task/translate.h"

typedef struct translate_risk translate_risk;

/* net: the network in training, whose weights are looked at anew for every batch. */
MUST_USE int translate_risk_new(const translate_net *net, const translate_options *o, pool *pool,
                                translate_risk **out, rill_error *error);
void translate_risk_free(translate_risk *r);
/* Answers to the pairs of a batch, whose source names are those of their draws, in memory of `a`. Answers
 * that tell nothing, being as good as the mean, are left out; all may be. */
MUST_USE int translate_risk_draw(translate_risk *r, const translate_pair *pair, size_t count,
                                 arena *a, translate_batch *out, rill_error *error);

#endif
