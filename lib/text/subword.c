/* subword: the closed list of units and its tables.
 *
 *     id      0     1    2    3 ..           symbols, then entries in the order they were added
 *             <unk> <s>  </s> user's symbols
 *     unit    strmap of inner bytes, so an id is found by its bytes; specials have names that no
 *             text has (a byte F5, which is no part of UTF-8, in front)
 *     pair    open addressing over (left, right), at most half full: what a merge makes, and when
 *
 * Two merges may make the same bytes; then they share the id, as in subword-nmt.
 */
#include "text/subword_inner.h"
#include <stdlib.h>
#include <string.h>

static const char *const special_names[SUBWORD_SPECIALS] = {"<unk>", "<s>", "</s>"};

subword_config subword_defaults(void) {
    return (subword_config){.kind = SUBWORD_BPE,
                            .format = SUBWORD_NATIVE,
                            .normalise = UNICODE_NFC,
                            .borders = true,
                            .vocab_size = 8000,
                            .min_count = 2,
                            .max_words = 1000000};
}

/* ---- adding */

static int add_id(subword *s, bytes inner, int32_t *id, rill_error *error) {
    if (s->unit.count >= UNITS_LIMIT) return status_fail(error, RILL_ELIMIT, "too many units");
    if (s->unit.text.size > (size_t)1 << 30) {
        return status_fail(error, RILL_ELIMIT, "units of more than a gigabyte");
    }
    return strmap_add(&s->unit, inner, id) < 0 ? status_nomem(error) : 0;
}

static int add_entry(subword *s, subword_entry entry, rill_error *error) {
    if (mem_grow(&s->entry, &s->entry_room, s->entries + 1, sizeof entry) < 0) {
        return status_nomem(error);
    }
    s->entry[s->entries++] = entry;
    return 0;
}

static int add_first_ids(subword *s, rill_error *error) {
    int32_t id;
    for (int i = 0; i < SUBWORD_SPECIALS; i++) {
        char name[16] = "\xF5";
        strcat(name, special_names[i]);
        TRY(add_id(s, bytes_of(name), &id, error));
    }
    for (int32_t i = 0; i < s->cut.symbol.count; i++) {
        TRY(add_id(s, strmap_get(&s->cut.symbol, i), &id, error));
    }
    return 0;
}

int subword_start(cutter *c, subword **out, rill_error *error) {
    subword *s = mem_new(1, sizeof *s);
    *out = NULL;
    if (!s) {
        cutter_free(c);
        return status_nomem(error);
    }
    s->cut = *c;
    *c = (cutter){0};
    int status = add_first_ids(s, error);
    if (status < 0) {
        subword_free(s);
        return status;
    }
    *out = s;
    return 0;
}

int subword_special(bytes shown) {
    for (int i = 0; i < SUBWORD_SPECIALS; i++) {
        if (bytes_equal(shown, bytes_of(special_names[i]))) return i;
    }
    return -1;
}

int subword_add_unit(subword *s, bytes inner, int64_t count, rill_error *error) {
    int32_t id, before = s->unit.count;
    if (inner.size == 0 || inner.size > PIECE_LIMIT) {
        return status_fail(error, RILL_EDATA, "a unit has %zu bytes", inner.size);
    }
    if (subword_special(inner) >= 0) {
        return status_fail(error, RILL_EDATA, "\"%.*s\" is the name of a special unit",
                           (int)inner.size, inner.data);
    }
    TRY(add_id(s, inner, &id, error));
    if (id < before) {
        return status_fail(error, RILL_EDATA, "the unit stands twice in the list, first as %d",
                           (int)id);
    }
    return add_entry(s, (subword_entry){-1, -1, id, count}, error);
}

int subword_add_merge(subword *s, int32_t left, int32_t right, int64_t count, rill_error *error) {
    bytes a = strmap_get(&s->unit, left), b = strmap_get(&s->unit, right);
    char *joined = mem_new(a.size + b.size, 1);
    int32_t id;
    if (!joined) return status_nomem(error);
    memcpy(joined, a.data, a.size);
    memcpy(joined + a.size, b.data, b.size);
    bytes both = {joined, a.size + b.size};
    int status = 0;
    if (both.size > PIECE_LIMIT) {
        status = status_fail(error, RILL_ELIMIT, "the unit has more than %d bytes", PIECE_LIMIT);
    } else if (s->cut.config.format == SUBWORD_NATIVE && subword_special(both) >= 0) {
        status = status_fail(error, RILL_EDATA, "\"%.*s\" is the name of a special unit",
                             (int)both.size, both.data);
    } else {
        status = add_id(s, both, &id, error);
    }
    free(joined);
    if (status < 0) return status;
    s->merges++;
    return add_entry(s, (subword_entry){left, right, id, count}, error);
}

