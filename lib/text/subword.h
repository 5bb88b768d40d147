/* subword: units between characters and words, with a closed list of ids that a model can know.
 *
 * Units are learnt from text (byte-pair encoding: Sennrich, Haddow, Birch 2016, "Neural Machine
 * Translation of Rare Words with Subword Units": the most frequent pair of neighbours becomes a new
 * unit, again and again) or are plain characters or words. Two formats:
 *
 *   native      Lossless: decoding what was encoded gives the normalised text back, to the byte. A
 *               space belongs to the unit behind it; where text begins a space is imagined, so that
 *               a word is the same unit at the start of a line (not with characters). A learnt unit
 *               holds at most one space, in front.
 *   subword-nmt What the tool of that name does, byte for byte: words are what stands between
 *               spaces, the last unit of a word ends in </w>. Nothing is normalised. Characters
 *               that no merge names are unknown, unless they are added (subword_add_characters).
 *
 * Units are shown (in files, by rill-tokenize) in a printable form without blanks:
 *
 *     U+2581 a space      U+2191 the next letter is a capital      U+21D1 all letters that follow are
 *     U+241B HH the byte with hexadecimal digits HH (controls, parts of characters); U+241B before one
 *     of these four signs: the sign itself
 *
 * Ids are dense: unknown, begin, end, then the user's own symbols, then learnt units. Text can't
 * forge the first three.
 */
#ifndef RILL_TEXT_SUBWORD_H
#define RILL_TEXT_SUBWORD_H

#include "text/unicode.h"
#include "text/vocab.h"

typedef enum subword_kind {
    SUBWORD_WORD, /* the most frequent words */
    SUBWORD_CHAR,
    SUBWORD_BPE, /* byte-pair encoding over characters; what learning did not see is unknown */
    SUBWORD_BYTE /* byte-pair encoding over bytes; nothing is unknown but protected text */
} subword_kind;

typedef enum subword_format { SUBWORD_NATIVE, SUBWORD_NMT } subword_format;

enum { SUBWORD_UNKNOWN, SUBWORD_BEGIN, SUBWORD_END, SUBWORD_SPECIALS };

typedef struct subword_config {
    subword_kind kind;
    subword_format format;  /* SUBWORD_NMT: bpe only, and of what follows only sizes and counts */
    unicode_form normalise;
    bool lower;             /* capitals become a mark in front and a small letter */
    bool borders;           /* letters, digits and other signs are never merged with each other */
    int32_t vocab_size;     /* most ids, all included; 0: no bound */
    int32_t merges;         /* most merges; 0: no bound */
    int64_t min_count;      /* least count of a unit (of a pair, for merges) */
    size_t max_words;       /* distinct words kept while counting; the rarest go when there are more */
    const bytes *protect;   /* [protects] regular expressions: what they match is one unit or
                             * unknown; theirs are a quarter of the ids that are free at first, and
                             * what merges leave */
    size_t protects;
    const bytes *symbol;    /* [symbols] strings that are always one unit */
    size_t symbols;
} subword_config;

/* bpe, native, NFC, borders, 8,000 ids, counts from 2, a million words. */
subword_config subword_defaults(void);

/* Immutable, shared between threads. */
typedef struct subword subword;
void subword_free(subword *s);
const subword_config *subword_settings(const subword *s); /* lists and bounds are left out */
int32_t subword_size(const subword *s);
/* A unit as it is shown, "<unk>", "<s>" and "</s>" for the first three; and the way back: -1 when
 * there is none. */
bytes subword_piece(const subword *s, int32_t id);
int32_t subword_find(const subword *s, bytes shown);

/* ---- learning */

typedef struct subword_learner subword_learner;
/* Strings of the configuration are copied. */
MUST_USE int subword_learner_new(const subword_config *config, subword_learner **out,
                                 rill_error *error);
