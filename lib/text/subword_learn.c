/* subword_learn: from lines to units.
 *
 * Lines are cut to words, words are counted; only at the end are the different words looked into,
 * so the work of learning depends on the vocabulary of the text, not on its length:
 *
 *     lines -> words, counted (at most max_words; half go when there are more, the rarest)
 *           -> parts, counted (letters, digits, other signs; what merges may not cross)
 *           -> characters, counted: the first units, most frequent first
 *           -> merges (subword_pairs.c) until vocab_size, merges or min_count is reached
 *
 * Every choice goes by count and then by bytes, so neither the order of lines nor that of files
 * matters (unless max_words was passed).
 */
#include "text/subword_inner.h"
#include "text/subword_pairs.h"
#include "text/vocab.h"
#include <stdlib.h>
#include <string.h>

struct subword_learner {
    cutter cutter;
    cut cut;
    tally words, fixed; /* words between spaces; protected text */
    subword_learnt report;
};

int subword_learner_new(const subword_config *config, subword_learner **out, rill_error *error) {
    subword_learner *l = mem_new(1, sizeof *l);
    *out = NULL;
    if (!l) return status_nomem(error);
    int status = cutter_make(config, &l->cutter, error);
    if (status < 0) {
        free(l);
        return status;
    }
    *out = l;
    return 0;
}

void subword_learner_free(subword_learner *l) {
    if (!l) return;
    cutter_free(&l->cutter);
    cut_free(&l->cut);
    tally_free(&l->words);
    tally_free(&l->fixed);
    free(l);
}

/* ---- counting words */

static int64_t total(const tally *t) {
    int64_t sum = 0;
    for (int32_t i = 0; i < t->words.count; i++) sum += t->count[i];
    return sum;
}

/* Keeps the most frequent half. */
static int thin_out(subword_learner *l, tally *t, rill_error *error) {
    vocab kept = {0};
    size_t most = l->cutter.config.max_words;
    if (most == 0 || (size_t)t->words.count <= most) return 0;
    TRY(vocab_build(&kept, t, NULL, 0, 1, (int32_t)(most / 2 ? most / 2 : 1), error));
    int64_t before = total(t);
    tally_free(t);
    *t = (tally){kept.words, kept.count, (size_t)kept.words.count};
    l->report.dropped += before - total(t);
    return 0;
}

static int count_word(subword_learner *l, bytes word, rill_error *error) {
    l->report.words++;
    return tally_add(&l->words, word, 1) < 0 ? status_nomem(error) : 0;
}

static int count_free(subword_learner *l, bytes text, rill_error *error) {
    for (size_t at = 0; at < text.size;) {
        size_t end = cut_word(&l->cutter, text, at);
        TRY(count_word(l, bytes_slice(text, at, end), error));
        at = end;
    }
    return thin_out(l, &l->words, error);
}

static int count_spaced(subword_learner *l, bytes line, rill_error *error) {
    bytes rest = cut_trim(line), word;
    while (bytes_split(&rest, ' ', &word)) {
        if (word.size) TRY(count_word(l, word, error));
    }
    return thin_out(l, &l->words, error);
}

int subword_learner_add(subword_learner *l, bytes line, rill_error *error) {
    TRY(cut_line(&l->cutter, line, &l->cut, error));
    l->report.lines++;
    bytes inner = buffer_view(&l->cut.inner);
    if (l->cutter.config.format == SUBWORD_NMT) return count_spaced(l, inner, error);
    size_t at = 0;
    for (size_t i = 0; i < l->cut.count; i++) {
        const fixed *f = &l->cut.fixed[i];
        TRY(count_free(l, bytes_slice(inner, at, f->begin), error));
        bool symbol = f->symbol >= 0;
        if (!symbol && tally_add(&l->fixed, bytes_slice(inner, f->begin, f->end), 1) < 0) {
            return status_nomem(error);
        }
        at = f->end;
    }
    l->report.fixed += (int64_t)l->cut.count;
    TRY(thin_out(l, &l->fixed, error));
    return count_free(l, bytes_slice(inner, at, inner.size), error);
}

/* ---- the first units */

/* The parts of all words, counted. */
static int count_parts(const cutter *c, const subword_learner *l, tally *parts) {
    for (int32_t i = 0; i < l->words.words.count; i++) {
        bytes word = strmap_get(&l->words.words, i);
        for (size_t at = 0; at < word.size;) {
            size_t end = cut_part(c, word, at);
            TRY(tally_add(parts, bytes_slice(word, at, end), l->words.count[i]));
            at = end;
        }
    }
    return 0;
}

/* The sign that starts at `at`; nmt: with </w> in `room` when it is the last. */
static bytes sign_at(const cutter *c, bytes part, size_t at, size_t *length, buffer *room) {
    if (c->config.kind == SUBWORD_BYTE || (unsigned char)part.data[at] >= MARK_CAPITAL) {
        *length = 1;
    } else {
        utf8_decode(part, at, length);
    }
    bytes sign = bytes_slice(part, at, at + *length);
    if (c->config.format != SUBWORD_NMT || at + *length < part.size) return sign;
    buffer_clear(room);
    buffer_add_bytes(room, sign);
    buffer_add_text(room, "</w>");
    return buffer_view(room);
}

