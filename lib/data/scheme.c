/* scheme: BIO, IOB1 and BIOES entity labels (see scheme.h for the rules).
 *
 * All three are read by one rule: between the labels p and c a span begins or ends by looking at
 * their letters and types alone. Writing a scheme then only chooses the letter of each word from
 * what stands at its two borders.
 */
#include "data/scheme.h"

static const char *const scheme_names[] = {"none", "bio", "iob1", "bioes"};

const char *scheme_name(scheme s) {
    return scheme_names[s];
}

bool scheme_find(bytes name, scheme *s) {
    for (size_t i = 0; i < sizeof scheme_names / sizeof *scheme_names; i++) {
        if (!bytes_equal(name, bytes_of(scheme_names[i]))) continue;
        *s = (scheme)i;
        return true;
    }
    return false;
}

/* A label taken apart; letter 'O' has no type. */
typedef struct part {
    char letter;
    bytes type;
} part;

/* False for what is no label of BIO, IOB1 or BIOES; p is O then. */
static bool part_of(bytes label, part *p) {
    *p = (part){'O', {"", 0}};
    if (label.size == 1) return label.data[0] == 'O';
    if (label.size < 3 || label.data[1] != '-') return false;
    p->letter = label.data[0];
    p->type = bytes_slice(label, 2, label.size);
    return p->letter == 'B' || p->letter == 'I' || p->letter == 'E' || p->letter == 'S';
}

bool scheme_part(bytes label, char *letter, bytes *type) {
    part p;
    bool known = part_of(label, &p);
    *letter = p.letter;
    *type = p.type;
    return known;
}

/* The part at word i; beyond either end of the sentence, and for foreign labels, it is O. */
static part part_at(const bytes *labels, size_t count, size_t i) {
    part p = {'O', {"", 0}};
    if (i < count && !part_of(labels[i], &p)) p = (part){'O', {"", 0}};
    return p;
}

/* Both inside spans that could be one. */
static bool same_type(part a, part b) {
    return a.letter != 'O' && b.letter != 'O' && bytes_equal(a.type, b.type);
}

/* Is there a border between p and c, given that at least one of them is inside a span? */
static bool border(part p, part c) {
    return !same_type(p, c) || c.letter == 'B' || c.letter == 'S' || p.letter == 'E' ||
           p.letter == 'S';
}

/* ---- which scheme */

/* The signs: E and S only occur in BIOES; an I that begins a span speaks against BIO, a B that does
 * not touch a span of its type against IOB1. */
void scheme_look(scheme_survey *survey, const bytes *labels, size_t count) {
    part before = {'O', {"", 0}};
    for (size_t i = 0; i < count; i++) {
        part now;
        survey->labels++;
        if (!part_of(labels[i], &now)) {
            survey->plain++;
            now = (part){'O', {"", 0}};
        }
        survey->spans += now.letter != 'O';
        survey->border += now.letter == 'E' || now.letter == 'S';
        survey->not_bio += now.letter == 'I' && !same_type(before, now);
        survey->not_iob1 += now.letter == 'B' && !same_type(before, now);
        before = now;
    }
}

scheme scheme_verdict(const scheme_survey *survey) {
    if (survey->labels == 0 || survey->plain) return SCHEME_NONE;
    if (survey->border) return SCHEME_BIOES;
    /* With no sign against BIO it is BIO, also when all labels are O; a file with faults is what it
     * is least unlike. */
    return survey->not_bio <= survey->not_iob1 ? SCHEME_BIO : SCHEME_IOB1;
}

/* ---- what may follow what */

/* One line for each scheme; a border of the sentence is an O. */
static bool allowed(scheme s, part from, part to) {
    switch (s) {
    case SCHEME_BIO:
        return to.letter != 'I' || same_type(from, to);
    case SCHEME_IOB1:
        return to.letter != 'B' || same_type(from, to);
    case SCHEME_BIOES: {
        bool open = from.letter == 'B' || from.letter == 'I';
        bool goes_on = to.letter == 'I' || to.letter == 'E';
        return open == goes_on && (!open || same_type(from, to));
    }
    default:
        return true;
    }
}

/* Letters that the scheme does not have are never allowed. */
static bool in_scheme(scheme s, part p) {
    return s == SCHEME_BIOES || (p.letter != 'E' && p.letter != 'S');
}

bool scheme_allowed(scheme s, bytes from, bytes to) {
    part a = {'O', {"", 0}}, b = a;
    if (s == SCHEME_NONE) return true;
    if (from.size && !part_of(from, &a)) return false;
    if (to.size && !part_of(to, &b)) return false;
    return in_scheme(s, a) && in_scheme(s, b) && allowed(s, a, b);
}

bool scheme_fault(scheme s, const bytes *labels, size_t count, size_t *at) {
    bytes none = {"", 0};
    for (size_t i = 0; i <= count; i++) {
        if (scheme_allowed(s, i ? labels[i - 1] : none, i < count ? labels[i] : none)) continue;
        *at = i;
        return true;
    }
    return false;
}

/* ---- spans */

/* A span grows with each word until a border comes, so no end has to be looked for. */
size_t scheme_spans(const bytes *labels, size_t count, scheme_span *span) {
    size_t spans = 0;
    part before = {'O', {"", 0}};
    for (size_t i = 0; i < count; i++) {
        part now = part_at(labels, count, i);
        if (now.letter != 'O') {
            if (border(before, now)) span[spans++] = (scheme_span){i, i, now.type};
            span[spans - 1].end = i + 1;
        }
        before = now;
    }
    return spans;
}

/* The letter of a word inside a span, by the borders on its two sides. */
static char letter_for(scheme to, part before, part now, part after) {
    bool begins = border(before, now), ends = border(now, after);
    switch (to) {
    case SCHEME_BIO:
        return begins ? 'B' : 'I';
    case SCHEME_IOB1:
        return begins && same_type(before, now) ? 'B' : 'I';
    case SCHEME_BIOES:
        if (ends) return begins ? 'S' : 'E';
        return begins ? 'B' : 'I';
    default:
        return now.letter;
    }
}

int scheme_convert(scheme to, bytes *labels, size_t count, buffer *text) {
    buffer_clear(text);
    /* All new labels first (sizes stay), so that the views can be set when the buffer is at rest.
     */
    for (size_t i = 0; i < count; i++) {
        part now = part_at(labels, count, i);
        size_t at = text->size;
        buffer_add_bytes(text, labels[i]);
        if (now.letter == 'O' || text->failed) continue;
        part before = part_at(labels, count, i - 1); /* i = 0 wraps around: beyond the end, so O */
        text->data[at] = letter_for(to, before, now, part_at(labels, count, i + 1));
    }
    TRY(buffer_status(text, NULL));
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        labels[i].data = text->data + at;
        at += labels[i].size;
    }
    return 0;
}