/* Counts a line (without its end). Invalid UTF-8 is RILL_EDATA with the byte in `column`. */
MUST_USE int subword_learner_add(subword_learner *l, bytes line, rill_error *error);
/* What there is to say about learning. */
typedef struct subword_learnt {
    int64_t lines, words; /* words: running ones, between spaces */
    int64_t distinct;     /* different words at the end */
    int64_t dropped;      /* running words that max_words cost */
    int64_t unknown;      /* running characters (words, where units are words) outside the units */
    int64_t fixed;         /* running symbols and pieces of protected text */
    int64_t unknown_fixed; /* running pieces of protected text outside the units */
    int32_t size, merges;
} subword_learnt;
/* report may be NULL. The learner can't be added to any more. */
MUST_USE int subword_learner_finish(subword_learner *l, subword **out, subword_learnt *report,
                                    rill_error *error);
void subword_learner_free(subword_learner *l);

/* Codes of subword-nmt name only the characters that their merges join: a full stop that always
 * stands alone is unknown to them. Units that a model is trained with are to know its text, so here
 * the characters of a line (without its end) are counted. Invalid UTF-8 is RILL_EDATA with the byte
 * in `column`. */
MUST_USE int subword_count_characters(bytes line, tally *seen, rill_error *error);
/* Gives those seen `least` times ids behind all others, two each: inside a word and at its end.
 * Units of the native format stay as they are. Before any session is made. */
MUST_USE int subword_add_characters(subword *s, const tally *seen, int64_t least,
                                    rill_error *error);

/* ---- files: text, one unit a line (subword_file.c tells the format). Reading takes any bytes
 * whatsoever; faults are RILL_EDATA with name:line:column. */

void subword_write(const subword *s, buffer *out);
/* Either format, told apart by the first line. */
MUST_USE int subword_read(bytes text, const char *name, subword **out, rill_error *error);
MUST_USE int subword_open(const char *path, subword **out, rill_error *error);

/* ---- at work */

typedef struct subword_item {
    int32_t id;
    size_t begin, end; /* raw bytes: the union of the ranges of the unit's characters */
} subword_item;

/* Zeroed is empty; reused it stops allocating. */
typedef struct subword_list {
    subword_item *item; /* [count] */
    size_t count, room;
} subword_list;
void subword_list_free(subword_list *list);

/* BPE dropout (Provilkov, Emelianenko, Voita 2020): each time a merge is looked for, every candidate
 * is left out with probability `rate`; at rate 1 characters remain. Random numbers are a function
 * of key and name (a line of a corpus, mixed with the epoch), nothing else. */
typedef struct subword_dropout {
    double rate;
    uint64_t key, name;
} subword_dropout;

/* What one thread needs besides the units, which must outlive it. It remembers words (bounded). */
typedef struct subword_session subword_session;
MUST_USE int subword_session_new(const subword *s, subword_session **out, rill_error *error);
void subword_session_free(subword_session *session);

/* Units of a line; what `out` held is forgotten. dropout may be NULL. Invalid UTF-8 is RILL_EDATA
 * with the byte in `column` (1-based); the caller adds file and line. */
MUST_USE int subword_encode(subword_session *session, bytes line, const subword_dropout *dropout,
                            subword_list *out, rill_error *error);
/* The same as text, appended: units as they are shown, with a blank between; an unknown one shows
 * what it stands for. subword-nmt's format: x@@ y. */
MUST_USE int subword_apply(subword_session *session, bytes line, const subword_dropout *dropout,
                           buffer *out, rill_error *error);

/* Appends the text of ids (out of range: skipped; begin and end: nothing). raw [count], which
 * may be NULL, has the raw text at the place of each unknown unit, with the blanks around it; without
 * it an unknown is U+FFFD. In subword-nmt's format that is taken for the end of its word, which no id
 * tells: most stand alone. Always valid UTF-8. */
void subword_decode(const subword *s, const int32_t *id, size_t count, const bytes *raw,
                    buffer *out);
/* Appends the text of a line that subword_apply made. */
void subword_undo(const subword *s, bytes line, buffer *out);

#endif
