/* subword_encode: units of a line, and text of units.
 *
 * A line is cut to words (subword_cut.c); what a word's units are is remembered, because few words
 * make most of any text. A new word is taken apart and merged: always the pair of least rank, all
 * its occurrences from left to right, until no pair has a rank. Short parts are searched for the
 * least rank each time; long ones keep a heap of (rank, place) over a linked list, so that a part
 * of n signs costs n log n.
 *
 * Memory map of the memory of words:
 *
 *     slot  [SLOTS]  hash | at | key | count       4 places a word may stand at, from hash mod
 * SLOTS pool           ... key bytes, padded to 4 | count x (id, bytes) | key bytes ...
 *
 * When the pool is full, all is forgotten. Nothing that is remembered changes an answer.
 */
#include "base/hash.h"
#include "base/rng.h"
#include "text/subword_inner.h"
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 16, WAYS = 4, POOL = 4 << 20, KEY_LIMIT = 256, SHORT_PART = 64 };

/* Units tile the inner text; id -1 is a gap between words (subword-nmt only). */
typedef struct stretch {
    int32_t id;
    uint32_t size; /* inner bytes */
} stretch;

typedef struct memory_slot {
    uint64_t hash;
    uint32_t at;
    uint16_t key, count;
} memory_slot;

typedef struct candidate {
    int32_t rank, id;
    uint32_t place, left, right; /* ids when it was found: later changes make it stale */
} candidate;

struct subword_session {
    const subword *s;
    cut cut;
    stretch *done; /* [count] units of the line */
    size_t count, room;
    stretch *part; /* signs of the part at work */
    size_t part_room;
    uint32_t *next, *before; /* [part] linked list of long parts */
    size_t next_room, before_room;
    candidate *heap, *batch;
    size_t heaped, heap_room, batch_room;
    memory_slot *slot; /* [SLOTS] */
    char *pool;
    size_t pooled;
    unsigned turn;
    rng random;
    double rate; /* of dropout, for the line at work */
};

int subword_session_new(const subword *s, subword_session **out, rill_error *error) {
    subword_session *t = mem_new(1, sizeof *t);
    *out = NULL;
    if (t) {
        t->s = s;
        t->slot = mem_new(SLOTS, sizeof *t->slot);
        t->pool = mem_new(POOL, 1);
    }
    if (!t || !t->slot || !t->pool) {
        subword_session_free(t);
        return status_nomem(error);
    }
    *out = t;
    return 0;
}

void subword_session_free(subword_session *t) {
    if (!t) return;
    cut_free(&t->cut);
    free(t->done);
    free(t->part);
    free(t->next);
    free(t->before);
    free(t->heap);
    free(t->batch);
    free(t->slot);
    free(t->pool);
    free(t);
}

void subword_list_free(subword_list *list) {
    free(list->item);
    *list = (subword_list){0};
}

/* ---- merging a short part */

static int32_t rank_of(const subword *s, const stretch *p, int32_t *id) {
    const pair_slot *slot = subword_pair(s, p[0].id, p[1].id);
    if (!slot) return INT32_MAX;
    *id = slot->id;
    return slot->rank;
}

/* Merges all pairs equal to (left, right), from the left; the new number of signs. */
static size_t merge_equal(stretch *p, size_t n, int32_t left, int32_t right, int32_t id) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && p[i].id == left && p[i + 1].id == right) {
            p[kept++] = (stretch){id, p[i].size + p[i + 1].size};
            i++;
        } else {
            p[kept++] = p[i];
        }
    }
    return kept;
}

/* At most SHORT_PART signs. */
static size_t merge_short(const subword *s, stretch *p, size_t n) {
    int32_t rank[SHORT_PART], id = 0;
    for (size_t i = 0; i + 1 < n; i++) rank[i] = rank_of(s, p + i, &id);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++) {
            if (rank[i] < rank[best]) best = i;
        }
        if (rank[best] == INT32_MAX) break;
        rank_of(s, p + best, &id);
        int32_t left = p[best].id, right = p[best + 1].id;
        n = best + merge_equal(p + best, n - best, left, right, id);
        for (size_t i = best ? best - 1 : 0; i + 1 < n; i++) {
            int32_t unused;
            rank[i] = rank_of(s, p + i, &unused);
        }
    }
    return n;
}

