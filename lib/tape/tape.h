/* tape: a few coarse operations over whole packed sequences, and their gradients.
 *
 * Appending an operation computes it; tape_backward walks back over what was appended. A value is a
 * matrix [rows, cols]; sequences stand in it as base/pack.h says. Operations own no memory:
 *
 *     keep arena     | nodes' values | saved values | gradients | ...   until tape_reset
 *     scratch arena  | one operation's temporaries |                    until the next one begins
 *
 * With `record` off the same code computes values only (inference): nothing is saved.
 *
 * Failure is sticky: once memory ran out every operation returns 0 and tape->status says
 * RILL_ENOMEM, so a network is written straight down and the status is looked at once, at its end.
 * Gradients of parameters are then incomplete.
 *
 * Arrays and packs that an operation is given (indices, targets, lengths inside a pack) must live
 * until tape_reset; the structs that point to them need not.
 *
 * Letters: B sequences, T steps, N packed rows, D width, I inputs, O outputs, H hidden, K labels.
 */
#ifndef RILL_TAPE_TAPE_H
#define RILL_TAPE_TAPE_H

#include "base/pack.h"
#include "math/panel.h"

typedef enum op_kind {
#define OP(NAME, name) OP_##NAME,
#include "tape/ops.def"
#undef OP
    OP_KINDS
} op_kind;

typedef int32_t var; /* a value on the tape; 0 is none */

typedef struct node {
    op_kind kind;
    bool needs; /* a gradient is wanted */
    int32_t rows, cols;
    int32_t inputs;
    const var *in;    /* [inputs], 0 where an optional input is absent; none when not recording */
    real *value;      /* [rows, cols] */
    real *grad;       /* [rows, cols], NULL until something flows into it */
    void *saved;      /* what the backward pass of the operation needs */
    panels packed[2]; /* W and its transpose, packed on first use; data NULL before */
} node;

typedef struct tape {
    compute c;
    bool record;   /* keep what backward needs */
    bool noise;    /* dropout is active */
    uint64_t seed; /* of the dropout masks */
    int status;    /* 0 or the first failure */
    arena keep, scratch;
    node *nodes; /* nodes[0] is unused */
    size_t count, capacity;
} tape;

/* A zeroed tape with c set is ready after tape_reset. */
void tape_reset(tape *t);
void tape_free(tape *t);
static inline node *tape_node(const tape *t, var v) {
    return &t->nodes[v];
}
/* NULL for an absent value. */
static inline real *tape_value(const tape *t, var v) {
    return v ? t->nodes[v].value : NULL;
}
const char *tape_op_name(op_kind kind);

/* Sends the gradient 1 back from `loss` [1,1] into every value that needs one. Gradients of
 * parameters are added to what stands in their slab. */
void tape_backward(tape *t, var loss);

/* Gradient of a value after tape_backward, NULL when nothing flowed into it. */
static inline const real *tape_grad(const tape *t, var v) {
    return v ? t->nodes[v].grad : NULL;
}

/* ---- values from outside */

/* Parameter: value [rows,cols] and gradient slab (NULL: no gradient wanted). packed: panels of the
 * weight made once for inference, or NULL. */
var op_param(tape *t, int rows, int cols, const real *value, real *grad, const panels *packed);
/* Constant; the data must live until tape_reset. `needs` asks for a gradient (tests do). */
var op_input(tape *t, int rows, int cols, const real *value, bool needs);

/* ---- elementwise and shape */

/* y[i,:] = table[index[i],:]; a zero row where index[i] < 0. table is a parameter or any value, so
 * this also spreads per-form vectors over tokens. index must live until tape_reset. */
var op_embed(tape *t, var table, const int32_t *index, int n);
/* y[N,O] = x[N,I] W^T + b, W [O,I], b [1,O] or 0. */
var op_linear(tape *t, var x, var w, var b);
var op_add(tape *t, var a, var b);                   /* equal shapes */
var op_mul(tape *t, var a, var b);                   /* elementwise, equal shapes */
var op_concat(tape *t, const var *parts, int count); /* side by side */
var op_slice(tape *t, var x, int begin, int end);    /* columns begin..end-1 */
var op_tanh(tape *t, var x);
var op_sigmoid(tape *t, var x);
var op_relu(tape *t, var x);
/* Sum of [1,1] values; 0 among them counts as nothing. */
var op_sum(tape *t, const var *parts, int count);

/* Dropout with inverted scaling; the identity unless tape->noise. Masks are a function of
 * (tape->seed, site, sequence name, position, element), see base/rng.h. */
typedef enum dropout_mode {
    DROPOUT_ELEMENTS,  /* x [N,D] packed: every element by itself */
    DROPOUT_SEQUENCES, /* x [N,D] packed: one mask [D] per sequence, kept over time */
    DROPOUT_ROWS       /* x [B,D]: row b belongs to sequence b */
} dropout_mode;
var op_dropout(tape *t, var x, double p, uint32_t site, const pack *seq, dropout_mode mode);

