/* layer: linear maps and recurrent stacks. See layer.h. */
#include "nn/layer.h"

#include <math.h>
#include <stdio.h>

/* Registers a parameter and stores its number, or leaves with the failure. */
#define ADD(slot, rows, cols, init, scale, ...)                                                    \
    do {                                                                                           \
        int number_ = params_add(p, rows, cols, init, scale, __VA_ARGS__);                         \
        if (number_ < 0) return number_;                                                           \
        (slot) = number_;                                                                          \
    } while (0)

int linear_add(params *p, const char *name, int inputs, int outputs, bool bias, linear *out) {
    out->bias = -1;
    ADD(out->weight, outputs, inputs, INIT_XAVIER, 1, "%s.weight", name);
    if (bias) ADD(out->bias, 1, outputs, INIT_ZERO, 0, "%s.bias", name);
    return 0;
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
    ADD(out->w[layer][side].wx, G, I, INIT_XAVIER, 1, "%s.weight_ih_l%d%s", name, layer, tail);
    /* All gates together are one map that keeps lengths; rotations in each would drown the input. */
    ADD(out->w[layer][side].wh, G, H, INIT_ORTHOGONAL, 1 / sqrt(cell_gates(c->cell)),
        "%s.weight_hh_l%d%s", name, layer, tail);
    ADD(out->w[layer][side].bx, 1, G, INIT_ZERO, 0, "%s.bias_ih_l%d%s", name, layer, tail);
    ADD(out->w[layer][side].bh, 1, G, INIT_ZERO, 0, "%s.bias_hh_l%d%s", name, layer, tail);
    out->w[layer][side].nx = out->w[layer][side].nh = -1;
    out->w[layer][side].nc = out->w[layer][side].bc = -1;
    if (!c->norm) return 0;
    ADD(out->w[layer][side].nx, 1, G, INIT_ONE, 1, "%s.norm_ih_l%d%s", name, layer, tail);
    ADD(out->w[layer][side].nh, 1, G, INIT_ONE, 1, "%s.norm_hh_l%d%s", name, layer, tail);
    if (c->cell != CELL_LSTM) return 0;
    ADD(out->w[layer][side].nc, 1, H, INIT_ONE, 1, "%s.norm_cell_l%d%s", name, layer, tail);
    ADD(out->w[layer][side].bc, 1, H, INIT_ZERO, 0, "%s.norm_cell_bias_l%d%s", name, layer, tail);
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
        spec.w[side] = (rnn_weights){.wx = params_var(p, t, s->w[layer][side].wx),
                                     .wh = params_var(p, t, s->w[layer][side].wh),
                                     .bx = params_var(p, t, s->w[layer][side].bx),
                                     .bh = params_var(p, t, s->w[layer][side].bh),
                                     .nx = params_var(p, t, s->w[layer][side].nx),
                                     .nh = params_var(p, t, s->w[layer][side].nh),
                                     .nc = params_var(p, t, s->w[layer][side].nc),
                                     .bc = params_var(p, t, s->w[layer][side].bc)};
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
