/* classify_train: the classifier's side of the training loop: batches, loss, dev scores, decisions.
 *
 * Everything is a function of (data, options, seed). A text of an epoch has its own name, from which
 * its masks follow: which units are hidden, dropout.
 *
 * Adversarial training (Goodfellow et al. 2015, Miyato et al. 2017): the gradient of the loss at the
 * input says where a small step hurts most; the loss is taken there a second time. The step's length is
 * a share of the length of the text's own input, so it needs no normalised vectors.
 *
 * R-drop (Liang et al. 2021): a batch holds every text twice, under two names and so under different masks,
 * and what the network says of both is drawn together.
 */
#include "base/rng.h"
#include "data/batch.h"
#include "data/vectors.h"
#include "model/metric.h"
#include "task/classify_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SITE_WORD = 3 };

typedef struct training {
    job job; /* first: the loop's `self` is both */
    classify_options o;
    classify_lexicon lexicon;
    classify_data data;
    vectors vectors;
    classify_net net;
    real *balance;
    int32_t *length; /* [texts] */
    batch_plan plan;
    arena memory; /* of the present batch */
    tape inner;   /* of the first pass of adversarial training */
    classify_decision decision;
    double bayes; /* its weight, as the training texts have it */
} training;

/* ---- batches */

static int plan_epoch(void *self, int64_t epoch, int64_t *batches, rill_error *error) {
    training *t = self;
    int status = batch_shuffle(&t->plan, t->length, t->data.texts, t->o.common.batch,
                               (uint64_t)t->o.common.seed, (uint64_t)epoch);
    *batches = (int64_t)t->plan.batches;
    return status < 0 ? status_nomem(error) : 0;
}

/* Rows of input for n units of a text; hidden ones are unknown words, of which the affixes still tell. */
static void fill_units(const classify_pick *p, uint64_t name, const int32_t *unit, int32_t n,
                       int32_t at, int32_t N, int32_t *form, int32_t *vector, int32_t *affix) {
    uint64_t key = rng_key((uint64_t)p->o->common.seed, SITE_WORD);
    const classify_forms *f = &p->data->forms;
    for (int32_t i = 0; i < n; i++) {
        double u = (double)rng_float(rng_block(key, name, (uint64_t)i).v[0]);
        bool hidden = !p->keep && u < p->o->word_dropout;
        size_t from = (size_t)unit[i];
        form[at + i] = hidden ? 0 : f->id[from];
        vector[at + i] = hidden ? -1 : f->vector[from];
        for (size_t k = 0; k < CLASSIFY_AFFIXES; k++) {
            affix[k * (size_t)N + (size_t)(at + i)] = f->affix[from * CLASSIFY_AFFIXES + k];
        }
    }
}

/* Chunks of the texts of a batch; the first carries the text's name, later ones their own. */
static int fill_chunks(const classify_pick *p, const int32_t *item, int32_t B, arena *memory,
                       classify_batch *b) {
    int32_t limit = (int32_t)p->o->chunk, chunks = 0;
    for (int32_t i = 0; i < B; i++) {
        chunks += limit > 0 ? (p->length[item[i]] + limit - 1) / limit : 1;
    }
    int32_t *length = arena_alloc(memory, (size_t)chunks, sizeof *length);
    int32_t *first = arena_alloc(memory, (size_t)B + 1, sizeof *first);
    uint64_t *name = arena_alloc(memory, (size_t)B, sizeof *name);
    uint64_t *chunk_name = arena_alloc(memory, (size_t)chunks, sizeof *chunk_name);
    if (!length || !first || !name || !chunk_name) return RILL_ENOMEM;
    int32_t at = 0;
    for (int32_t i = 0; i < B; i++) {
        int32_t left = p->length[item[i]], part = 0;
        first[i] = at;
        name[i] = batch_name(p->epoch, item[i], p->twice && i >= B / 2);
        for (; left > 0; left -= length[at++], part++) {
            length[at] = limit > 0 && left > limit ? limit : left;
            chunk_name[at] = name[i] | (uint64_t)part << 52;
        }
    }
    first[B] = at;
    b->chunk = first;
    b->name = name;
    b->texts = B;
    return pack_make(memory, length, chunk_name, chunks, &b->chunks);
}

