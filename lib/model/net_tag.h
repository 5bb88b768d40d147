/* net_tag: the tagger's network.
 *
 *     characters of a form -> vectors -> BiLSTM (or convolution + max) -> ends     once per form
 *     prefixes of 1-3, suffixes of 1-4 letters, shape -> a vector each             once per form
 *     form (lower case) -> vector;  pretrained vector -> linear map
 *     all side by side [N,I] -> stacked bidirectional RNN [N,2H] -> one linear head per column
 *     heads: softmax, or a conditional random field; FEATS also one softmax per attribute
 *
 * In training word dropout acts on the form of each token, so the form's vector is looked up per token
 * and the rest per distinct form; in inference all of the input depends on the form alone and is
 * computed once per distinct form. The numbers are the same.
 *
 * Letters: N tokens, U distinct forms, I input width, H hidden, V labels, A attribute values.
 */
#ifndef RILL_MODEL_NET_TAG_H
#define RILL_MODEL_NET_TAG_H

#include "nn/layer.h"

enum { TAG_AFFIXES = 8, TAG_HEADS = 16 };

typedef enum tag_chars { TAG_CHARS_NONE, TAG_CHARS_RNN, TAG_CHARS_CONV } tag_chars;

typedef struct tag_head_shape {
    int labels;             /* V */
    bool crf;
    const uint8_t *allowed; /* CRF: as in tape.h, borrowed, or NULL */
    int attributes;         /* attribute softmaxes, 0: none */
    const int32_t *group;   /* [attributes+1] columns of each, borrowed */
} tag_head_shape;

typedef struct tag_net_config {
    cell_kind cell;
    tag_chars chars;
    int form_dim, char_dim, char_hidden, affix_dim;
    int hidden, layers;
    bool norm, residual;
    double dropout, recurrent; /* dropout of inputs and outputs; of recurrent states */
    double smoothing;          /* of the softmax heads */
    double agree;              /* weight of the agreement of two readings, softmax heads */
    int forms, letters, affixes; /* sizes of the vocabularies */
    int vectors, vector_dim;     /* pretrained: rows and width, 0: none */
    int heads;
    tag_head_shape head[TAG_HEADS];
} tag_net_config;

typedef struct tag_net {
    tag_net_config config;
    params params;
    int form_table, char_table, affix_table, vector_table;
    rnn_stack char_rnn, words;
    linear char_conv, vector_map;
    linear head[TAG_HEADS], attributes[TAG_HEADS];
    int trans[TAG_HEADS], ends[TAG_HEADS];
} tag_net;

/* A batch in plain numbers; all arrays are borrowed. */
typedef struct tag_batch {
    bool twice;             /* sentences B/2.. are the first ones under other names */
    pack words;             /* N tokens in B sentences */
    pack forms;             /* U distinct forms: their letters */
    const int32_t *letter;  /* [forms.total] */
    const int32_t *affix;   /* [TAG_AFFIXES][U] */
    const int32_t *vector;  /* [U] row of the pretrained table or -1 */
    const int32_t *form;    /* [U] vocabulary id */
    const int32_t *unique;  /* [N] distinct form of each token */
    const int32_t *dropped; /* [N] vocabulary id after word dropout; training only */
    const int32_t *label[TAG_HEADS];     /* [N] gold, -1: none; training only */
    const int32_t *attribute[TAG_HEADS]; /* [N, attributes] */
} tag_batch;

/* Registers the parameters (slabs are not allocated yet). */
MUST_USE int tag_net_build(tag_net *net, const tag_net_config *config);
void tag_net_free(tag_net *net);
int tag_net_inputs(const tag_net_config *config); /* I */

/* Loss of a batch, a sum over tokens and heads. */
var tag_net_loss(const tag_net *net, tape *t, const tag_batch *batch);

/* Inference in two parts. Input rows of the distinct forms of a batch [U,I]; words, unique, dropped
 * and labels are not looked at. */
var tag_net_forms(const tag_net *net, tape *t, const tag_batch *batch);
/* States [N,2H] of packed sentences; token i has input row unique[i] of `rows` [U,I]. */
var tag_net_states(const tag_net *net, tape *t, var rows, const pack *words,
                   const int32_t *unique);
/* Scores of a head [N,V] and of its attributes [N,A] (0 when it has none). */
var tag_net_scores(const tag_net *net, tape *t, var states, int head);
var tag_net_attributes(const tag_net *net, tape *t, var states, int head);

#endif
