/* train_keep: the best weights of a training by the score of their epoch, and the choice among them.
 *
 * With more than one kept, the model becomes the best of: each of them, and the mean of the best two,
 * three, ... of them. Epochs near the end of a training lie around the same hollow, and its middle is
 * often better than any of them (Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima").
 */
#ifndef RILL_MODEL_TRAIN_KEEP_H
#define RILL_MODEL_TRAIN_KEEP_H

#include "base/json.h"
#include "nn/param.h"

enum { KEEP_MOST = 16 };

typedef struct kept {
    real *weights; /* [size] */
    double score;
    int64_t epoch; /* 1-based */
} kept;

/* Zeroed keeps nothing. */
typedef struct keep {
    kept best[KEEP_MOST]; /* best first; equal ones in the order of their epochs */
    int room, count;
    size_t size;
} keep;

MUST_USE int keep_new(keep *k, int room, size_t size);
void keep_free(keep *k);
/* Copies the weights when they are among the best; true when they are the best of all. */
bool keep_offer(keep *k, const real *weights, double score, int64_t epoch);
/* Scores and epochs, [[epoch, score], ...]; the weights are the caller's to store. */
json_t *keep_json(const keep *k);
MUST_USE bool keep_restore(keep *k, const json_t *list); /* false: not such a list */

/* Mean of the weights of the best m. */
void keep_mean(const keep *k, int m, real *out);

#endif