int classify_fill(const classify_pick *p, const int32_t *item, int32_t B, arena *memory,
                  classify_batch *b) {
    TRY(fill_chunks(p, item, B, memory, b));
    int32_t N = b->chunks.total, at = 0;
    int32_t *form = arena_alloc(memory, (size_t)N, sizeof *form);
    int32_t *vector = arena_alloc(memory, (size_t)N, sizeof *vector);
    int32_t *affix = arena_alloc(memory, (size_t)N * CLASSIFY_AFFIXES, sizeof *affix);
    if (!form || !vector || !affix) return RILL_ENOMEM;
    for (int32_t i = 0; i < B; i++) {
        const int32_t *unit = p->data->unit + p->data->start[p->first + (size_t)item[i]];
        fill_units(p, b->name[i], unit, p->length[item[i]], at, N, form, vector, affix);
        at += p->length[item[i]];
    }
    b->rows = N;
    b->form = form;
    b->vector = vector;
    for (size_t k = 0; k < CLASSIFY_AFFIXES; k++) b->affix[k] = affix + k * (size_t)N;
    return 0;
}

static int fill_gold(training *t, const int32_t *item, int32_t B, classify_batch *b) {
    size_t K = (size_t)t->lexicon.labels.count, width = t->lexicon.multi ? K : 1;
    int32_t *label = arena_alloc(&t->memory, (size_t)B * width, sizeof *label);
    real *bayes = arena_alloc(&t->memory, (size_t)B * K, sizeof *bayes);
    if (!label || !bayes) return RILL_ENOMEM;
    for (size_t i = 0; i < (size_t)B; i++) {
        memcpy(label + i * width, t->data.label + (size_t)item[i] * width, width * sizeof *label);
        memcpy(bayes + i * K, t->data.bayes + (size_t)item[i] * K, K * sizeof *bayes);
    }
    b->label = label;
    b->bayes = bayes;
    return 0;
}

static int fill_batch(training *t, int64_t epoch, int64_t number, classify_batch *b) {
    arena_reset(&t->memory);
    *b = (classify_batch){0};
    const int32_t *item = t->plan.item + t->plan.start[number];
    int32_t B = t->plan.start[number + 1] - t->plan.start[number];
    const classify_pick pick = {.o = &t->o, .data = &t->data, .length = t->length, .epoch = epoch,
                                .twice = t->o.r_drop > 0};
    if (pick.twice) TRY(batch_twice(&t->memory, &item, &B));
    TRY(classify_fill(&pick, item, B, &t->memory, b));
    b->twice = pick.twice;
    return fill_gold(t, item, B, b);
}

/* ---- adversarial noise */

/* Turns the gradient at the rows [N,I] into a step of the wanted length for every text. */
static real *make_noise(training *t, const classify_batch *b, int I, const real *rows,
                        const real *gradient) {
    const kernels *k = t->inner.c.k;
    size_t size = (size_t)b->rows * (size_t)I;
    real *noise = arena_zero(&t->memory, size, sizeof *noise);
    for (int32_t i = 0; noise && i < b->texts; i++) {
        size_t from = (size_t)b->chunks.start[b->chunk[i]] * (size_t)I;
        int64_t n = (int64_t)((size_t)b->chunks.start[b->chunk[i + 1]] * (size_t)I - from);
        double own = (double)k->dot(n, rows + from, rows + from);
        double slope = (double)k->dot(n, gradient + from, gradient + from);
        if (slope <= 0) continue;
        k->axpy(n, (real)(t->o.noise * sqrt(own / slope)), gradient + from, noise + from);
    }
    return noise;
}

/* The loss without noise, whose gradients go to the slab at once; *noise is what follows from it. */
static int first_pass(training *t, tape *outer, const classify_batch *b, real **noise,
                      real *loss) {
    tape *in = &t->inner;
    in->c = outer->c;
    in->record = in->noise = true;
    in->seed = outer->seed;
    tape_reset(in);
    var rows = classify_net_rows(&t->net, in, b);
    var y = classify_net_loss(&t->net, in, rows, b);
    if (in->status == 0) tape_backward(in, y);
    if (in->status < 0) return in->status;
    *loss = tape_value(in, y)[0];
    const real *gradient = tape_grad(in, rows);
    *noise = NULL;
    if (!gradient) return 0;
    *noise = make_noise(t, b, tape_node(in, rows)->cols, tape_value(in, rows), gradient);
    return *noise ? 0 : RILL_ENOMEM;
}