/* ---- sequences */

typedef enum cell_kind { CELL_TANH, CELL_RELU, CELL_LSTM, CELL_GRU } cell_kind;
int cell_gates(cell_kind kind); /* 1, 1, 4, 3 */

/* One direction of a recurrent layer, PyTorch's layout and gate order; g = cell_gates. */
typedef struct rnn_weights {
    var wx, wh; /* [gH,I], [gH,H] */
    var bx, bh; /* [1,gH] */
    var nx, nh; /* layer-norm gains [1,gH] of the input and the recurrent part, or 0 */
    var nc, bc; /* LSTM with layer norm: gain and shift [1,H] of the cell state's norm, or 0 */
    var h0, c0; /* initial states [B,H] (c0: LSTM only), or 0 for zeros */
} rnn_weights;

typedef struct rnn_spec {
    cell_kind cell;
    int hidden;
    int directions; /* 1 or 2; with 2 the second runs right to left */
    double dropout; /* of the recurrent state, one mask per sequence */
    uint32_t site;  /* of that dropout */
    rnn_weights w[2];
    /* [N] row of x for each packed row (inference only), or NULL: x has one row per packed row. Where
     * many tokens share a row (a word form) the input projection is computed once for it. */
    const int32_t *index;
    real *last_c; /* receives the cell state that each sequence ends with [B,H] (one direction of
                     an LSTM; sequences of length 0 leave theirs alone), or NULL */
} rnn_spec;

/* Recurrent layer over packed sequences: x [N or U, I] -> [N, directions*H].
 *     tanh, relu:  h = f(P + R)                              P = x Wx^T + bx, R = h' Wh^T + bh
 *     lstm, gru:   as in math/cpu.h
 * with layer norm P = LN(x Wx^T; nx) + bx, R = LN(h' Wh^T; nh) + bh and tanh(LN(c; nc) + bc). */
var op_rnn(tape *t, var x, const rnn_spec *spec, const pack *seq);

typedef enum pool_kind {
    POOL_LAST,
    POOL_MEAN,
    POOL_MAX,
    POOL_ENDS /* D = 2H: last row of the first half, first row of the second: both directions' ends
               */
} pool_kind;
/* x [N,D] -> [B,D]; an empty sequence gives zeros. */
var op_pool(tape *t, var x, pool_kind kind, const pack *seq);
/* Attention pooling: y[b] = sum over rows of softmax(score)[row] * x[row]; score [N,1]. */
var op_attend(tape *t, var x, var score, const pack *seq);

/* Attention of one side over the other: every row of q [N,A] looks at the rows of k [M,A] of its own
 * sequence and takes the mean of v [M,C] under the weights; formulas in op_cross.c. A row without
 * anything to look at gets zeros. u [1,A]: additive scores, 0: scaled dot. A and C are multiples of
 * heads. */
typedef struct cross_spec {
    const pack *query, *key;
    const int32_t *of; /* sequence of `key` that each one of `query` looks at (inference only), or
                          NULL: both have the same number */
    int heads;
    real *weights; /* receives the mean over heads, sequence after sequence [T,S], or NULL */
    bool covered;  /* op_coverage will follow */
} cross_spec;
var op_cross(tape *t, var q, var k, var v, var u, const cross_spec *spec);
/* Coverage loss (See et al. 2017) of what an op_cross with `covered` looked at: weight * sum over rows of
 * both sides of the least of a weight and the sum of those that earlier queries gave to the same row.
 * One of the losses below: its gradient from above must be 1. Returns [1,1]. */
var op_coverage(tape *t, var cross, double weight);

/* 1-D convolution over packed sequences: W [O, width*I] (tap-major), b [1,O] or 0.
 *     y[j] = b + sum over taps k of W_k x[j*stride + k*dilation - left]     zeros outside
 * left = (width-1)*dilation when causal, else half of it. Output length ceil(length/stride); *out
 * is built in the keep arena (empty on failure). */
typedef struct conv_spec {
    int width, stride, dilation;
    bool causal;
} conv_spec;
var op_conv(tape *t, var x, var w, var b, const conv_spec *spec, const pack *seq, pack *out);

/* ---- losses: sums over rows; gradients of W and b are added during the forward pass, so the
 * gradient that comes from above must be 1: scale by `weight`. Backward must follow a recorded
 * loss. */

/* Softmax cross entropy fused with its projection, in row chunks so that [N,V] never exists whole:
 * logits = x W^T + b, cut into groups of columns group[g] .. group[g+1], one softmax each.
 * target [N,groups], -1: no loss there. The groups cover all columns and none is empty. smoothing
 * e: target distribution (1-e) one-hot + e uniform. Returns [1,1]: weight * sum. */
