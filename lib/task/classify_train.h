/* classify_train: what the classifier's training and its pretraining share: batches of texts. */
#ifndef RILL_TASK_CLASSIFY_TRAIN_H
#define RILL_TASK_CLASSIFY_TRAIN_H

#include "task/classify.h"
#include "task/job.h"

/* Which texts, and how they are read. */
typedef struct classify_pick {
    const classify_options *o;
    const classify_data *data;
    size_t first;          /* text of item 0 */
    const int32_t *length; /* [items] units */
    int64_t epoch;         /* part of the name that masks follow from */
    bool keep;             /* no unit is hidden */
    bool twice;            /* items B/2.. are the first ones again, under other names */
} classify_pick;

/* Units of B texts: all of the batch but labels and scores. */
MUST_USE int classify_fill(const classify_pick *p, const int32_t *item, int32_t B, arena *memory,
                           classify_batch *out);

/* Option pretrain: the encoder's weights learnt from the further texts of `data`. */
MUST_USE int classify_pretrain(job *j, const classify_options *o, const classify_data *data,
                               classify_net *net, rill_error *error);

/* Option autotune. */
MUST_USE int classify_tune(const classify_options *o, const char *const *files, size_t count,
                           const rill_hooks *hooks, rill_error *error);

#endif
