/* tag_write: a tagged sentence, written back into its record or anew.
 *
 * Writing back changes cells: a predicted column that the input has is replaced, others are added
 * at the end of the line. CoNLL-U has ten columns and no more, so there the rest goes to MISC,
 * whose other fields stay as they are.
 *
 *     MISC before   SpaceAfter=No|Ner=O        after   SpaceAfter=No|Ner=B-PER|NerProb=0.9871
 */
#include "task/tag_apply.h"

#include <stdio.h>
#include <string.h>

/* At most two cells a column (label, probability) and MISC change in a line. */
enum { CONLLU_MISC = 9, CHANGES = 2 * TAG_HEADS + 1 };

/* ---- the plan */

static int usage(rill_error *error, const char *option, const char *why) {
    return status_fail(error, RILL_EUSAGE, "option --%s: %s", option, why);
}

static size_t find_column(const corpus *c, bytes name) {
    for (size_t i = 0; i < corpus_columns(c); i++) {
        if (bytes_equal(corpus_column_name(c, i), name)) return i;
    }
    return TAG_APPENDED;
}

/* Where each column goes when records are written back. The word itself is never replaced, whatever
 * the model's column is called; of CoNLL-U only lemma to deps can be. */
static void place_columns(tag_plan *p, const tag_model *m, const corpus *c) {
    corpus_format in = corpus_format_of(c);
    p->form = corpus_form(c);
    for (int i = 0; i < p->columns; i++) {
        size_t found = find_column(c, bytes_of(m->lexicon.column[i].name));
        bool taken = found == p->form || (in == CORPUS_CONLLU && found == 0);
        if (in == CORPUS_CONLLU && (taken || found >= CONLLU_MISC)) found = TAG_MISC;
        bool pair = in == CORPUS_HORIZONTAL && corpus_columns(c) > 1;
        if (pair) found = 1 - p->form; /* word_TAG has one tag */
        p->column[i] = in != CORPUS_CONLLU && taken ? TAG_APPENDED : found;
        p->misc |= p->column[i] == TAG_MISC;
    }
    p->misc |= in == CORPUS_CONLLU && (p->probs || p->ranges);
}

/* The name of the output format, with what auto means. */
static const char *output_name(const tag_options *o, corpus_format in) {
    if (strcmp(o->common.output, "auto")) return o->common.output;
    if (o->common.json) return "json";
    return in == CORPUS_TEXT ? "conllu" : corpus_format_name(in);
}

/* An option that would do nothing here is refused, not passed over. */
static int check_options(const tag_plan *p, const tag_model *m, const char *name,
                         rill_error *error) {
    bool detailed = !strcmp(name, "conllu") || !strcmp(name, "json");
    if (p->probs && !strcmp(name, "horizontal")) {
        return usage(error, "probs", "output horizontal has no room for probabilities");
    }
    if (p->ranges && !detailed) {
        return usage(error, "ranges", "byte ranges need output conllu or json");
    }
    if (p->nbest && !detailed) {
        return usage(error, "nbest", "lists of label sequences need output conllu or json");
    }
    if (p->nbest && !m->net.config.head[0].crf) {
        return usage(error, "nbest",
                     "the first column of the model has no conditional random field");
    }
    return 0;
}

int tag_plan_make(tag_plan *p, const tag_model *m, const tag_options *o, const corpus *c,
                  rill_error *error) {
    corpus_format in = corpus_format_of(c);
    const char *name = output_name(o, in);
    *p = (tag_plan){.lexicon = &m->lexicon,
                    .same = !strcmp(name, corpus_format_name(in)),
                    .columns = m->lexicon.columns,
                    .probs = o->probs,
                    .ranges = o->ranges,
                    .complete = o->complete,
                    .nbest = o->nbest > 0};
    if (!strcmp(name, "horizontal")) p->columns = 1;
    /* A column file written anew has TABs and no other columns, like a vertical one. */
    if (!output_format_find(bytes_of(name), &p->format)) p->format = OUTPUT_VERTICAL;
    place_columns(p, m, c);
    return check_options(p, m, name, error);
}

/* ---- writing anew */

/* Names, labels and probabilities; `path` takes the place of the first column's labels. */
static void fill_columns(const tag_plan *p, const tag_sentence *answer, const bytes *path,
                         output_column *column) {
    for (int i = 0; i < p->columns; i++) {
        column[i] = (output_column){.name = bytes_of(p->lexicon->column[i].name),
                                    .value = answer->label[i],
                                    .probability = p->probs ? answer->probability[i] : NULL};
    }
    if (!path) return;
    column[0].value = path;
    column[0].probability = NULL; /* they are those of the best path's labels */
}