/* The same where every candidate may be left out: one merge at a time, with fresh luck for each. */
static size_t merge_dropout(subword_session *t, stretch *p, size_t n) {
    while (n > 1) {
        size_t best = n;
        int32_t least = INT32_MAX, id = 0, made = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            int32_t rank = rank_of(t->s, p + i, &id);
            if (rank == INT32_MAX || rng_uniform(&t->random) < t->rate || rank >= least) continue;
            best = i;
            least = rank;
            made = id;
        }
        if (best == n) break;
        p[best] = (stretch){made, p[best].size + p[best + 1].size};
        memmove(p + best + 1, p + best + 2, (n - best - 2) * sizeof *p);
        n--;
    }
    return n;
}

/* ---- merging a long part */

static bool earlier(const candidate *a, const candidate *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->place < b->place;
}

static int heap_push(subword_session *t, candidate c) {
    TRY(mem_grow(&t->heap, &t->heap_room, t->heaped + 1, sizeof c));
    size_t i = t->heaped++;
    for (; i > 0 && earlier(&c, &t->heap[(i - 1) / 2]); i = (i - 1) / 2) {
        t->heap[i] = t->heap[(i - 1) / 2];
    }
    t->heap[i] = c;
    return 0;
}

static candidate heap_pop(subword_session *t) {
    candidate top = t->heap[0], last = t->heap[--t->heaped];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < t->heaped) {
        if (child + 1 < t->heaped && earlier(&t->heap[child + 1], &t->heap[child])) child++;
        if (!earlier(&t->heap[child], &last)) break;
        t->heap[i] = t->heap[child];
        i = child;
    }
    t->heap[i] = last;
    return top;
}

/* Puts the pair that begins at `place` on the heap, when it has a rank. */
static int offer(subword_session *t, uint32_t place, size_t n) {
    uint32_t next = t->next[place];
    if (next >= n) return 0;
    const pair_slot *slot = subword_pair(t->s, t->part[place].id, t->part[next].id);
    if (!slot) return 0;
    return heap_push(t, (candidate){slot->rank, slot->id, place, (uint32_t)t->part[place].id,
                                    (uint32_t)t->part[next].id});
}

static bool holds(const subword_session *t, const candidate *c, size_t n) {
    uint32_t next = t->next[c->place];
    return t->part[c->place].size && next < n && t->part[c->place].id == (int32_t)c->left &&
           t->part[next].id == (int32_t)c->right;
}

/* Joins the pair; the sign behind goes (size 0). */
static void join_pair(subword_session *t, const candidate *c, size_t n) {
    uint32_t next = t->next[c->place], after = t->next[next];
    t->part[c->place] = (stretch){c->id, t->part[c->place].size + t->part[next].size};
    t->part[next].size = 0;
    t->next[c->place] = after;
    if (after < n) t->before[after] = c->place;
}

/* All candidates of the least rank, in order of place; new neighbours are offered afterwards. */
static int merge_rank(subword_session *t, size_t n) {
    size_t joined = 0;
    int32_t rank = t->heap[0].rank;
    while (t->heaped && t->heap[0].rank == rank) {
        candidate c = heap_pop(t);
        if (!holds(t, &c, n)) continue;
        join_pair(t, &c, n);
        TRY(mem_grow(&t->batch, &t->batch_room, joined + 1, sizeof c));
        t->batch[joined++] = c;
    }
    for (size_t i = 0; i < joined; i++) {
        uint32_t place = t->batch[i].place;
        if (place) TRY(offer(t, t->before[place], n));
        TRY(offer(t, place, n));
    }
    return 0;
}

static int merge_long(subword_session *t, size_t *count) {
    size_t n = *count, kept = 0;
    TRY(mem_grow(&t->next, &t->next_room, n, sizeof *t->next));
    TRY(mem_grow(&t->before, &t->before_room, n, sizeof *t->before));
    for (size_t i = 0; i < n; i++) {
        t->next[i] = (uint32_t)i + 1;
        t->before[i] = (uint32_t)i - 1;
    }
    t->heaped = 0;
    for (size_t i = 0; i + 1 < n; i++) TRY(offer(t, (uint32_t)i, n));
    while (t->heaped) TRY(merge_rank(t, n));
    for (size_t i = 0; i < n; i++) {
        if (t->part[i].size) t->part[kept++] = t->part[i];
    }
    *count = kept;
    return 0;
}

/* ---- a word */

