/* layer: linear maps and recurrent stacks. See layer.h. */
#include "nn/layer.h"

#include <math.h>

int linear_add(params *p, const char *name, int inputs, int outputs, bool bias, linear *out) {
    out->bias = -1;
    TRY(params_add(p, &out->weight, outputs, inputs, INIT_XAVIER, 1, "%s.weight", name));
    return bias ? params_add(p, &out->bias, 1, outputs, INIT_ZERO, 0, "%s.bias", name) : 0;
}

var linear_run(const linear *l, const params *p, tape *t, var x) {
    return op_linear(t, x, params_var(p, t, l->weight), params_var(p, t, l->bias));
}

int rnn_stack_outputs(const rnn_config *config) {
    return config->hidden * (config->both ? 2 : 1);
}

static int add_direction(params *p, const char *name, const rnn_config *c, int layer, int side,
                         rnn_stack *out) {
    const char *tail = side ? "_reverse" : "";
    int H = c->hidden, G = cell_gates(c->cell) * H;
    int I = layer == 0 ? c->inputs : rnn_stack_outputs(c);
    rnn_numbers *w = &out->w[layer][side];
    *w = (rnn_numbers){.nx = -1, .nh = -1, .nc = -1, .bc = -1};
    TRY(params_add(p, &w->wx, G, I, INIT_XAVIER, 1, "%s.weight_ih_l%d%s", name, layer, tail));
    /* All gates together are one map that keeps lengths; rotations in each would drown the input. */
    TRY(params_add(p, &w->wh, G, H, INIT_ORTHOGONAL, 1 / sqrt(cell_gates(c->cell)),
                   "%s.weight_hh_l%d%s", name, layer, tail));
    TRY(params_add(p, &w->bx, 1, G, INIT_ZERO, 0, "%s.bias_ih_l%d%s", name, layer, tail));
    TRY(params_add(p, &w->bh, 1, G, INIT_ZERO, 0, "%s.bias_hh_l%d%s", name, layer, tail));
    if (!c->norm) return 0;
    TRY(params_add(p, &w->nx, 1, G, INIT_ONE, 1, "%s.norm_ih_l%d%s", name, layer, tail));
    TRY(params_add(p, &w->nh, 1, G, INIT_ONE, 1, "%s.norm_hh_l%d%s", name, layer, tail));
    if (c->cell != CELL_LSTM) return 0;
    TRY(params_add(p, &w->nc, 1, H, INIT_ONE, 1, "%s.norm_cell_l%d%s", name, layer, tail));
    TRY(params_add(p, &w->bc, 1, H, INIT_ZERO, 0, "%s.norm_cell_bias_l%d%s", name, layer, tail));
    return 0;
}

int rnn_stack_add(params *p, const char *name, const rnn_config *config, rnn_stack *out) {
    out->config = *config;
    if (config->layers > RNN_LAYERS) return RILL_ELIMIT;
    for (int layer = 0; layer < config->layers; layer++) {
        for (int side = 0; side < (config->both ? 2 : 1); side++) {
            TRY(add_direction(p, name, config, layer, side, out));
        }
    }
    return 0;
}

var rnn_layer_run(const rnn_stack *s, const params *p, tape *t, int layer, var x, const pack *seq,
                  const int32_t *index, const rnn_start *start) {
    const rnn_config *c = &s->config;
    rnn_spec spec = {.cell = c->cell, .hidden = c->hidden, .directions = c->both ? 2 : 1,
                     .dropout = c->recurrent, .site = c->site + 2 * (uint32_t)layer + 1,
                     .index = index};
    if (start) spec.last_c = start->last_c;
    for (int side = 0; side < spec.directions; side++) {
        const rnn_numbers *w = &s->w[layer][side];
        spec.w[side] = (rnn_weights){
            .wx = params_var(p, t, w->wx), .wh = params_var(p, t, w->wh),
            .bx = params_var(p, t, w->bx), .bh = params_var(p, t, w->bh),
            .nx = params_var(p, t, w->nx), .nh = params_var(p, t, w->nh),
            .nc = params_var(p, t, w->nc), .bc = params_var(p, t, w->bc)};
        if (start) spec.w[side].h0 = start->h0, spec.w[side].c0 = start->c0;
    }
    return op_rnn(t, x, &spec, seq);
}

var rnn_stack_run(const rnn_stack *s, const params *p, tape *t, var x, const pack *seq,
                  const int32_t *index) {
    const rnn_config *c = &s->config;
    for (int layer = 0; layer < c->layers; layer++) {
        var in = x;
        if (layer > 0) {
            in = op_dropout(t, x, c->dropout, c->site + 2 * (uint32_t)layer, seq,
                            DROPOUT_SEQUENCES);
        }
        var y = rnn_layer_run(s, p, t, layer, in, seq, layer == 0 ? index : NULL, NULL);
        x = layer > 0 && c->residual ? op_add(t, x, y) : y;
    }
    return x;
}