static int batch_loss(void *self, tape *tape, int64_t epoch, int64_t number, int64_t update,
                      var *loss, double *items, rill_error *error) {
    training *t = self;
    classify_batch b;
    (void)update;
    if (fill_batch(t, epoch, number, &b) < 0) return status_nomem(error);
    *items = b.texts;
    real *noise = NULL, *first = arena_zero(&t->memory, 1, sizeof *first);
    if (!first) return status_nomem(error);
    if (t->o.noise > 0) {
        if (first_pass(t, tape, &b, &noise, first) < 0) return status_nomem(error);
        *items *= 2;
    }
    var rows = classify_net_rows(&t->net, tape, &b);
    if (noise) {
        int I = tape_node(tape, rows)->cols;
        rows = op_add(tape, rows, op_input(tape, b.rows, I, noise, false));
    }
    const var both[] = {classify_net_loss(&t->net, tape, rows, &b),
                        op_input(tape, 1, 1, first, false)};
    *loss = t->o.noise > 0 ? op_sum(tape, both, 2) : both[0];
    return 0;
}

/* ---- dev scores, model */

static int score_dev(training *t, const real *weights, classify_scores *c, rill_error *error) {
    classify_session *s = NULL;
    TRY(classify_session_train(&t->o, &t->lexicon, &t->net, weights, t->job.pool, &s, error));
    int status = classify_scores_add(c, s, &t->o, t->o.common.dev, true, error);
    t->decision.bayes = t->bayes;
    if (status == 0 && classify_decide(c, &t->decision) < 0) status = status_nomem(error);
    classify_session_free(s);
    return status;
}

static int validate(void *self, const real *weights, train_scores *out, rill_error *error) {
    training *t = self;
    classify_scores c = {0};
    metric_ratio right = {0};
    int status = score_dev(t, weights, &c, error);
    size_t K = (size_t)c.K;
    for (size_t i = 0; status == 0 && i < c.texts; i++) {
        for (size_t k = 0; c.multi && k < K; k++) { /* the sum makes micro F1 */
            bool given = c.value[i * K + k] >= t->decision.threshold[k];
            bool gold = c.gold[i * K + k];
            right.part += 2 * (given && gold);
            right.whole += given + gold;
        }
        if (c.multi) continue;
        right.part += classify_best(&c, i) == c.gold[i];
        right.whole++;
    }
    right.whole += c.unknown;
    *out = (train_scores){.main = metric_value(right), .count = 1};
    strcpy(out->item[0].name, c.multi ? "micro_f1" : "accuracy");
    out->item[0].value = out->main;
    classify_scores_free(&c);
    return status;
}

