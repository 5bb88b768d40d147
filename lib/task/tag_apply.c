/* tag_apply: the tagger at work on text: as a filter of a stream, and one text at a time.
 *
 * A worker gets some records, cuts raw text into sentences, tags the sentences in portions of at
 * most `budget` words (the answers of a portion live until the next one), and writes them in order.
 *
 *     slots    | rec 0 | rec 1 | rec 2 | ...
 *     units    | 0.0 | 0.1 | 1.0 | 2.- | ...        a sentence each; 2.- has no words
 *     portions |<-- budget -->|<-- budget -->|
 */
#include "task/tag_apply.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_BUDGET = 2048, /* words */
    TEXT_BYTES = 5,        /* of raw text per word, to guess what a line will cost */
    LINE_BYTES = 64,       /* of other formats */
    KEEP_BYTES = 1 << 14   /* slots of records larger than this start anew */
};

/* What all workers share; once the reader runs, only the reader touches corpus, offset, document.
 */
typedef struct applier {
    const tag_options *o;
    tag_model **model;
    size_t models;
    corpus *corpus;
    tag_plan plan;
    size_t budget;
    size_t offset;   /* of the next record in the input */
    size_t document; /* of the last record with words */
} applier;

typedef struct unit {
    tag_slot *slot;
    int32_t index; /* of the sentence in its record, -1: no words */
} unit;

typedef struct worker {
    const applier *a;
    tag_session *session;
    token_session *tokens;
    arena memory;           /* of one batch */
    unit *unit;             /* [units] */
    tag_sentence *sentence; /* [units] */
    size_t units, unit_room, sentence_room;
} worker;

/* ---- reading */

void tag_slot_free(void *slot) {
    tag_slot *s = slot;
    record_free(&s->rec);
    token_text_free(&s->text);
}

/* Records without words are read like others: most formats write them back. */
static int read_slot(void *self, void *slot, size_t *cost, rill_error *error) {
    applier *a = self;
    tag_slot *s = slot;
    int more = corpus_next(a->corpus, &s->rec, error);
    if (more <= 0) return more;
    record *r = &s->rec;
    s->offset = a->offset;
    a->offset += r->text.size;
    r->form = a->plan.form;
    s->new_document = r->words > 0 && r->document != a->document;
    if (r->words > 0) a->document = r->document;
    bool text = r->format == CORPUS_TEXT;
    /* A guess is good enough: portions are cut by the words that are really there. */
    *cost = 1 + r->words + r->text.size / (text ? TEXT_BYTES : LINE_BYTES);
    return 1;
}

static bool input_ready(void *self) {
    return corpus_ready(((applier *)self)->corpus);
}

/* ---- workers */

static void worker_free(void *data) {
    worker *w = data;
    tag_session_free(w->session);
    token_session_free(w->tokens);
    arena_free(&w->memory);
    free(w->unit);
    free(w->sentence);
    free(w);
}

/* No pool inside a session: the threads are used up by working on several batches at once. */
static int worker_new(void *self, void **out, rill_error *error) {
    const applier *a = self;
    worker *w = mem_new(1, sizeof *w);
    if (!w) return status_nomem(error);
    w->a = a;
    int status = tag_session_new(a->model, a->models, a->o, NULL, &w->session, error);
    if (status == 0) {
        status = token_session_new(a->model[0]->lexicon.tokenizer, &w->tokens, error);
    }
    if (status < 0) {
        worker_free(w);
        return status;
    }
    *out = w;
    return 0;
}

/* `form` must live until the batch is written. */
static int add_unit(worker *w, tag_slot *slot, int32_t index, const bytes *form, size_t count) {
    if (count > INT32_MAX) return RILL_ELIMIT;
    TRY(mem_grow(&w->unit, &w->unit_room, w->units + 1, sizeof *w->unit));
    TRY(mem_grow(&w->sentence, &w->sentence_room, w->units + 1, sizeof *w->sentence));
    w->unit[w->units] = (unit){slot, index};
    w->sentence[w->units++] = (tag_sentence){.form = form, .count = (int32_t)count};
    return 0;
}

/* The tokenizer knows neither file nor line. */
static int placed(const worker *w, const tag_slot *slot, int status, rill_error *error) {
    if (!error || status == RILL_ENOMEM) return status;
    rill_error why = *error;
    return status_set(error, status, corpus_name(w->a->corpus), slot->rec.line, why.column, "%s",
                      why.message);
}

/* Sentences of a paragraph of raw text. */
static int cut_text(worker *w, tag_slot *slot, rill_error *error) {
    token_text *t = &slot->text;
    int status = token_words(w->tokens, record_text(&slot->rec), t, error);
    if (status == 0) status = token_sentences(w->tokens, t, error);
    if (status < 0) return placed(w, slot, status, error);
    for (size_t i = 0; status == 0 && i < t->sentences; i++) {
        const token *first = &t->token[t->sentence[i].token];
        const token *last = first + t->sentence[i].tokens - 1;
        size_t words = (size_t)(last->word + last->words - first->word);
        status = add_unit(w, slot, (int32_t)i, t->word + first->word, words);
    }
    if (status == 0 && t->sentences == 0) status = add_unit(w, slot, -1, NULL, 0);
    return status < 0 ? status_nomem(error) : 0;
}

