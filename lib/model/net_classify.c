/* net_classify: see net_classify.h. */
#include "model/net_classify.h"

/* Numbers of the dropout masks; the stack takes 2 per layer from its own on. */
enum { SITE_INPUT = 1, SITE_POOLED = 2, SITE_RNN = 32 };

static int input_width(const classify_net_config *c) {
    return c->form_dim + CLASSIFY_AFFIXES * c->affix_dim + (c->vectors > 0 ? c->form_dim : 0);
}

static int pooled_width(const classify_net_config *c) {
    int ways = 0;
    for (unsigned set = c->pooling; set; set >>= 1) ways += set & 1;
    return ways * 2 * c->hidden + (c->bayes ? c->labels : 0);
}

static int build_input(classify_net *net) {
    const classify_net_config *c = &net->config;
    params *p = &net->params;
    net->affix_table = net->vector_table = -1;
    TRY(params_table(p, &net->form_table, c->forms, c->form_dim, 0.1, "form.weight"));
    if (c->affix_dim > 0) {
        TRY(params_table(p, &net->affix_table, c->affixes, c->affix_dim, 0.1, "affix.weight"));
    }
    if (c->vectors == 0) return 0;
    TRY(params_table(p, &net->vector_table, c->vectors, c->vector_dim, 0, "vector.weight"));
    return linear_add(p, "vector.map", c->vector_dim, c->form_dim, false, &net->vector_map);
}

int classify_net_build(classify_net *net, const classify_net_config *config) {
    *net = (classify_net){.config = *config};
    params *p = &net->params;
    TRY(build_input(net));
    int inputs = input_width(config);
    if (config->conv_filters > 0) {
        TRY(linear_add(p, "conv", config->conv_width * inputs, config->conv_filters, true,
                       &net->conv));
        inputs = config->conv_filters;
    }
    rnn_config rnn = {.cell = config->cell, .inputs = inputs, .hidden = config->hidden,
                      .layers = config->layers, .both = true, .norm = config->norm,
                      .residual = config->residual, .dropout = config->dropout,
                      .recurrent = config->recurrent, .site = SITE_RNN};
    TRY(rnn_stack_add(p, "rnn", &rnn, &net->rnn));
    if (config->pooling & CLASSIFY_ATTENTION) {
        TRY(linear_add(p, "attention", 2 * config->hidden, config->hidden, true, &net->attention));
        TRY(linear_add(p, "score", config->hidden, 1, false, &net->score));
    }
    return linear_add(p, "head", pooled_width(config), config->labels, true, &net->head);
}

void classify_net_free(classify_net *net) { params_free(&net->params); }

var classify_net_rows(const classify_net *net, tape *t, const classify_batch *b) {
    const classify_net_config *c = &net->config;
    const params *p = &net->params;
    var part[2 + CLASSIFY_AFFIXES];
    int count = 0;
    part[count++] = op_embed(t, params_var(p, t, net->form_table), b->form, b->rows);
    if (c->vectors > 0) {
        var x = op_embed(t, params_var(p, t, net->vector_table), b->vector, b->rows);
        part[count++] = linear_run(&net->vector_map, p, t, x);
    }
    for (int i = 0; c->affix_dim > 0 && i < CLASSIFY_AFFIXES; i++) {
        part[count++] = op_embed(t, params_var(p, t, net->affix_table), b->affix[i], b->rows);
    }
    return op_concat(t, part, count);
}

/* The texts as sequences over the rows that the chunks have now. */
static int pack_texts(tape *t, const classify_batch *b, const pack *chunks, pack *out) {
    int32_t *length = tape_keep(t, (size_t)b->texts, sizeof *length);
    if (!length) return RILL_ENOMEM;
    for (int32_t i = 0; i < b->texts; i++) {
        length[i] = chunks->start[b->chunk[i + 1]] - chunks->start[b->chunk[i]];
    }
    int status = pack_make(&t->keep, length, b->name, b->texts, out);
    if (status < 0) t->status = status;
    return status;
}

