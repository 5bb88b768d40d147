/* net_tag: see net_tag.h. */
#include "model/net_tag.h"

#include <stdio.h>

/* Numbers of the dropout masks; stacks take 2 per layer from theirs on. */
enum { SITE_INPUT = 1, SITE_OUTPUT = 2, SITE_CHAR_RNN = 16, SITE_WORDS = 32 };
enum { CHAR_WIDTH = 3 }; /* letters seen by the convolution */

static int char_outputs(const tag_net_config *c) {
    if (c->chars == TAG_CHARS_NONE) return 0;
    return c->chars == TAG_CHARS_RNN ? 2 * c->char_hidden : c->char_hidden;
}

int tag_net_inputs(const tag_net_config *c) {
    return c->form_dim + char_outputs(c) + (c->affix_dim > 0 ? TAG_AFFIXES * c->affix_dim : 0) +
           (c->vectors > 0 ? c->form_dim : 0);
}

static int build_forms(tag_net *net) {
    const tag_net_config *c = &net->config;
    params *p = &net->params;
    net->char_table = net->affix_table = net->vector_table = -1;
    TRY(params_table(p, &net->form_table, c->forms, c->form_dim, 0.1, "form.weight"));
    if (c->chars != TAG_CHARS_NONE) {
        TRY(params_table(p, &net->char_table, c->letters, c->char_dim, 0.1, "char.weight"));
    }
    if (c->chars == TAG_CHARS_RNN) {
        rnn_config chars = {.cell = c->cell, .inputs = c->char_dim, .hidden = c->char_hidden,
                            .layers = 1, .both = true, .norm = c->norm, .site = SITE_CHAR_RNN};
        TRY(rnn_stack_add(p, "char.rnn", &chars, &net->char_rnn));
    } else if (c->chars == TAG_CHARS_CONV) {
        TRY(linear_add(p, "char.conv", CHAR_WIDTH * c->char_dim, c->char_hidden, true,
                       &net->char_conv));
    }
    if (c->affix_dim > 0) {
        TRY(params_table(p, &net->affix_table, c->affixes, c->affix_dim, 0.1, "affix.weight"));
    }
    if (c->vectors == 0) return 0;
    TRY(params_table(p, &net->vector_table, c->vectors, c->vector_dim, 0, "vector.weight"));
    return linear_add(p, "vector.map", c->vector_dim, c->form_dim, false, &net->vector_map);
}

static int build_head(tag_net *net, int i, int width) {
    const tag_head_shape *h = &net->config.head[i];
    params *p = &net->params;
    char name[PARAM_NAME];
    snprintf(name, sizeof name, "head.%d", i);
    net->trans[i] = net->ends[i] = -1;
    TRY(linear_add(p, name, width, h->labels, true, &net->head[i]));
    if (h->crf) {
        snprintf(name, sizeof name, "head.%d.transitions", i);
        TRY(params_table(p, &net->trans[i], h->labels, h->labels, 0, name));
        snprintf(name, sizeof name, "head.%d.ends", i);
        TRY(params_table(p, &net->ends[i], 2, h->labels, 0, name));
    }
    if (h->attributes == 0) return 0;
    snprintf(name, sizeof name, "head.%d.attributes", i);
    return linear_add(p, name, width, h->group[h->attributes], true, &net->attributes[i]);
}

int tag_net_build(tag_net *net, const tag_net_config *config) {
    *net = (tag_net){.config = *config};
    TRY(build_forms(net));
    rnn_config words = {.cell = config->cell, .inputs = tag_net_inputs(config),
                        .hidden = config->hidden, .layers = config->layers, .both = true,
                        .norm = config->norm, .residual = config->residual,
                        .dropout = config->dropout, .recurrent = config->recurrent,
                        .site = SITE_WORDS};
    TRY(rnn_stack_add(&net->params, "words", &words, &net->words));
    for (int i = 0; i < config->heads; i++) TRY(build_head(net, i, 2 * config->hidden));
    return 0;
}

void tag_net_free(tag_net *net) { params_free(&net->params); }

static var encode_chars(const tag_net *net, tape *t, const tag_batch *b) {
    const params *p = &net->params;
    var x = op_embed(t, params_var(p, t, net->char_table), b->letter, b->forms.total);
    if (net->config.chars == TAG_CHARS_RNN) {
        return op_pool(t, rnn_stack_run(&net->char_rnn, p, t, x, &b->forms, NULL), POOL_ENDS,
                       &b->forms);
    }
    const conv_spec window = {.width = CHAR_WIDTH, .stride = 1, .dilation = 1};
    pack *after = tape_keep(t, 1, sizeof *after);
    if (!after) return 0;
    x = op_conv(t, x, params_var(p, t, net->char_conv.weight),
                params_var(p, t, net->char_conv.bias), &window, &b->forms, after);
    return op_pool(t, op_tanh(t, x), POOL_MAX, after);
}