/* A record is a sentence as it stands. */
static int cut_record(worker *w, tag_slot *slot, rill_error *error) {
    const record *r = &slot->rec;
    bytes *form = arena_alloc(&w->memory, r->words, sizeof *form);
    if (!form) return status_nomem(error);
    for (size_t i = 0; i < r->words; i++) form[i] = record_form(r, i);
    int status = add_unit(w, slot, r->words > 0 ? 0 : -1, form, r->words);
    return status < 0 ? status_nomem(error) : 0;
}

/* Units of all slots; on a fault those before it are there. */
static int cut_slots(worker *w, tag_slot *slot, size_t count, rill_error *error) {
    arena_reset(&w->memory);
    w->units = 0;
    for (size_t i = 0; i < count; i++) {
        size_t before = w->units;
        bool text = slot[i].rec.format == CORPUS_TEXT;
        int status = text ? cut_text(w, &slot[i], error) : cut_record(w, &slot[i], error);
        if (status < 0) {
            w->units = before;
            return status;
        }
    }
    return 0;
}

/* Tags and writes units from..to-1. */
static int do_portion(worker *w, size_t from, size_t to, buffer *out, rill_error *error) {
    TRY(tag_session_run(w->session, w->sentence + from, to - from, error));
    for (size_t i = from; i < to; i++) {
        arena_mark mark = arena_here(&w->memory);
        int status = tag_write(&w->a->plan, w->unit[i].slot, w->unit[i].index, &w->sentence[i],
                               &w->memory, out);
        arena_back(&w->memory, mark);
        if (status < 0) return status_nomem(error);
    }
    return 0;
}

/* A portion is never empty: a sentence above the budget stands alone. */
static int do_units(worker *w, buffer *out, rill_error *error) {
    size_t from = 0;
    while (from < w->units) {
        size_t to = from, words = 0;
        do words += (size_t)w->sentence[to++].count;
        while (to < w->units && words + (size_t)w->sentence[to].count <= w->a->budget);
        TRY(do_portion(w, from, to, out, error));
        from = to;
    }
    return 0;
}

/* One giant record must not keep its memory until the end. */
static void shrink_slots(tag_slot *slot, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (slot[i].rec.text.capacity <= KEEP_BYTES) continue;
        tag_slot_free(&slot[i]);
        slot[i] = (tag_slot){0};
    }
}

/* The `work` of the filter. Records before a faulty one are tagged and written first. */
static int do_slots(void *self, void *data, void *slots, size_t count, buffer *out,
                    rill_error *error) {
    (void)self;
    worker *w = data;
    rill_error fault;
    int cut = cut_slots(w, slots, count, &fault);
    int status = do_units(w, out, error);
    shrink_slots(slots, count);
    if (status < 0 || cut == 0) return status;
    if (error) *error = fault;
    return cut;
}

/* ---- opening */

static int flow_open(void *state, void *const *models, size_t count, const void *options,
                     rill_error *error) {
    applier *a = state;
    *a = (applier){.o = options, .models = count};
    a->budget = a->o->common.batch > 0 ? (size_t)a->o->common.batch : DEFAULT_BUDGET;
    a->model = mem_new(count, sizeof *a->model);
    if (!a->model) return status_nomem(error);
    for (size_t i = 0; i < count; i++) a->model[i] = models[i];
    return 0;
}

static void flow_close(void *state) { free(((applier *)state)->model); }

/* Whoever says that the input is horizontal means words without tags, unless a layout names both; a
 * file that was recognised by its tags has them replaced. What is not tagged is raw text: a stream
 * has to be answered line by line, and two lines of two words are no reason to wait for the end of
 * a sentence. */
static int corpus_options_of(const applier *a, corpus_options *c, rill_error *error) {
    TRY(tag_corpus_options(a->o, c, error));
    c->usual = a->model[0]->options.layout;
    c->untagged = c->format == CORPUS_HORIZONTAL && !c->columns;
    c->plain = true;
    return 0;
}

static int open_corpus(applier *a, const flow_input *in, rill_error *error) {
    corpus_options c;
    TRY(corpus_options_of(a, &c, error));
    if (in->fd >= 0) return corpus_open_fd(in->fd, in->name, &c, &a->corpus, error);
    if (c.format == CORPUS_AUTO && !c.columns) c.format = CORPUS_TEXT;
    return corpus_open_bytes(in->text, in->name, &c, &a->corpus, error);
}

static int flow_begin(void *state, const flow_input *in, rill_error *error) {
    applier *a = state;
    a->offset = a->document = 0;
    TRY(open_corpus(a, in, error));
    task_tell_format(in, a->o, corpus_format_name(corpus_format_of(a->corpus)));
    return tag_plan_make(&a->plan, a->model[0], a->o, a->corpus, error);
}

static void flow_end(void *state) {
    applier *a = state;
    corpus_close(a->corpus);
    a->corpus = NULL;
}

const task_flow tag_flow = {.size = sizeof(applier),
                            .budget = DEFAULT_BUDGET,
                            .filter = {.slot_size = sizeof(tag_slot),
                                       .read = read_slot,
                                       .ready = input_ready,
                                       .worker_new = worker_new,
                                       .worker_free = worker_free,
                                       .work = do_slots,
                                       .slot_free = tag_slot_free},
                            .open = flow_open,
                            .close = flow_close,
                            .begin = flow_begin,
                            .end = flow_end};
