/* tag_train: the tagger's side of the training loop: batches, loss, dev scores, checkpoint.
 *
 * Everything is a function of (data, options, seed): the lexicon is built anew on resume, from files
 * whose hashes must be those of the checkpoint.
 */
#include "base/rng.h"
#include "data/batch.h"
#include "data/vectors.h"
#include "task/job.h"
#include "task/tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SITE_WORD = 3, SITE_CASE = 4 };

typedef struct training {
    job job; /* first: the loop's `self` is both */
    tag_options o; /* resolved; texts owned */
    tag_lexicon lexicon;
    tag_data data;
    vectors vectors;
    tag_net net;
    int32_t *length; /* [sentences] */
    batch_plan plan;
    arena memory; /* of the present batch */
} training;

/* ---- batches */

static int plan_epoch(void *self, int64_t epoch, int64_t *batches, rill_error *error) {
    training *t = self;
    int status = batch_shuffle(&t->plan, t->length, t->data.sentences, t->o.common.batch,
                               (uint64_t)t->o.common.seed, (uint64_t)epoch);
    *batches = (int64_t)t->plan.batches;
    return status < 0 ? status_nomem(error) : 0;
}

/* Vocabulary ids of a sentence's tokens, some hidden: with probability a/(a + count). */
static void drop_words(const training *t, uint64_t name, const int32_t *token, int32_t n,
                       int32_t *id) {
    uint64_t key = rng_key((uint64_t)t->o.common.seed, SITE_WORD);
    double a = t->o.word_dropout;
    for (int32_t w = 0; w < n; w++) {
        int32_t form = token[w];
        double count = (double)t->lexicon.forms.count[t->data.forms.id[form]];
        float u = rng_float(rng_block(key, name, (uint64_t)w).v[0]);
        id[w] = (double)u < a / (a + count) ? 0 : t->data.forms.id[form];
    }
}

/* Some sentences stand there in small letters or in capitals. */
static void change_case(const training *t, uint64_t name, int32_t *token, int32_t n) {
    const double share = t->o.case_noise;
    const double u = rng_float(rng_block(rng_key((uint64_t)t->o.common.seed, SITE_CASE), name, 0).v[0]);
    const int32_t *to = u < share ? t->data.small : u < 1.5 * share ? t->data.capital : NULL;
    for (int32_t w = 0; to && w < n; w++) token[w] = to[token[w]];
}

/* Distinct forms of the batch: `unique` gets their positions; which they are goes to *form. */
static int find_unique(training *t, const int32_t *token, int32_t n, int32_t *unique,
                       int32_t **form, int32_t *count) {
    size_t forms = (size_t)t->data.forms.map.count;
    int32_t *place = arena_alloc(&t->memory, forms, sizeof *place);
    *form = arena_alloc(&t->memory, (size_t)n, sizeof **form);
    if (!place || !*form) return RILL_ENOMEM;
    memset(place, 0xff, forms * sizeof *place);
    *count = 0;
    for (int32_t i = 0; i < n; i++) {
        if (place[token[i]] < 0) {
            place[token[i]] = *count;
            (*form)[(*count)++] = token[i];
        }
        unique[i] = place[token[i]];
    }
    return 0;
}

/* Rows of a column for the sentences of a batch, one after the other. */
static int32_t *collect(training *t, const int32_t *item, int32_t sentences, int32_t total,
                        const int32_t *from, size_t width) {
    int32_t *out = arena_alloc(&t->memory, (size_t)total * width, sizeof *out), *at = out;
    for (int32_t b = 0; out && b < sentences; b++) {
        size_t size = (size_t)t->length[item[b]] * width;
        memcpy(at, from + (size_t)t->data.start[item[b]] * width, size * sizeof *out);
        at += size;
    }
    return out;
}

static int fill_words(training *t, int64_t epoch, const int32_t *item, int32_t sentences,
                      tag_batch *batch) {
    int32_t *length = arena_alloc(&t->memory, (size_t)sentences, sizeof *length);
    uint64_t *name = arena_alloc(&t->memory, (size_t)sentences, sizeof *name);
    if (!length || !name) return RILL_ENOMEM;
    for (int32_t b = 0; b < sentences; b++) {
        length[b] = t->length[item[b]];
        name[b] = batch_name(epoch, item[b], batch->twice && b >= sentences / 2);
    }
    return pack_make(&t->memory, length, name, sentences, &batch->words);
}

