/* classify_units: a text cut into units: words of the tokenizer, subwords, or characters.
 *
 * White space at the ends and how much of it stands between words never matter: words leave it out,
 * and a run of it is one character. Forms stand in one buffer, so views are set when it is full.
 */
#include "task/classify.h"

#include <stdlib.h>

int classify_cutter_new(classify_cutter *c, const classify_lexicon *l, rill_error *error) {
    *c = (classify_cutter){.lexicon = l};
    if (l->subwords) TRY(subword_session_new(l->subwords, &c->subwords, error));
    return token_session_new(l->tokenizer, &c->tokens, error);
}

void classify_cutter_free(classify_cutter *c) {
    token_session_free(c->tokens);
    token_text_free(&c->text);
    subword_session_free(c->subwords);
    subword_list_free(&c->pieces);
    buffer_free(&c->lower);
    free(c->unit);
    *c = (classify_cutter){0};
}

/* A unit whose form is the last `size` bytes of c->lower. */
static int add_unit(classify_cutter *c, size_t size, size_t begin, size_t end) {
    TRY(mem_grow(&c->unit, &c->room, c->units + 1, sizeof *c->unit));
    c->unit[c->units++] = (classify_unit){{NULL, size}, begin, end};
    return 0;
}

static int add_form(classify_cutter *c, bytes form, size_t begin, size_t end) {
    size_t before = c->lower.size;
    if (c->lexicon->lower) unicode_lower(form, &c->lower);
    else buffer_add_bytes(&c->lower, form);
    return add_unit(c, c->lower.size - before, begin, end);
}

static int cut_words(classify_cutter *c) {
    for (size_t i = 0; i < c->text.tokens; i++) {
        const token *t = &c->text.token[i];
        for (int32_t w = 0; w < t->words; w++) {
            TRY(add_form(c, c->text.word[t->word + w], t->begin, t->end));
        }
    }
    return 0;
}

/* Characters of the normalised tokens; one blank for the gap between two tokens. */
static int cut_chars(classify_cutter *c) {
    for (size_t i = 0; i < c->text.tokens; i++) {
        const token *t = &c->text.token[i];
        if (i > 0 && c->text.token[i - 1].space_after) {
            TRY(add_form(c, BYTES(" "), c->text.token[i - 1].end, t->begin));
        }
        for (size_t at = 0; at < t->form.size;) {
            size_t length;
            utf8_decode(t->form, at, &length);
            TRY(add_form(c, bytes_slice(t->form, at, at + length), t->begin, t->end));
            at += length;
        }
    }
    return 0;
}

/* Pieces as they are shown, which is how they are told apart. */
static int cut_pieces(classify_cutter *c, bytes raw, rill_error *error) {
    bytes text = bytes_trim(raw);
    size_t before = text.data ? (size_t)(text.data - raw.data) : 0;
    TRY(subword_encode(c->subwords, text, NULL, &c->pieces, error));
    for (size_t i = 0; i < c->pieces.count; i++) {
        const subword_item *p = &c->pieces.item[i];
        bytes shown = subword_piece(c->lexicon->subwords, p->id);
        buffer_add_bytes(&c->lower, shown);
        if (add_unit(c, shown.size, before + p->begin, before + p->end) < 0) return RILL_ENOMEM;
    }
    return 0;
}

static void set_views(classify_cutter *c) {
    const char *at = c->lower.data;
    for (size_t i = 0; i < c->units; i++) {
        c->unit[i].form.data = at;
        at += c->unit[i].form.size;
    }
}

int classify_cut(classify_cutter *c, bytes raw, rill_error *error) {
    c->units = 0;
    buffer_clear(&c->lower);
    if (c->subwords) {
        int status = cut_pieces(c, raw, error);
        if (status == RILL_ENOMEM || c->lower.failed) return status_nomem(error);
        set_views(c);
        return status;
    }
    TRY(token_words(c->tokens, raw, &c->text, error));
    int status = c->lexicon->chars ? cut_chars(c) : cut_words(c);
    if (status < 0 || c->lower.failed) return status_nomem(error);
    set_views(c);
    return 0;
}
