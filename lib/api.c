/* api: rill.h over the list of tasks.
 *
 * Nothing is decided here: a call finds its task (by name, or by what a model file says) and hands
 * on. Several models in one call must be of one task.
 *
 *     rill_options   a table of options and its struct (see base/options.h)
 *     rill_model     a task and a model that owns its bundle
 *     rill_session   a task_session under its public name; the models stay the caller's
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "model/average.h"
#include "model/info.h"
#include "model/plot.h"
#include "task/task.h"
#include "task/tokenize.h"
#include "task/vocabs.h"

#include <stdlib.h>
#include <string.h>

static const task *const tasks[] = {&task_tag, &task_classify, &task_translate};

struct rill_options {
    const char *name; /* of the table: a task's, "tokenize" or "vocab" */
    const option_table *table;
    void *values;
};

struct rill_model {
    const task *task;
    void *model;
};

/* A new task is one more entry above: everything else reaches it through its struct. */
static const task *task_find(const char *name) {
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        if (!strcmp(tasks[i]->name, name)) return tasks[i];
    }
    return NULL;
}

static int options_of(const char *name, const rill_options *options, rill_error *error) {
    if (!strcmp(options->name, name)) return 0;
    return status_fail(error, RILL_EUSAGE, "these are options of task \"%s\", expected \"%s\"",
                       options->name, name);
}

/* Options are taken only with the task that they were made for. */
static int task_of(const char *name, const rill_options *options, const task **out,
                   rill_error *error) {
    *out = task_find(name);
    if (!*out) return status_fail(error, RILL_EUSAGE, "unknown task \"%s\"", name);
    return options_of(name, options, error);
}

/* A table that belongs to no task, or NULL; *known, which may be NULL, gets a name that lasts. */
static const option_table *other_table(const char *name, const char **known) {
    static const struct {
        const char *name;
        const option_table *table;
    } tables[] = {{"tokenize", &tokenize_option_table}, {"vocab", &vocabs_option_table}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (strcmp(tables[i].name, name)) continue;
        if (known) *known = tables[i].name;
        return tables[i].table;
    }
    return NULL;
}

/* The options of a task, or of what is none. */
static const option_table *table_find(const char *name) {
    const task *t = task_find(name);
    return t ? t->options : other_table(name, NULL);
}

/* ---- small things */

/* Codes are 0, -1, -2, ...: the negated code is the index. */
const char *rill_strerror(int code) {
    static const char *const names[] = {
        "success",           "out of memory", "input or output",
        "bad data",          "wrong usage",   "damaged or foreign model",
        "training diverged", "interrupted",   "too large"};
    if (code > 0) code = 0;
    return code < RILL_ELIMIT ? "unknown error" : names[-code];
}

const char *rill_version(void) {
    return PACKAGE_VERSION;
}

/* Texts come from malloc; a host with an allocator of its own must not free them itself. */
void rill_free(char *text) {
    free(text);
}

int rill_model_average(const char *const *paths, size_t count, const char *out, rill_error *error) {
    return average_models(paths, count, out, error);
}

int rill_plot_log(const char *log_path, const char *svg_path, rill_error *error) {
    return plot_log(log_path, svg_path, error);
}

/* ---- options */

/* The row as the public header shows it: without the place in the struct, and without the verbs bit
 * that says whether a model stores it. */
bool rill_option_at(const char *name, size_t index, rill_option *out) {
    static const rill_option_type types[] = {[OPTION_FLAG] = RILL_FLAG,
                                             [OPTION_INT] = RILL_INT,
                                             [OPTION_REAL] = RILL_REAL,
                                             [OPTION_TEXT] = RILL_TEXT,
                                             [OPTION_LIST] = RILL_LIST};
    const option_table *t = table_find(name);
    if (!t || index >= t->count) return false;
    const option_row *row = &t->rows[index];
    *out = (rill_option){.name = row->name,
                         .letter = row->letter,
                         .type = types[row->type],
                         .fallback = row->fallback,
                         .low = row->low,
                         .high = row->high,
                         .choices = row->choices,
                         .argument = row->argument,
                         .verbs = row->where & OPTION_VERBS,
                         .help = row->help};
    return true;
}

