/* vocabs: vocabularies as files: counted from text, looked at, merged, pruned, converted. Like tokenize
 * no task, with an option table of its own. */
#ifndef RILL_TASK_VOCABS_H
#define RILL_TASK_VOCABS_H

#include "base/options.h"
#include "text/vocab.h"

typedef struct vocabs_options {
    char *split, *codes, *normalize, *special, *keep, *from, *to, *table, *output;
    bool lower, force, json;
    int64_t min_count, max_size, top;
} vocabs_options;

/* Verbs: RILL_VOCAB_... of rill.h. */
extern const option_table vocabs_option_table;

/* Reads a vocabulary in a format (auto: by what the file holds). Of a model file the vocabulary
 * `table` is taken, or the first one when it is NULL. */
MUST_USE int vocabs_read(const char *path, const char *from, const char *table, vocab *out,
                         rill_error *error);
/* Appends it in a format. */
MUST_USE int vocabs_format(const vocab *v, const char *to, buffer *out, rill_error *error);

/* Runs one verb; what is asked for goes to option output (a vocabulary) or to the report. */
MUST_USE int vocabs_run(unsigned verb, const vocabs_options *o, const char *const *files,
                        size_t count, buffer *report, rill_error *error);

#endif
