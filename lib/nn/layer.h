/* layer: what networks are built of: a linear map, and a stack of recurrent layers.
 *
 * A layer holds the numbers of its parameters in the slab; running it appends operations to a tape.
 * Parameters carry PyTorch's names (weight_ih_l0, weight_hh_l0_reverse, ...), so weights can be compared
 * with a torch.nn.LSTM of the same shape.
 */
#ifndef RILL_NN_LAYER_H
#define RILL_NN_LAYER_H

#include "nn/param.h"

/* y = x W^T + b */
typedef struct linear {
    int weight, bias; /* parameter numbers; bias -1: none */
} linear;
MUST_USE int linear_add(params *p, const char *name, int inputs, int outputs, bool bias,
                        linear *out);
var linear_run(const linear *l, const params *p, tape *t, var x);

enum { RNN_LAYERS = 16 }; /* most layers in a stack */

typedef struct rnn_config {
    cell_kind cell;
    int inputs, hidden, layers;
    bool both;        /* both directions, outputs side by side */
    bool norm;        /* layer normalization inside the cell */
    bool residual;    /* layers after the first add their input to their output */
    double dropout;   /* between layers, one mask per sequence */
    double recurrent; /* dropout of the recurrent state, one mask per sequence */
    uint32_t site;    /* first number of the stack's dropout masks; it uses 2 per layer */
} rnn_config;

typedef struct rnn_numbers {
    int wx, wh, bx, bh, nx, nh, nc, bc; /* parameter numbers of rnn_weights, -1: absent */
} rnn_numbers;

typedef struct rnn_stack {
    rnn_config config;
    rnn_numbers w[RNN_LAYERS][2];
} rnn_stack;

/* Registers the parameters NAME.weight_ih_l0 ... */
MUST_USE int rnn_stack_add(params *p, const char *name, const rnn_config *config, rnn_stack *out);
/* x [N,inputs] (or one row per distinct row when index is given, see rnn_spec) -> [N, hidden or
 * 2*hidden]. */
var rnn_stack_run(const rnn_stack *s, const params *p, tape *t, var x, const pack *seq,
                  const int32_t *index);
/* One layer by itself, without what rnn_stack_run puts between layers. */
typedef struct rnn_start {
    var h0, c0;   /* initial states [B,hidden], or 0 */
    real *last_c; /* see rnn_spec */
} rnn_start;
var rnn_layer_run(const rnn_stack *s, const params *p, tape *t, int layer, var x, const pack *seq,
                  const int32_t *index, const rnn_start *start);
int rnn_stack_outputs(const rnn_config *config);

#endif
