/* store: the pieces of a model file that the tasks share: settings, vocabularies, tokenizer rules,
 * weights. Loading checks every number against what the configuration demands before memory is taken.
 */
#ifndef RILL_TASK_STORE_H
#define RILL_TASK_STORE_H

#include "base/json.h"
#include "base/options.h"
#include "model/bundle.h"
#include "model/train.h"
#include "text/token.h"
#include "text/vocab.h"

/* ---- saving */

/* Metadata field `key`; takes `json`, which may be NULL for want of memory. */
MUST_USE int store_json(bundle_writer *w, const char *key, json_t *json, rill_error *error);
/* What every model begins with: task, config (the stored options), summary. */
MUST_USE int store_head(bundle_writer *w, const char *task, const option_table *table,
                        const void *options, bytes summary, rill_error *error);
/* NAME (strings) and NAME.count. */
MUST_USE int store_vocab(bundle_writer *w, const char *name, const vocab *v, rill_error *error);
/* A list of one string; `range` gets its two offsets and must live until the file is written. */
MUST_USE int store_text(bundle_writer *w, const char *name, bytes text, int64_t range[2],
                        rill_error *error);
/* The words of pretrained vectors, if any; their rows are weights of the network. */
MUST_USE int store_vectors(bundle_writer *w, const strmap *words, rill_error *error);
MUST_USE int store_weights(bundle_writer *w, const params *p, const real *weights,
                           rill_error *error);

/* ---- loading */

/* RILL_EMODEL: the field is not what this task writes. */
int load_damaged(const bundle *b, rill_error *error, const char *field);
MUST_USE int load_json(const bundle *b, const char *key, json_t **out, rill_error *error);
/* Refuses a model of another task; options get the stored values; *summary is a view. */
MUST_USE int load_head(bundle *b, const char *task, const option_table *table, void *options,
                       bytes *summary, rill_error *error);
MUST_USE int load_vocab(bundle *b, const char *name, vocab *v, rill_error *error);
MUST_USE int load_text(bundle *b, const char *name, bytes *out, rill_error *error);
/* The list "rules" as a tokenizer. */
MUST_USE int load_rules(bundle *b, unicode_form form, tokenizer **out, rill_error *error);
/* Words and width of pretrained vectors; a model without any leaves both alone. */
MUST_USE int load_vectors(bundle *b, strmap *words, int *width, rill_error *error);
/* All shapes are checked before memory is taken, so a small file can't ask for a large one. Packs
 * the weights for inference. */
MUST_USE int load_weights(bundle *b, params *p, rill_error *error);

/* "nfc", "nfkc", "none" of option normalize; "tanh", "relu", "lstm", "gru" of option cell. */
unicode_form store_form(const char *name);
cell_kind store_cell(const char *name);

#endif
