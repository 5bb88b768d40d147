/* translate: the encoder-decoder at work on text: pairs of lines in training, lines in, lines out.
 *
 *     line -> units of the source side -> ids, end -> network and search -> ids -> text
 *
 *     translate_options  what can be set; one table of rows (translate_options.c)
 *     translate_lexicon  the units of both sides
 *     translate_data     pairs as text and as ids (translate_data.c)
 *     translate_batch    ids as the network reads them (translate_batch.c)
 *     translate_model    lexicon and network in a model file (translate_model.c)
 *     translate_session  ids in, answers out, for one model or several (translate_session.c)
 *     translate_worker   lines in, text out (translate_lines.h)
 *     the verbs          translate_train.c, translate_apply.c, translate_eval.c, translate_check.c
 */
#ifndef RILL_TASK_TRANSLATE_H
#define RILL_TASK_TRANSLATE_H

#include "model/net_translate.h"
#include "model/search.h"
#include "task/task.h"
#include "text/subword.h"

typedef struct translate_options {
    task_options common;
    train_options train;
    /* data */
    char *dev_target;
    char *units, *source_units, *target_units; /* bpe, char, word, byte */
    char *subwords, *target_subwords;          /* files of units learnt before */
    bool share;                                /* both sides have the same units */
    int64_t vocab_size, min_count, max_pieces;
    char *normalize;
    bool lower;
    double bpe_dropout, word_dropout;
    /* network */
    char *cell, *attention, *tie;
    int64_t embed, encoder_hidden, decoder_hidden, encoder_layers, decoder_layers, heads;
    bool norm, residual;
    double dropout, recurrent_dropout, smoothing, r_drop, coverage_loss;
    /* training */
    char *metric, *init;
    double risk;
    int64_t risk_samples;
    /* decoding */
    int64_t beam, nbest, mbr, no_repeat, min_length, max_length, top_k;
    double length_power, coverage, temperature, top_p;
    bool sample, pretokenized, replace_unk, align, word_scores, score;
    char *dictionary, *prefix, *picture;
    /* eval */
    char *tokenize, *compare;
    bool ignore_case;
    int64_t samples, max_record;
} translate_options;

extern const option_table translate_option_table;

/* Decides what was left to the size of the training data, in units of the longer sides. */
void translate_options_size(translate_options *o, size_t units);
bool translate_draws(const translate_options *o); /* option picture */

/* ---- units */

typedef struct translate_lexicon {
    subword *source, *target; /* the same where the units are shared */
} translate_lexicon;

void translate_lexicon_free(translate_lexicon *l);

/* ---- pairs */

enum { SOURCE, TARGET, SIDES };

typedef struct translate_data {
    size_t pairs;
    buffer text[SIDES];    /* lines one after the other */
    size_t *start[SIDES];  /* [pairs+1] of text */
    size_t start_room[SIDES];
    int32_t *id[SIDES];    /* units one after the other, no begin or end among them */
    size_t id_room[SIDES];
    size_t *at[SIDES];     /* [pairs+1] of id */
    size_t empty;          /* pairs with an empty side; where all are read, with two */
    size_t skipped;        /* pairs longer than max_pieces */
} translate_data;

/* Reads pairs: two files of lines, or one of source TAB target. Pairs with an empty side are left
 * out and counted, unless `all` are wanted. */
MUST_USE int translate_data_read(translate_data *d, const char *const *files, size_t count,
                                 bool all, size_t max_line, rill_error *error);
bytes translate_data_line(const translate_data *d, int side, size_t pair);
void translate_data_free(translate_data *d);

/* Learns the units of the data, or opens the files that the options name. */
MUST_USE int translate_lexicon_learn(translate_lexicon *l, const translate_options *o,
                                     const translate_data *d, const rill_hooks *hooks,
                                     rill_error *error);
/* Ids of all pairs. rate > 0: BPE dropout as of `epoch`. */
MUST_USE int translate_data_encode(translate_data *d, const translate_lexicon *l, double rate,
                                   uint64_t seed, uint64_t epoch, rill_error *error);

/* ---- the model file */

typedef struct translate_model {
    bundle *bundle;
    translate_options options;
    translate_lexicon lexicon;
    translate_net net;
    bytes summary;
} translate_model;

void translate_model_shape(const translate_options *o, const translate_lexicon *l,
                           translate_net_config *config);
MUST_USE int translate_model_save(const translate_options *o, const translate_lexicon *l,
                                  const translate_net *net, const real *weights, bytes summary,
                                  const char *path, rill_error *error);
MUST_USE int translate_model_load(void *model, bundle *b, rill_error *error);
void translate_model_unload(void *model);

/* ---- at work */

typedef struct translate_source {
    const int32_t *id; /* [count], no end */
    int32_t count;     /* 0: there is nothing to translate, and no answer */
    const int32_t *prefix;
    int32_t prefix_length;
    uint64_t name; /* of the line or its reading, for sampling and dropout */
} translate_source;

typedef struct translate_pair {
    translate_source source;
    const int32_t *target; /* [length], no end */
    int32_t length;
    double logp, score; /* out */
} translate_pair;

/* What the network reads of them, ends and begins in place, in memory of `a`; the first fills the
 * source side alone. RILL_ENOMEM, RILL_ELIMIT. */
MUST_USE int translate_sources_make(arena *a, const translate_source *source, size_t count,
                                    translate_batch *out);
MUST_USE int translate_batch_make(arena *a, const translate_pair *pair, size_t count,
                                  translate_batch *out);

typedef struct translate_session translate_session;
MUST_USE int translate_session_new(translate_model *const *models, size_t count,
                                   const translate_options *o, translate_session **out,
                                   rill_error *error);
/* Over weights that are still in training; `params` are packed weights (see params_pack). */
MUST_USE int translate_session_train(const translate_net *net, const translate_options *o,
                                     translate_session **out, rill_error *error);
void translate_session_free(translate_session *s);
/* Answers live until the next call. What stands together makes no difference. */
MUST_USE int translate_session_run(translate_session *s, const translate_source *source,
                                   size_t count, search_result *results, rill_error *error);
/* Fills logp and score of pairs: the log probability of the target, its end included, and the score as
 * decoding would have printed it. */
MUST_USE int translate_session_score(translate_session *s, translate_pair *pair, size_t count,
                                     rill_error *error);

/* ---- verbs (task_translate holds them) */

MUST_USE int translate_train(const void *options, const char *const *files, size_t count,
                             const rill_hooks *hooks, rill_error *error);
MUST_USE int translate_eval(void *const *models, size_t model_count, const void *options,
                            const char *const *files, size_t count, const rill_hooks *hooks,
                            buffer *report, rill_error *error);
MUST_USE int translate_check(const void *options, const char *const *files, size_t count,
                             buffer *report, size_t *faults, rill_error *error);
/* The same before a training: warnings are told, the first error is a failure. */
MUST_USE int translate_warn(const translate_options *o, const char *const *files, size_t count,
                            const rill_hooks *hooks, rill_error *error);
MUST_USE int translate_compare(const void *options, const char *const *files, size_t count,
                               buffer *report, rill_error *error);
extern const task_flow translate_flow;

#endif
