/* bench: what the parts of the tagger's bench share.
 *
 *     bench_text.c    tagged text as numbers, and the work that a network has with it
 *     bench_work.c    what is measured, each in a process of its own
 *     bench_report.c  the figures
 *     bench_tag.c     everything in turns, and the peer
 *
 * Work is counted in multiply-adds of the model's products; the cells' own arithmetic, softmax and
 * optimiser are left out, so that a share of the machine's peak is never flattered.
 */
#ifndef RILL_BENCH_H
#define RILL_BENCH_H

#include "base/bytes.h"
#include "data/batch.h"
#include "model/net_tag.h"
#include "task/tag.h"

#include <sys/types.h>

enum { THREADS = 2 }; /* most that are measured */
enum { TRAIN_TOKENS = 512 }; /* of a training step: as many rows as 256 tokens read twice have */
enum { WARM_STEPS = 2 }; /* that are not measured: they touch a training's memory for the first time */

/* The sentences of a file. */
typedef struct text {
    strmap forms;
    int32_t *letters; /* [forms.count] */
    int32_t *token;   /* [tokens] form */
    int32_t *length;  /* [sentences] */
    size_t *start;    /* [sentences] first token */
    size_t tokens, sentences;
    size_t letter_room, token_room, length_room, start_room;
} text;

/* Multiply-adds of a network. */
typedef struct macs {
    double word;   /* of a word: recurrent layers and heads */
    double first;  /* of these, the projection of the first layer's input */
    double letter; /* of one letter of a form */
    double form;   /* of a form besides its letters: the map of pretrained vectors */
} macs;

/* What a plan makes of a text. `forms` and `letters` are those of each batch's distinct forms;
 * `new_...` of those that a worker sees for the first time. */
typedef struct work {
    double words, forms, letters, new_forms, new_letters;
} work;

_Noreturn void bench_fail(const char *what, const char *why);

/* Writes sentences of about 16 words as CoNLL-U: words of six letters drawn by Zipf's law. */
void text_invent(const char *path, int words, uint64_t seed);
void text_read(text *t, const char *path);
/* The raw text of a tagged file, one sentence a line. */
void text_raw(const char *from, const char *to);
void text_free(text *t);

/* The batches of training that are measured, as the tagger makes them in its first epoch. */
void plan_training(const text *t, batch_plan *plan);
/* Portions of sentences as they come, as `apply` makes them. */
void plan_tagging(const text *t, batch_plan *plan);
/* Batch b goes to worker b mod workers; workers remember the forms that they have seen. */
work plan_work(const text *t, const batch_plan *plan, int workers);

macs macs_of(const tag_net_config *c);
/* Forward and two backward products of everything. */
double flops_training(const macs *m, const work *w);
/* What has to be done when equal forms are done once: their first projection in a batch, their
 * letters in a run. */
double flops_shared(const macs *m, const work *w);
/* A plain forward pass: letters once a form of a batch, everything else for every word. */
double flops_forward(const macs *m, const work *w);

/* The network and both plans as JSON, for the peer. */
void cases_write(const char *path, const tag_net_config *c, const text *train,
                 const batch_plan *training, const text *tag, const batch_plan *tagging);

/* ---- what is measured */

enum { PIECES = 4096, PATH = 512 }; /* most batches of a text; longest path */

/* Least seconds of each piece of a work so far, 0: never done. */
typedef struct series {
    double seconds[PIECES];
    int pieces;
    double memory; /* most bytes of a process */
} series;

enum { TRAIN, TAG, STREAM, PEER_TRAIN, PEER_TAG, KINDS };

/* Filled by the children, hence in shared memory. */
typedef struct results {
    series of[KINDS][THREADS + 1];
    series peak[KINDS][THREADS + 1]; /* seconds of 1e9 flops at the limit, beside each piece */
    double load, copy;               /* seconds to open the model, to read its file */
} results;

typedef struct bench {
    char folder[64];
    char model[PATH], tagged[PATH], raw[PATH], train[PATH], out[PATH], cases[PATH];
    bool own; /* invented text and its model: training is measured too */
    results *r;
    text train_text, tag_text;
    batch_plan training, tagging;
    macs macs;
    int threads;     /* of the child that runs */
    int ask, answer; /* pipes to and from the peer, -1: there is none */
    pid_t peer;
    char peer_name[128];
} bench;

void series_add(series *s, int piece, double seconds);
double series_total(const series *s);
/* flop/s at the limit of so many threads, as it was beside the pieces of this kind. */
double peak_beside(const results *r, int kind, int threads);

/* Jobs for run_child. */
void do_training(bench *b);
void do_tagging(bench *b);
void do_stream(bench *b);
void do_load(bench *b);
/* Runs one in a process of its own and notes its memory with the series, if there is one. */
void run_child(bench *b, int threads, void (*job)(bench *), series *s);
tag_model *open_tagger(const char *path);

void print_report(const bench *b, int rounds);

#endif