/* All defaults are set, so that every value can be read back. */
int rill_options_new(const char *name, rill_options **out, rill_error *error) {
    *out = NULL;
    const task *t = task_find(name);
    const char *known = t ? t->name : NULL;
    const option_table *table = t ? t->options : other_table(name, &known);
    if (!table) return status_fail(error, RILL_EUSAGE, "unknown task \"%s\"", name);
    rill_options *o = mem_new(1, sizeof *o);
    if (o) *o = (rill_options){known, table, mem_new(1, table->size)};
    int status = o && o->values ? options_defaults(table, o->values, error) : status_nomem(error);
    if (status < 0) {
        rill_options_free(o);
        return status;
    }
    *out = o;
    return 0;
}

void rill_options_free(rill_options *o) {
    if (!o) return;
    if (o->values) options_free(o->table, o->values);
    free(o->values);
    free(o);
}

int rill_options_set(rill_options *o, const char *name, const char *value, rill_error *error) {
    return options_set(o->table, o->values, bytes_of(name), bytes_of(value), error);
}

int rill_options_read(rill_options *o, const char *path, rill_error *error) {
    return options_read(o->table, o->values, path, error);
}

/* NULL means unset, an unknown name, or no memory; an empty value is an empty text. */
char *rill_options_get(const rill_options *o, const char *name) {
    const option_row *row = options_find(o->table, bytes_of(name));
    buffer text = {0};
    if (row && options_get(o->table, o->values, row, &text)) {
        if (!text.failed) return text.data ? text.data : mem_text("", 0);
    }
    buffer_free(&text);
    return NULL;
}

/* ---- jobs on files */

int rill_train(const char *name, const rill_options *options, const char *const *files,
               size_t count, const rill_hooks *hooks, rill_error *error) {
    const task *t;
    TRY(task_of(name, options, &t, error));
    return t->train(options->values, files, count, hooks, error);
}

/* Hands a finished report over to the caller. */
static int take_report(int status, buffer *text, char **report, rill_error *error) {
    if (status == 0) status = buffer_status(text, error);
    if (status == 0 && !text->data) text->data = mem_text("", 0);
    if (status == 0 && !text->data) status = status_nomem(error);
    if (status < 0) {
        buffer_free(text);
        return status;
    }
    *report = text->data;
    return 0;
}

int rill_check(const char *name, const rill_options *options, const char *const *files,
               size_t count, char **report, size_t *faults, rill_error *error) {
    const task *t;
    buffer text = {0};
    *report = NULL;
    *faults = 0;
    TRY(task_of(name, options, &t, error));
    int status = t->check(options->values, files, count, &text, faults, error);
    return take_report(status, &text, report, error);
}

int rill_compare(const char *name, const rill_options *options, const char *const *files,
                 size_t count, char **report, rill_error *error) {
    const task *t;
    buffer text = {0};
    *report = NULL;
    TRY(task_of(name, options, &t, error));
    if (!t->compare) {
        return status_fail(error, RILL_EUSAGE, "task \"%s\" has no answers to compare", name);
    }
    return take_report(t->compare(options->values, files, count, &text, error), &text, report, error);
}

/* ---- models */

/* The task that the metadata name. */
static int bundle_task(const bundle *b, const task **out, rill_error *error) {
    const char *name;
    TRY(bundle_need_meta(b, "task", &name, error));
    *out = task_find(name);
    if (*out) return 0;
    return status_set(error, RILL_EMODEL, bundle_name(b), 0, 0, "a model of unknown task \"%.80s\"",
                      name);
}

/* The same, where a checkpoint is none. */
static int model_task(bundle *b, const task **out, rill_error *error) {
    TRY(bundle_task(b, out, error));
    if (!bundle_meta(b, "checkpoint")) return 0;
    return status_set(error, RILL_EMODEL, bundle_name(b), 0, 0,
                      "found the checkpoint of a training (option --resume goes on from it), "
                      "expected a model");
}

