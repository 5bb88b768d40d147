/* doctor_inner: what the doctors of all tasks (doctor_*.c) share; nobody else includes it.
 */
#ifndef RILL_DATA_DOCTOR_INNER_H
#define RILL_DATA_DOCTOR_INNER_H

#include "data/doctor.h"
#include "data/excerpt.h"
#include "text/unicode.h"

/* Messages name at most so many examples; a sentence of no more words than SHORT_SENTENCE may stand
 * in train and dev by chance. */
enum { EXAMPLES = 5, SHORT_SENTENCE = 5 };

/* How often something was met, and where first. */
typedef struct tally {
    size_t count;
    doctor_place first;
    excerpt example;
} tally;

void doctor_tally(tally *t, doctor_place place, bytes example);

/* How a tally is reported. */
typedef struct tally_row {
    doctor_severity severity;
    const char *check, *what, *unit; /* unit of the limit, where there is one */
} tally_row;

/* A finding, unless nothing was counted: "3 over-long words (more than 250 bytes), the first is
 * ...". */
MUST_USE int doctor_tally_report(const tally *t, const tally_row *row, size_t limit,
                                 doctor_report *report);

/* Texts by their XXH3-128, and where each stood first. Zeroed is empty. */
typedef struct seen_texts {
    strmap keys;
    doctor_place *first; /* [keys.count] */
    size_t room;
} seen_texts;

/* *before is where the text stood first, NULL when it is new; valid until the next call. */
MUST_USE int doctor_seen_add(seen_texts *s, bytes text, doctor_place place,
                             const doctor_place **before);
const doctor_place *doctor_seen_find(const seen_texts *s, bytes text); /* NULL: never */
void doctor_seen_free(seen_texts *s);

/* "dev.en:3 is train.en:9", after a comma where something stands before it. */
void doctor_places(buffer *list, doctor_place place, doctor_place other);
const char *
doctor_base_name(const char *path); /* messages list several places: folders would drown them */

/* Looks at a text's characters. */
typedef struct text_look {
    buffer scratch;
    unicode_map map;
    bool odd_space; /* white space other than the blank, or control characters */
    bool not_nfc;
} text_look;
MUST_USE int doctor_look(text_look *l, bytes text);
void doctor_look_free(text_look *l);

/* Faults that a reader met in a file: the first `most` are listed, then only counted. */
MUST_USE int doctor_fault(doctor_report *report, const char *file, size_t number, size_t most,
                          const rill_error *fault);
MUST_USE int doctor_faults_rest(doctor_report *report, const char *file, size_t faults,
                                size_t most);

/* Limits that were left at 0. */
void doctor_defaults(doctor_options *options);

#endif