static int count_signs(const cutter *c, const tally *parts, tally *signs) {
    buffer room = {0};
    int status = 0;
    for (int32_t i = 0; i < parts->words.count && status == 0; i++) {
        bytes part = strmap_get(&parts->words, i);
        for (size_t at = 0, length; at < part.size && status == 0; at += length) {
            bytes sign = sign_at(c, part, at, &length, &room);
            status = room.failed ? RILL_ENOMEM : tally_add(signs, sign, parts->count[i]);
        }
    }
    buffer_free(&room);
    return status;
}

static int add_forced(subword *s, const tally *signs, rill_error *error) {
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        bytes sign = {&byte, 1};
        if (!subword_forced(&s->cut.config, i) || strmap_find(&s->unit, sign) >= 0) continue;
        int32_t id = strmap_find(&signs->words, sign);
        TRY(subword_add_unit(s, sign, id < 0 ? 0 : signs->count[id], error));
    }
    return 0;
}

/* Units of the tally, most frequent first, at most `most`; those there already are passed over. */
static int add_units(subword *s, const tally *t, int64_t least, int32_t most, rill_error *error) {
    vocab sorted = {0};
    TRY(vocab_build(&sorted, t, NULL, 0, least, 0, error));
    int status = 0;
    for (int32_t i = 0; i < vocab_size(&sorted) && most > 0 && status == 0; i++) {
        bytes unit = vocab_word(&sorted, i);
        bool special = subword_special(unit) >= 0;
        if (special || unit.size > PIECE_LIMIT || strmap_find(&s->unit, unit) >= 0) continue;
        status = subword_add_unit(s, unit, sorted.count[i], error);
        most--;
    }
    vocab_free(&sorted);
    return status;
}

/* How many ids are left. */
static int32_t room_left(const subword *s) {
    int32_t most = s->cut.config.vocab_size ? s->cut.config.vocab_size : UNITS_LIMIT;
    return most - subword_size(s);
}

/* Everything but merges. In subword-nmt's format each character has its place until the merges are
 * found; its list of merges is all that stays. */
static int add_first(subword_learner *l, subword *s, const tally *signs, rill_error *error) {
    int64_t least = s->cut.config.min_count;
    bool nmt = s->cut.config.format == SUBWORD_NMT;
    TRY(add_forced(s, signs, error));
    if (!nmt && room_left(s) < 0) {
        return status_fail(error, RILL_EUSAGE, "%d units have no room for the %d that must be",
                           (int)s->cut.config.vocab_size, (int)subword_size(s));
    }
    TRY(add_units(s, &l->fixed, least, room_left(s) / 4, error)); /* more follow the merges */
    return add_units(s, signs, nmt ? 1 : least, nmt ? INT32_MAX : room_left(s), error);
}

/* ---- merges */

static int add_sequence(const subword *s, pairs *p, bytes part, int64_t count, int32_t **unit,
                        size_t *unit_room, buffer *room, rill_error *error) {
    size_t n = 0, length;
    if (mem_grow(unit, unit_room, part.size, sizeof **unit) < 0) return status_nomem(error);
    for (size_t at = 0; at < part.size; at += length) {
        int32_t id = strmap_find(&s->unit, sign_at(&s->cut, part, at, &length, room));
        if (id >= 0) {
            (*unit)[n++] = id;
            continue;
        }
        TRY(pairs_add(p, *unit, n, count, error)); /* no merge crosses an unknown sign */
        n = 0;
    }
    TRY(buffer_status(room, error));
    return pairs_add(p, *unit, n, count, error);
}

static int add_sequences(const subword *s, pairs *p, const tally *parts, rill_error *error) {
    int32_t *unit = NULL;
    size_t unit_room = 0;
    buffer room = {0};
    int status = 0;
    for (int32_t i = 0; i < parts->words.count && status == 0; i++) {
        status = add_sequence(s, p, strmap_get(&parts->words, i), parts->count[i], &unit,
                              &unit_room, &room, error);
    }
    free(unit);
    buffer_free(&room);
    if (status == 0) status = pairs_index(p, &s->unit, error);
    return status;
}

static bool holds_cr(bytes unit) {
    return memchr(unit.data, '\r', unit.size) != NULL;
}

/* A merge that can't be a unit (too long, the name of a special one) is left out for ever. So is
 * one with a carriage return in subword-nmt's format, which escapes nothing and takes it off the
 * ends of a line. */
static bool can_merge(const subword *s, int32_t left, int32_t right) {
    char joined[8];
    bytes a = strmap_get(&s->unit, left), b = strmap_get(&s->unit, right);
    if (a.size + b.size > PIECE_LIMIT) return false;
    if (s->cut.config.format == SUBWORD_NMT) return !holds_cr(a) && !holds_cr(b);
    if (a.size + b.size > sizeof joined) return true;
    memcpy(joined, a.data, a.size);
    memcpy(joined + a.size, b.data, b.size);
    return subword_special((bytes){joined, a.size + b.size}) < 0;
}

