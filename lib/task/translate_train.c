/* translate_train: the translator's side of the training loop: batches, loss, dev scores.
 *
 * Units are learnt from the training pairs, anew on resume: they are a function of data and options (and of
 * the model that --init names).
 * With BPE dropout the pairs are cut into units anew in every epoch.
 */
#include "base/rng.h"
#include "data/batch.h"
#include "task/job.h"
#include "task/translate_risk.h"
#include "task/translate_score.h"

#include <stdlib.h>
#include <string.h>

enum { SITE_HIDE = 9 };

typedef struct training {
    job job; /* first, see job.h */
    translate_options o;
    translate_lexicon lexicon;
    translate_data data, dev;
    translate_net net;
    translate_model *first; /* of --init, until its weights are taken */
    translate_risk *risk; /* NULL: none */
    int32_t *length; /* [pairs] of the longer side with its end; 0: left out */
    int64_t epoch;   /* that the ids belong to, -1: none yet */
    batch_plan plan;
    arena memory; /* of the present batch */
} training;

/* ---- batches */

static int64_t units_of(const training *t, int side, size_t pair) {
    return (int64_t)(t->data.at[side][pair + 1] - t->data.at[side][pair]);
}

static void measure(training *t) {
    t->data.skipped = 0;
    for (size_t i = 0; i < t->data.pairs; i++) {
        int64_t a = units_of(t, SOURCE, i), b = units_of(t, TARGET, i), most = a > b ? a : b;
        bool fits = a > 0 && b > 0 && most <= t->o.max_pieces;
        t->length[i] = fits ? (int32_t)most + 1 : 0;
        t->data.skipped += !fits;
    }
}

/* Ids as of this epoch: they change only under BPE dropout. */
static int encode_epoch(training *t, int64_t epoch, rill_error *error) {
    if (t->epoch == epoch || (t->epoch >= 0 && t->o.bpe_dropout <= 0)) return 0;
    TRY(translate_data_encode(&t->data, &t->lexicon, t->o.bpe_dropout, (uint64_t)t->o.common.seed,
                              (uint64_t)epoch, error));
    t->epoch = epoch;
    measure(t);
    return 0;
}

static int plan_epoch(void *self, int64_t epoch, int64_t *batches, rill_error *error) {
    training *t = self;
    TRY(encode_epoch(t, epoch, error));
    int status = batch_shuffle(&t->plan, t->length, t->data.pairs, t->o.common.batch,
                               (uint64_t)t->o.common.seed, (uint64_t)epoch);
    *batches = (int64_t)t->plan.batches;
    return status < 0 ? status_nomem(error) : 0;
}

/* Hides units at random: a row of zeros stands in their place. */
static void hide(const training *t, int side, uint64_t name, int32_t *id, int32_t n) {
    uint64_t key = rng_key((uint64_t)t->o.common.seed, SITE_HIDE + (uint64_t)side);
    for (int32_t i = 0; t->o.word_dropout > 0 && i < n; i++) {
        float u = rng_float(rng_block(key, name, (uint64_t)i).v[0]);
        if ((double)u < t->o.word_dropout) id[i] = -1;
    }
}

/* The pairs of a batch as they stand in the data, and with R-drop all of them once more under other
 * names. */
static int list_pairs(training *t, int64_t epoch, int64_t number, translate_pair **out, size_t *count) {
    const int32_t *item = t->plan.item + t->plan.start[number];
    const size_t once = (size_t)(t->plan.start[number + 1] - t->plan.start[number]);
    *count = t->o.r_drop > 0 ? 2 * once : once;
    *out = arena_zero(&t->memory, *count, sizeof **out);
    if (!*out) return RILL_ENOMEM;
    for (size_t i = 0; i < *count; i++) {
        const int32_t k = item[i % once];
        (*out)[i] = (translate_pair){.source = {.id = t->data.id[SOURCE] + t->data.at[SOURCE][k],
                                                .count = (int32_t)units_of(t, SOURCE, (size_t)k),
                                                .name = batch_name(epoch, k, i >= once)},
                                     .target = t->data.id[TARGET] + t->data.at[TARGET][k],
                                     .length = (int32_t)units_of(t, TARGET, (size_t)k)};
    }
    return 0;
}

static int fill_batch(training *t, const translate_pair *pair, size_t pairs,
                      translate_batch *batch) {
    TRY(translate_batch_make(&t->memory, pair, pairs, batch));
    batch->twice = t->o.r_drop > 0;
    for (size_t i = 0; i < pairs; i++) {
        const pack *s = &batch->source, *p = &batch->target;
        const int32_t b = (int32_t)i;
        hide(t, SOURCE, pair[i].source.name, batch->source_id + s->start[b], pack_length(s, b));
        hide(t, TARGET, pair[i].source.name, batch->previous + p->start[b], pack_length(p, b));
    }
    return 0;
}

/* Adds the loss of the model's own answers. */
static int add_risk(training *t, tape *tape, const translate_pair *pair, size_t pairs, var *loss,
                    rill_error *error) {
    translate_batch drawn;
    TRY(translate_risk_draw(t->risk, pair, pairs, &t->memory, &drawn, error));
    if (drawn.target.count == 0) return 0;
    const var both[] = {*loss, translate_net_loss(&t->net, tape, &drawn)};
    *loss = op_sum(tape, both, 2);
    return 0;
}

