/* check_task: what the suites of the task floor share: small data, a small model, a filter run. */
#ifndef RILL_TESTS_CHECK_TASK_H
#define RILL_TESTS_CHECK_TASK_H

#include "base/io.h"
#include "task/tag.h"
#include "test.h"

/* A path in the suite's folder; a file is written there when content is not NULL. The path is heap
 * memory of the suite and lives until the end. */
const char *task_path(const char *name);
const char *task_file(const char *name, bytes content);

/* Tagged sentences of a small grammar, as CoNLL-U with columns upos, xpos and feats. */
void task_conllu(int sentences, unsigned seed, buffer *out);
/* Columns "form tag" with entities in BIO. */
void task_entities(int sentences, unsigned seed, buffer *out);

/* Options for a network of a few units; then "name=value" ... NULL. */
void task_options_set(tag_options *o, ...) __attribute__((sentinel));
void task_options_free(tag_options *o);

/* Models trained once for the suite: parts of speech, and entities. */
tag_model *task_tagger(void);
tag_model *task_namer(void);
tag_model *task_open(const char *path);

/* Everything the filter writes for `in`; its status. Options as above. */
int task_filter(tag_model *m, bytes in, buffer *out, rill_error *error, ...)
    __attribute__((sentinel));
int task_filter_list(tag_model *const *models, size_t count, bytes in, const tag_options *o,
                     buffer *out, rill_error *error);

void assert_output(const buffer *found, const char *wanted);

TCase *apply_cases(void);
TCase *format_cases(void);
TCase *filter_cases(void);
TCase *train_cases(void);
TCase *damage_cases(void);

#endif
