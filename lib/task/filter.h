/* filter: the streaming engine under `apply`: records in, text out, in order, in bounded memory.
 *
 *     input -> reader -> ring of batches -> workers -> writer -> output
 *              (caller)    |b0|b1|..|bR|    (threads)   (whoever finished the batch that is due)
 *
 * A batch closes when it is full or when no input is waiting. The caller waits for new input only
 * after everything before it has been written and flushed, so a program that talks to us through
 * two pipes gets its answer. That is safe because a task's output does not depend on which records
 * share a batch.
 *
 * Memory: records of about R budgets, or of one record that is larger than that alone. When the
 * output can't be written the reader is told at its next step and the run ends.
 */
#ifndef RILL_TASK_FILTER_H
#define RILL_TASK_FILTER_H

#include "base/io.h"

/* What a task does; `self` is shared, so everything but `read` and `ready` must leave it alone. */
typedef struct filter_task {
    void *self;
    size_t slot_size; /* of a record's struct, which starts zeroed and may be moved by memcpy */
    /* Reads the next record; *cost says how much of a batch's budget it takes (at least 1).
     * 1, 0 at the end, negative on failure. Called by one thread. */
    int (*read)(void *self, void *slot, size_t *cost, rill_error *error);
    bool (*ready)(void *self); /* the next read will not wait */
    /* What one worker needs; belongs to one thread at a time. */
    int (*worker_new)(void *self, void **worker, rill_error *error);
    void (*worker_free)(void *worker);
    /* Appends the output of records slots[0..count), in order. On failure `out` holds the output of
     * all records before the faulty one. */
    int (*work)(void *self, void *worker, void *slots, size_t count, buffer *out,
                rill_error *error);
    void (*slot_free)(void *slot); /* releases what a slot owns, not the slot */
} filter_task;

/* Runs to the end of the input. threads >= 1; with 1 everything happens on the caller. A failure is
 * returned after the output of everything before it was written. hooks->stop is asked before each
 * batch (RILL_EINTERRUPTED). */
MUST_USE int filter_run(const filter_task *task, int threads, size_t budget, writer *out,
                        const rill_hooks *hooks, rill_error *error);

#endif