static int batch_loss(void *self, tape *tape, int64_t epoch, int64_t number, int64_t update,
                      var *loss, double *items, rill_error *error) {
    training *t = self;
    translate_batch batch;
    translate_pair *pair;
    size_t pairs;
    (void)update;
    arena_reset(&t->memory);
    int status = list_pairs(t, epoch, number, &pair, &pairs);
    if (status == 0) status = fill_batch(t, pair, pairs, &batch);
    if (status < 0) return status_nomem(error);
    *loss = translate_net_loss(&t->net, tape, &batch);
    *items = batch.target.total;
    return t->risk ? add_risk(t, tape, pair, batch.twice ? pairs / 2 : pairs, loss, error) : 0;
}

/* ---- dev scores, model */

/* Scores of weights when the search keeps `beam` hypotheses. */
static int score_weights(training *t, const real *weights, int64_t beam, train_scores *out,
                         rill_error *error) {
    translate_net net = t->net;
    const compute c = {.k = cpu_kernels(), .pool = t->job.pool};
    if (params_borrow(&t->net.params, weights, &c, &net.params) < 0) return status_nomem(error);
    translate_options options = t->o;
    options.beam = beam;
    options.nbest = 1;
    options.mbr = 0;
    options.sample = false;
    const translate_run run = {.lexicon = &t->lexicon, .o = &options, .net = &net, .count = 1};
    int status = translate_validate(&run, &t->dev, t->job.pool, out, error);
    params_return(&net.params);
    return status;
}

static int validate(void *self, const real *weights, train_scores *out, rill_error *error) {
    return score_weights(self, weights, 1, out, error);
}

/* As apply will search by default. */
static int judge(void *self, const real *weights, train_scores *out, rill_error *error) {
    training *t = self;
    return score_weights(t, weights, t->o.beam, out, error);
}

static int save(void *self, const real *weights, bytes summary, rill_error *error) {
    training *t = self;
    return translate_model_save(&t->o, &t->lexicon, &t->net, weights, summary, t->o.common.model,
                                error);
}

/* ---- setting up */

static size_t units_read(const training *t) {
    size_t units = 0;
    for (size_t i = 0; i < t->data.pairs; i++) units += (size_t)t->length[i];
    return units;
}

static int read_dev(training *t, rill_error *error) {
    const char *files[] = {t->o.common.dev, t->o.dev_target};
    if (!t->o.common.dev) return 0;
    TRY(translate_data_read(&t->dev, files, t->o.dev_target ? 2 : 1, true,
                            (size_t)t->o.max_record, error));
    return translate_data_encode(&t->dev, &t->lexicon, 0, 0, 0, error);
}

/* What the layers keep of a batch, and each thread's search on the dev data. */
static double numbers_kept(const training *t) {
    double readings = t->o.r_drop > 0 ? 2 : 1, width = (double)t->o.decoder_hidden;
    if (t->o.risk > 0) readings += (double)t->o.risk_samples;
    double search = TRANSLATE_PORTION * (30 * width + 2 * (double)subword_size(t->lexicon.target));
    if (!t->o.common.dev) search = 0;
    return (double)t->o.common.batch * width * 60 * readings +
           search * job_threads(&t->o.common);
}

static void tell_sizes(const training *t) {
    const translate_data *d = &t->data;
    train_tell(t->job.hooks, RILL_EVENT_NOTE, NULL, "%zu pairs, %zu source and %zu target units",
               d->pairs, d->at[SOURCE][d->pairs], d->at[TARGET][d->pairs]);
    if (d->empty + d->skipped > 0) {
        train_tell(t->job.hooks, RILL_EVENT_WARNING, NULL,
                   "left out: %zu pairs with an empty side, %zu with more than %lld units",
                   d->empty, d->skipped, (long long)t->o.max_pieces);
    }
    job_tell_memory(&t->job, params_weights(&t->net.params), numbers_kept(t));
}

/* Where units are words some of it is what was asked for. */
static void tell_unknown(const training *t) {
    for (int side = 0; side < SIDES; side++) {
        const size_t count = t->data.at[side][t->data.pairs];
        const subword *s = side == SOURCE ? t->lexicon.source : t->lexicon.target;
        bool words = subword_settings(s)->kind == SUBWORD_WORD;
        size_t unknown = 0;
        for (size_t i = 0; i < count; i++) unknown += t->data.id[side][i] == SUBWORD_UNKNOWN;
        job_tell_unknown(t->job.hooks, words ? RILL_EVENT_NOTE : RILL_EVENT_WARNING,
                         side == SOURCE ? "source: " : "target: ", (double)unknown, (double)count);
    }
}