/* Fills t->part with the signs of a part of a word. */
static int take_signs(subword_session *t, bytes part, size_t *count) {
    const subword *s = t->s;
    size_t n = 0, length;
    TRY(mem_grow(&t->part, &t->part_room, part.size, sizeof *t->part));
    for (size_t at = 0; at < part.size; at += length) {
        if (s->cut.config.kind == SUBWORD_BYTE || (unsigned char)part.data[at] >= MARK_CAPITAL) {
            length = 1;
        } else {
            utf8_decode(part, at, &length);
        }
        bytes sign = bytes_slice(part, at, at + length);
        t->part[n++] = (stretch){subword_char(s, sign, at + length == part.size), (uint32_t)length};
    }
    *count = n;
    return 0;
}

static int add_done(subword_session *t, const stretch *p, size_t n) {
    if (t->count + n > t->room) TRY(mem_grow(&t->done, &t->room, t->count + n, sizeof *p));
    for (size_t i = 0; i < n; i++) t->done[t->count + i] = p[i]; /* few: no call of memcpy */
    t->count += n;
    return 0;
}

/* Dropout looks at a part in runs of SHORT_PART signs, for it is quadratic. */
static int drop_part(subword_session *t, size_t n) {
    for (size_t at = 0; at < n; at += SHORT_PART) {
        size_t run = n - at < SHORT_PART ? n - at : SHORT_PART;
        TRY(add_done(t, t->part + at, merge_dropout(t, t->part + at, run)));
    }
    return 0;
}

static int encode_part(subword_session *t, bytes part) {
    const subword *s = t->s;
    size_t n;
    if (s->cut.config.kind == SUBWORD_WORD) {
        int32_t id = strmap_find(&s->unit, part);
        return add_done(t, &(stretch){id < 0 ? SUBWORD_UNKNOWN : id, (uint32_t)part.size}, 1);
    }
    TRY(take_signs(t, part, &n));
    if (s->cut.config.kind == SUBWORD_CHAR) return add_done(t, t->part, n);
    if (t->rate > 0) return drop_part(t, n);
    if (n > SHORT_PART) {
        TRY(merge_long(t, &n));
    } else {
        n = merge_short(s, t->part, n);
    }
    return add_done(t, t->part, n);
}

static int encode_word(subword_session *t, bytes word) {
    for (size_t at = 0; at < word.size;) {
        size_t end = cut_part(&t->s->cut, word, at);
        TRY(encode_part(t, bytes_slice(word, at, end)));
        at = end;
    }
    return 0;
}

/* ---- the memory of words */

static size_t key_room(size_t key) {
    return (key + 3) / 4 * 4;
}

static const memory_slot *recall(const subword_session *t, uint64_t hash, bytes word) {
    for (size_t i = 0; i < WAYS; i++) {
        const memory_slot *m = &t->slot[(hash + i) & (SLOTS - 1)];
        if (m->hash == hash && m->key == word.size && m->count &&
            !memcmp(t->pool + m->at, word.data, word.size)) {
            return m;
        }
    }
    return NULL;
}

/* Remembers that the units from `first` on are those of the word. */
static void remember(subword_session *t, uint64_t hash, bytes word, size_t first) {
    size_t count = t->count - first, size = count * sizeof(stretch), key = key_room(word.size);
    if (key + size > POOL - t->pooled) {
        memset(t->slot, 0, SLOTS * sizeof *t->slot);
        t->pooled = 0;
    }
    size_t way = t->turn++ % WAYS;
    for (size_t i = 0; i < WAYS; i++) {
        if (t->slot[(hash + i) & (SLOTS - 1)].count == 0) way = i;
    }
    t->slot[(hash + way) & (SLOTS - 1)] =
        (memory_slot){hash, (uint32_t)t->pooled, (uint16_t)word.size, (uint16_t)count};
    memcpy(t->pool + t->pooled, word.data, word.size);
    memcpy(t->pool + t->pooled + key, t->done + first, size);
    t->pooled += key + size;
}

static int take_word(subword_session *t, bytes word) {
    if (t->rate > 0 || word.size > KEY_LIMIT || t->s->cut.config.kind == SUBWORD_CHAR) {
        return encode_word(t, word);
    }
    uint64_t hash = hash64(word.data, word.size);
    const memory_slot *m = recall(t, hash, word);
    if (m) {
        const char *units = t->pool + m->at + key_room(word.size);
        return add_done(t, (const stretch *)(const void *)units, m->count);
    }
    size_t first = t->count;
    TRY(encode_word(t, word));
    remember(t, hash, word, first);
    return 0;
}

/* ---- a line */

