/* tag: one label or more for every word (parts of speech, features, entities).
 *
 *     tag_options.c  the option table            tag_lexicon.c  words and labels as numbers
 *     tag_model.c    the model in a bundle       tag_session.c  words in, labels out
 *     tag_data.c     training files              tag_apply.c    text in, text out
 *     tag_train.c    training
 *     tag_eval.c     scores                      tag_check.c    the data doctor's questions
 */
#ifndef RILL_TASK_TAG_H
#define RILL_TASK_TAG_H

#include "data/corpus.h"
#include "data/output.h"
#include "data/scheme.h"
#include "model/net_tag.h"
#include "model/train.h"
#include "task/task.h"
#include "text/token.h"
#include "text/vocab.h"

/* ---- options */

typedef struct tag_options {
    task_options common;
    train_options train;
    /* data */
    char *columns;   /* predicted columns, "upos,xpos,feats"; NULL: by format */
    char *layout;    /* names of the columns of a column file */
    char *feats;     /* whole | split | both */
    char *crf;       /* auto | yes | no */
    char *normalize; /* nfc | nfkc | none */
    char *rules;     /* own tokenizer rules */
    char *vectors;   /* pretrained vectors */
    int64_t vectors_limit, min_count;
    /* network */
    char *size, *cell, *chars;
    int64_t hidden, layers, form_dim, char_dim, char_hidden, affix_dim; /* 0: by size */
    bool norm, residual;
    double dropout; /* -1: by size */
    double recurrent_dropout, word_dropout, case_noise, smoothing, r_drop;
    /* apply and eval */
    bool probs, ranges, wrapped, raw, complete;
    int64_t nbest, max_record, samples;
} tag_options;

extern const option_table tag_option_table;
/* Fills in what the size decides (hidden, form_dim, dropout, ...). */
void tag_options_size(tag_options *o);
/* Passes and batch that are 0, by the size of the training data. */
void tag_options_data(tag_options *o, size_t tokens);

/* ---- words and labels as numbers */

typedef enum tag_kind {
    TAG_PLAIN,   /* one label of a list */
    TAG_ENTITY,  /* one label of an entity scheme, decoded by a CRF that obeys it */
    TAG_FEATURES /* "A=x|B=y": a list of whole strings, and one softmax per attribute */
} tag_kind;

/* A value of an attribute, as the column within the attribute's group. */
typedef struct tag_pair {
    int32_t attribute, value;
} tag_pair;

typedef struct tag_column {
    char *name; /* lower case: "upos" */
    tag_kind kind;
    scheme scheme;
    strmap labels; /* TAG_FEATURES with split: label 0 is "<rare>", any string not in the list */
    uint8_t *allowed; /* [(K+2)^2], see crf_spec; NULL: everything, or no CRF */
    /* TAG_FEATURES: attribute a has values value[group[a]] .. ; the first of each is "" (absent) */
    strmap attributes;  /* "Number", ... as UD sorts them */
    strmap values;      /* "Number=" (absent), "Number=Plur", ... */
    int32_t *group;     /* [attributes+1] */
    /* What label k says: pair[first_pair[k]] .. pair[first_pair[k+1]-1]; all else is absent. A
     * table of labels and attributes could be far larger than the file that names them. */
    tag_pair *pair;
    size_t *first_pair; /* [labels+1] */
    int32_t *frequent;    /* [forms] most frequent label of each form in training; 0: of all */
} tag_column;

typedef struct tag_lexicon {
    tokenizer *tokenizer;
    unicode_form form;
    vocab forms, letters, affixes; /* each with the special <unk> */
    strmap vector_words; /* rows of the pretrained table */
    int vector_dim;
    tag_column column[TAG_HEADS];
    int columns;
} tag_lexicon;

void tag_lexicon_free(tag_lexicon *l);
/* Label id, -1 when unknown (for split features: 0, <rare>). */
int32_t tag_label_id(const tag_column *c, bytes label);
/* Attribute columns of a label string, known or not: value[a] within group a, -1: value unknown. */
void tag_label_values(const tag_column *c, bytes label, int32_t *value);
/* Fills pair and first_pair from labels and attributes; RILL_EMODEL when a label has a value that
 * its attribute lacks. */
MUST_USE int tag_column_pairs(tag_column *c);
/* Fills allowed for an entity column. */
MUST_USE int tag_column_allow(tag_column *c);
/* Affix i of a lower-cased word as a key ("p2:un", "s3:ing"); the last one is the shape ("x:Xx"). */
void tag_affix_key(int i, bytes lower, bytes form, buffer *key);

/* Distinct forms and what the network wants to know of them. Zeroed is empty. */
typedef struct tag_forms {
    strmap map;
    size_t room, letter_room;
    int32_t *id;           /* [count] vocabulary id */
    int32_t *vector;       /* [count] row of the pretrained table or -1 */
    int32_t *affix;        /* [count][TAG_AFFIXES] */
    int64_t *letter_start; /* [count + 1] */
    int32_t *letter;
    buffer scratch[3];
    unicode_map map_scratch;
} tag_forms;