static int check_options(const translate_options *o, rill_error *error) {
    if (o->risk > 0 && o->bpe_dropout > 0) {
        return status_fail(error, RILL_EUSAGE, "--risk compares answers with targets unit by unit, "
                                               "--bpe-dropout cuts those at random");
    }
    if (o->encoder_hidden % 2) {
        return status_fail(error, RILL_EUSAGE, "--encoder-hidden %lld is odd, expected an even number",
                           (long long)o->encoder_hidden);
    }
    if (o->decoder_hidden % o->heads || o->encoder_hidden % o->heads) {
        return status_fail(error, RILL_EUSAGE,
                           "--encoder-hidden %lld and --decoder-hidden %lld are to be multiples of "
                           "--heads %lld",
                           (long long)o->encoder_hidden, (long long)o->decoder_hidden,
                           (long long)o->heads);
    }
    return 0;
}

/* What makes --init's network and units; the rest of the options stays as it was given. */
static int take_shape(translate_options *o, const translate_options *from, rill_error *error) {
    static const char *const names[] = {
        "units",     "source-units", "target-units",   "share",          "vocab-size",     "min-count",
        "normalize", "lower",        "cell",           "attention",      "heads",          "tie",
        "embed",     "norm",         "encoder-hidden", "decoder-hidden", "encoder-layers", "decoder-layers",
        "residual"};
    const option_table *table = &translate_option_table;
    buffer text = {0};
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof names / sizeof *names; i++) {
        const option_row *row = options_find(table, bytes_of(names[i]));
        buffer_clear(&text);
        if (!options_get(table, from, row, &text)) {
            options_unset(row, o);
            continue;
        }
        status = buffer_status(&text, error);
        if (status == 0) status = options_set(table, o, bytes_of(names[i]), buffer_view(&text), error);
    }
    buffer_free(&text);
    return status;
}

/* The model that training begins with; its units become the training's. */
static int open_first(training *t, rill_error *error) {
    bundle *file;
    void *model;
    if (t->o.subwords || t->o.target_subwords) {
        return status_fail(error, RILL_EUSAGE, "--init has units of its own, --subwords others");
    }
    TRY(bundle_open(t->o.init, &file, error));
    TRY(task_model_open(&task_translate, file, &model, error));
    t->first = model;
    TRY(take_shape(&t->o, &t->first->options, error));
    t->lexicon = t->first->lexicon;
    t->first->lexicon = (translate_lexicon){0};
    return 0;
}

/* Weights that training begins with. */
static int first_weights(training *t, rill_error *error) {
    params *p = &t->net.params;
    if (params_alloc(p, true) < 0) return status_nomem(error);
    if (t->o.init) memcpy(p->value, t->first->net.params.value, p->size * sizeof *p->value);
    else if (params_init(p, (uint64_t)t->o.common.seed) < 0) return status_nomem(error);
    task_model_free(&task_translate, t->first);
    t->first = NULL;
    return t->o.risk > 0 ? translate_risk_new(&t->net, &t->o, t->job.pool, &t->risk, error) : 0;
}

static int prepare(training *t, rill_error *error) {
    translate_net_config config;
    if (t->o.init) TRY(open_first(t, error));
    TRY(check_options(&t->o, error));
    TRY(translate_data_read(&t->data, job_files(&t->job), t->job.files, false,
                            (size_t)t->o.max_record, error));
    if (!t->job.resume) {
        TRY(translate_warn(&t->o, job_files(&t->job), t->job.files, t->job.hooks, error));
    }
    if (!t->o.init) TRY(translate_lexicon_learn(&t->lexicon, &t->o, &t->data, t->job.hooks, error));
    TRY(read_dev(t, error));
    t->length = mem_new(t->data.pairs, sizeof *t->length);
    if (!t->length) return status_nomem(error);
    TRY(encode_epoch(t, 0, error));
    translate_options_size(&t->o, units_read(t));
    translate_model_shape(&t->o, &t->lexicon, &config);
    if (!strcmp(t->o.tie, "all") && config.tie != TIE_ALL) {
        return status_fail(error, RILL_EUSAGE, "--tie all needs both sides to share their units");
    }
    if (translate_net_build(&t->net, &config) < 0) return status_nomem(error);
    tell_sizes(t);
    if (!t->job.resume) tell_unknown(t);
    return first_weights(t, error);
}

static void training_free(training *t) {
    translate_risk_free(t->risk);
    task_model_free(&task_translate, t->first);
    job_end(&t->job);
    translate_lexicon_free(&t->lexicon);
    translate_data_free(&t->data);
    translate_data_free(&t->dev);
    translate_net_free(&t->net);
    free(t->length);
    batch_free(&t->plan);
    arena_free(&t->memory);
}

int translate_train(const void *options, const char *const *files, size_t count,
                    const rill_hooks *hooks, rill_error *error) {
    training t = {.job = {.task = "translate", .table = &translate_option_table, .options = &t.o,
                          .train = &t.o.train, .hooks = hooks},
                  .epoch = -1};
    const train_task task = {.self = &t, .params = &t.net.params, .plan = plan_epoch,
                             .loss = batch_loss, .validate = validate, .judge = judge,
                             .save = save};
    int status = job_begin(&t.job, options, files, count, error);
    if (status == 0) status = prepare(&t, error);
    if (status == 0) status = job_run(&t.job, &task, error);
    training_free(&t);
    return status;
}