typedef struct entropy_spec {
    const int32_t *target;
    const int32_t *group; /* [groups+1], or NULL for one group of all columns */
    int groups;
    double smoothing, weight;
    const real *balance; /* [columns] further weight of rows with that target, or NULL */
    const real *worth;   /* [N] further weight of each row, of any sign, or NULL; with `agree` [N/2] */
    double agree; /* above 0: N is even, rows N/2.. read the first ones again (their targets are not
                     looked at), and for what has a target this weight times how far both guesses are
                     apart is added (R-drop, Liang et al. 2021): the mean of both Kullback-Leibler
                     divergences */
} entropy_spec;
var op_entropy(tape *t, var x, var w, var b, const entropy_spec *spec);

/* Binary cross entropy of logits x [N,K], every number by itself: target [N,K] 1 or 0, -1: no loss
 * there. smoothing e: target (1-e) y + e/2. Returns [1,1]: weight * sum. */
typedef struct binary_spec {
    const int32_t *target;
    double smoothing, weight;
    const real *balance; /* [K] further weight of targets 1, or NULL */
} binary_spec;
var op_binary(tape *t, var x, const binary_spec *spec);

/* entropy_spec.agree for logits of op_binary: the mean of both divergences between the sigmoids of every
 * number of a and b [N,K]. Returns [1,1]: weight * sum. */
var op_agree(tape *t, var a, var b, double weight);

/* Linear-chain conditional random field (Lafferty et al. 2001): negative log likelihood of the
 * labels, with
 *     score(y) = start[y_1] + sum over t of x[t, y_t] + sum over t of trans[y_{t-1}, y_t] + end[y_T]
 * x [N,K], trans [K,K], ends [2,K]: start, then end. allowed [(K+2)*(K+2)] bytes or NULL: rows from,
 * columns to, index K start, K+1 end; forbidden steps have no probability. Labels that take a forbidden
 * step have an infinite loss: targets must be allowed. Returns [1,1]: weight * sum. */
typedef struct crf_spec {
    const int32_t *target; /* [N] */
    const uint8_t *allowed;
    double weight;
} crf_spec;
var op_crf(tape *t, var x, var trans, var ends, const crf_spec *spec, const pack *seq);

/* Plain-array side of the CRF, for decoding. T rows of emissions. Scratch comes from `a`, which the
 * caller marks and takes back.
 * Best k label sequences, best first: path [k,T], score [k] (log potentials). Equal scores stand in
 * the order of their last labels. Returns how many there are, at most k, 0 when T is 0 or every
 * path is forbidden; RILL_ENOMEM. */
int crf_best(arena *a, int T, int K, const real *x, const real *trans, const real *ends,
             const uint8_t *allowed, int k, int32_t *path, double *score);
/* Marginals p(y_t = j) [T,K] (NULL to skip) and the log partition function; all 0 and -INFINITY
 * when every path is forbidden. Returns 0 or RILL_ENOMEM. */
int crf_marginals(arena *a, int T, int K, const real *x, const real *trans, const real *ends,
                  const uint8_t *allowed, double *marginal, double *log_z);

/* ---- for operations only (tape/op_*.c) */

/* A new node with a value [rows,cols]; 0 on failure. Scratch memory starts afresh: an operation
 * pushes its node before it takes any. */
var tape_push(tape *t, op_kind kind, int rows, int cols, const var *in, int inputs);
void *tape_keep(tape *t, size_t count, size_t size); /* NULL on failure, status set */
void *tape_scratch(tape *t, size_t count, size_t size);
/* What the backward pass of v reads: kept if v wants a gradient, else scratch. */
void *tape_save(tape *t, var v, size_t count, size_t size);
/* The gradient of v to add into, made zero on first use; NULL when v wants none. */
real *tape_flow(tape *t, var v);
/* Panels of W (transposed: serving x W); NULL on failure. */
const panels *tape_panels(tape *t, var w, bool transposed);
/* dw[O,I] += dy[n,O]^T x[n,I]; takes scratch and gives it back. */
void tape_outer(tape *t, int n, const real *dy, int outputs, const real *x, int inputs, real *dw);
/* The way back of a loss whose gradients for its first inputs stand in `saved`, one after the other; all
 * of these have one size. */
void tape_loss_back(tape *t, const node *y, int inputs);
/* Layer norm of n rows (Ba et al. 2016): y = LN(x; gain) + shift (0: none), statistics to stat [n,2]. And
 * back: dx (NULL: not wanted) is overwritten, the gradients of gain and shift are added to. */
void tape_norm(tape *t, int n, int D, const real *x, var gain, var shift, real *y, real *stat);
void tape_norm_back(tape *t, int n, int D, const real *x, var gain, var shift, const real *stat,
                    const real *dy, real *dx);
static inline bool tape_needs(const tape *t, var v) {
    return v && t->nodes[v].needs;
}
#define OP(NAME, name) void name##_back(tape *t, node *y);
#include "tape/ops.def"
#undef OP

#endif