static int take_free(subword_session *t, bytes inner, size_t at, size_t end) {
    bytes text = bytes_slice(inner, 0, end);
    while (at < end) {
        size_t stop = cut_word(&t->s->cut, text, at);
        TRY(take_word(t, bytes_slice(text, at, stop)));
        at = stop;
    }
    return 0;
}

static int take_gap(subword_session *t, size_t size) {
    return size ? add_done(t, &(stretch){-1, (uint32_t)size}, 1) : 0;
}

/* subword-nmt: words stand between spaces, which are no part of any unit; at the ends of the line
 * carriage returns count as spaces. */
static int take_spaced(subword_session *t, bytes inner) {
    bytes text = cut_trim(inner);
    if (text.size == 0) return take_gap(t, inner.size);
    size_t front = (size_t)(text.data - inner.data);
    TRY(take_gap(t, front));
    for (size_t at = 0; at < text.size;) {
        size_t gap = at;
        while (text.data[gap] == ' ') gap++; /* a word follows */
        TRY(take_gap(t, gap - at));
        at = cut_word(&t->s->cut, text, gap);
        TRY(take_word(t, bytes_slice(text, gap, at)));
    }
    return take_gap(t, inner.size - front - text.size);
}

static int take_fixed(subword_session *t, bytes inner, const fixed *f) {
    int32_t id = f->symbol < 0 ? strmap_find(&t->s->unit, bytes_slice(inner, f->begin, f->end))
                               : SUBWORD_SPECIALS + f->symbol;
    if (id < 0) id = SUBWORD_UNKNOWN;
    return add_done(t, &(stretch){id, (uint32_t)(f->end - f->begin)}, 1);
}

static int take_line(subword_session *t) {
    bytes inner = buffer_view(&t->cut.inner);
    size_t at = 0;
    if (t->s->cut.config.format == SUBWORD_NMT) return take_spaced(t, inner);
    for (size_t i = 0; i < t->cut.count; i++) {
        TRY(take_free(t, inner, at, t->cut.fixed[i].begin));
        TRY(take_fixed(t, inner, &t->cut.fixed[i]));
        at = t->cut.fixed[i].end;
    }
    return take_free(t, inner, at, inner.size);
}

/* Fills t->done. */
static int encode_line(subword_session *t, bytes line, const subword_dropout *dropout,
                       rill_error *error) {
    t->count = 0;
    t->rate = dropout ? dropout->rate : 0;
    if (t->rate > 0) t->random = (rng){.key = dropout->key, .high = dropout->name};
    TRY(cut_line(&t->s->cut, line, &t->cut, error));
    return take_line(t) < 0 ? status_nomem(error) : 0;
}

int subword_encode(subword_session *t, bytes line, const subword_dropout *dropout,
                   subword_list *out, rill_error *error) {
    out->count = 0;
    TRY(encode_line(t, line, dropout, error));
    if (mem_grow(&out->item, &out->room, t->count, sizeof *out->item) < 0) {
        return status_nomem(error);
    }
    size_t at = 0;
    for (size_t i = 0; i < t->count; i++) {
        size_t end = at + t->done[i].size;
        if (t->done[i].id >= 0) {
            subword_item item = cut_range(&t->s->cut, &t->cut, at, end);
            item.id = t->done[i].id;
            out->item[out->count++] = item;
        }
        at = end;
    }
    return 0;
}

/* ---- as text */

/* subword-nmt keeps the blanks at both ends of a line; between words it writes one. */
static void apply_nmt(const subword_session *t, buffer *out) {
    bytes inner = buffer_view(&t->cut.inner);
    size_t at = 0;
    for (size_t i = 0; i < t->count; i++) {
        size_t end = at + t->done[i].size;
        bool inside = i + 1 < t->count && t->done[i + 1].id >= 0;
        if (t->done[i].id >= 0) {
            buffer_add_bytes(out, bytes_slice(inner, at, end));
            if (inside) buffer_add_text(out, "@@ ");
        } else if (i == 0 || i + 1 == t->count) {
            buffer_add_bytes(out, bytes_slice(inner, at, end));
        } else {
            buffer_add_char(out, ' ');
        }
        at = end;
    }
}

/* Bytes that the units take, one more for each blank. */
static size_t shown_room(const subword_session *t) {
    const size_t *shown = t->s->shown_at;
    size_t room = 1;
    for (size_t i = 0; i < t->count; i++) {
        int32_t id = t->done[i].id;
        room += id == SUBWORD_UNKNOWN ? 1 : shown[id + 1] - shown[id] + 1;
    }
    return room;
}