/* Tokens, words and text of a sentence of raw text. */
static int describe_text(const tag_plan *p, const tag_slot *slot, int32_t index, arena *a,
                         output_sentence *s) {
    const token_text *t = &slot->text;
    const sentence *own = &t->sentence[index];
    const token *first = &t->token[own->token], *last = first + own->tokens - 1;
    size_t begin = slot->offset + (size_t)(record_text(&slot->rec).data - slot->rec.text.data);
    output_token *token = arena_alloc(a, (size_t)own->tokens, sizeof *token);
    enum { ID_ROOM = 48 };
    char *id = arena_alloc(a, ID_ROOM, 1);
    if (!token || !id) return RILL_ENOMEM;
    for (int32_t i = 0; i < own->tokens; i++) {
        token[i] = (output_token){.surface = first[i].form,
                                  .words = (size_t)first[i].words,
                                  .space_after = first[i].space_after};
        if (!p->ranges) continue;
        token[i].begin = begin + first[i].begin;
        token[i].end = begin + first[i].end;
    }
    int size = snprintf(id, ID_ROOM, "%zu-%d", slot->rec.paragraph, (int)index + 1);
    *s = (output_sentence){
        .id = {id, (size_t)size},
        .text = {first->form.data, (size_t)(last->form.data + last->form.size - first->form.data)},
        .new_paragraph = index == 0,
        .token = token,
        .tokens = (size_t)own->tokens,
        .form = t->word + first->word,
        .words = (size_t)(last->word + last->words - first->word)};
    return 0;
}

/* The same of a record. Its ranges are those of the forms in the file. */
static int describe_record(const tag_plan *p, const tag_slot *slot, arena *a, output_sentence *s) {
    TRY(output_from_record(&slot->rec, a, s));
    s->new_document = slot->new_document;
    for (size_t i = 0; p->ranges && i < s->tokens; i++) {
        output_token *t = (output_token *)&s->token[i];
        t->begin = slot->offset + (size_t)(t->surface.data - slot->rec.text.data);
        t->end = t->begin + t->surface.size;
    }
    return 0;
}

/* The sentences of a line of text stay on one line. */
static void join_line(int32_t index, buffer *out) {
    if (index > 0 && out->size > 0) out->data[out->size - 1] = ' ';
}

/* ---- writing back */

/* Is this field of MISC one that we are about to write? */
static bool is_ours(bytes field, bytes ours) {
    const char *equal = memchr(field.data, '=', field.size);
    bytes key = bytes_slice(field, 0, equal ? (size_t)(equal - field.data) + 1 : field.size), other;
    while (bytes_split(&ours, '|', &other)) {
        if (equal && bytes_starts(other, key)) return true;
    }
    return false;
}

/* MISC of a word: the fields it had, then ours. */
static int new_misc(const tag_plan *p, const tag_slot *slot, const output_sentence *s, size_t word,
                    arena *a, bytes *out) {
    const record *r = &slot->rec;
    buffer ours = {0}, all = {0};
    bool any = false;
    if (p->ranges) {
        bytes form = record_form(r, word);
        size_t begin = slot->offset + (size_t)(form.data - r->text.data);
        buffer_printf(&ours, "TokenRange=%zu:%zu", begin, begin + form.size);
        any = true;
    }
    output_misc(s, word, &ours, &any);
    bytes rest = record_cell(r, word, CONLLU_MISC), field;
    if (bytes_equal(rest, BYTES("_"))) rest.data = NULL;
    while (rest.data && bytes_split(&rest, '|', &field)) {
        if (is_ours(field, buffer_view(&ours))) continue;
        buffer_add_bytes(&all, field);
        buffer_add_char(&all, '|');
    }
    buffer_add_bytes(&all, buffer_view(&ours));
    char *copy = ours.failed || all.failed ? NULL : arena_alloc(a, all.size, 1);
    if (copy) memcpy(copy, all.data, all.size);
    *out = (bytes){copy, all.size};
    buffer_free(&ours);
    buffer_free(&all);
    return copy ? 0 : RILL_ENOMEM;
}

/* Probabilities of an appended column as cells. */
static bytes *probability_cells(const float *probability, size_t words, arena *a) {
    enum { ROOM = 8 };
    bytes *cell = arena_alloc(a, words, sizeof *cell);
    char *text = arena_alloc(a, words, ROOM);
    buffer b = {0};
    for (size_t w = 0; cell && text && w < words; w++) {
        buffer_clear(&b);
        output_probability((double)probability[w], 4, &b);
        if (b.failed || b.size > ROOM) {
            cell = NULL;
        } else {
            memcpy(text + w * ROOM, b.data, b.size);
            cell[w] = (bytes){text + w * ROOM, b.size};
        }
    }
    buffer_free(&b);
    return text ? cell : NULL;
}

