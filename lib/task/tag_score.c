/* tag_score: see tag_score.h. */
#include "task/tag_score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVAL_TOKENS = 2048 };

/* ---- records in bunches */

/* Sentences waiting to be tagged together. */
typedef struct bunch {
    record *rec; /* [room] */
    size_t count, room, words;
    tag_sentence *sentence;
    size_t sentence_room;
    arena memory;
} bunch;

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

/* ---- collecting */

/* Grows the arrays for `words` more words and one more sentence. */
static int grow(tag_scores *t, size_t words) {
    size_t need = t->words + words;
    TRY(mem_grow(&t->known, &t->known_room, need, sizeof *t->known));
    TRY(mem_grow(&t->start, &t->start_room, t->sentences + 2, sizeof *t->start));
    for (int i = 0; i < t->columns; i++) {
        tag_scored *c = &t->column[i];
        TRY(mem_grow(&c->gold, &c->gold_room, need, sizeof *c->gold));
        TRY(mem_grow(&c->given, &c->given_room, need, sizeof *c->given));
        TRY(mem_grow(&c->baseline, &c->baseline_room, need, sizeof *c->baseline));
        TRY(mem_grow(&c->entity_part, &c->entity_room, t->sentences + 1, sizeof *c->entity_part));
    }
    return 0;
}

/* What the most frequent label of each form in training would have been. */
static int baseline_labels(tag_scores *t, const tag_scored *c, const record *r, bytes *label) {
    for (size_t w = 0; w < r->words; w++) {
        int32_t form;
        TRY(tag_forms_add(&t->forms, t->lexicon, record_form(r, w), &form));
        t->known[t->words + w] = t->forms.id[form] != 0;
        label[w] = strmap_get(&c->column->labels, c->column->frequent[t->forms.id[form]]);
    }
    if (c->column->kind != TAG_ENTITY || c->column->scheme == SCHEME_BIOES) return 0;
    buffer text = {0};
    int status = scheme_convert(c->column->scheme, label, r->words, &text);
    for (size_t w = 0; status == 0 && w < r->words; w++) {
        char *copy = arena_alloc(&t->memory, label[w].size, 1);
        if (!copy) status = RILL_ENOMEM;
        else label[w].data = memcpy(copy, label[w].data, label[w].size);
    }
    buffer_free(&text);
    return status;
}

static int add_column(tag_scores *t, int i, const record *r, const bytes *given) {
    tag_scored *c = &t->column[i];
    bytes *gold = arena_alloc(&t->memory, r->words, sizeof *gold);
    bytes *baseline = arena_alloc(&t->memory, r->words, sizeof *baseline);
    if (!gold || !baseline) return RILL_ENOMEM;
    TRY(baseline_labels(t, c, r, baseline));
    for (size_t w = 0; w < r->words; w++) {
        size_t at = t->words + w;
        gold[w] = record_cell(r, w, t->place[i]);
        TRY(strmap_add(&c->labels, gold[w], &c->gold[at]));
        TRY(strmap_add(&c->labels, given[w], &c->given[at]));
        TRY(strmap_add(&c->labels, baseline[w], &c->baseline[at]));
    }
    if (c->column->kind != TAG_ENTITY) return 0;
    TRY(metric_entities_add(&c->baseline_entities, gold, baseline, r->words, NULL));
    return metric_entities_add(&c->entities, gold, given, r->words, &c->entity_part[t->sentences]);
}

static int take_record(tag_scores *t, const record *r, const tag_sentence *s, rill_error *error) {
    arena_reset(&t->memory);
    if (t->words + r->words > INT32_MAX) {
        return status_fail(error, RILL_ELIMIT, "more than %d words to score", INT32_MAX);
    }
    int status = grow(t, r->words);
    for (int i = 0; status == 0 && i < t->columns; i++) {
        status = add_column(t, i, r, s->label[i]);
    }
    if (status < 0) return status_nomem(error);
    t->start[t->sentences] = (int32_t)t->words;
    t->words += r->words;
    t->start[++t->sentences] = (int32_t)t->words;
    return 0;
}

