/* doctor: looks over training data for the known accidents, before they cost a training.
 *
 * A report is a list of findings, each with its place. Faults that stop a reader (bad UTF-8, wrong
 * columns) are listed one by one; what happens often (duplicates, rare labels) is one finding with
 * a count and its first place. Printing is the caller's business.
 *
 * Each task has its own function; they share the report.
 */
#ifndef RILL_DATA_DOCTOR_H
#define RILL_DATA_DOCTOR_H

#include "data/corpus.h"
#include "data/labelled.h"

typedef enum doctor_severity {
    DOCTOR_NOTE,    /* worth knowing */
    DOCTOR_WARNING, /* likely an accident */
    DOCTOR_ERROR    /* training on it would fail */
} doctor_severity;

const char *doctor_severity_name(doctor_severity severity);

typedef struct doctor_place {
    const char *file;    /* NULL when no single file is concerned */
    size_t line, column; /* 1-based, 0 when unknown; column in bytes */
} doctor_place;

typedef struct doctor_finding {
    doctor_severity severity;
    const char *check;  /* short name: "duplicate-sentence" */
    doctor_place place; /* the first one */
    size_t count;       /* how often, at least 1 */
    char *message;      /* one sentence, count included */
} doctor_finding;

/* Zeroed is empty. It owns its messages and file names. */
typedef struct doctor_report {
    doctor_finding *finding; /* [count] in the order found: file by file, then across files */
    size_t count, room;
    size_t severe[3]; /* findings of each severity */
} doctor_report;

/* Adds a finding; texts are copied, except for `check`. */
MUST_USE int doctor_add(doctor_report *report, doctor_severity severity, const char *check,
                        doctor_place place, size_t count, const char *format, ...)
    PRINTF_LIKE(6, 7);
void doctor_free(doctor_report *report);

typedef struct doctor_options {
    corpus_options corpus; /* how the files are read */
    const char *columns;   /* labels to look at, joined by commas; NULL: upos, xpos and feats of
                            * CoNLL-U, else the last column */
    size_t long_sentence;  /* words, 0: 250 */
    size_t long_word;      /* bytes, 0: 250 */
    size_t rare;           /* a label seen at most so often is rare, 0: 2 */
    size_t faults;         /* most faults of one file that are listed, 0: 20 */
} doctor_options;

typedef struct doctor_files {
    const char *const *path;
    size_t count;
} doctor_files;

/* Looks over the files of a tagger; dev may have none, options may be NULL. Files that can't be
 * opened or read, and unknown columns, are failures of the call; all else becomes a finding. */
MUST_USE int doctor_tagged(doctor_files train, doctor_files dev, const doctor_options *options,
                           doctor_report *report, rill_error *error);

/* Files that belong together (see parallel.h): source[i] with target[i]. Where target or target[i]
 * is NULL source[i] has two columns. */
typedef struct doctor_pairs {
    const char *const *source, *const *target;
    size_t count;
} doctor_pairs;

/* Looks over the files of a translator; dev may have none, options may be NULL (of them long_*,
 * faults and corpus.max_record play a part). Failures as above. */
MUST_USE int doctor_parallel(doctor_pairs train, doctor_pairs dev, const doctor_options *options,
                             doctor_report *report, rill_error *error);

/* Looks over the files of a classifier: reader's faults, label counts, labels that differ by little,
 * empty, over-long, repeated and contradictory texts, signs of a broken encoding, dev texts that stand
 * in train. */
typedef struct doctor_texts {
    labelled_options labelled; /* how the files are read */
    size_t long_text;          /* bytes, 0: 20,000 */
    size_t rare;               /* a label seen at most so often is rare, 0: 2 */
    size_t faults;             /* most faults of one file that are listed, 0: 20 */
} doctor_texts;
MUST_USE int doctor_labelled(doctor_files train, doctor_files dev, const doctor_texts *options,
                             doctor_report *report, rill_error *error);

#endif
