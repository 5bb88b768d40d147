/* classify: one label for a text, or several.
 *
 *     classify_options.c  the option table          classify_lexicon.c  units and labels as numbers
 *     classify_units.c    a text cut into units     classify_bayes.c    naive Bayes over n-grams
 *     classify_data.c     training files            classify_model.c    the model in a bundle
 *     classify_train.c    training                  classify_session.c  texts in, probabilities out
 *     classify_apply.c    text in, labels out       classify_eval.c     scores
 */
#ifndef RILL_TASK_CLASSIFY_H
#define RILL_TASK_CLASSIFY_H

#include "data/labelled.h"
#include "model/net_classify.h"
#include "model/train.h"
#include "task/task.h"
#include "text/subword.h"
#include "text/token.h"
#include "text/vocab.h"

/* ---- options */

typedef struct classify_options {
    task_options common;
    train_options train;
    /* data */
    char *text_col, *label_col;
    char *labels; /* auto | single | multi */
    char *units;  /* word | subword | char */
    char *normalize, *rules, *vectors, *weights, *pretrain, *subwords;
    bool lower;
    int64_t vectors_limit, min_count, max_length, chunk, pretrain_epochs;
    /* network */
    char *cell, *pool;
    int64_t hidden, layers, form_dim, affix_dim, ngrams, stems, letters, ngrams_limit;
    int64_t conv_width, conv_stride, conv_filters;
    bool norm, residual;
    double dropout, dropout_in, recurrent_dropout, word_dropout, smoothing, noise, r_drop;
    /* apply and eval */
    int64_t k, max_record, samples;
    bool probs, explain;
    double threshold;
    char *compare, *matrix, *autotune;
} classify_options;

extern const option_table classify_option_table;
/* Fills in what the size of the data decides: epochs and units per batch. */
void classify_options_size(classify_options *o, size_t units);
labelled_options classify_labelled(const classify_options *o, bool unlabelled);

/* ---- texts as units */

typedef struct classify_unit {
    bytes form;        /* normalised, lower-cased when the model wants it */
    size_t begin, end; /* bytes of the raw text (word units: of the token) */
} classify_unit;

/* What cuts texts; belongs to one thread. */
typedef struct classify_cutter {
    const struct classify_lexicon *lexicon;
    token_session *tokens;
    token_text text;
    subword_session *subwords; /* units subword only */
    subword_list pieces;
    buffer lower;
    classify_unit *unit; /* [units] of the last text */
    size_t units, room;
} classify_cutter;

MUST_USE int classify_cutter_new(classify_cutter *c, const struct classify_lexicon *l,
                                 rill_error *error);
/* Fills c->unit; forms live until the next text. */
MUST_USE int classify_cut(classify_cutter *c, bytes raw, rill_error *error);
void classify_cutter_free(classify_cutter *c);

/* ---- units and labels as numbers */

typedef struct classify_lexicon {
    tokenizer *tokenizer;
    subword *subwords; /* units subword, else NULL */
    unicode_form form;
    bool chars, lower; /* units are characters; forms are lower-cased */
    vocab forms, affixes; /* each with the special <unk> */
    strmap vector_words;
    int vector_dim;
    strmap labels;
    bool multi;
    /* naive Bayes: see classify_bayes.c */
    strmap grams;
    bool *single;   /* [grams] a unit, not a sequence of them */
    real *gram;     /* [grams, K] */
    real *prior;    /* [2, K] */
    int order;   /* longest n-gram */
    int stems;   /* letters of a stem, 0: no stems */
    int letters; /* longest n-gram of letters, 0: none */
} classify_lexicon;

void classify_lexicon_free(classify_lexicon *l);

/* Distinct units and what the network wants to know of them. Zeroed is empty. */
typedef struct classify_forms {
    strmap map;
    size_t room;
    int32_t *id;     /* [count] vocabulary id */
    int32_t *vector; /* [count] or -1 */
    int32_t *affix;  /* [count][CLASSIFY_AFFIXES] */
    buffer scratch;
} classify_forms;

/* Key of affix i of a form: its first or last four letters. */
void classify_affix_key(int i, bytes form, buffer *key);
MUST_USE int classify_forms_add(classify_forms *f, const classify_lexicon *l, bytes form,
                                int32_t *index);
void classify_forms_clear(classify_forms *f); /* keeps the memory */
void classify_forms_free(classify_forms *f);

/* ---- naive Bayes */

/* Distinct n-grams of a text, of its stems (the first letters of every unit) and of its letters, as
 * ids of `map`: those that are there, or (grow) all. */
typedef struct classify_grams {
    int32_t *id; /* [count], ascending */
    size_t count, room;
    buffer key, text;
} classify_grams;

MUST_USE int classify_grams_find(classify_grams *g, const classify_lexicon *l, strmap *map,
                                 bool grow, const classify_unit *unit, size_t units);
void classify_grams_free(classify_grams *g);
/* Scores [K] for the network, and of the baseline (units alone); either may be NULL. */
void classify_bayes(const classify_lexicon *l, const classify_grams *g, real *score,
                    real *baseline);

/* ---- training data */

typedef struct classify_data {
    classify_forms forms;
    size_t texts, more; /* labelled ones, and those to pretrain on behind them */
    size_t units, unit_room;
    int64_t *start;  /* [texts + more + 1] */
    size_t start_room;
    int32_t *unit;   /* [units] form index */
    int32_t *label;  /* [texts], multi [texts, K] */
    real *bayes;     /* [texts, K] with each text's own counts left out */
    int64_t cut;     /* texts cut by max_length */
    int64_t *labels; /* [K] texts with each label */
} classify_data;