/* Makes the model of an open bundle, which is the model's from then on, also on failure. */
static int model_from(bundle *b, rill_model **out, rill_error *error) {
    const task *t = NULL;
    int status = model_task(b, &t, error);
    rill_model *m = status == 0 ? mem_new(1, sizeof *m) : NULL;
    if (status == 0 && !m) status = status_nomem(error);
    if (status < 0) {
        bundle_close(b);
        return status;
    }
    m->task = t;
    status = task_model_open(t, b, &m->model, error);
    if (status < 0) {
        free(m);
        return status;
    }
    *out = m;
    return 0;
}

int rill_model_open(const char *path, rill_model **out, rill_error *error) {
    bundle *b;
    *out = NULL;
    TRY(bundle_open(path, &b, error));
    return model_from(b, out, error);
}

void rill_model_free(rill_model *m) {
    if (!m) return;
    task_model_free(m->task, m->model);
    free(m);
}

const char *rill_model_task(const rill_model *m) {
    return m->task->name;
}

/* Everything is checked that loading checks, before anything is told: `rill-model verify` relies on
 * it. A checkpoint is no model: of it the file alone is checked. */
int rill_model_info(const char *path, bool json, char **report, rill_error *error) {
    bundle *b;
    const task *t;
    rill_model *m = NULL;
    buffer text = {0};
    *report = NULL;
    TRY(bundle_open(path, &b, error));
    bool checkpoint = bundle_meta(b, "checkpoint") != NULL;
    int status = checkpoint ? bundle_task(b, &t, error) : model_from(b, &m, error);
    if (status == 0) status = model_info(b, json, &text, error);
    if (checkpoint) bundle_close(b);
    rill_model_free(m);
    return take_report(status, &text, report, error);
}

/* ---- models at work */

/* The models as their task knows them, in one array that the caller releases. */
static int gather(const rill_model *const *models, size_t count, const rill_options *options,
                  void ***out, rill_error *error) {
    if (count == 0) return status_fail(error, RILL_EUSAGE, "no model was given");
    for (size_t i = 0; i < count; i++) {
        const char *name = models[i]->task->name;
        if (!strcmp(name, options->name)) continue;
        return status_fail(error, RILL_EMODEL, "a model of task \"%s\", expected one of task \"%s\"",
                           name, options->name);
    }
    *out = mem_new(count, sizeof **out);
    if (!*out) return status_nomem(error);
    for (size_t i = 0; i < count; i++) (*out)[i] = models[i]->model;
    return 0;
}

int rill_eval(const rill_model *const *models, size_t model_count, const rill_options *options,
              const char *const *files, size_t count, const rill_hooks *hooks, char **report,
              rill_error *error) {
    void **list; /* only the array is ours */
    buffer text = {0};
    *report = NULL;
    TRY(gather(models, model_count, options, &list, error));
    const task *t = task_find(options->name); /* gather has found it */
    int status = t->eval(list, model_count, options->values, files, count, hooks, &text, error);
    free(list);
    return take_report(status, &text, report, error);
}

int rill_filter(const rill_model *const *models, size_t model_count, const rill_options *options,
                int in, const char *name, int out, const rill_hooks *hooks, rill_error *error) {
    void **list;
    TRY(gather(models, model_count, options, &list, error));
    const task *t = task_find(options->name);
    int status = task_filter(t, list, model_count, options->values, in, name, out, hooks, error);
    free(list);
    return status;
}

int rill_stream_new(const rill_model *const *models, size_t model_count,
                    const rill_options *options, rill_stream **out, rill_error *error) {
    void **list;
    task_stream *s = NULL;
    *out = NULL;
    TRY(gather(models, model_count, options, &list, error));
    int status = task_stream_new(task_find(options->name), list, model_count, options->values, &s,
                                 error);
    free(list);
    *out = (rill_stream *)s;
    return status;
}

int rill_stream_filter(rill_stream *s, int in, const char *name, int out, const rill_hooks *hooks,
                       rill_error *error) {
    return task_stream_filter((task_stream *)s, in, name, out, hooks, error);
}

int rill_stream_end(rill_stream *s, rill_error *error) {
    return task_stream_end((task_stream *)s, error);
}

void rill_stream_free(rill_stream *s) { task_stream_free((task_stream *)s); }

int rill_session_new(const rill_model *const *models, size_t model_count,
                     const rill_options *options, rill_session **out, rill_error *error) {
    void **list;
    task_session *s = NULL;
    *out = NULL;
    TRY(gather(models, model_count, options, &list, error));
    int status = task_session_new(task_find(options->name), list, model_count, options->values, &s,
                                  error);
    free(list);
    *out = (rill_session *)s;
    return status;
}

