/* tag_lexicon: words and labels as numbers.
 *
 * A form is looked at once and remembered (tag_forms): its vocabulary id (lower-cased), its letters, its
 * affixes and its shape. Of a very long form the middle letters are left out, so a token of a megabyte
 * costs no more than a word.
 */
#include "task/tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIXES = 3, SUFFIXES = 4, ENDS = 24 /* letters kept at each end of a long form */ };

void tag_lexicon_free(tag_lexicon *l) {
    tokenizer_free(l->tokenizer);
    vocab_free(&l->forms);
    vocab_free(&l->letters);
    vocab_free(&l->affixes);
    strmap_free(&l->vector_words);
    for (int i = 0; i < l->columns; i++) {
        tag_column *c = &l->column[i];
        free(c->name);
        strmap_free(&c->labels);
        strmap_free(&c->attributes);
        strmap_free(&c->values);
        free(c->allowed);
        free(c->group);
        free(c->pair);
        free(c->first_pair);
        free(c->frequent);
    }
    *l = (tag_lexicon){0};
}

/* ---- labels */

int32_t tag_label_id(const tag_column *c, bytes label) {
    int32_t id = strmap_find(&c->labels, label);
    return id < 0 && c->attributes.count > 0 ? 0 : id;
}

/* The next "A=x" of a label whose attribute is known; value -1: not among its values. */
static bool next_pair(const tag_column *c, bytes *rest, tag_pair *pair) {
    bytes part;
    while (bytes_split(rest, '|', &part)) {
        const char *equal = memchr(part.data, '=', part.size);
        if (!equal) continue;
        int32_t a = strmap_find(&c->attributes, bytes_slice(part, 0, (size_t)(equal - part.data)));
        int32_t v = strmap_find(&c->values, part);
        if (a < 0) continue;
        *pair = (tag_pair){a, v < 0 ? -1 : v - c->group[a]};
        return true;
    }
    return false;
}

void tag_label_values(const tag_column *c, bytes label, int32_t *value) {
    tag_pair pair;
    for (int32_t a = 0; a < c->attributes.count; a++) value[a] = 0;
    while (next_pair(c, &label, &pair)) value[pair.attribute] = pair.value;
}

int tag_column_pairs(tag_column *c) {
    size_t room = 0, count = 0;
    c->first_pair = mem_new((size_t)c->labels.count + 1, sizeof *c->first_pair);
    if (!c->first_pair) return RILL_ENOMEM;
    for (int32_t k = 0; k < c->labels.count; k++) {
        bytes rest = strmap_get(&c->labels, k);
        tag_pair pair;
        while (next_pair(c, &rest, &pair)) {
            if (pair.value < 0) return RILL_EMODEL;
            TRY(mem_grow(&c->pair, &room, count + 1, sizeof *c->pair));
            c->pair[count++] = pair;
        }
        c->first_pair[k + 1] = count;
    }
    return 0;
}

int tag_column_allow(tag_column *c) {
    size_t K = (size_t)c->labels.count, side = K + 2;
    c->allowed = mem_new(side * side, 1);
    if (!c->allowed) return RILL_ENOMEM;
    for (size_t from = 0; from <= K; from++) {
        bytes a = from < K ? strmap_get(&c->labels, (int32_t)from) : (bytes){0};
        for (size_t to = 0; to < side; to++) {
            if (to == K) continue;
            bytes b = to < K ? strmap_get(&c->labels, (int32_t)to) : (bytes){0};
            c->allowed[from * side + to] = scheme_allowed(SCHEME_BIOES, a, b);
        }
    }
    return 0;
}

/* ---- forms */

/* One letter for each code point of the form, middle ones left out when there are many. */
static int add_letters(tag_forms *f, const vocab *letters, bytes form) {
    size_t points = utf8_count(form), skip_from = points, skip_to = points;
    if (points > 2 * ENDS) skip_from = ENDS, skip_to = points - ENDS;
    int64_t at = f->letter_start[f->map.count - 1];
    TRY(mem_grow(&f->letter, &f->letter_room, (size_t)at + 2 * ENDS + 1, sizeof *f->letter));
    size_t byte = 0, length;
    for (size_t i = 0; byte < form.size; i++, byte += length) {
        utf8_decode(form, byte, &length);
        if (i >= skip_from && i < skip_to) continue;
        f->letter[at++] = vocab_id(letters, bytes_slice(form, byte, byte + length));
    }
    f->letter_start[f->map.count] = at;
    return 0;
}

/* Affix i of a lower-cased word as a key ("p2:un", "s3:ing"), or its shape ("x:Xx"). A word shorter than
 * the affix has the whole word there. */
