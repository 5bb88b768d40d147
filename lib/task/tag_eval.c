/* tag_eval: what a tagger gets right. The training loop's dev scores and the eval verb share this code.
 *
 *     files -> records -> batches of sentences -> session -> labels beside the gold ones -> counts
 */
#include "model/metric.h"
#include "task/tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVAL_TOKENS = 2048 };

/* Sentences waiting to be tagged together. */
typedef struct bunch {
    record *rec; /* [room] */
    size_t count, room;
    size_t words;
    tag_sentence *sentence;
    size_t sentence_room;
    arena memory;
} bunch;

/* Called for each tagged record. */
typedef int bunch_take(void *data, const record *r, const tag_sentence *s, rill_error *error);

static void bunch_free(bunch *b) {
    for (size_t i = 0; i < b->room; i++) record_free(&b->rec[i]);
    free(b->rec);
    free(b->sentence);
    arena_free(&b->memory);
}

/* The next free record of the bunch. */
static record *bunch_slot(bunch *b) {
    if (b->count == b->room) {
        size_t before = b->room;
        if (mem_grow(&b->rec, &b->room, b->count + 1, sizeof *b->rec) < 0) return NULL;
        memset(b->rec + before, 0, (b->room - before) * sizeof *b->rec);
    }
    return &b->rec[b->count];
}

static int bunch_run(bunch *b, tag_session *s, bunch_take *take, void *data, rill_error *error) {
    arena_reset(&b->memory);
    if (mem_grow(&b->sentence, &b->sentence_room, b->count, sizeof *b->sentence) < 0) {
        return status_nomem(error);
    }
    for (size_t i = 0; i < b->count; i++) {
        bytes *form = arena_alloc(&b->memory, b->rec[i].words, sizeof *form);
        if (!form) return status_nomem(error);
        for (size_t w = 0; w < b->rec[i].words; w++) form[w] = record_form(&b->rec[i], w);
        b->sentence[i] = (tag_sentence){.form = form, .count = (int32_t)b->rec[i].words};
    }
    TRY(tag_session_run(s, b->sentence, b->count, error));
    for (size_t i = 0; i < b->count; i++) TRY(take(data, &b->rec[i], &b->sentence[i], error));
    b->count = b->words = 0;
    return 0;
}

/* Tags a corpus that is open already and hands every record on, in order. */
static int tag_corpus(tag_session *s, corpus *c, size_t budget, bunch_take *take, void *data,
                      rill_error *error) {
    bunch b = {0};
    int status = 0, more = 1;
    while (status == 0 && more > 0) {
        record *r = bunch_slot(&b);
        if (!r) {
            status = status_nomem(error);
            break;
        }
        more = corpus_next(c, r, error);
        if (more < 0) status = more;
        if (more > 0 && r->words > 0) {
            b.count++;
            b.words += r->words;
        }
        bool full = b.words >= budget || more == 0;
        if (status == 0 && full && b.count > 0) status = bunch_run(&b, s, take, data, error);
    }
    bunch_free(&b);
    return status;
}

/* ---- scores of a training epoch */

typedef struct validation {
    const tag_lexicon *l;
    size_t column[TAG_HEADS];
    metric_ratio right[TAG_HEADS];
    metric_entities entities[TAG_HEADS];
} validation;

static int validate_record(void *data, const record *r, const tag_sentence *s, rill_error *error) {
    validation *v = data;
    bytes *gold = mem_new(r->words, sizeof *gold);
    if (!gold) return status_nomem(error);
    int status = 0;
    for (int i = 0; status == 0 && i < v->l->columns; i++) {
        for (size_t w = 0; w < r->words; w++) {
            gold[w] = record_cell(r, w, v->column[i]);
            v->right[i].part += bytes_equal(gold[w], s->label[i][w]);
        }
        v->right[i].whole += (int64_t)r->words;
        if (v->l->column[i].kind != TAG_ENTITY) continue;
        status = metric_entities_add(&v->entities[i], gold, s->label[i], r->words, NULL);
        if (status < 0) status_nomem(error);
    }
    free(gold);
    return status;
}

/* The corpus's index of every predicted column. */
static int find_columns(const tag_lexicon *l, const corpus *c, size_t *column, rill_error *error) {
    for (int i = 0; i < l->columns; i++) {
        TRY(corpus_column(c, bytes_of(l->column[i].name), &column[i], error));
    }
    return 0;
}

static void add_score(train_scores *out, const char *name, double value) {
    if (out->count == TRAIN_SCORES) return;
    snprintf(out->item[out->count].name, sizeof out->item->name, "%.31s", name);
    out->item[out->count++].value = value;
}

static void sum_up(validation *v, train_scores *out) {
    for (int i = 0; i < v->l->columns; i++) {
        const tag_column *c = &v->l->column[i];
        double accuracy = metric_value(v->right[i]), score = accuracy;
        if (c->kind == TAG_ENTITY) {
            char name[32];
            snprintf(name, sizeof name, "%.24s f1", c->name);
            score = metric_f1(v->entities[i].all);
            add_score(out, name, score);
        }
        add_score(out, c->name, accuracy);
        out->main += score / v->l->columns;
    }
}

int tag_validate(tag_session *s, const tag_options *o, const char *path, train_scores *out,
                 rill_error *error) {
    validation v = {.l = tag_session_lexicon(s)};
    corpus_options options;
    corpus *c = NULL;
    *out = (train_scores){0};
    TRY(tag_corpus_options(o, &options, error));
    TRY(corpus_open(path, &options, &c, error));
    int status = find_columns(v.l, c, v.column, error);
    if (status == 0) status = tag_corpus(s, c, EVAL_TOKENS, validate_record, &v, error);
    if (status == 0) sum_up(&v, out);
    for (int i = 0; i < v.l->columns; i++) metric_entities_free(&v.entities[i]);
    corpus_close(c);
    return status;
}
