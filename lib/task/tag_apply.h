/* tag_apply: text in, tagged text out; what tag_apply.c, tag_write.c and tag.c share.
 *
 *     record of the input -> sentences (its own, or found by the tokenizer) -> session -> written
 *
 * Input and output in one format: the record is written back, only the predicted columns change.
 * Otherwise the sentence is written anew (data/output.h). What input and output are alike, and
 * where each column goes, is decided once, when the input is open: the plan.
 */
#ifndef RILL_TASK_TAG_APPLY_H
#define RILL_TASK_TAG_APPLY_H

#include "task/tag.h"

typedef struct tag_plan {
    const tag_lexicon *lexicon;
    bool same;                /* records are written back */
    output_format format;     /* when not the same */
    size_t form;              /* index of the form column in the records */
    size_t column[TAG_HEADS]; /* same: index in the record; TAG_APPENDED or TAG_MISC */
    int columns;              /* how many of the model's columns are written */
    bool misc;                /* same, CoNLL-U: MISC changes */
    bool probs, ranges, nbest;
    bool complete; /* same: the last record gets the line ends that it lacks */
} tag_plan;

#define TAG_APPENDED (SIZE_MAX - 1)
#define TAG_MISC SIZE_MAX

/* One record of the input with what was found in it. */
typedef struct tag_slot {
    record rec;
    token_text text; /* raw text only */
    size_t offset;   /* of the record in the input, bytes */
    bool new_document;
} tag_slot;

void tag_slot_free(void *slot);

/* Refuses options that this output can't show. */
MUST_USE int tag_plan_make(tag_plan *p, const tag_model *m, const tag_options *o, const corpus *c,
                           rill_error *error);
/* Sentence `index` of a slot with its answers; index -1: the record has no words. */
MUST_USE int tag_write(const tag_plan *p, const tag_slot *slot, int32_t index,
                       const tag_sentence *answer, arena *a, buffer *out);

extern const task_flow tag_flow;

#endif
