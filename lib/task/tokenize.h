/* tokenize: subword units at work on files and streams. No task: there is no model to train; it has an
 * option table of its own and the streaming engine of the tasks. */
#ifndef RILL_TASK_TOKENIZE_H
#define RILL_TASK_TOKENIZE_H

#include "base/options.h"
#include "text/subword.h"

typedef struct tokenize_options {
    char *unit, *format, *normalize, *borders, *protect, *symbol, *output, *input;
    bool lower, force, complete;
    int64_t vocab_size, merges, min_count, max_words, threads, seed;
    double dropout;
} tokenize_options;

/* Verbs of the table: learn 1, apply 2, undo 4 (RILL_TOKENIZE_... of rill.h). */
extern const option_table tokenize_option_table;

/* Units of all files together; notes say what was reached. */
MUST_USE int tokenize_learn(const tokenize_options *o, const char *const *files, size_t count,
                            const rill_hooks *hooks, subword **out, rill_error *error);
MUST_USE int tokenize_save(const subword *s, const char *path, rill_error *error);

/* Streams descriptor `in` to `out`, line by line, line ends as they are. */
MUST_USE int tokenize_filter(const subword *s, const tokenize_options *o, bool undo, int in,
                             const char *name, int out, const rill_hooks *hooks,
                             rill_error *error);

#endif
