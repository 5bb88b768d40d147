/* job: what every task's training does around its own part: options and files (given, or restored
 * from a checkpoint), threads, the description of itself that a checkpoint holds, and the call of the
 * training loop.
 *
 *     job_begin    options resolved, files noted, nothing overwritten unasked, threads started
 *        ... the task reads its data and builds its network ...
 *     job_run      model/train with the settings of train_options
 *     job_end
 *
 * A task's training struct begins with its job, so that `self` of the loop's functions is both.
 */
#ifndef RILL_TASK_JOB_H
#define RILL_TASK_JOB_H

#include "model/train.h"
#include "task/task.h"
#include "text/subword.h"

typedef struct job {
    /* set by the task before job_begin */
    const char *task;          /* its name, "tag" */
    const option_table *table;
    void *options;             /* struct of the table, zeroed; begins with task_options; the task's */
    train_options *train;      /* within the options */
    const rill_hooks *hooks;
    /* set by job_begin */
    char **file; /* training files */
    size_t files;
    pool *pool;
    bundle *resume; /* the open checkpoint, or NULL */
    json_t *inputs; /* hash of every file that is read, as it was before that */
} job;

MUST_USE int job_begin(job *j, const void *given, const char *const *files, size_t count,
                       rill_error *error);
/* Refuses to write the model over its data, and without --force over an older model or what is left of
 * an earlier training. Needs table, options (with a model), file and files. */
MUST_USE int job_spare(const job *j, rill_error *error);
/* The training files as others like to have them. */
static inline const char *const *job_files(const job *j) {
    return (const char *const *)j->file;
}
/* Runs the loop. task->self is the struct that begins with the job; describe is filled in here, and
 * validate is left out when there are no dev data. */
MUST_USE int job_run(job *j, const train_task *task, rill_error *error);
void job_end(job *j); /* releases everything but the options' struct itself */

/* Tells how much memory training needs: of the weights, and of the numbers that the layers keep of the
 * largest batch. */
void job_tell_memory(const job *j, size_t weights, double numbers);

/* Gives units of subword-nmt (from the file `name`) the characters that they lack, and says how many. */
MUST_USE int job_add_characters(subword *units, const char *name, const tally *seen, int64_t min_count,
                                const rill_hooks *hooks, rill_error *error);
/* What is unknown is never learnt: tells when that is more than a little. what: begins the message. */
void job_tell_unknown(const rill_hooks *hooks, rill_event_kind kind, const char *what, double unknown,
                      double units);

/* Threads that an options struct asks for. */
int job_threads(const task_options *o);

#endif