void tag_affix_key(int i, bytes lower, bytes form, buffer *key) {
    buffer_clear(key);
    if (i == PREFIXES + SUFFIXES) {
        buffer_add_text(key, "x:");
        unicode_shape(form, key);
        return;
    }
    size_t want = (size_t)(i < PREFIXES ? i + 1 : i - PREFIXES + 1);
    buffer_printf(key, "%c%zu:", i < PREFIXES ? 'p' : 's', want);
    buffer_add_bytes(key, i < PREFIXES ? utf8_prefix(lower, want) : utf8_suffix(lower, want));
}

static int grow_forms(tag_forms *f) {
    size_t need = (size_t)f->map.count + 1;
    if (need <= f->room) return 0;
    size_t room = f->room, same = f->room, wide = f->room * TAG_AFFIXES, starts = f->room;
    TRY(mem_grow(&f->id, &room, need, sizeof *f->id));
    TRY(mem_grow(&f->vector, &same, room, sizeof *f->vector));
    TRY(mem_grow(&f->affix, &wide, room * TAG_AFFIXES, sizeof *f->affix));
    bool empty = !f->letter_start;
    TRY(mem_grow(&f->letter_start, &starts, room + 1, sizeof *f->letter_start));
    if (empty) f->letter_start[0] = 0;
    f->room = room;
    return 0;
}

int tag_forms_add(tag_forms *f, const tag_lexicon *l, bytes form, int32_t *index) {
    int32_t known = strmap_find(&f->map, form);
    if (known >= 0) {
        *index = known;
        return 0;
    }
    buffer *plain = &f->scratch[0], *lower = &f->scratch[1], *key = &f->scratch[2];
    buffer_clear(plain);
    buffer_clear(lower);
    TRY(unicode_normalise(form, l->form, plain, &f->map_scratch));
    unicode_lower(buffer_view(plain), lower);
    if (plain->failed || lower->failed) return RILL_ENOMEM;
    TRY(grow_forms(f));
    TRY(strmap_add(&f->map, form, index));
    int32_t i = *index;
    f->id[i] = vocab_id(&l->forms, buffer_view(lower));
    f->vector[i] = strmap_find(&l->vector_words, buffer_view(plain));
    if (f->vector[i] < 0) f->vector[i] = strmap_find(&l->vector_words, buffer_view(lower));
    for (int a = 0; a < TAG_AFFIXES; a++) {
        tag_affix_key(a, buffer_view(lower), buffer_view(plain), key);
        if (key->failed) return RILL_ENOMEM;
        f->affix[(size_t)i * TAG_AFFIXES + (size_t)a] = vocab_id(&l->affixes, buffer_view(key));
    }
    return add_letters(f, &l->letters, buffer_view(plain));
}

void tag_forms_clear(tag_forms *f) {
    strmap_free(&f->map);
}

void tag_forms_free(tag_forms *f) {
    strmap_free(&f->map);
    free(f->id);
    free(f->vector);
    free(f->affix);
    free(f->letter_start);
    free(f->letter);
    for (int i = 0; i < 3; i++) buffer_free(&f->scratch[i]);
    unicode_map_free(&f->map_scratch);
    *f = (tag_forms){0};
}

int tag_forms_batch(const tag_forms *f, const int32_t *index, int32_t count, uint64_t name,
                    arena *a, tag_batch *out) {
    size_t n = (size_t)count;
    int32_t *length = arena_alloc(a, n, sizeof *length), *id = arena_alloc(a, n, sizeof *id);
    int32_t *vector = arena_alloc(a, n, sizeof *vector);
    int32_t *affix = arena_alloc(a, n * TAG_AFFIXES, sizeof *affix);
    uint64_t *names = arena_alloc(a, n, sizeof *names);
    if (!length || !id || !vector || !affix || !names) return RILL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)index[i];
        length[i] = (int32_t)(f->letter_start[at + 1] - f->letter_start[at]);
        id[i] = f->id[at];
        vector[i] = f->vector[at];
        names[i] = name + at;
        for (size_t k = 0; k < TAG_AFFIXES; k++) {
            affix[k * n + i] = f->affix[at * TAG_AFFIXES + k];
        }
    }
    TRY(pack_make(a, length, names, count, &out->forms));
    int32_t *letter = arena_alloc(a, (size_t)out->forms.total, sizeof *letter);
    if (!letter) return RILL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        memcpy(letter + out->forms.start[i], f->letter + f->letter_start[index[i]],
               (size_t)length[i] * sizeof *letter);
    }
    out->letter = letter;
    out->affix = affix;
    out->vector = vector;
    out->form = id;
    return 0;
}
