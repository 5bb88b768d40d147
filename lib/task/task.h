/* task: what every task (tag, classify, ...) offers, so that rill.h and the tools know none of them.
 * lib/api.c holds the list. */
#ifndef RILL_TASK_TASK_H
#define RILL_TASK_TASK_H

#include "base/options.h"
#include "model/bundle.h"
#include "task/filter.h"
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

/* An option whose 0 stands for an amount that follows the size of the data, within bounds. */
static inline int64_t option_or(int64_t given, int64_t least, int64_t amount, int64_t most) {
    if (given != 0) return given;
    return amount < least ? least : amount > most ? most : amount;
}

/* What comes in: a stream, or one text. */
typedef struct flow_input {
    int fd; /* -1: `text` */
    bytes text;
    const char *name;
    int out; /* where the answers go, or -1: to the caller */
    const rill_hooks *hooks; /* for notes, or NULL */
} flow_input;

/* A task at work on text. Its state lasts over several inputs, one after the other. */
typedef struct task_flow {
    size_t size;   /* of the state, which starts zeroed */
    size_t budget; /* of a batch, where --batch says nothing */
    filter_task filter; /* its `self` is the state, set when it runs */
    /* What lasts. The array of models and the options outlive the state. */
    int (*open)(void *state, void *const *models, size_t count, const void *options,
                rill_error *error);
    void (*close)(void *state); /* also after `open` has failed */
    int (*begin)(void *state, const flow_input *in, rill_error *error);
    void (*end)(void *state); /* also after `begin` has failed */
    /* After the last input of a stream, what had to end with it; NULL: nothing. */
    int (*done)(void *state, rill_error *error);
} task_flow;

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
    const task_flow *flow;
} task;

/* A model from its open bundle, which it then owns, also on failure. */
MUST_USE int task_model_open(const task *t, bundle *b, void **model, rill_error *error);
void task_model_free(const task *t, void *model);
/* remap_model with the vocabulary `table`, NULL: the first. The bundle is taken over, and must be a
 * model that opens: only then its rows have the width that they should, and not any. */
MUST_USE int task_remap(const task *t, bundle *b, const char *table, const vocab *wanted, bool add,
                        const char *path, remap_report *report, rill_error *error);

/* Inputs one after the other, as pieces of one stream. The models and the options outlive it; options
 * may change between the inputs. */
typedef struct task_stream task_stream;
MUST_USE int task_stream_new(const task *t, void *const *models, size_t count, const void *options,
                             task_stream **out, rill_error *error);
/* Answers the input `in` on `out`, to its end; the first failure after the answers before it. */
MUST_USE int task_stream_filter(task_stream *s, int in, const char *name, int out,
                                const rill_hooks *hooks, rill_error *error);
/* There is no input any more. */
MUST_USE int task_stream_end(task_stream *s, rill_error *error);
void task_stream_free(task_stream *s);
/* A stream of one input. */
MUST_USE int task_filter(const task *t, void *const *models, size_t count, const void *options,
                         int in, const char *name, int out, const rill_hooks *hooks,
                         rill_error *error);

/* For `begin`: notes what format was found in the input, where none was asked for and it is not text.
 * `options` begin with task_options. */
void task_tell_format(const flow_input *in, const void *options, const char *found);

/* One text at a time, on the caller's thread. The models outlive it, the options are copied. */
typedef struct task_session task_session;
MUST_USE int task_session_new(const task *t, void *const *models, size_t count,
                              const void *options, task_session **out, rill_error *error);
/* The answer is the session's, until its next text. */
MUST_USE int task_session_apply(task_session *s, bytes text, bytes *answer, rill_error *error);
void task_session_free(task_session *s);

extern const task task_tag, task_classify, task_translate;

#endif
