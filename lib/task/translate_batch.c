/* translate_batch: pairs of ids -> the arrays that the network reads (see translate.h). */
#include "task/translate.h"

#include <string.h>

/* Sequences one after the other: an end behind each in `ends`; in `begins`, if wanted, a begin in
 * front instead. */
static int lay_out(arena *a, const translate_source *s, size_t count, pack *p, int32_t **ends,
                   int32_t **begins) {
    int32_t *length = arena_alloc(a, count, sizeof *length);
    uint64_t *name = arena_alloc(a, count, sizeof *name);
    if (!length || !name) return RILL_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (s[i].count >= INT32_MAX / 4) return RILL_ELIMIT;
        length[i] = s[i].count + 1;
        name[i] = s[i].name;
    }
    TRY(pack_make(a, length, name, (int32_t)count, p));
    *ends = arena_alloc(a, (size_t)p->total, sizeof **ends);
    if (begins) *begins = arena_alloc(a, (size_t)p->total, sizeof **begins);
    if (!*ends || (begins && !*begins)) return RILL_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const size_t n = (size_t)s[i].count, at = (size_t)p->start[i];
        if (n > 0) memcpy(*ends + at, s[i].id, n * sizeof **ends);
        (*ends)[at + n] = SUBWORD_END;
        if (!begins) continue;
        (*begins)[at] = SUBWORD_BEGIN;
        if (n > 0) memcpy(*begins + at + 1, s[i].id, n * sizeof **begins);
    }
    return 0;
}

int translate_sources_make(arena *a, const translate_source *source, size_t count,
                           translate_batch *out) {
    *out = (translate_batch){0};
    return lay_out(a, source, count, &out->source, &out->source_id, NULL);
}

int translate_batch_make(arena *a, const translate_pair *pair, size_t count, translate_batch *out) {
    translate_source *source = arena_alloc(a, count, sizeof *source);
    translate_source *target = arena_alloc(a, count, sizeof *target);
    if (!source || !target) return RILL_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        source[i] = pair[i].source;
        target[i] = (translate_source){
            .id = pair[i].target, .count = pair[i].length, .name = source[i].name};
    }
    TRY(translate_sources_make(a, source, count, out));
    return lay_out(a, target, count, &out->target, &out->gold, &out->previous);
}
