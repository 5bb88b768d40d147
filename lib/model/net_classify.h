/* net_classify: the classifier's network, many to one.
 *
 *     unit -> vector | prefix, suffix -> vectors | pretrained vector -> linear map      [U,I]
 *     [N,I] -> (convolution with stride) -> stacked bidirectional RNN -> [N,2H]
 *     pooling over the text: last, mean, max, attention, side by side                   [B,P]
 *     beside it naive Bayes' score of every label from the n-grams of the text          [B,K]
 *     linear -> softmax, or a sigmoid per label
 *
 * Long texts are read in chunks: a chunk is a sequence for convolution and RNN, a text is one for
 * pooling. So memory is linear in the text, chunks run side by side, and training sees what
 * inference sees.
 *
 * Letters: N units in C chunks of B texts, U rows of input, I input width, H hidden, K labels.
 */
#ifndef RILL_MODEL_NET_CLASSIFY_H
#define RILL_MODEL_NET_CLASSIFY_H

#include "nn/layer.h"

enum { CLASSIFY_AFFIXES = 2 }; /* a prefix and a suffix */

/* Ways of pooling, as a set. */
enum { CLASSIFY_LAST = 1, CLASSIFY_MEAN = 2, CLASSIFY_MAX = 4, CLASSIFY_ATTENTION = 8 };

typedef struct classify_net_config {
    cell_kind cell;
    int forms, affixes, vectors; /* rows of the tables; vectors 0: none */
    int form_dim, affix_dim, vector_dim;
    int hidden, layers, labels;
    bool norm, residual, multi; /* multi: a sigmoid per label */
    bool bayes;                 /* naive Bayes' scores go into the last layer */
    unsigned pooling;
    int conv_width, conv_stride, conv_filters; /* filters 0: no convolution */
    double dropout_in, dropout, recurrent, smoothing;
    double agree; /* weight of the agreement of two passes over a text */
    const real *balance; /* [K] class weights or NULL */
} classify_net_config;

typedef struct classify_net {
    classify_net_config config;
    params params;
    int form_table, affix_table, vector_table;
    linear vector_map, conv, attention, score, head;
    rnn_stack rnn;
} classify_net;

/* A batch in plain numbers; all arrays are borrowed. */
typedef struct classify_batch {
    pack chunks;                             /* N units in C chunks */
    const int32_t *chunk;                    /* [B+1] first chunk of each text */
    int32_t texts;                           /* B */
    const uint64_t *name;                    /* [B] for random masks, or NULL */
    int32_t rows;                            /* U */
    const int32_t *form;                     /* [U] */
    const int32_t *affix[CLASSIFY_AFFIXES];  /* [U], -1: none */
    const int32_t *vector;                   /* [U] or -1 */
    const int32_t *index;                    /* [N] row of each unit, or NULL: U = N */
    const real *bayes;                       /* [B,K], config.bayes only */
    const int32_t *label;                    /* [B], multi [B,K]; training only */
    bool twice;                              /* texts B/2.. are the first ones under other names */
} classify_batch;

MUST_USE int classify_net_build(classify_net *net, const classify_net_config *config);
void classify_net_free(classify_net *net);

/* Rows of input [U,I]. */
var classify_net_rows(const classify_net *net, tape *t, const classify_batch *batch);
/* States [N',2H] of input rows, and the texts as sequences over them (N' < N with a stride). */
var classify_net_states(const classify_net *net, tape *t, var rows, const classify_batch *batch,
                        pack *texts);
/* What the last layer reads [B,P]. */
var classify_net_pooled(const classify_net *net, tape *t, var states, const classify_batch *batch,
                        const pack *texts);
/* Logits [B,K]. */
var classify_net_logits(const classify_net *net, tape *t, const classify_batch *batch);
/* Loss, a sum over texts; rows as classify_net_rows gives them, perhaps with noise added. */
var classify_net_loss(const classify_net *net, tape *t, var rows, const classify_batch *batch);

#endif