/* Insertion keeps them sorted, as record_write wants them. */
static void add_change(record_change *change, size_t *count, size_t column, const bytes *values) {
    size_t at = (*count)++;
    for (; at > 0 && change[at - 1].column > column; at--) change[at] = change[at - 1];
    change[at] = (record_change){column, values};
}

/* The cells that change, sorted by column. */
static int list_changes(const tag_plan *p, const tag_slot *slot, const output_sentence *s, arena *a,
                        record_change *change, size_t *count) {
    const record *r = &slot->rec;
    size_t appended = r->columns;
    for (int i = 0; i < p->columns; i++) {
        const output_column *c = &s->column[i];
        if (p->column[i] == TAG_MISC) continue;
        bool old = p->column[i] != TAG_APPENDED;
        add_change(change, count, old ? p->column[i] : appended++, c->value);
        if (!c->probability || r->format == CORPUS_CONLLU) continue;
        bytes *cells = probability_cells(c->probability, r->words, a);
        if (!cells) return RILL_ENOMEM;
        add_change(change, count, appended++, cells);
    }
    if (!p->misc) return 0;
    bytes *misc = arena_alloc(a, r->words, sizeof *misc);
    if (!misc) return RILL_ENOMEM;
    for (size_t w = 0; w < r->words; w++) TRY(new_misc(p, slot, s, w, a, &misc[w]));
    add_change(change, count, CONLLU_MISC, misc);
    return 0;
}

/* The last record of a file may lack its line end, a sentence its blank line. */
static void end_record(const record *r, buffer *out) {
    if (r->line_count == 0 || out->size == 0) return;
    if (out->data[out->size - 1] != '\n') buffer_add_char(out, '\n');
    bool blank = r->lines[r->line_count - 1].kind == LINE_BLANK;
    if (!blank && r->format != CORPUS_HORIZONTAL) buffer_add_char(out, '\n');
}

/* A member of an n-best list begins with its rank; a byte order mark would stand in its way. */
static int write_ranked(const record *r, const record_change *change, size_t count,
                        const output_sentence *s, buffer *out) {
    buffer text = {0};
    record_write(r, change, count, &text);
    bytes raw = bytes_unmarked(buffer_view(&text));
    output_rank(s, out);
    buffer_add_bytes(out, raw);
    end_record(r, out);
    int status = text.failed ? RILL_ENOMEM : 0;
    buffer_free(&text);
    return status;
}

/* The record with its new cells. */
static int write_back(const tag_plan *p, const tag_slot *slot, const output_sentence *s, arena *a,
                      buffer *out) {
    record_change change[CHANGES];
    size_t count = 0;
    TRY(list_changes(p, slot, s, a, change, &count));
    if (s->rank > 0) return write_ranked(&slot->rec, change, count, s, out);
    record_write(&slot->rec, change, count, out);
    if (p->complete) end_record(&slot->rec, out);
    return 0;
}

/* ---- either way */

static int write_one(const tag_plan *p, const tag_slot *slot, int32_t index,
                     const output_sentence *s, arena *a, buffer *out) {
    if (p->same) return write_back(p, slot, s, a, out);
    if (p->format == OUTPUT_HORIZONTAL && slot->rec.format == CORPUS_TEXT) join_line(index, out);
    output_write(p->format, s, out);
    return 0;
}

/* A record without words says nothing in another format, except that an empty line of text stays an
 * empty line. */
int tag_write(const tag_plan *p, const tag_slot *slot, int32_t index, const tag_sentence *answer,
              arena *a, buffer *out) {
    bool text = slot->rec.format == CORPUS_TEXT;
    if (index < 0) {
        if (p->same)
            buffer_add_bytes(out, record_raw(&slot->rec));
        else if (text && p->format == OUTPUT_HORIZONTAL)
            buffer_add_char(out, '\n');
        if (p->same && p->complete) end_record(&slot->rec, out);
        return 0;
    }
    output_sentence s;
    output_column column[TAG_HEADS];
    TRY(text ? describe_text(p, slot, index, a, &s) : describe_record(p, slot, a, &s));
    s.column = column;
    s.columns = (size_t)p->columns;
    fill_columns(p, answer, NULL, column);
    if (!p->nbest) return write_one(p, slot, index, &s, a, out);
    for (int i = 0; i < answer->paths; i++) {
        fill_columns(p, answer, answer->path + (size_t)i * s.words, column);
        s.rank = (size_t)i + 1;
        s.probability = answer->path_probability[i];
        TRY(write_one(p, slot, index, &s, a, out));
    }
    return 0;
}