/* What depends on the form alone, but for its own vector: parts [U,...] appended to `part`. */
static int form_parts(const tag_net *net, tape *t, const tag_batch *b, var *part) {
    const tag_net_config *c = &net->config;
    const params *p = &net->params;
    int count = 0, U = b->forms.count;
    if (c->vectors > 0) {
        var x = op_embed(t, params_var(p, t, net->vector_table), b->vector, U);
        part[count++] = linear_run(&net->vector_map, p, t, x);
    }
    if (c->chars != TAG_CHARS_NONE) part[count++] = encode_chars(net, t, b);
    for (int i = 0; c->affix_dim > 0 && i < TAG_AFFIXES; i++) {
        part[count++] = op_embed(t, params_var(p, t, net->affix_table),
                                 b->affix + (size_t)i * (size_t)U, U);
    }
    return count;
}

var tag_net_forms(const tag_net *net, tape *t, const tag_batch *b) {
    var part[3 + TAG_AFFIXES];
    part[0] = op_embed(t, params_var(&net->params, t, net->form_table), b->form, b->forms.count);
    return op_concat(t, part, 1 + form_parts(net, t, b, part + 1));
}

/* Input of every token in training. */
static var token_inputs(const tag_net *net, tape *t, const tag_batch *b) {
    var part[3 + TAG_AFFIXES], both[2];
    int count = form_parts(net, t, b, part);
    both[0] = op_embed(t, params_var(&net->params, t, net->form_table), b->dropped,
                       b->words.total);
    if (count == 0) return both[0];
    both[1] = op_embed(t, op_concat(t, part, count), b->unique, b->words.total);
    return op_concat(t, both, 2);
}

var tag_net_states(const tag_net *net, tape *t, var rows, const pack *words,
                   const int32_t *unique) {
    return rnn_stack_run(&net->words, &net->params, t, rows, words, unique);
}

var tag_net_scores(const tag_net *net, tape *t, var states, int head) {
    return linear_run(&net->head[head], &net->params, t, states);
}

var tag_net_attributes(const tag_net *net, tape *t, var states, int head) {
    if (net->config.head[head].attributes == 0) return 0;
    return linear_run(&net->attributes[head], &net->params, t, states);
}

static var entropy(const tag_net *net, tape *t, var states, const linear *l,
                   const entropy_spec *spec) {
    return op_entropy(t, states, params_var(&net->params, t, l->weight),
                      params_var(&net->params, t, l->bias), spec);
}

static var head_loss(const tag_net *net, tape *t, var states, const tag_batch *b, int i) {
    const params *p = &net->params;
    const tag_head_shape *h = &net->config.head[i];
    if (h->crf) {
        crf_spec spec = {.target = b->label[i], .allowed = h->allowed, .weight = 1};
        return op_crf(t, tag_net_scores(net, t, states, i), params_var(p, t, net->trans[i]),
                      params_var(p, t, net->ends[i]), &spec, &b->words);
    }
    entropy_spec spec = {.target = b->label[i], .groups = 1,
                         .smoothing = net->config.smoothing, .weight = 1,
                         .agree = b->twice ? net->config.agree : 0};
    return entropy(net, t, states, &net->head[i], &spec);
}

static var attribute_loss(const tag_net *net, tape *t, var states, const tag_batch *b, int i) {
    const tag_head_shape *h = &net->config.head[i];
    entropy_spec spec = {.target = b->attribute[i], .group = h->group, .groups = h->attributes,
                         .smoothing = net->config.smoothing, .weight = 1,
                         .agree = b->twice ? net->config.agree : 0};
    return entropy(net, t, states, &net->attributes[i], &spec);
}

var tag_net_loss(const tag_net *net, tape *t, const tag_batch *b) {
    const tag_net_config *c = &net->config;
    var x = token_inputs(net, t, b);
    x = op_dropout(t, x, c->dropout, SITE_INPUT, &b->words, DROPOUT_ELEMENTS);
    x = tag_net_states(net, t, x, &b->words, NULL);
    x = op_dropout(t, x, c->dropout, SITE_OUTPUT, &b->words, DROPOUT_ELEMENTS);
    var part[2 * TAG_HEADS];
    int count = 0;
    for (int i = 0; i < c->heads; i++) {
        part[count++] = head_loss(net, t, x, b, i);
        if (c->head[i].attributes > 0) part[count++] = attribute_loss(net, t, x, b, i);
    }
    return op_sum(t, part, count);
}
