/* classify_pretrain: the encoder as a language model of plain text, before it learns labels (Dai and Le
 * 2015, Howard and Ruder 2018).
 *
 *     states of the first layer [N,2H]: the forward half has read up to unit t, the backward half from t on
 *     forward half -> map -> softmax over the vocabulary: unit t+1;  backward half: unit t-1
 *
 * The softmax shares the table of unit vectors (Press and Wolf 2017). The parameters are those of the
 * classifier and behind them the two maps, so the slab's beginning is the classifier's slab.
 */
#include "data/batch.h"
#include "task/classify_train.h"

#include <stdlib.h>
#include <string.h>

typedef struct pretraining {
    const classify_options *o;
    const classify_data *data;
    classify_net net;
    linear map[2]; /* forward, backward */
    int32_t *length;
    batch_plan plan;
    arena memory;
    params *into; /* the classifier's */
    rill_error *error;
} pretraining;

static int plan_epoch(void *self, int64_t epoch, int64_t *batches, rill_error *error) {
    pretraining *t = self;
    int status = batch_shuffle(&t->plan, t->length, t->data->more, t->o->common.batch,
                               (uint64_t)t->o->common.seed + 1, (uint64_t)epoch);
    *batches = (int64_t)t->plan.batches;
    return status < 0 ? status_nomem(error) : 0;
}

/* What stands `step` units further in the same chunk; nothing is asked at the end of a chunk or of an
 * unknown unit. */
static int32_t *targets(pretraining *t, const classify_batch *b, int step) {
    int32_t *out = arena_alloc(&t->memory, (size_t)b->rows, sizeof *out);
    for (int32_t c = 0; out && c < b->chunks.count; c++) {
        int32_t from = b->chunks.start[c], to = b->chunks.start[c + 1];
        for (int32_t i = from; i < to; i++) {
            bool inside = i + step >= from && i + step < to;
            out[i] = inside && b->form[i + step] > 0 ? b->form[i + step] : -1;
        }
    }
    return out;
}

static var half_loss(const pretraining *t, tape *tape, var states, int half,
                     const classify_batch *b, const int32_t *target) {
    const params *p = &t->net.params;
    int H = t->net.config.hidden;
    enum { SITE = 64 };
    var x = op_slice(tape, states, half * H, (half + 1) * H);
    x = op_dropout(tape, x, t->net.config.dropout, (uint32_t)(SITE + half), &b->chunks,
                   DROPOUT_ELEMENTS);
    x = linear_run(&t->map[half], p, tape, x);
    const entropy_spec spec = {.target = target, .groups = 1, .weight = 0.5};
    return op_entropy(tape, x, params_var(p, tape, t->net.form_table), 0, &spec);
}

static int batch_loss(void *self, tape *tape, int64_t epoch, int64_t number, int64_t update,
                      var *loss, double *items, rill_error *error) {
    pretraining *t = self;
    classify_batch b = {0};
    (void)update;
    arena_reset(&t->memory);
    const int32_t *item = t->plan.item + t->plan.start[number];
    int32_t B = t->plan.start[number + 1] - t->plan.start[number];
    const classify_pick pick = {.o = t->o, .data = t->data, .first = t->data->texts,
                                .length = t->length, .epoch = epoch, .keep = true};
    if (classify_fill(&pick, item, B, &t->memory, &b) < 0) return status_nomem(error);
    const int32_t *next = targets(t, &b, 1), *before = targets(t, &b, -1);
    if (!next || !before) return status_nomem(error);
    var x = classify_net_rows(&t->net, tape, &b);
    x = op_dropout(tape, x, t->net.config.dropout_in, 1, &b.chunks, DROPOUT_ELEMENTS);
    x = rnn_layer_run(&t->net.rnn, &t->net.params, tape, 0, x, &b.chunks, NULL, NULL);
    const var both[] = {half_loss(t, tape, x, 0, &b, next), half_loss(t, tape, x, 1, &b, before)};
    *loss = op_sum(tape, both, 2);
    *items = b.rows;
    return 0;
}

/* What the encoder is made of goes over; the last layers start anew. */
static int save(void *self, const real *weights, bytes summary, rill_error *error) {
    const pretraining *t = self;
    (void)summary, (void)error;
    for (size_t i = 0; i < t->into->count; i++) {
        const param *it = &t->into->list[i];
        bool encoder = !strncmp(it->name, "form.", 5) || !strncmp(it->name, "affix.", 6) ||
                       !strncmp(it->name, "vector.", 7) || !strncmp(it->name, "rnn.", 4);
        if (!encoder) continue;
        size_t size = (size_t)it->rows * (size_t)it->cols;
        memcpy(t->into->value + it->offset, weights + it->offset, size * sizeof(real));
    }
    return 0;
}

static int prepare(pretraining *t, const classify_net *net) {
    const classify_data *d = t->data;
    int H = net->config.hidden, D = net->config.form_dim;
    TRY(classify_net_build(&t->net, &net->config));
    TRY(linear_add(&t->net.params, "next", H, D, true, &t->map[0]));
    TRY(linear_add(&t->net.params, "before", H, D, true, &t->map[1]));
    TRY(params_alloc(&t->net.params, true));
    TRY(params_init(&t->net.params, (uint64_t)t->o->common.seed));
    memcpy(t->net.params.value, net->params.value, net->params.size * sizeof(real));
    t->length = mem_new(d->more, sizeof *t->length);
    if (!t->length) return RILL_ENOMEM;
    for (size_t i = 0; i < d->more; i++) {
        t->length[i] = (int32_t)(d->start[d->texts + i + 1] - d->start[d->texts + i]);
    }
    return 0;
}

static int run(pretraining *t, job *j, rill_error *error) {
    const train_options *o = j->train;
    const train_config config = {
        .optim = {.kind = OPTIM_ADAMW, .beta1 = o->beta1, .beta2 = o->beta2,
                  .epsilon = o->epsilon, .decay = o->decay, .clip = o->clip},
        .schedule = SCHEDULE_COSINE, .rate = 2 * o->rate, .floor = o->floor, .warmup = o->warmup,
        .epochs = t->o->pretrain_epochs, .accumulate = 1, .seed = (uint64_t)t->o->common.seed};
    const train_task task = {.self = t, .params = &t->net.params, .plan = plan_epoch,
                             .loss = batch_loss, .save = save};
    const compute c = {.k = cpu_kernels(), .pool = j->pool};
    train_tell(j->hooks, RILL_EVENT_NOTE, NULL,
               "%s: %zu texts; first the network learns to foretell their units", t->o->pretrain,
               t->data->more);
    return train_run(&config, &task, &c, NULL, j->hooks, error);
}

int classify_pretrain(job *j, const classify_options *o, const classify_data *data,
                      classify_net *net, rill_error *error) {
    pretraining t = {.o = o, .data = data, .into = &net->params, .error = error};
    int status = prepare(&t, net) < 0 ? status_nomem(error) : run(&t, j, error);
    classify_net_free(&t.net);
    free(t.length);
    batch_free(&t.plan);
    arena_free(&t.memory);
    return status;
}
