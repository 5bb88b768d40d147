/* task: what every task (tag, classify, ...) offers, so that rill.h and the tools know none of them.
 * lib/api.c holds the list. */
#ifndef RILL_TASK_TASK_H
#define RILL_TASK_TASK_H

#include "base/options.h"
#include "model/bundle.h"
#include "task/remap.h"

/* The first members of every task's options struct, so that shared code can read them. */
typedef struct task_options {
    char *model, *dev, *resume, *log, *with, *input, *output;
    bool force, json;
    int64_t threads, seed, batch;
} task_options;

/* The second ones: what every training asks; rows_train.def. */
typedef struct train_options {
    char *optimizer, *schedule;
    int64_t epochs, warmup, accumulate, keep, patience, plateau_patience;
    double rate, floor, momentum, beta1, beta2, epsilon, decay, clip, ema, plateau_factor;
    double checkpoint_minutes;
} train_options;

typedef struct task {
    const char *name;
    const remap_spec *vocabularies; /* whose rows may be pruned and added, or NULL */
    const option_table *options; /* rows over a struct that begins with task_options, train_options */
    int (*train)(const void *options, const char *const *files, size_t count,
                 const rill_hooks *hooks, rill_error *error);
    int (*check)(const void *options, const char *const *files, size_t count, buffer *report,
                 size_t *faults, rill_error *error);
    /* Scores answers that stand in files against a file of references (files[0]); NULL: can't. */
    int (*compare)(const void *options, const char *const *files, size_t count, buffer *report,
                   rill_error *error);
    size_t model_size; /* of a struct whose first member is its `bundle *` */
    /* Fills a zeroed model from its bundle, and releases what it holds but the bundle; the second also
     * after the first has failed. See task_model_open. */
    int (*load)(void *model, bundle *b, rill_error *error);
    void (*unload)(void *model);
    int (*eval)(void *const *models, size_t model_count, const void *options,
                const char *const *files, size_t count, const rill_hooks *hooks, buffer *report,
                rill_error *error);
    int (*filter)(void *const *models, size_t model_count, const void *options, int in,
                  const char *name, int out, const rill_hooks *hooks, rill_error *error);
    int (*session_new)(void *const *models, size_t model_count, const void *options, void **session,
                       rill_error *error);
    int (*session_apply)(void *session, bytes text, bytes *answer, rill_error *error);
    void (*session_free)(void *session);
} task;

/* A model from its open bundle, which it then owns, also on failure. */
MUST_USE int task_model_open(const task *t, bundle *b, void **model, rill_error *error);
void task_model_free(const task *t, void *model);

extern const task task_tag, task_classify, task_translate;

#endif