/* Known units are copied to room that is there; this loop and take_word are where time goes. */
static void apply_native(const subword_session *t, buffer *out) {
    const subword *s = t->s;
    size_t at = 0, left = shown_room(t);
    if (mem_grow(&out->data, &out->capacity, out->size + left, 1) < 0) out->failed = true;
    for (size_t i = 0; i < t->count && !out->failed; i++) {
        int32_t id = t->done[i].id;
        size_t size = s->shown_at[id + 1] - s->shown_at[id];
        if (i) out->data[out->size++] = ' ';
        if (id == SUBWORD_UNKNOWN) {
            cut_show(bytes_slice(buffer_view(&t->cut.inner), at, at + t->done[i].size), out);
            size_t need = out->size + left; /* its own size was not known before */
            if (mem_grow(&out->data, &out->capacity, need, 1) < 0) out->failed = true;
        } else {
            memcpy(out->data + out->size, s->shown.data + s->shown_at[id], size);
            out->size += size;
            left -= size;
        }
        at += t->done[i].size;
    }
    if (!out->failed && out->data) out->data[out->size] = 0;
}

int subword_apply(subword_session *t, bytes line, const subword_dropout *dropout, buffer *out,
                  rill_error *error) {
    TRY(encode_line(t, line, dropout, error));
    if (t->s->cut.config.format == SUBWORD_NMT) {
        apply_nmt(t, out);
    } else {
        apply_native(t, out);
    }
    return buffer_status(out, error);
}

/* ---- back to text */

static bool is_ended(bytes unit) {
    return unit.size >= 4 && !memcmp(unit.data + unit.size - 4, "</w>", 4);
}

/* Inner bytes of a unit; nmt: </w> is a space. */
static void add_unit_text(const subword *s, int32_t id, buffer *inner) {
    bytes unit = strmap_get(&s->unit, id);
    bool ended = s->cut.config.format == SUBWORD_NMT && is_ended(unit);
    buffer_add_bytes(inner, bytes_slice(unit, 0, unit.size - (ended ? 4 : 0)));
    if (ended) buffer_add_char(inner, ' ');
}

static bool has_lead(const subword *s) {
    return s->cut.config.format == SUBWORD_NATIVE && s->cut.config.kind != SUBWORD_CHAR;
}

void subword_decode(const subword *s, const int32_t *id, size_t count, const bytes *raw,
                    buffer *out) {
    buffer inner = {0};
    bool lead = has_lead(s);
    for (size_t i = 0; i < count; i++) {
        if (id[i] < 0 || id[i] >= s->unit.count) continue;
        if (id[i] == SUBWORD_UNKNOWN) {
            lead &= inner.size > 0; /* raw text has no imagined space */
            buffer_add_bytes(&inner, raw ? raw[i] : BYTES("\xEF\xBF\xBD"));
            if (!raw && s->cut.config.format == SUBWORD_NMT) buffer_add_char(&inner, ' ');
        } else if (id[i] >= SUBWORD_SPECIALS) {
            add_unit_text(s, id[i], &inner);
        }
    }
    if (s->cut.config.format == SUBWORD_NMT && inner.size && inner.data[inner.size - 1] == ' ') {
        inner.size--;
    }
    cut_join(buffer_view(&inner), lead, out);
    out->failed |= inner.failed;
    buffer_free(&inner);
}

/* Drops every "@@ " and an "@@" at the end. */
static void undo_nmt(bytes line, buffer *out) {
    size_t done = 0;
    for (size_t at = 0; at + 2 <= line.size; at++) {
        bool last = at + 2 == line.size;
        if (memcmp(line.data + at, "@@", 2) || (!last && line.data[at + 2] != ' ')) continue;
        buffer_add_bytes(out, bytes_slice(line, done, at));
        done = at + (last ? 2 : 3);
        at = done - 1;
    }
    buffer_add_bytes(out, bytes_slice(line, done, line.size));
}

void subword_undo(const subword *s, bytes line, buffer *out) {
    if (s->cut.config.format == SUBWORD_NMT) {
        undo_nmt(line, out);
        return;
    }
    buffer inner = {0}, solid = {0};
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] != ' ') buffer_add_char(&solid, line.data[i]);
    }
    cut_unshow(buffer_view(&solid), &inner);
    cut_join(buffer_view(&inner), has_lead(s), out);
    out->failed |= inner.failed || solid.failed;
    buffer_free(&inner);
    buffer_free(&solid);
}
