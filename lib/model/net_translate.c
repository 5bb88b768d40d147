/* net_translate: see net_translate.h. */
#include "model/net_translate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Numbers of the dropout masks; a layer takes 2 from its own on. */
enum {
    SITE_SOURCE = 1, SITE_TARGET, SITE_MEMORY, SITE_CONTEXT, SITE_OUT,
    SITE_ENCODER = 16,
    SITE_DECODER = 16 + 2 * RNN_LAYERS
};

/* ---- parameters */

/* Tied, the target's table is the softmax's matrix too. */
static int build_tables(translate_net *net) {
    const translate_net_config *c = &net->config;
    params *p = &net->params;
    double scale = 1 / sqrt((double)c->embed);
    TRY(params_table(p, &net->target_table, c->target_words, c->embed, scale, "target.weight"));
    p->list[net->target_table].table = c->tie == TIE_NONE;
    net->source_table = net->out_table = net->target_table;
    if (c->tie != TIE_ALL) {
        TRY(params_table(p, &net->source_table, c->source_words, c->embed, scale, "source.weight"));
    }
    if (c->tie == TIE_NONE) {
        TRY(params_add(p, &net->out_table, c->target_words, c->embed, INIT_NORMAL, scale,
                       "softmax.weight"));
    }
    return params_add(p, &net->out_bias, 1, c->target_words, INIT_ZERO, 0, "softmax.bias");
}

static int build_attention(translate_net *net) {
    const translate_net_config *c = &net->config;
    params *p = &net->params;
    int C = c->encoder_hidden, H = c->decoder_hidden;
    net->query.weight = net->query.bias = net->value.weight = net->value.bias = -1;
    net->score = -1;
    if (c->attention != ATTENTION_GENERAL) {
        TRY(linear_add(p, "attention.query", H, H, false, &net->query));
    }
    TRY(linear_add(p, "attention.key", C, H, c->attention == ATTENTION_ADDITIVE, &net->key));
    if (c->heads > 1) TRY(linear_add(p, "attention.value", C, C, false, &net->value));
    if (c->attention != ATTENTION_ADDITIVE) return 0;
    return params_add(p, &net->score, 1, H, INIT_XAVIER, 1, "attention.score");
}

static int states_of(const translate_net_config *c) { return c->cell == CELL_LSTM ? 2 : 1; }

int translate_net_state(const translate_net_config *c) {
    return states_of(c) * c->decoder_layers * c->decoder_hidden;
}

int translate_net_build(translate_net *net, const translate_net_config *config) {
    const translate_net_config *c = config;
    params *p = &net->params;
    *net = (translate_net){.config = *config};
    TRY(build_tables(net));
    rnn_config encoder = {.cell = c->cell, .inputs = c->embed, .hidden = c->encoder_hidden / 2,
                          .layers = c->encoder_layers, .both = true, .norm = c->norm,
                          .residual = c->residual, .dropout = c->dropout,
                          .recurrent = c->recurrent, .site = SITE_ENCODER};
    TRY(rnn_stack_add(p, "encoder", &encoder, &net->encoder));
    if (c->decoder_layers > RNN_LAYERS) return RILL_ELIMIT;
    for (int l = 0; l < c->decoder_layers; l++) {
        char name[32];
        snprintf(name, sizeof name, "decoder.%d", l);
        rnn_config layer = {.cell = c->cell, .hidden = c->decoder_hidden, .layers = 1,
                            .norm = c->norm, .recurrent = c->recurrent,
                            .site = SITE_DECODER + 2 * (uint32_t)l};
        layer.inputs = l == 0 ? c->embed : c->decoder_hidden + c->encoder_hidden;
        TRY(rnn_stack_add(p, name, &layer, &net->decoder[l]));
    }
    TRY(build_attention(net));
    TRY(linear_add(p, "bridge", c->encoder_hidden, translate_net_state(c), true, &net->bridge));
    return linear_add(p, "out", c->decoder_hidden + c->encoder_hidden, c->embed, true, &net->out);
}

void translate_net_free(translate_net *net) { params_free(&net->params); }

/* ---- the two sides */

static var drop(const translate_net *net, tape *t, var x, uint32_t site, const pack *seq) {
    return op_dropout(t, x, net->config.dropout, site, seq, DROPOUT_SEQUENCES);
}

translate_memory translate_net_encode(const translate_net *net, tape *t, const int32_t *id,
                                      const pack *source) {
    const params *p = &net->params;
    var x = op_embed(t, params_var(p, t, net->source_table), id, source->total);
    x = drop(net, t, x, SITE_SOURCE, source);
    x = rnn_stack_run(&net->encoder, p, t, x, source, NULL);
    x = drop(net, t, x, SITE_MEMORY, source);
    var mean = op_pool(t, x, POOL_MEAN, source);
    return (translate_memory){
        .keys = linear_run(&net->key, p, t, x),
        .values = net->value.weight >= 0 ? linear_run(&net->value, p, t, x) : x,
        .first = op_tanh(t, linear_run(&net->bridge, p, t, mean))};
}

static var attend(const translate_net *net, tape *t, var states, var keys, var values,
                  cross_spec *spec) {
    const params *p = &net->params;
    var query = net->query.weight >= 0 ? linear_run(&net->query, p, t, states) : states;
    var u = net->score >= 0 ? params_var(p, t, net->score) : 0;
    spec->heads = net->config.heads;
    return op_cross(t, query, keys, values, u, spec);
}

