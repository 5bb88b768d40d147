/* optim: SGD with momentum, Adam, AdamW; clipping; learning-rate schedules; averaged weights.
 *
 * Everything is a loop over the slab of nn/param.h in fixed blocks, so the bytes do not depend on the
 * number of threads.
 */
#ifndef RILL_NN_OPTIM_H
#define RILL_NN_OPTIM_H

#include "nn/param.h"

typedef enum optim_kind { OPTIM_SGD, OPTIM_ADAM, OPTIM_ADAMW } optim_kind;

typedef struct optim_config {
    optim_kind kind;
    double momentum;     /* SGD */
    double beta1, beta2; /* Adam (Kingma and Ba 2015) */
    double epsilon;
    double decay; /* weight decay: in the gradient for SGD and Adam, apart from it for AdamW
                     (Loshchilov and Hutter 2019) */
    double clip;  /* largest global norm of the gradient, 0: none (Pascanu et al. 2013) */
    double ema;   /* factor of the moving average of the weights, 0: none; reached gradually as
                     min(ema, (1+step)/(10+step)) */
} optim_config;

typedef struct optim {
    optim_config config;
    int64_t step;       /* updates done */
    size_t size;
    real *m, *v, *ema;  /* [size]; v only for Adam, ema only when asked for */
} optim;

/* The moving average starts at the present weights. */
MUST_USE int optim_new(optim *o, const optim_config *config, const params *p);
void optim_free(optim *o);
/* One update with gradients p->grad * scale at learning rate `rate`; gradients become zero. Returns the
 * norm of the scaled gradient before clipping. When that is not finite nothing is changed (and
 * gradients stay): the run has diverged. */
double optim_step(optim *o, params *p, const compute *c, double rate, double scale);

typedef enum schedule_kind {
    SCHEDULE_CONSTANT, SCHEDULE_INVERSE_SQRT, SCHEDULE_COSINE, SCHEDULE_LINEAR, SCHEDULE_PLATEAU
} schedule_kind;

typedef struct schedule {
    schedule_kind kind;
    double rate;     /* highest */
    int64_t warmup;  /* updates of linear increase */
    int64_t total;   /* updates in all (cosine, linear) */
    double floor;    /* cosine and linear end at rate*floor */
    double factor;   /* plateau: what the rate has been multiplied by so far */
} schedule;

/* Learning rate of update `step` (0-based). */
double schedule_rate(const schedule *s, int64_t step);

#endif