MUST_USE int classify_data_read(classify_data *d, classify_lexicon *l, const classify_options *o,
                                const char *const *files, size_t count, const rill_hooks *hooks,
                                rill_error *error);
void classify_data_free(classify_data *d);

/* ---- model */

typedef struct classify_decision classify_decision;

typedef struct classify_model {
    bundle *bundle;
    classify_options options; /* as stored */
    classify_lexicon lexicon;
    classify_net net;
    struct classify_decision {
        double bayes;       /* what naive Bayes' scores are added to the logits with */
        double temperature; /* the sum is divided by it */
        float *threshold;   /* [K] multi: probability from which a label is given */
    } decision;
    bytes summary;
} classify_model;

void classify_model_shape(const classify_options *o, const classify_lexicon *l,
                          classify_net_config *config);
MUST_USE int classify_model_save(const classify_options *o, const classify_lexicon *l,
                                 const classify_net *net, const real *weights,
                                 const classify_decision *decision, bytes summary,
                                 const char *path, rill_error *error);
MUST_USE int classify_model_load(void *model, bundle *b, rill_error *error);
void classify_model_unload(void *model);

/* ---- session: texts in, probabilities out. Belongs to one thread. */

typedef struct classify_session classify_session;

/* Models of an ensemble must have the same labels (RILL_EUSAGE otherwise). */
MUST_USE int classify_session_new(classify_model *const *models, size_t count,
                                  const classify_options *o, pool *pool, classify_session **out,
                                  rill_error *error);
/* The same over weights that are still in training. */
MUST_USE int classify_session_train(const classify_options *o, const classify_lexicon *l,
                                    const classify_net *net, const real *weights, pool *pool,
                                    classify_session **out, rill_error *error);
/* Probabilities [count, K] of texts, which do not depend on which stand together; or (one model) the
 * network's logits. */
MUST_USE int classify_session_run(classify_session *s, const bytes *text, size_t count,
                                  float *probability, bool logits, rill_error *error);
/* Naive Bayes by the first model: scores [count, K] that the logits are added to, and what the
 * baseline answers: a label each, or (multi) 0 and 1 [count, K]. Either may be NULL. */
MUST_USE int classify_session_bayes(classify_session *s, const bytes *text, size_t count,
                                    float *score, int32_t *baseline, rill_error *error);
/* One text's probabilities from its logits and scores (NULL: none). */
void classify_probabilities(const kernels *k, bool multi, int K, const classify_decision *d,
                            const real *logits, const real *score, real *out);
void classify_session_free(classify_session *s);
const classify_lexicon *classify_session_lexicon(const classify_session *s);
const float *classify_session_threshold(const classify_session *s); /* [K] */
/* The units of a text as ranges of it; they live until the next call. */
MUST_USE int classify_session_units(classify_session *s, bytes text, const classify_unit **unit,
                                    size_t *count, rill_error *error);

/* ---- scores: gold labels of files beside what a session says (classify_score.c) */

typedef struct classify_scores {
    const rill_hooks *hooks; /* told how far it is, asked whether to go on; or NULL */
    int K;
    bool multi, wants_baseline;
    strmap labels;      /* the model's, then those that only gold has */
    size_t texts, gold_room, value_room, score_room, baseline_room;
    int32_t *gold;      /* [texts], multi [texts,K] */
    float *value;       /* [texts,K] logits or probabilities */
    float *score;       /* [texts,K] of naive Bayes, with logits only */
    int32_t *baseline;  /* as gold */
    int64_t unknown;    /* multi: gold labels that the model does not know */
} classify_scores;

/* Runs a file through the session and adds what comes out. */
MUST_USE int classify_scores_add(classify_scores *c, classify_session *s, const classify_options *o,
                                 const char *path, bool logits, rill_error *error);
void classify_scores_free(classify_scores *c);

/* Decides on held-out logits: the temperature and the weight of naive Bayes with the least cross
 * entropy, and (multi) for every label the threshold with the best F1. Values become probabilities.
 * d->bayes is what to start from, 0: none; d->threshold must have room for K. */
MUST_USE int classify_decide(classify_scores *c, classify_decision *d);
/* The weight that makes scores of training texts, each without itself, most probable. */
double classify_bayes_weight(const classify_data *d, int K, bool multi);
/* Label given to text i (single): the most probable one. */
int32_t classify_best(const classify_scores *c, size_t i);

/* ---- verbs (task_classify holds them) */

MUST_USE int classify_train(const void *options, const char *const *files, size_t count,
                            const rill_hooks *hooks, rill_error *error);
MUST_USE int classify_eval(void *const *models, size_t model_count, const void *options,
                           const char *const *files, size_t count, const rill_hooks *hooks,
                           buffer *report, rill_error *error);
MUST_USE int classify_check(const void *options, const char *const *files, size_t count,
                            buffer *report, size_t *faults, rill_error *error);
/* The same look before a training: warnings are told, the first error is a failure. */
MUST_USE int classify_warn(const classify_options *o, const char *const *files, size_t count,
                           const rill_hooks *hooks, rill_error *error);
extern const task_flow classify_flow;

#endif