/* What differs between all steps of a batch at once and one step of many hypotheses. */
typedef struct decoding {
    var keys, values;
    cross_spec cross;
    const pack *steps;    /* rows of the recurrence */
    const pack *masks;    /* sequences of the dropout masks */
    var first;            /* [B, states*L*H] */
    real *last_c;         /* [R, H] of every layer after the other, or NULL */
    var layer[RNN_LAYERS]; /* states of the layers */
    var context;          /* of the attention */
} decoding;

static var first_of(const translate_net *net, tape *t, const decoding *d, int state, int layer) {
    int H = net->config.decoder_hidden, at = (state * net->config.decoder_layers + layer) * H;
    return op_slice(t, d->first, at, at + H);
}

static var run_layer(const translate_net *net, tape *t, decoding *d, int l, var x) {
    rnn_start start = {.h0 = first_of(net, t, d, 0, l)};
    if (states_of(&net->config) == 2) start.c0 = first_of(net, t, d, 1, l);
    if (d->last_c) {
        start.last_c = d->last_c + (size_t)l * (size_t)d->steps->count *
                                       (size_t)net->config.decoder_hidden;
    }
    return rnn_layer_run(&net->decoder[l], &net->params, t, 0, x, d->steps, NULL, &start);
}

/* From the words before to what the softmax reads [N,E]. */
static var decode(const translate_net *net, tape *t, decoding *d, const int32_t *previous) {
    const translate_net_config *c = &net->config;
    const params *p = &net->params;
    var x = op_embed(t, params_var(p, t, net->target_table), previous, d->steps->total);
    x = drop(net, t, x, SITE_TARGET, d->masks);
    var h = d->layer[0] = run_layer(net, t, d, 0, x);
    h = drop(net, t, h, SITE_DECODER, d->masks);
    d->context = attend(net, t, h, d->keys, d->values, &d->cross);
    var both[] = {0, drop(net, t, d->context, SITE_CONTEXT, d->masks)};
    for (int l = 1; l < c->decoder_layers; l++) {
        both[0] = h;
        var y = d->layer[l] = run_layer(net, t, d, l, op_concat(t, both, 2));
        y = drop(net, t, y, SITE_DECODER + 2 * (uint32_t)l, d->masks);
        h = c->residual ? op_add(t, h, y) : y;
    }
    both[0] = h;
    x = op_tanh(t, linear_run(&net->out, p, t, op_concat(t, both, 2)));
    return drop(net, t, x, SITE_OUT, d->masks);
}

/* covered: receives the coverage loss, or NULL. */
static var decode_batch(const translate_net *net, tape *t, const translate_batch *b, var *covered) {
    translate_memory m = translate_net_encode(net, t, b->source_id, &b->source);
    decoding d = {.keys = m.keys, .values = m.values, .first = m.first, .steps = &b->target,
                  .masks = &b->target, .cross = {.query = &b->target, .key = &b->source, .covered = covered}};
    var x = decode(net, t, &d, b->previous);
    if (covered) *covered = op_coverage(t, d.context, net->config.coverage);
    return x;
}

var translate_net_loss(const translate_net *net, tape *t, const translate_batch *b) {
    entropy_spec spec = {.target = b->gold, .groups = 1, .weight = 1, .worth = b->worth,
                         .smoothing = b->worth ? 0 : net->config.smoothing,
                         .agree = b->twice ? net->config.agree : 0};
    const bool covers = net->config.coverage > 0 && !b->worth;
    var part[2] = {0};
    var x = decode_batch(net, t, b, covers ? &part[1] : NULL);
    part[0] = op_entropy(t, x, params_var(&net->params, t, net->out_table),
                         params_var(&net->params, t, net->out_bias), &spec);
    return op_sum(t, part, 2);
}

static var scores(const translate_net *net, tape *t, var x) {
    return op_linear(t, x, params_var(&net->params, t, net->out_table),
                     params_var(&net->params, t, net->out_bias));
}

var translate_net_scores(const translate_net *net, tape *t, const translate_batch *b) {
    return scores(net, t, decode_batch(net, t, b, NULL));
}

/* ---- one step */

/* Gathers the states after the step: h of every layer, then c. */
static void put_state(const translate_net_config *c, const tape *t, const decoding *d,
                      const translate_step *s) {
    size_t H = (size_t)c->decoder_hidden, L = (size_t)c->decoder_layers;
    size_t R = (size_t)s->each->count, width = (size_t)translate_net_state(c);
    for (size_t r = 0; r < R; r++) {
        for (size_t l = 0; l < L; l++) {
            real *to = s->next + r * width + l * H;
            memcpy(to, tape_value(t, d->layer[l]) + r * H, H * sizeof *to);
            if (d->last_c) memcpy(to + L * H, d->last_c + (l * R + r) * H, H * sizeof *to);
        }
    }
}

var translate_net_step(const translate_net *net, tape *t, const translate_step *s) {
    const translate_net_config *c = &net->config;
    size_t R = (size_t)s->each->count, H = (size_t)c->decoder_hidden;
    decoding d = {.keys = s->keys, .values = s->values, .steps = s->each, .masks = s->each,
                  .cross = {.query = s->rows, .key = s->source, .of = s->sentence,
                            .weights = s->weights}};
    d.first = op_input(t, (int)R, translate_net_state(c), s->state, false);
    if (states_of(c) == 2) {
        d.last_c = tape_keep(t, R * (size_t)c->decoder_layers * H, sizeof(real));
        if (!d.last_c) return 0;
    }
    var x = decode(net, t, &d, s->previous);
    if (!x) return 0;
    put_state(c, t, &d, s);
    return scores(net, t, x);
}