/* Whether there is a softmax whose two guesses could agree. */
static bool reads_twice(const training *t) {
    bool any = false;
    for (int i = 0; i < t->net.config.heads; i++) any |= !t->net.config.head[i].crf;
    return any && t->o.r_drop > 0;
}

static int fill_batch(training *t, int64_t epoch, int64_t number, int64_t update,
                      tag_batch *batch) {
    arena_reset(&t->memory);
    *batch = (tag_batch){0};
    const int32_t *item = t->plan.item + t->plan.start[number];
    int32_t sentences = t->plan.start[number + 1] - t->plan.start[number];
    batch->twice = reads_twice(t);
    if (batch->twice) TRY(batch_twice(&t->memory, &item, &sentences));
    TRY(fill_words(t, epoch, item, sentences, batch));
    int32_t N = batch->words.total, *form, forms;
    int32_t *token = collect(t, item, sentences, N, t->data.token, 1);
    int32_t *unique = arena_alloc(&t->memory, (size_t)N, sizeof *unique);
    int32_t *dropped = arena_alloc(&t->memory, (size_t)N, sizeof *dropped);
    if (!token || !unique || !dropped) return RILL_ENOMEM;
    for (int32_t b = 0; b < sentences; b++) {
        int32_t at = batch->words.start[b];
        change_case(t, batch->words.name[b], token + at, pack_length(&batch->words, b));
        drop_words(t, batch->words.name[b], token + at, pack_length(&batch->words, b), dropped + at);
    }
    TRY(find_unique(t, token, N, unique, &form, &forms));
    uint64_t name = (uint64_t)1 << 62 | (uint64_t)update << 30; /* of forms */
    TRY(tag_forms_batch(&t->data.forms, form, forms, name, &t->memory, batch));
    batch->unique = unique;
    batch->dropped = dropped;
    for (int i = 0; i < t->lexicon.columns; i++) {
        batch->label[i] = collect(t, item, sentences, N, t->data.label[i], 1);
        size_t A = (size_t)t->lexicon.column[i].attributes.count;
        if (A > 0) batch->attribute[i] = collect(t, item, sentences, N, t->data.attribute[i], A);
        if (!batch->label[i] || (A > 0 && !batch->attribute[i])) return RILL_ENOMEM;
    }
    return 0;
}

static int batch_loss(void *self, tape *tape, int64_t epoch, int64_t number, int64_t update,
                      var *loss, double *items, rill_error *error) {
    training *t = self;
    tag_batch batch;
    int status = fill_batch(t, epoch, number, update, &batch);
    if (status < 0) return status_nomem(error);
    *loss = tag_net_loss(&t->net, tape, &batch);
    *items = batch.words.total;
    return 0;
}

/* ---- dev scores, model */

static int validate(void *self, const real *weights, train_scores *out, rill_error *error) {
    training *t = self;
    tag_session *s = NULL;
    TRY(tag_session_train(&t->lexicon, &t->net, weights, t->job.pool, &s, error));
    int status = tag_validate(s, &t->o, t->o.common.dev, out, error);
    tag_session_free(s);
    return status;
}

static int save(void *self, const real *weights, bytes summary, rill_error *error) {
    training *t = self;
    return tag_model_save(&t->o, &t->lexicon, &t->net, weights, summary, t->o.common.model, error);
}

/* ---- setting up */

static int read_vectors(training *t, rill_error *error) {
    if (!t->o.vectors) return 0;
    const vectors_options options = {.limit = (size_t)t->o.vectors_limit};
    TRY(vectors_load(t->o.vectors, &options, &t->vectors, error));
    t->lexicon.vector_words = t->vectors.words;
    t->lexicon.vector_dim = t->vectors.width;
    t->vectors.words = (strmap){0};
    return 0;
}

