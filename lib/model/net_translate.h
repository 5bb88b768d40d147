/* net_translate: the encoder-decoder.
 *
 *     source ids -> vectors [M,E] -> stacked bidirectional RNN -> memory [M,C]
 *     mean of the memory -> tanh of a linear map -> first state of every decoder layer
 *     target ids, one step late -> vectors [N,E] -> decoder layer 0 -> [N,H]
 *     attention of layer 0's states over the memory -> context [N,C], for all steps at once
 *     layers above: [h; context] -> RNN (+ h)
 *     output: tanh(linear [h; context]) [N,E] -> softmax over the target words, W tied to the vectors
 *
 * Because the attention asks with the first layer's states, nothing in training waits for the attention
 * of the step before (Sutskever et al. 2014, Luong et al. 2015; the wiring is that of Wu et al. 2016).
 * Dropout keeps one mask per sequence (Gal and Ghahramani 2016). In decoding the same maps run one step at
 * a time for all hypotheses together.
 *
 * Letters: B sentences, M source and N target rows, R hypotheses, E vectors, C memory, H decoder, A attention,
 * V target words, L decoder layers.
 */
#ifndef RILL_MODEL_NET_TRANSLATE_H
#define RILL_MODEL_NET_TRANSLATE_H

#include "nn/layer.h"

typedef enum translate_tie {
    TIE_NONE,   /* three matrices: source, target, output */
    TIE_TARGET, /* target vectors are the output's weights */
    TIE_ALL     /* one matrix for all; both sides share a vocabulary */
} translate_tie;

typedef enum translate_attention {
    ATTENTION_DOT,     /* (Wq s) . (Wk m) / sqrt(A/heads) */
    ATTENTION_GENERAL, /* s . (Wk m) / sqrt(H/heads) */
    ATTENTION_ADDITIVE /* u . tanh(Wq s + Wk m) */
} translate_attention;

typedef struct translate_net_config {
    cell_kind cell;
    int source_words, target_words;
    translate_tie tie;
    int embed;                          /* E */
    int encoder_hidden, encoder_layers; /* both directions together: C */
    int decoder_hidden, decoder_layers; /* H, L */
    bool norm, residual;
    translate_attention attention;
    int heads;
    double dropout;   /* vectors, layer outputs, context, before the softmax */
    double recurrent; /* recurrent states */
    double smoothing; /* of the labels */
    double agree;     /* weight of the agreement of two readings */
    double coverage;  /* weight of the attention's coverage loss, 0: none */
} translate_net_config;

typedef struct translate_net {
    translate_net_config config;
    params params;
    int source_table, target_table, out_table, out_bias;
    rnn_stack encoder, decoder[RNN_LAYERS]; /* decoder: one stack of one layer each */
    linear bridge, query, key, value, out;  /* weight -1: absent */
    int score;                              /* u of additive attention, -1: absent */
} translate_net;

/* A batch in plain numbers; all arrays are borrowed. */
typedef struct translate_batch {
    bool twice; /* pairs B/2.. are the first ones under other names */
    pack source, target;
    int32_t *source_id; /* [M], -1: a hidden word */
    int32_t *previous;  /* [N] target word before each one, -1: a hidden word */
    int32_t *gold;      /* [N] */
    real *worth;        /* [N] weight of each word's loss, which is all of the loss then; or NULL */
} translate_batch;

MUST_USE int translate_net_build(translate_net *net, const translate_net_config *config);
void translate_net_free(translate_net *net);

/* Loss, a sum over target words. */
var translate_net_loss(const translate_net *net, tape *t, const translate_batch *batch);

/* What the decoder needs of the source. */
typedef struct translate_memory {
    var keys, values; /* [M,A], [M,C] */
    var first;        /* [B, states*L*H]: first h of every layer, then (LSTM) first c */
} translate_memory;
translate_memory translate_net_encode(const translate_net *net, tape *t, const int32_t *id,
                                      const pack *source);
int translate_net_state(const translate_net_config *c); /* columns of `first` */

/* One decoding step of R hypotheses. */
typedef struct translate_step {
    var keys, values;        /* of the memory */
    const pack *source;      /* of the memory */
    const pack *rows;        /* hypotheses of each live sentence [R] */
    const int32_t *sentence; /* source sentence of each live one */
    const pack *each;        /* R sequences of length 1 */
    const int32_t *previous; /* [R] */
    const real *state;       /* [R, states*L*H], as in translate_memory */
    real *next;              /* [R, states*L*H]: receives the state after the step */
    real *weights;           /* attention, row after row [S], or NULL */
} translate_step;
/* Scores [R,V] before the softmax. */
var translate_net_step(const translate_net *net, tape *t, const translate_step *step);
/* Scores [N,V] of all steps of given targets: what decoding would have found at every step. */
var translate_net_scores(const translate_net *net, tape *t, const translate_batch *batch);

#endif