/* The answer stays the session's. */
int rill_session_apply(rill_session *s, const char *text, size_t size, const char **answer,
                       size_t *answer_size, rill_error *error) {
    bytes got = {0};
    int status = task_session_apply((task_session *)s, (bytes){text, size}, &got, error);
    *answer = status < 0 ? NULL : got.data;
    *answer_size = status < 0 ? 0 : got.size;
    return status;
}

void rill_session_free(rill_session *s) { task_session_free((task_session *)s); }

/* ---- units. A rill_tokenizer is a subword under its public name. */

static const subword *units(const rill_tokenizer *t) {
    return (const subword *)t;
}

int rill_tokenizer_learn(const rill_options *options, const char *const *files, size_t count,
                         const rill_hooks *hooks, rill_tokenizer **out, rill_error *error) {
    subword *s = NULL;
    *out = NULL;
    TRY(options_of("tokenize", options, error));
    int status = tokenize_learn(options->values, files, count, hooks, &s, error);
    *out = (rill_tokenizer *)s;
    return status;
}

int rill_tokenizer_open(const char *path, rill_tokenizer **out, rill_error *error) {
    subword *s = NULL;
    int status = subword_open(path, &s, error);
    *out = (rill_tokenizer *)s;
    return status;
}

void rill_tokenizer_free(rill_tokenizer *t) {
    subword_free((subword *)t);
}

int rill_tokenizer_save(const rill_tokenizer *t, const char *path, rill_error *error) {
    return tokenize_save(units(t), path, error);
}

int rill_tokenizer_size(const rill_tokenizer *t) {
    return subword_size(units(t));
}

int rill_tokenizer_filter(const rill_tokenizer *t, const rill_options *options, bool undo, int in,
                          const char *name, int out, const rill_hooks *hooks, rill_error *error) {
    TRY(options_of("tokenize", options, error));
    return tokenize_filter(units(t), options->values, undo, in, name, out, hooks, error);
}

/* ---- vocabularies */

int rill_vocab_run(unsigned verb, const rill_options *options, const char *const *files,
                   size_t count, char **report, rill_error *error) {
    buffer text = {0};
    *report = NULL;
    TRY(options_of("vocab", options, error));
    int status = vocabs_run(verb, options->values, files, count, &text, error);
    return take_report(status, &text, report, error);
}

static void add_report(const remap_report *r, bool json, buffer *out) {
    double all = r->running ? (double)r->running : 1;
    const char *form = json ? "{\"before\":%d,\"after\":%d,\"kept\":%d,\"added\":%d,"
                              "\"dropped\":%d,\"covered_before\":%.6f,\"covered_after\":%.6f}\n"
                            : "%d words before, %d after: %d kept, %d added, %d dropped\n"
                              "running words of the vocabulary that have a row: %.4f before, %.4f "
                              "after\n";
    buffer_printf(out, form, (int)r->before, (int)r->after, (int)r->kept, (int)r->added,
                  (int)r->dropped, (double)r->covered_before / all,
                  (double)r->covered_after / all);
}

/* Takes the bundle over. */
static int prune_model(bundle *b, const char *words, const char *table, bool add, const char *out,
                       remap_report *done, rill_error *error) {
    const task *t = NULL;
    vocab wanted = {0};
    int status = model_task(b, &t, error);
    if (status == 0) status = vocabs_read(words, "auto", NULL, &wanted, error);
    if (status < 0) bundle_close(b);
    else status = task_remap(t, b, table, &wanted, add, out, done, error);
    vocab_free(&wanted);
    return status;
}

int rill_model_prune(const char *path, const char *words, const char *table, bool add,
                     const char *out, bool json, char **report, rill_error *error) {
    bundle *b;
    buffer text = {0};
    remap_report done;
    *report = NULL;
    TRY(bundle_probe(out, error));
    TRY(bundle_open(path, &b, error));
    int status = prune_model(b, words, table, add, out, &done, error);
    if (status == 0) add_report(&done, json, &text);
    return take_report(status, &text, report, error);
}