MUST_USE int tag_forms_add(tag_forms *f, const tag_lexicon *l, bytes form, int32_t *index);
void tag_forms_clear(tag_forms *f); /* keeps the memory */
void tag_forms_free(tag_forms *f);
/* The part of a batch that describes forms index[0..count): forms, letter, affix, vector, form. */
MUST_USE int tag_forms_batch(const tag_forms *f, const int32_t *index, int32_t count,
                             uint64_t name, arena *a, tag_batch *out);

/* Reads training data once and builds the lexicon from it. */
typedef struct tag_data {
    tag_forms forms;
    int32_t *token; /* [N] form index */
    int32_t *label[TAG_HEADS]; /* [N] label id; -1 none */
    int32_t *attribute[TAG_HEADS]; /* [N][attributes], NULL without attributes */
    size_t tokens, token_room, label_room[TAG_HEADS];
    int64_t *start; /* [sentences + 1] */
    size_t sentences, start_room;
    int64_t *count; /* [words] how often each distinct form stands in the data */
    int32_t words;  /* distinct forms of the data, the first of `forms` */
    int32_t *small, *capital; /* [words] the form in small letters, in capitals; NULL without need */
} tag_data;

MUST_USE int tag_data_read(tag_data *d, tag_lexicon *l, const tag_options *o,
                           const char *const *files, size_t count, const rill_hooks *hooks,
                           rill_error *error);
void tag_data_free(tag_data *d);

/* ---- model */

typedef struct tag_model {
    bundle *bundle;
    tag_options options; /* as stored */
    tag_lexicon lexicon;
    tag_net net;
    bytes summary; /* what training said, JSON; view into the bundle */
} tag_model;

/* Network sizes from options and lexicon. */
void tag_model_shape(const tag_options *o, const tag_lexicon *l, tag_net_config *config);
/* The steps that the CRFs of entity columns allow: a table over pairs of labels, as large as a
 * quarter of the CRF's weights, so for a model file these must have been found there before. */
MUST_USE int tag_model_allow(tag_lexicon *l, tag_net *net);
MUST_USE int tag_model_save(const tag_options *o, const tag_lexicon *l, const tag_net *net,
                            const real *weights, bytes summary, const char *path,
                            rill_error *error);
MUST_USE int tag_model_load(void *model, bundle *b, rill_error *error);
void tag_model_unload(void *model);

/* ---- session: words in, labels out. Belongs to one thread (its pool, if any, helps inside ops). */

typedef struct tag_session tag_session;

typedef struct tag_sentence {
    const bytes *form; /* [count] */
    int32_t count;
    /* Answers, owned by the session until its next run: */
    const bytes *label[TAG_HEADS];       /* [count] */
    const float *probability[TAG_HEADS]; /* [count] of the label given, when asked for */
    /* nbest > 0 and the first column is decoded by a CRF: best label sequences, best first */
    int paths;
    const bytes *path;               /* [paths][count] */
    const double *path_probability;  /* [paths] */
} tag_sentence;

/* Models of an ensemble must agree in columns and labels (RILL_EUSAGE otherwise). */
MUST_USE int tag_session_new(tag_model *const *models, size_t count, const tag_options *o,
                             pool *pool, tag_session **out, rill_error *error);
/* The same over weights that are still in training. */
MUST_USE int tag_session_train(const tag_lexicon *l, const tag_net *net, const real *weights,
                               pool *pool, tag_session **out, rill_error *error);
/* Tags sentences together; the answers do not depend on which stand together. */
MUST_USE int tag_session_run(tag_session *s, tag_sentence *sentence, size_t count,
                             rill_error *error);
void tag_session_free(tag_session *s);
const tag_lexicon *tag_session_lexicon(const tag_session *s);

/* ---- verbs (task_tag holds them) */

MUST_USE int tag_train(const void *options, const char *const *files, size_t count,
                       const rill_hooks *hooks, rill_error *error);

/* What eval finds; the training loop shows the same numbers. Main score: mean of the columns' scores,
 * entity columns by F1, others by accuracy. */
MUST_USE int tag_validate(tag_session *s, const tag_options *o, const char *path,
                          train_scores *out, rill_error *error);
MUST_USE int tag_eval(void *const *models, size_t model_count, const void *options,
                      const char *const *files, size_t count, const rill_hooks *hooks,
                      buffer *report, rill_error *error);
MUST_USE int tag_check(const void *options, const char *const *files, size_t count, buffer *report,
                       size_t *faults, rill_error *error);
/* The same look before a training: warnings are told, the first error is a failure. */
MUST_USE int tag_warn(const tag_options *o, const char *const *files, size_t count,
                      const rill_hooks *hooks, rill_error *error);

/* Corpus options of the data options. */
MUST_USE int tag_corpus_options(const tag_options *o, corpus_options *out, rill_error *error);

#endif