static int bunch_run(tag_scores *t, bunch *b, tag_session *s, rill_error *error) {
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
    for (size_t i = 0; i < b->count; i++) TRY(take_record(t, &b->rec[i], &b->sentence[i], error));
    b->count = b->words = 0;
    train_tell(t->hooks, RILL_EVENT_PROGRESS, NULL, "%zu sentences", t->sentences);
    return train_go_on(t->hooks, error);
}

/* Records without words are passed over. */
static int each_record(tag_scores *t, tag_session *s, corpus *c, rill_error *error) {
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
        bool full = b.words >= EVAL_TOKENS || more == 0;
        if (status == 0 && full && b.count > 0) status = bunch_run(t, &b, s, error);
    }
    bunch_free(&b);
    return status;
}

int tag_scores_add(tag_scores *t, tag_session *s, const tag_options *o, const char *usual,
                   const char *path, rill_error *error) {
    corpus_options options;
    corpus *c = NULL;
    t->lexicon = tag_session_lexicon(s);
    t->columns = t->lexicon->columns;
    TRY(tag_corpus_options(o, &options, error));
    options.usual = usual;
    TRY(corpus_open(path, &options, &c, error));
    int status = 0;
    if (corpus_format_of(c) == CORPUS_TEXT) {
        status = status_set(error, RILL_EDATA, path, 0, 0, "found raw text or an empty file, expected tagged sentences");
    }
    for (int i = 0; status == 0 && corpus_columns(c) > 0 && i < t->columns; i++) {
        t->column[i].column = &t->lexicon->column[i];
        status = corpus_column(c, bytes_of(t->lexicon->column[i].name), &t->place[i], error);
    }
    if (status == 0) status = each_record(t, s, c, error);
    corpus_close(c);
    return status;
}

metric_ratio tag_scores_right(const tag_scored *c, const int32_t *labels, size_t words) {
    metric_ratio r = {0, (int64_t)words};
    for (size_t i = 0; i < words; i++) r.part += c->gold[i] == labels[i];
    return r;
}

void tag_scores_free(tag_scores *t) {
    for (int i = 0; i < t->columns; i++) {
        tag_scored *c = &t->column[i];
        strmap_free(&c->labels);
        free(c->gold);
        free(c->given);
        free(c->baseline);
        free(c->entity_part);
        metric_entities_free(&c->entities);
        metric_entities_free(&c->baseline_entities);
    }
    free(t->known);
    free(t->start);
    tag_forms_free(&t->forms);
    arena_free(&t->memory);
    *t = (tag_scores){0};
}

/* ---- scores of a training epoch */

static void add_score(train_scores *out, const char *name, const char *tail, double value) {
    if (out->count == TRAIN_SCORES) return;
    bytes shown = utf8_prefix(bytes_of(name), 28); /* whole characters, of at most 4 bytes */
    snprintf(out->item[out->count].name, sizeof out->item->name, "%.*s%s", (int)shown.size,
             shown.data, tail);
    out->item[out->count++].value = value;
}

int tag_validate(tag_session *s, const tag_options *o, const char *path, train_scores *out,
                 rill_error *error) {
    tag_scores t = {0};
    *out = (train_scores){0};
    int status = tag_scores_add(&t, s, o, NULL, path, error);
    if (status == 0 && t.words == 0) {
        status = status_set(error, RILL_EDATA, path, 0, 0, "no tagged sentences to score by");
    }
    for (int i = 0; status == 0 && i < t.columns; i++) {
        const tag_scored *c = &t.column[i];
        double score = metric_value(tag_scores_right(c, c->given, t.words));
        add_score(out, t.lexicon->column[i].name, "", score);
        if (t.lexicon->column[i].kind == TAG_ENTITY) {
            score = metric_f1(c->entities.all);
            add_score(out, t.lexicon->column[i].name, " f1", score);
        }
        out->main += score / t.columns;
    }
    tag_scores_free(&t);
    return status;
}