bool subword_forced(const subword_config *g, int byte) {
    if (byte >= MARK_CAPITAL) return g->lower;
    if (g->format == SUBWORD_NMT || g->kind == SUBWORD_WORD || g->kind == SUBWORD_CHAR) {
        return false;
    }
    if (g->kind == SUBWORD_BPE) return byte == ' ';
    return byte != 0xC0 && byte != 0xC1 && byte < 0xF5;
}

/* ---- tables */

static pair_slot *pair_place(const subword *s, uint64_t key) {
    size_t i = pair_hash(key) & (s->pairs - 1);
    while (s->pair[i].key && s->pair[i].key != key) i = (i + 1) & (s->pairs - 1);
    return &s->pair[i];
}

const pair_slot *subword_pair(const subword *s, int32_t left, int32_t right) {
    const pair_slot *slot = pair_place(s, pair_key(left, right));
    return slot->key ? slot : NULL;
}

/* Of equal pairs the first counts in subword-nmt; here they are a fault. */
static int make_pairs(subword *s, rill_error *error) {
    s->pairs = 16;
    while (s->pairs / 2 < (size_t)s->merges) s->pairs *= 2;
    s->pair = mem_new(s->pairs, sizeof *s->pair);
    if (!s->pair) return status_nomem(error);
    int32_t rank = 0;
    for (size_t i = 0; i < s->entries; i++) {
        const subword_entry *e = &s->entry[i];
        if (e->left < 0) continue;
        uint64_t key = pair_key(e->left, e->right);
        pair_slot *slot = pair_place(s, key);
        if (slot->key && s->cut.config.format == SUBWORD_NATIVE) {
            return status_set(error, RILL_EDATA, NULL, i + 1, 0, "the merge stands twice");
        }
        if (!slot->key) *slot = (pair_slot){key, rank, e->id};
        rank++;
    }
    return 0;
}

static int make_shown(subword *s, rill_error *error) {
    int32_t size = subword_size(s);
    s->shown_at = mem_new((size_t)size + 1, sizeof *s->shown_at);
    if (!s->shown_at) return status_nomem(error);
    for (int32_t id = 0; id < size; id++) {
        s->shown_at[id] = s->shown.size;
        bytes inner = strmap_get(&s->unit, id);
        if (id < SUBWORD_SPECIALS) {
            buffer_add_text(&s->shown, special_names[id]);
        } else if (s->cut.config.format == SUBWORD_NMT) {
            buffer_add_bytes(&s->shown, inner);
        } else {
            cut_show(inner, &s->shown);
        }
    }
    s->shown_at[size] = s->shown.size;
    return buffer_status(&s->shown, error);
}

int subword_seal(subword *s, rill_error *error) {
    free(s->pair);
    free(s->shown_at);
    s->pair = NULL;
    s->shown_at = NULL;
    buffer_clear(&s->shown);
    TRY(make_pairs(s, error));
    TRY(make_shown(s, error));
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        int32_t id = strmap_find(&s->unit, (bytes){&c, 1});
        s->byte[i] = id < 0 ? SUBWORD_UNKNOWN : id;
    }
    return 0;
}

void subword_free(subword *s) {
    if (!s) return;
    cutter_free(&s->cut);
    strmap_free(&s->unit);
    buffer_free(&s->shown);
    free(s->shown_at);
    free(s->entry);
    free(s->pair);
    free(s);
}

/* ---- questions */

const subword_config *subword_settings(const subword *s) {
    return &s->cut.config;
}

int32_t subword_size(const subword *s) {
    return s->unit.count;
}

bytes subword_piece(const subword *s, int32_t id) {
    if (id < 0 || id >= s->unit.count) id = SUBWORD_UNKNOWN;
    return bytes_slice(buffer_view(&s->shown), s->shown_at[id], s->shown_at[id + 1]);
}

int32_t subword_find(const subword *s, bytes shown) {
    int special = subword_special(shown);
    if (special >= 0) return special;
    if (s->cut.config.format == SUBWORD_NMT) return strmap_find(&s->unit, shown);
    buffer inner = {0};
    bool good = cut_unshow(shown, &inner) && !inner.failed;
    int32_t id = good ? strmap_find(&s->unit, buffer_view(&inner)) : -1;
    buffer_free(&inner);
    return id < SUBWORD_SPECIALS ? -1 : id;
}

int32_t subword_char(const subword *s, bytes point, bool last) {
    if (s->cut.config.format == SUBWORD_NMT && last) {
        char ended[16];
        memcpy(ended, point.data, point.size);
        memcpy(ended + point.size, "</w>", 4);
        int32_t id = strmap_find(&s->unit, (bytes){ended, point.size + 4});
        return id < 0 ? SUBWORD_UNKNOWN : id;
    }
    if (point.size == 1) return s->byte[(unsigned char)point.data[0]];
    int32_t id = strmap_find(&s->unit, point);
    return id < 0 ? SUBWORD_UNKNOWN : id;
}
