/* train: the one training loop. It knows no task: a task hands it four functions.
 *
 *     plan -> loss on a tape -> gradients -> (accumulated group) -> update
 *          -> at the end of an epoch: validate the averaged weights -> best so far -> checkpoint
 *
 * The state between two updates is all there is: weights, moments, average, best weights, epoch, batch,
 * history. A checkpoint is exactly that state, so a resumed run ends in the same bytes.
 */
#ifndef RILL_MODEL_TRAIN_H
#define RILL_MODEL_TRAIN_H

#include "model/bundle.h"
#include "nn/optim.h"

enum { TRAIN_SCORES = 24 };

/* What validation found; scores in 0..1 or any unit, higher `main` is better. */
typedef struct train_scores {
    double main;
    int count;
    struct {
        char name[128]; /* UTF-8 */
        double value;
    } item[TRAIN_SCORES];
} train_scores;

typedef struct train_task {
    void *self;
    params *params; /* weights and gradients */
    const char *items; /* what the loss is a sum over, NULL: "tokens" */
    /* Number of batches in an epoch; batches are then asked for by number. */
    int (*plan)(void *self, int64_t epoch, int64_t *batches, rill_error *error);
    /* Loss (a sum) of a batch on the tape, and how many items it is a sum over. */
    int (*loss)(void *self, tape *t, int64_t epoch, int64_t batch, int64_t update, var *loss,
                double *items, rill_error *error);
    /* Scores of a set of weights on dev data by the code that `apply` runs; NULL: no dev data. */
    int (*validate)(void *self, const real *weights, train_scores *out, rill_error *error);
    /* The same with more care, for the choice among the best weights at the end; NULL: validate. */
    int (*judge)(void *self, const real *weights, train_scores *out, rill_error *error);
    /* Writes the model file. summary: what training did, as a JSON object. */
    int (*save)(void *self, const real *weights, bytes summary, rill_error *error);
    /* Adds to a checkpoint what a resume needs besides the state: options, data and their hashes. */
    int (*describe)(void *self, bundle_writer *w, rill_error *error);
} train_task;

typedef struct train_config {
    optim_config optim;
    schedule_kind schedule;
    double rate, floor; /* highest learning rate; where the schedule ends, as a share of it */
    int64_t warmup, epochs, accumulate;
    int64_t keep;           /* how many of the best epochs the model is chosen from, at least 1 */
    int64_t patience;       /* epochs without a better score before stopping, 0: never */
    double plateau_factor;  /* SCHEDULE_PLATEAU: rate times this after plateau_patience epochs */
    int64_t plateau_patience;
    uint64_t seed;
    const char *checkpoint; /* path, NULL: none is written */
    double checkpoint_seconds;
} train_config;

/* Trains and saves. resume: an open checkpoint, or NULL. On a stop request the state is in the
 * checkpoint; when the loss stops being finite, the checkpoint that was last due stays. It is removed once
 * the model is saved. */
MUST_USE int train_run(const train_config *config, const train_task *task, const compute *c,
                       bundle *resume, const rill_hooks *hooks, rill_error *error);

/* True when the hooks, if there are any, ask to stop. */
bool train_stops(const rill_hooks *hooks);
/* 0, or RILL_EINTERRUPTED when they do. */
MUST_USE int train_go_on(const rill_hooks *hooks, rill_error *error);
/* Tells the hooks, if there are any. json NULL: notes and warnings get an object with their text. */
void train_tell(const rill_hooks *hooks, rill_event_kind kind, const char *json, const char *format,
                ...) PRINTF_LIKE(4, 5);

#endif