var classify_net_states(const classify_net *net, tape *t, var rows, const classify_batch *b,
                        pack *texts) {
    const classify_net_config *c = &net->config;
    const params *p = &net->params;
    const pack *chunks = &b->chunks;
    const int32_t *index = b->index;
    *texts = (pack){0};
    if (c->conv_filters > 0) {
        const conv_spec spec = {.width = c->conv_width, .stride = c->conv_stride, .dilation = 1};
        pack *after = tape_keep(t, 1, sizeof *after);
        if (!after) return 0;
        if (index) rows = op_embed(t, rows, index, b->chunks.total);
        rows = op_conv(t, rows, params_var(p, t, net->conv.weight),
                       params_var(p, t, net->conv.bias), &spec, chunks, after);
        rows = op_relu(t, rows);
        chunks = after;
        index = NULL;
    }
    if (!rows || pack_texts(t, b, chunks, texts) < 0) return 0;
    return rnn_stack_run(&net->rnn, p, t, rows, chunks, index);
}

static var attend(const classify_net *net, tape *t, var x, const pack *texts) {
    const params *p = &net->params;
    var score = op_tanh(t, linear_run(&net->attention, p, t, x));
    return op_attend(t, x, linear_run(&net->score, p, t, score), texts);
}

var classify_net_pooled(const classify_net *net, tape *t, var x, const classify_batch *b,
                        const pack *texts) {
    const classify_net_config *c = &net->config;
    var part[5];
    int count = 0;
    if (c->pooling & CLASSIFY_LAST) part[count++] = op_pool(t, x, POOL_ENDS, texts);
    if (c->pooling & CLASSIFY_MEAN) part[count++] = op_pool(t, x, POOL_MEAN, texts);
    if (c->pooling & CLASSIFY_MAX) part[count++] = op_pool(t, x, POOL_MAX, texts);
    if (c->pooling & CLASSIFY_ATTENTION) part[count++] = attend(net, t, x, texts);
    var y = op_concat(t, part, count);
    y = op_dropout(t, y, c->dropout, SITE_POOLED, texts, DROPOUT_ROWS);
    if (!c->bayes) return y;
    const var both[] = {y, op_input(t, b->texts, c->labels, b->bayes, false)};
    return op_concat(t, both, 2);
}

var classify_net_logits(const classify_net *net, tape *t, const classify_batch *b) {
    pack texts;
    var x = classify_net_states(net, t, classify_net_rows(net, t, b), b, &texts);
    return linear_run(&net->head, &net->params, t, classify_net_pooled(net, t, x, b, &texts));
}

static var softmax_loss(const classify_net *net, tape *t, var x, const classify_batch *b) {
    const classify_net_config *c = &net->config;
    const params *p = &net->params;
    const entropy_spec spec = {.target = b->label, .groups = 1, .smoothing = c->smoothing,
                               .weight = 1, .balance = c->balance,
                               .agree = b->twice ? c->agree : 0};
    return op_entropy(t, x, params_var(p, t, net->head.weight), params_var(p, t, net->head.bias),
                      &spec);
}

/* Between the logits of the first half of the batch and of the second. */
static var agreement(const classify_net *net, tape *t, var logits, const classify_batch *b) {
    int32_t B = b->texts, *row = tape_keep(t, (size_t)B, sizeof *row);
    if (!row) return 0;
    for (int32_t i = 0; i < B; i++) row[i] = i;
    return op_agree(t, op_embed(t, logits, row, B / 2), op_embed(t, logits, row + B / 2, B / 2),
                    net->config.agree);
}

static var sigmoid_loss(const classify_net *net, tape *t, var x, const classify_batch *b) {
    const classify_net_config *c = &net->config;
    const binary_spec spec = {.target = b->label, .smoothing = c->smoothing, .weight = 1,
                              .balance = c->balance};
    var logits = linear_run(&net->head, &net->params, t, x);
    const var both[] = {op_binary(t, logits, &spec), b->twice ? agreement(net, t, logits, b) : 0};
    return op_sum(t, both, 2);
}

var classify_net_loss(const classify_net *net, tape *t, var rows, const classify_batch *b) {
    const classify_net_config *c = &net->config;
    pack texts;
    var x = op_dropout(t, rows, c->dropout_in, SITE_INPUT, &b->chunks, DROPOUT_ELEMENTS);
    x = classify_net_states(net, t, x, b, &texts);
    x = classify_net_pooled(net, t, x, b, &texts);
    return c->multi ? sigmoid_loss(net, t, x, b) : softmax_loss(net, t, x, b);
}