static int add_merges(subword *s, pairs *p, rill_error *error) {
    int32_t left, right, most = s->cut.config.merges ? s->cut.config.merges : INT32_MAX;
    bool nmt = s->cut.config.format == SUBWORD_NMT;
    int64_t count;
    while (s->merges < most && (nmt || room_left(s) > 0) && pairs_best(p, &left, &right, &count) &&
           count >= s->cut.config.min_count) {
        int32_t id = -1;
        if (can_merge(s, left, right)) {
            TRY(subword_add_merge(s, left, right, count, error));
            id = s->entry[s->entries - 1].id;
        }
        TRY(pairs_join(p, id, error));
    }
    return 0;
}

static int learn_merges(subword *s, const tally *parts, rill_error *error) {
    pairs *p;
    TRY(pairs_new(&p, error));
    int status = add_sequences(s, p, parts, error);
    if (status == 0) status = add_merges(s, p, error);
    pairs_free(p);
    return status;
}

/* ---- characters that codes of subword-nmt lack */

int subword_count_characters(bytes line, tally *seen, rill_error *error) {
    size_t fault, length;
    if (!utf8_valid(line, &fault)) {
        return status_set(error, RILL_EDATA, NULL, 0, fault + 1, "invalid UTF-8");
    }
    bytes text = cut_trim(line);
    for (size_t at = 0; at < text.size; at += length) {
        utf8_decode(text, at, &length);
        bytes point = bytes_slice(text, at, at + length);
        if (text.data[at] != ' ' && tally_add(seen, point, 1) < 0) return status_nomem(error);
    }
    return 0;
}

static int add_missing(subword *s, bytes unit, int64_t count, rill_error *error) {
    if (strmap_find(&s->unit, unit) >= 0) return 0;
    s->wide = true;
    return subword_add_unit(s, unit, count, error);
}

int subword_add_characters(subword *s, const tally *seen, int64_t least, rill_error *error) {
    vocab sorted = {0};
    buffer form = {0};
    if (s->cut.config.format != SUBWORD_NMT) return 0;
    TRY(vocab_build(&sorted, seen, NULL, 0, least, 0, error));
    int status = 0;
    for (int32_t i = 0; i < vocab_size(&sorted) && status == 0; i++) {
        buffer_clear(&form);
        buffer_add_bytes(&form, vocab_word(&sorted, i));
        buffer_add_text(&form, "</w>");
        status = buffer_status(&form, error);
        if (status == 0) status = add_missing(s, vocab_word(&sorted, i), sorted.count[i], error);
        if (status == 0) status = add_missing(s, buffer_view(&form), sorted.count[i], error);
    }
    buffer_free(&form);
    vocab_free(&sorted);
    return status < 0 ? status : subword_seal(s, error);
}

/* ---- the end */

/* signs: parts themselves, where units are words. */
static int learn(subword_learner *l, subword *s, tally *parts, tally *signs, rill_error *error) {
    subword_kind kind = s->cut.config.kind;
    if (count_parts(&s->cut, l, parts) < 0) return status_nomem(error);
    if (kind == SUBWORD_WORD) {
        *signs = *parts;
        *parts = (tally){0};
    } else if (count_signs(&s->cut, parts, signs) < 0) {
        return status_nomem(error);
    }
    TRY(add_first(l, s, signs, error));
    if (kind == SUBWORD_BPE || kind == SUBWORD_BYTE) TRY(learn_merges(s, parts, error));
    /* What merges left over goes to protected text. */
    return add_units(s, &l->fixed, s->cut.config.min_count, room_left(s), error);
}

/* Running members of the tally that are no units. */
static int64_t count_unknown(const subword *s, const tally *t) {
    int64_t sum = 0;
    for (int32_t i = 0; i < t->words.count; i++) {
        if (strmap_find(&s->unit, strmap_get(&t->words, i)) < 0) sum += t->count[i];
    }
    return sum;
}

/* Through its own file form, so that what was just learnt and what is read later are one thing. */
static int finish(const subword *s, subword **out, rill_error *error) {
    buffer text = {0};
    subword_write(s, &text);
    int status = buffer_status(&text, error);
    if (status == 0) status = subword_read(buffer_view(&text), "learnt units", out, error);
    buffer_free(&text);
    return status;
}

int subword_learner_finish(subword_learner *l, subword **out, subword_learnt *report,
                           rill_error *error) {
    subword *s = NULL;
    tally parts = {0}, signs = {0};
    *out = NULL;
    l->report.distinct = l->words.words.count;
    int status = subword_start(&l->cutter, &s, error);
    if (status == 0) status = learn(l, s, &parts, &signs, error);
    if (status == 0) status = finish(s, out, error);
    if (status == 0) {
        l->report.size = subword_size(*out);
        l->report.unknown = count_unknown(*out, &signs);
        l->report.unknown_fixed = count_unknown(*out, &l->fixed);
        l->report.merges = s->merges;
        if (report) *report = l->report;
    }
    tally_free(&parts);
    tally_free(&signs);
    subword_free(s);
    return status;
}
