/* unicode: UTF-8 validation, normalisation with offsets, case, classes, grapheme clusters; the only
 * user of utf8proc.h.
 *
 * Text is validated once, where it comes in; everything else here takes valid UTF-8 for granted
 * (on other bytes the answers are meaningless, but nothing is read outside the view).
 */
#ifndef RILL_TEXT_UNICODE_H
#define RILL_TEXT_UNICODE_H

#include "base/bytes.h"

/* True when the text is UTF-8 (no surrogates, no over-long forms, at most U+10FFFF; NUL is fine).
 * Otherwise *fault, which may be NULL, is the byte offset where the first bad sequence starts. */
bool utf8_valid(bytes text, size_t *fault);

/* Decodes the code point at text.data[at] (at < size); *length is its number of bytes. */
int32_t utf8_decode(bytes text, size_t at, size_t *length);
void utf8_encode(int32_t point, buffer *out);
size_t utf8_count(bytes text); /* code points */
/* The first or last n code points, or all of a shorter text. */
bytes utf8_prefix(bytes text, size_t n);
bytes utf8_suffix(bytes text, size_t n);

typedef enum unicode_form {
    UNICODE_NONE, /* bytes stay as they are */
    UNICODE_NFC,
    UNICODE_NFKC
} unicode_form;

/* Where normalised bytes came from. Only stretches that changed have an entry; between them both
 * sides run in step. Zeroed is the identity.
 *
 *     raw         a b [e ´] c d     entry: raw 2..5 (e and U+0301), new 2..4 (U+00E9)
 *     normalised  a b [ é ] c d
 */
typedef struct unicode_span {
    size_t raw, raw_end; /* bytes of the raw text */
    size_t now, now_end; /* bytes of the normalised text */
} unicode_span;

typedef struct unicode_map {
    unicode_span *span; /* [count], ascending */
    size_t count, room;
} unicode_map;

/* Appends the normalised text to `out` (offsets in the map count from the start of `out`, which the
 * caller has emptied) and fills the map. Linear in the text, also for endless runs of marks. */
MUST_USE int unicode_normalise(bytes text, unicode_form form, buffer *out, unicode_map *map);

/* Raw offset of a normalised offset. Inside a changed stretch there is no exact answer: _begin
 * gives the start of the stretch and _end its end, so a range mapped with the two covers whole
 * stretches. */
size_t unicode_raw_begin(const unicode_map *map, size_t now);
size_t unicode_raw_end(const unicode_map *map, size_t now);
/* Normalised offset itself, or the end of the changed stretch that it stands inside of. */
size_t unicode_whole(const unicode_map *map, size_t now);
void unicode_map_free(unicode_map *map);

/* Appends the text in lower case, one code point for one (Unicode's simple mapping: sharp s stays).
 */
void unicode_lower(bytes text, buffer *out);
/* Appends the text in capitals, one code point for one. */
void unicode_upper(bytes text, buffer *out);
/* Curved apostrophes (U+2019) become straight ones; true when there were any. */
bool unicode_straighten(buffer *text);
/* The same as Python's str.lower does it: a capital sigma that ends a word becomes final sigma, and
 * I with a dot above becomes two code points. */
void unicode_lower_full(bytes text, buffer *out);
/* Appends the text case folded (Unicode's full folding: sharp s becomes ss). For comparing. */
void unicode_fold(bytes text, buffer *out);

/* Simple mappings of one code point. */
int32_t unicode_point_lower(int32_t point);
int32_t unicode_point_upper(int32_t point);
/* Writes the 1 to 4 bytes of a code point. */
size_t unicode_point_bytes(int32_t point, char out[4]);

/* Classes by Unicode's general category. A mark belongs to what it stands on. */
typedef enum unicode_class {
    UNICODE_UPPER,  /* Lu Lt */
    UNICODE_LOWER,  /* Ll */
    UNICODE_LETTER, /* Lo Lm: letters without case */
    UNICODE_MARK,   /* Mn Mc Me */
    UNICODE_DIGIT,  /* Nd */
    UNICODE_NUMBER, /* Nl No */
    UNICODE_PUNCT,  /* P* */
    UNICODE_SYMBOL, /* S* */
    UNICODE_SPACE,  /* Z*, controls, U+200B, U+FEFF: never part of a token */
    UNICODE_OTHER   /* Cf Co Cn: invisible formatting, private use, unassigned */
} unicode_class;
unicode_class unicode_class_of(int32_t point);

/* There is nothing to read in the text: UNICODE_SPACE alone, or nothing at all. */
bool unicode_blank(bytes text);
/* Something of UNICODE_SPACE stands in it. */
bool unicode_has_space(bytes text);

static inline bool unicode_is_letter(int32_t point) {
    return unicode_class_of(point) <= UNICODE_LETTER;
}

typedef enum unicode_script {
    SCRIPT_OTHER,
    SCRIPT_HANGUL, /* syllables and Jamo */
    SCRIPT_HAN,
    SCRIPT_KANA, /* Hiragana and Katakana */
    SCRIPT_THAI
} unicode_script;
unicode_script unicode_script_of(int32_t point);

/* End of the grapheme cluster (UAX 29) that starts at `at` < text.size. */
size_t unicode_cluster(bytes text, size_t at);

/* Columns that a text takes on a terminal: 2 for wide characters, 0 for marks and controls. */
size_t unicode_width(bytes text);

/* Appends the shape of a word: X upper, x lower, o other letters, d digits, anything else itself;
 * a run of one sign is written once, marks not at all: "McDonald's" XxXx'x, "1,234.5" d,d.d. */
void unicode_shape(bytes word, buffer *out);

#endif