/* The decisions belong to the weights that are saved. */
static int save(void *self, const real *weights, bytes summary, rill_error *error) {
    training *t = self;
    classify_scores c = {0};
    int status = t->o.common.dev ? score_dev(t, weights, &c, error) : 0;
    if (status == 0) {
        status = classify_model_save(&t->o, &t->lexicon, &t->net, weights, &t->decision, summary,
                                     t->o.common.model, error);
    }
    classify_scores_free(&c);
    return status;
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

static void set_vectors(training *t) {
    if (t->net.vector_table < 0) return;
    size_t size = (size_t)t->lexicon.vector_words.count * (size_t)t->vectors.width;
    memcpy(params_value(&t->net.params, t->net.vector_table), t->vectors.row, size * sizeof(real));
}

/* Weights n / (K n[k]): their sum over the texts stays the number of texts. */
static int set_balance(training *t, classify_net_config *config) {
    int K = t->lexicon.labels.count;
    if (strcmp(t->o.weights, "balanced")) return 0;
    t->balance = mem_new((size_t)K, sizeof *t->balance);
    if (!t->balance) return RILL_ENOMEM;
    for (int k = 0; k < K; k++) {
        double n = fmax((double)t->data.labels[k], 1), all = (double)t->data.texts;
        t->balance[k] = (real)(t->lexicon.multi ? fmin((all - n) / n, 1000) : all / (K * n));
        if (t->balance[k] <= 0) t->balance[k] = 1;
    }
    config->balance = t->balance;
    return 0;
}

static void tell_sizes(const training *t) {
    const rill_hooks *hooks = t->job.hooks;
    double units = (double)t->o.common.batch;
    for (size_t i = 0; i < t->data.texts; i++) units = fmax(units, t->length[i]);
    if (t->o.r_drop > 0) units *= 2;
    double unit = (double)(2 * t->o.hidden * t->o.layers * 20 + 4000);
    train_tell(hooks, RILL_EVENT_NOTE, NULL,
               "%zu texts, %zu units, %d forms (%d with a vector of their own), %d labels%s",
               t->data.texts, t->data.units, t->data.forms.map.count,
               vocab_size(&t->lexicon.forms) - 1, t->lexicon.labels.count,
               t->lexicon.multi ? ", any number of them a text" : "");
    if (t->data.cut > 0) {
        train_tell(hooks, RILL_EVENT_WARNING, NULL, "%lld texts were cut to %lld units",
                   (long long)t->data.cut, (long long)t->o.max_length);
    }
    job_tell_memory(&t->job, params_weights(&t->net.params), units * unit);
}

static int set_lengths(training *t) {
    t->length = mem_new(t->data.texts, sizeof *t->length);
    int K = t->lexicon.labels.count;
    t->bayes = t->o.ngrams > 0 ? classify_bayes_weight(&t->data, K, t->lexicon.multi) : 0;
    t->decision.bayes = t->bayes;
    t->decision.temperature = 1;
    t->decision.threshold = mem_new((size_t)t->lexicon.labels.count, sizeof(float));
    if (!t->length || !t->decision.threshold) return RILL_ENOMEM;
    for (int32_t k = 0; k < t->lexicon.labels.count; k++) t->decision.threshold[k] = 0.5f;
    for (size_t i = 0; i < t->data.texts; i++) {
        t->length[i] = (int32_t)(t->data.start[i + 1] - t->data.start[i]);
    }
    return 0;
}

static int prepare(training *t, rill_error *error) {
    classify_net_config config;
    if (t->o.pretrain && t->o.conv_filters > 0) {
        return status_fail(error, RILL_EUSAGE, "option --pretrain does not go with --conv-filters");
    }
    if (!t->job.resume) {
        TRY(classify_warn(&t->o, job_files(&t->job), t->job.files, t->job.hooks, error));
    }
    TRY(read_vectors(t, error));
    TRY(classify_data_read(&t->data, &t->lexicon, &t->o, job_files(&t->job), t->job.files,
                           t->job.hooks, error));
    classify_options_size(&t->o, t->data.units);
    classify_model_shape(&t->o, &t->lexicon, &config);
    if (set_lengths(t) < 0 || set_balance(t, &config) < 0) return status_nomem(error);
    if (classify_net_build(&t->net, &config) < 0) return status_nomem(error);
    tell_sizes(t); /* before memory is taken, so that running out of it is no riddle */
    if (params_alloc(&t->net.params, true) < 0 ||
        params_init(&t->net.params, (uint64_t)t->o.common.seed) < 0) {
        return status_nomem(error);
    }
    set_vectors(t);
    if (!t->o.pretrain || t->job.resume) return 0; /* a checkpoint has it all */
    return classify_pretrain(&t->job, &t->o, &t->data, &t->net, error);
}

static void training_free(training *t) {
    job_end(&t->job);
    classify_lexicon_free(&t->lexicon);
    classify_data_free(&t->data);
    vectors_free(&t->vectors);
    classify_net_free(&t->net);
    free(t->balance);
    free(t->length);
    free(t->decision.threshold);
    batch_free(&t->plan);
    arena_free(&t->memory);
    tape_free(&t->inner);
}

int classify_train(const void *options, const char *const *files, size_t count,
                   const rill_hooks *hooks, rill_error *error) {
    const classify_options *given = options;
    if (given->autotune && !given->common.resume) {
        return classify_tune(given, files, count, hooks, error);
    }
    training t = {.job = {.task = "classify", .table = &classify_option_table, .options = &t.o,
                          .train = &t.o.train, .hooks = hooks}};
    const train_task task = {.self = &t, .params = &t.net.params, .items = "texts", .plan = plan_epoch,
                             .loss = batch_loss, .validate = validate, .save = save};
    int status = job_begin(&t.job, options, files, count, error);
    if (status == 0) status = prepare(&t, error);
    if (status == 0) status = job_run(&t.job, &task, error);
    training_free(&t);
    return status;
}
