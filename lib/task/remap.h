/* remap: rows of a trained model pruned, added and moved by word, never by position.
 *
 * A task names its vocabularies and the tensors whose first dimension runs with the ids of one; the
 * model file is then written anew with other rows, everything else as it was. */
#ifndef RILL_TASK_REMAP_H
#define RILL_TASK_REMAP_H

#include "model/bundle.h"
#include "text/unicode.h"
#include "text/vocab.h"

/* How a model spells the words that it looks up. */
typedef struct remap_spelling {
    unicode_form form;
    bool lower;
} remap_spelling;

/* A list of these ends with a NULL name; the first is what is meant when none is named. */
typedef struct remap_spec {
    const char *name; /* strings NAME and tensor NAME.count, as store_vocab writes them */
    remap_spelling (*spelling)(const void *model);
    const char *const *follow; /* tensors until NULL; "x.*": x. and anything */
} remap_spec;

typedef struct remap_report {
    int32_t before, after; /* words, specials not counted */
    int32_t kept, added, dropped;
    int64_t running;       /* running words of the wanted vocabulary */
    int64_t covered_before, covered_after;
} remap_report;

/* Writes the model, one that opens (see task_remap), with the words of `wanted` only (specials
 * stay), in the model's order. With add, wanted words that it does not know follow, with the row of
 * the unknown word: they answer as before, until they are trained. */
MUST_USE int remap_model(bundle *b, const remap_spec *spec, remap_spelling spelling,
                         const vocab *wanted, bool add, const char *path, remap_report *report,
                         rill_error *error);

#endif
