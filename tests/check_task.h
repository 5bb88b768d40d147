/* check_task: what the suites of the task floor share: small data, a small model, a filter run. */
#ifndef RILL_TESTS_CHECK_TASK_H
#define RILL_TESTS_CHECK_TASK_H

#include "base/io.h"
#include "task/tag.h"
#include "task/translate.h"
#include "test.h"

#include <stdarg.h>

/* A path in the suite's folder; a file is written there when content is not NULL. The path is heap
 * memory of the suite and lives until the end. */
const char *task_path(const char *name);
const char *task_file(const char *name, bytes content);

/* Tagged sentences of a small grammar, as CoNLL-U with columns upos, xpos and feats. */
void task_conllu(int sentences, unsigned seed, buffer *out);
/* Columns "form tag" with entities in BIO. */
void task_entities(int sentences, unsigned seed, buffer *out);

/* Sets "name=value" ... NULL in any task's options. */
void task_set(const option_table *table, void *o, va_list settings);

/* Options for a network of a few units; then "name=value" ... NULL. */
void task_options_set(tag_options *o, ...) __attribute__((sentinel));
void task_options_free(tag_options *o);

/* Models trained once for the suite: parts of speech, and entities. */
tag_model *task_tagger(void);
tag_model *task_namer(void);
tag_model *task_open(const char *path);

/* Everything the filter writes for `in`; its status. Options as above. */
int run_tagger(tag_model *m, bytes in, buffer *out, rill_error *error, ...)
    __attribute__((sentinel));
/* The same for any task and options. */
int task_filter_with(const task *t, void *const *models, size_t count, bytes in, const void *o,
                     buffer *out, rill_error *error);
int task_filter_list(tag_model *const *models, size_t count, bytes in, const tag_options *o,
                     buffer *out, rill_error *error);

void assert_output(const buffer *found, const char *wanted);

/* ---- trainings */

hash128 task_hash(const char *path);
/* Whether two models hold the same numbers, whatever their configurations say. */
bool task_same_tensors(const char *a, const char *b);
void task_assert_same(const char *a, const char *b); /* files */
const char *task_checkpoint(const char *model);
/* A stop hook: true after so many calls; data is an int. */
bool task_stop_at(void *data);
/* Trains in a child that is killed after some milliseconds, and goes on in another one, until one
 * gets to the end. again: resumes the checkpoint. */
typedef int (*task_course)(const char *model, bool again, rill_error *error);
void task_kill(task_course course, const char *model, const char *name);

/* ---- the translator (check_task_translate.c) */

/* Pairs of a toy language: words in reverse order, each with its translation; names stay. */
void task_pairs(int pairs, unsigned seed, buffer *out);
void task_translate_set(translate_options *o, ...) __attribute__((sentinel));
void task_translate_free(translate_options *o);
translate_model *task_translate_open(const char *path);
/* Everything the filter writes for `in`; its status. */
int run_translator(translate_model *m, bytes in, buffer *out, rill_error *error, ...)
    __attribute__((sentinel));
void task_translate_make(void);   /* trains the suite's translator, once */
void task_translate_unmake(void);
translate_model *task_translator(void);

TCase *translate_apply_cases(void);
TCase *translate_train_cases(void);
TCase *translate_risk_cases(void);
TCase *apply_cases(void);
TCase *format_cases(void);
TCase *filter_cases(void);
TCase *train_cases(void);
TCase *damage_cases(void);
TCase *hostile_cases(void);

#endif
