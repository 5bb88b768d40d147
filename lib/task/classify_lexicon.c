/* classify_lexicon: units as the network's numbers. See classify.h. */
#include "task/classify.h"

#include <stdlib.h>

enum { AFFIX_LETTERS = 4 };

void classify_lexicon_free(classify_lexicon *l) {
    tokenizer_free(l->tokenizer);
    subword_free(l->subwords);
    vocab_free(&l->forms);
    vocab_free(&l->affixes);
    strmap_free(&l->vector_words);
    strmap_free(&l->labels);
    strmap_free(&l->grams);
    free(l->single);
    free(l->gram);
    free(l->prior);
    *l = (classify_lexicon){0};
}

void classify_affix_key(int i, bytes form, buffer *key) {
    buffer_clear(key);
    buffer_add_text(key, i == 0 ? "p:" : "s:");
    buffer_add_bytes(key, i == 0 ? utf8_prefix(form, AFFIX_LETTERS)
                                 : utf8_suffix(form, AFFIX_LETTERS));
}

static int grow(classify_forms *f) {
    size_t need = (size_t)f->map.count + 1;
    if (need <= f->room) return 0;
    size_t room = f->room, same = f->room, wide = f->room * CLASSIFY_AFFIXES;
    TRY(mem_grow(&f->id, &room, need, sizeof *f->id));
    TRY(mem_grow(&f->vector, &same, room, sizeof *f->vector));
    TRY(mem_grow(&f->affix, &wide, room * CLASSIFY_AFFIXES, sizeof *f->affix));
    f->room = room;
    return 0;
}

int classify_forms_add(classify_forms *f, const classify_lexicon *l, bytes form, int32_t *index) {
    int32_t known = strmap_find(&f->map, form);
    if (known >= 0) {
        *index = known;
        return 0;
    }
    TRY(grow(f));
    TRY(strmap_add(&f->map, form, index));
    int32_t i = *index;
    f->id[i] = vocab_id(&l->forms, form);
    f->vector[i] = strmap_find(&l->vector_words, form);
    for (int a = 0; a < CLASSIFY_AFFIXES; a++) {
        classify_affix_key(a, form, &f->scratch);
        if (f->scratch.failed) return RILL_ENOMEM;
        f->affix[(size_t)i * CLASSIFY_AFFIXES + (size_t)a] =
            vocab_id(&l->affixes, buffer_view(&f->scratch));
    }
    return 0;
}

void classify_forms_clear(classify_forms *f) { strmap_free(&f->map); }

void classify_forms_free(classify_forms *f) {
    strmap_free(&f->map);
    free(f->id);
    free(f->vector);
    free(f->affix);
    buffer_free(&f->scratch);
    *f = (classify_forms){0};
}
