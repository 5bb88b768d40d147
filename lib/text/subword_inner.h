/* subword_inner: what the files of subword share.
 *
 * Inside, units are plain byte strings of the "inner text": the normalised text with a space in
 * front, capitals as a mark byte (never part of UTF-8) and a small letter. Nothing is escaped, so
 * encoding copies nothing but the line itself; the shown form is made only where units are written.
 */
#ifndef RILL_TEXT_SUBWORD_INNER_H
#define RILL_TEXT_SUBWORD_INNER_H

#include "text/pattern.h"
#include "text/subword.h"

enum {
    MARK_CAPITAL = 0xFE,   /* the next letter is a capital */
    MARK_CAPITALS = 0xFF,  /* all letters up to the next sign without case are */
    PIECE_LIMIT = 65535,   /* bytes of a unit */
    UNITS_LIMIT = 16 << 20 /* ids */
};

/* ---- cut: lines to inner text (subword_cut.c) */

typedef struct sorted_symbol {
    bytes text; /* of the map */
    int32_t id;
} sorted_symbol;

/* How text is cut; immutable. */
typedef struct cutter {
    subword_config config; /* lists empty */
    buffer protect;        /* regular expressions as given, each followed by LF */
    pattern **pattern;     /* [patterns] in that order; the first that matches at a place wins */
    size_t patterns, room;
    int groups;   /* most of one */
    strmap symbol;
    sorted_symbol *sorted; /* [symbol.count] by bytes */
    bool starts[256];      /* first bytes of symbols and of what is protected */
} cutter;

/* A stretch of inner text that is one unit whatever it holds. */
typedef struct fixed {
    size_t begin, end;
    int32_t symbol; /* or -1: protected */
} fixed;

/* A line cut; zeroed is empty, and reused. */
typedef struct cut {
    bytes normal; /* the line itself, or in `normalised` */
    buffer normalised, inner;
    unicode_map map;
    size_t *offset; /* [inner.size + 1] place in the normalised text, when it is no mere shift */
    size_t offset_room;
    bool shifted; /* `offset` holds */
    size_t lead;  /* imagined bytes in front: 0 or 1 */
    fixed *fixed; /* [count] */
    size_t count, room;
    pattern_scratch *scratch;
} cut;

/* Checks the configuration of units to be learnt and takes copies; symbols are normalised, a fault
 * of a list is told with its option. On failure nothing needs freeing. */
MUST_USE int cutter_make(const subword_config *config, cutter *out, rill_error *error);
/* The same in steps, for units that stand in a file: without lists, then one by one as they stand
 * (a fault has its column in the value), then closed. */
MUST_USE int cutter_begin(const subword_config *config, cutter *out, rill_error *error);
MUST_USE int cutter_protect(cutter *c, bytes regex, rill_error *error);
MUST_USE int cutter_symbol(cutter *c, bytes text, rill_error *error);
MUST_USE int cutter_close(cutter *c, rill_error *error);
void cutter_free(cutter *c);
MUST_USE int cut_line(const cutter *c, bytes line, cut *out, rill_error *error);
void cut_free(cut *c);
/* Raw range of a range of inner text, widened to whole characters. */
subword_item cut_range(const cutter *c, const cut *at, size_t begin, size_t end);
/* End of the word (an optional space and what follows up to the next) at `at` < inner.size. */
size_t cut_word(const cutter *c, bytes inner, size_t at);
/* Without spaces and carriage returns at the ends. */
bytes cut_trim(bytes line);
/* End of the part of a word that starts at `at`: merges stay inside of it. */
size_t cut_part(const cutter *c, bytes word, size_t at);
/* The way back from inner text, appended. lead: drop a space in front. */
void cut_join(bytes inner, bool lead, buffer *out);

/* Inner bytes to the shown form and back, appended. False when an escape is not one (it is then
 * taken as it stands). */
void cut_show(bytes inner, buffer *out);
bool cut_unshow(bytes shown, buffer *out);

/* ---- the units (subword.c) */

typedef struct subword_entry {
    int32_t left, right; /* of a merge, or -1 */
    int32_t id;
    int64_t count;
} subword_entry;

typedef struct pair_slot {
    uint64_t key; /* left << 32 | right; 0: empty, for specials are never merged */
    int32_t rank; /* among the merges */
    int32_t id;
} pair_slot;

struct subword {
    cutter cut;
    strmap unit;          /* inner bytes by id; specials have names that no text has */
    buffer shown;         /* shown forms one after the other */
    size_t *shown_at;     /* [size + 1] */
    subword_entry *entry; /* [entries] in the order of the file */
    size_t entries, entry_room;
    pair_slot *pair; /* [pairs], a power of two */
    size_t pairs;
    int32_t byte[256]; /* id of each one-byte character or byte, or unknown */
    int32_t merges;
    bool wide; /* subword-nmt's units and characters that no merge names: see subword_file.c */
};

/* Specials and symbols; takes the cutter over, also on failure. */
MUST_USE int subword_start(cutter *c, subword **out, rill_error *error);
/* The special unit of that name, or -1. */
int subword_special(bytes shown);
/* Appends a unit; RILL_EDATA when it is there already. */
MUST_USE int subword_add_unit(subword *s, bytes inner, int64_t count, rill_error *error);
MUST_USE int subword_add_merge(subword *s, int32_t left, int32_t right, int64_t count,
                               rill_error *error);
/* Whether the byte is a unit whatever the text: the space, marks, all bytes that UTF-8 has. */
bool subword_forced(const subword_config *g, int byte);
/* Makes the tables, also anew. A merge that stands twice is RILL_EDATA with the number of its entry,
 * from 1, in `line`. */
MUST_USE int subword_seal(subword *s, rill_error *error);
/* Id of a character (nmt: with its </w> when last), or unknown. */
int32_t subword_char(const subword *s, bytes point, bool last);

static inline uint64_t pair_key(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}
static inline size_t pair_hash(uint64_t key) {
    key *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(key ^ key >> 32);
}
/* The slot of a merge, or NULL. */
const pair_slot *subword_pair(const subword *s, int32_t left, int32_t right);

#endif