/* The rows of the file become the first weights of the table. */
static void set_vectors(training *t) {
    if (t->net.vector_table < 0) return;
    size_t size = (size_t)t->lexicon.vector_words.count * (size_t)t->vectors.width;
    memcpy(params_value(&t->net.params, t->net.vector_table), t->vectors.row, size * sizeof(real));
    size_t covered = 0, forms = (size_t)t->data.words;
    for (size_t i = 0; i < forms; i++) covered += t->data.forms.vector[i] >= 0;
    train_tell(t->job.hooks, RILL_EVENT_NOTE, NULL, "vectors: %d rows of %d, %zu of %zu forms covered (%.1f %%)",
               t->lexicon.vector_words.count, t->vectors.width, covered, forms,
               100.0 * (double)covered / (double)forms);
}

/* What the layers keep, some twenty numbers a unit, of the largest batch, which one long sentence may
 * be. */
static double numbers_kept(const training *t) {
    enum { KEPT = 20, BESIDE = 1000 };
    int64_t tokens = t->o.common.batch;
    for (size_t i = 0; i < t->data.sentences; i++) {
        if (t->length[i] > tokens) tokens = t->length[i];
    }
    if (reads_twice(t)) tokens *= 2;
    return (double)tokens * (double)(2 * t->o.hidden * t->o.layers * KEPT + BESIDE);
}

static void tell_sizes(const training *t) {
    train_tell(t->job.hooks, RILL_EVENT_NOTE, NULL,
               "%zu sentences, %zu words, %d forms (%d with a vector of their own)",
               t->data.sentences, t->data.tokens, t->data.words,
               vocab_size(&t->lexicon.forms) - 1);
    for (int i = 0; i < t->lexicon.columns; i++) {
        const tag_column *c = &t->lexicon.column[i];
        train_tell(t->job.hooks, RILL_EVENT_NOTE, NULL, "column %s: %d labels%s%s", c->name,
                   c->labels.count, c->kind == TAG_ENTITY ? ", scheme " : "",
                   c->kind == TAG_ENTITY ? scheme_name(c->scheme) : "");
    }
    job_tell_memory(&t->job, params_weights(&t->net.params), numbers_kept(t));
}

static int prepare(training *t, rill_error *error) {
    tag_options_size(&t->o);
    TRY(read_vectors(t, error));
    TRY(tag_data_read(&t->data, &t->lexicon, &t->o, job_files(&t->job), t->job.files,
                      t->job.hooks, error));
    if (!t->job.resume) {
        TRY(tag_warn(&t->o, job_files(&t->job), t->job.files, t->job.hooks, error));
    }
    tag_options_data(&t->o, t->data.tokens);
    t->length = mem_new(t->data.sentences, sizeof *t->length);
    if (!t->length) return status_nomem(error);
    for (size_t i = 0; i < t->data.sentences; i++) {
        t->length[i] = (int32_t)(t->data.start[i + 1] - t->data.start[i]);
    }
    tag_net_config config;
    tag_model_shape(&t->o, &t->lexicon, &config);
    if (tag_net_build(&t->net, &config) < 0) return status_nomem(error);
    tell_sizes(t); /* before memory is taken, so that running out of it is no riddle */
    if (tag_model_allow(&t->lexicon, &t->net) < 0 || params_alloc(&t->net.params, true) < 0 ||
        params_init(&t->net.params, (uint64_t)t->o.common.seed) < 0) {
        return status_nomem(error);
    }
    set_vectors(t);
    return 0;
}

static void training_free(training *t) {
    job_end(&t->job);
    tag_lexicon_free(&t->lexicon);
    tag_data_free(&t->data);
    vectors_free(&t->vectors);
    tag_net_free(&t->net);
    free(t->length);
    batch_free(&t->plan);
    arena_free(&t->memory);
}

int tag_train(const void *options, const char *const *files, size_t count, const rill_hooks *hooks,
              rill_error *error) {
    training t = {.job = {.task = "tag", .table = &tag_option_table, .options = &t.o,
                          .train = &t.o.train, .hooks = hooks}};
    const train_task task = {.self = &t, .params = &t.net.params, .plan = plan_epoch,
                             .loss = batch_loss, .validate = validate, .save = save};
    int status = job_begin(&t.job, options, files, count, error);
    if (status == 0) status = prepare(&t, error);
    if (status == 0) status = job_run(&t.job, &task, error);
    training_free(&t);
    return status;
}
