/* doctor_tagged: the checks of tagged files.
 *
 * One pass over each file, train first. What a word or sentence shows by itself is tallied per
 * file; what needs a whole side (train or dev) stands in tables:
 *
 *     half.seen        the forms of a sentence -> where it stood first
 *     half.table[k]    column k: label -> id; count[id], first[id]; which entity scheme the labels
 *                      are in, and the faults by each scheme, since it is only known at the end
 *
 * So memory grows with the number of sentences (some 60 bytes each) and labels, not with the text.
 */
#include "data/doctor_inner.h"
#include "data/scheme.h"

#include <stdlib.h>
#include <string.h>

enum { SCHEMES = 4, MAX_COLUMNS = 64 };

/* What is tallied per file. */
enum { EMPTY, LONG_SENTENCE, LONG_WORD, ODD_SPACE, NOT_NFC, TALLIES };
static const tally_row tallies[TALLIES] = {
    {DOCTOR_NOTE, "empty-sentence", "empty sentences", NULL},
    {DOCTOR_WARNING, "long-sentence", "over-long sentences", "words"},
    {DOCTOR_WARNING, "long-word", "over-long words", "bytes"},
    {DOCTOR_WARNING, "odd-space", "words and labels with odd white space or control characters",
     NULL},
    {DOCTOR_NOTE, "not-nfc", "words that are not in normalisation form NFC", NULL},
};

/* One column of one side. */
typedef struct table {
    strmap labels;
    tally *label; /* [labels.count] */
    size_t room;
    size_t words;
    scheme_survey survey;
    tally fault[SCHEMES];  /* sentences that break the scheme; the example is the label */
    excerpt from[SCHEMES]; /* what stands before it, "" at the start of a sentence */
} table;

typedef struct half {
    doctor_files files;
    table *table; /* [columns] */
    seen_texts seen;
    tally duplicate;       /* the example is the first word */
    doctor_place original; /* of the first duplicate */
} half;

typedef struct exam {
    doctor_options options;
    doctor_report *report;
    rill_error *error;
    half train, dev;
    buffer names;                /* of the columns, joined by commas */
    size_t columns;              /* 0 until the first file with words */
    size_t index[MAX_COLUMNS];   /* of the columns in the current file */
    tally tally[TALLIES];        /* of the current file */
    tally overlap, overlap_long; /* dev sentences that train has; those of some length */
    buffer places;               /* of the first overlaps */
    record record;
    bytes *labels; /* [record.words] */
    size_t labels_room;
    buffer scratch;
    text_look look;
} exam;

/* ---- tallies */

static doctor_place word_place(const exam *e, const char *file, size_t word, size_t column) {
    return (doctor_place){file, record_word_line(&e->record, word),
                          record_word_column(&e->record, word, column)};
}

/* The limit that a tally goes by, 0 where it has none. */
static size_t tally_limit(const exam *e, int which) {
    if (which == LONG_SENTENCE) return e->options.long_sentence;
    return which == LONG_WORD ? e->options.long_word : 0;
}

/* What the words of one file showed. */
static int report_tallies(exam *e) {
    for (int i = 0; i < TALLIES; i++) {
        TRY(doctor_tally_report(e->tally + i, tallies + i, tally_limit(e, i), e->report));
    }
    return 0;
}

/* ---- words */

/* A word by itself. */
static int check_form(exam *e, doctor_place place, bytes form) {
    if (form.size > e->options.long_word) doctor_tally(e->tally + LONG_WORD, place, form);
    TRY(doctor_look(&e->look, form));
    if (e->look.odd_space) doctor_tally(e->tally + ODD_SPACE, place, form);
    if (e->look.not_nfc) doctor_tally(e->tally + NOT_NFC, place, form);
    return 0;
}

/* Counts a label; the label as such is looked at only when it is new. */
static int check_label(exam *e, table *t, doctor_place place, bytes label) {
    int32_t id;
    size_t known = (size_t)t->labels.count;
    TRY(strmap_add(&t->labels, label, &id));
    TRY(mem_grow(&t->label, &t->room, known + 1, sizeof *t->label));
    if ((size_t)id == known) {
        t->label[id] = (tally){0};
        TRY(doctor_look(&e->look, label));
        if (e->look.odd_space) doctor_tally(e->tally + ODD_SPACE, place, label);
    }
    doctor_tally(t->label + id, place, label);
    t->words++;
    return 0;
}

/* ---- sentences */

/* Tallies the sequence under each scheme, as long as the column looks like one of entities. */
static void check_sequence(exam *e, table *t, const char *file, size_t column) {
    size_t words = e->record.words, at = 0;
    scheme_look(&t->survey, e->labels, words);
    if (t->survey.plain) return;
    for (int s = SCHEME_BIO; s < SCHEMES; s++) {
        if (!scheme_fault((scheme)s, e->labels, words, &at)) continue;
        if (!t->fault[s].count) t->from[s] = excerpt_of(at ? e->labels[at - 1] : BYTES(""));
        doctor_place place = word_place(e, file, at < words ? at : words - 1, column);
        doctor_tally(t->fault + s, place, at < words ? e->labels[at] : BYTES(""));
    }
}

/* The labels of a sentence, column by column. */
static int check_columns(exam *e, half *side, const char *file) {
    const record *r = &e->record;
    TRY(mem_grow(&e->labels, &e->labels_room, r->words, sizeof *e->labels));
    for (size_t k = 0; k < e->columns; k++) {
        for (size_t w = 0; w < r->words; w++) {
            e->labels[w] = record_cell(r, w, e->index[k]);
            TRY(check_label(e, side->table + k, word_place(e, file, w, e->index[k]), e->labels[w]));
        }
        check_sequence(e, side->table + k, file, e->index[k]);
    }
    return 0;
}

/* A dev sentence that train has. */
static void note_overlap(exam *e, doctor_place place, doctor_place other) {
    if (e->overlap.count < EXAMPLES) doctor_places(&e->places, place, other);
    doctor_tally(&e->overlap, place, record_form(&e->record, 0));
    if (e->record.words > SHORT_SENTENCE) doctor_tally(&e->overlap_long, place, BYTES(""));
}

/* Has the side, or train, seen the same forms before? */
static int check_repeat(exam *e, half *side, doctor_place place) {
    buffer_clear(&e->scratch);
    for (size_t w = 0; w < e->record.words; w++) {
        buffer_add_bytes(&e->scratch, record_form(&e->record, w));
        buffer_add_char(&e->scratch, '\n'); /* no form holds it */
    }
    TRY(buffer_status(&e->scratch, NULL));
    bytes forms = buffer_view(&e->scratch);
    const doctor_place *before;
    TRY(doctor_seen_add(&side->seen, forms, place, &before));
    if (before) {
        if (!side->duplicate.count) side->original = *before;
        doctor_tally(&side->duplicate, place, record_form(&e->record, 0));
    }
    before = side == &e->dev ? doctor_seen_find(&e->train.seen, forms) : NULL;
    if (before) note_overlap(e, place, *before);
    return buffer_status(&e->places, NULL);
}

/* One sentence; a -DOCSTART- line by itself is none. */
static int check_record(exam *e, half *side, const char *file) {
    const record *r = &e->record;
    if (r->words == 0) {
        bool marks = r->line_count && r->lines[0].kind == LINE_DOCSTART;
        if (!marks) doctor_tally(e->tally + EMPTY, (doctor_place){file, r->line, 0}, BYTES(""));
        return 0;
    }
    doctor_place place = word_place(e, file, 0, r->form);
    if (r->words > e->options.long_sentence) {
        doctor_tally(e->tally + LONG_SENTENCE, place, BYTES(""));
    }
    for (size_t w = 0; w < r->words; w++) {
        TRY(check_form(e, word_place(e, file, w, r->form), record_form(r, w)));
    }
    TRY(check_repeat(e, side, place));
    return check_columns(e, side, file);
}

/* ---- files */

/* The columns to look at, and their places in this file. */
static int set_columns(exam *e, const corpus *c) {
    const char *usual = corpus_format_of(c) == CORPUS_CONLLU ? "upos,xpos,feats" : "-1";
    bytes rest = bytes_of(e->options.columns ? e->options.columns : usual), name;
    size_t count = 0;
    if (corpus_columns(c) < 2) {
        return status_set(e->error, RILL_EUSAGE, corpus_name(c), 0, 0,
                          "no labels, found format %s without tags, expected tagged words",
                          corpus_format_name(corpus_format_of(c)));
    }
    for (; count < MAX_COLUMNS && bytes_split(&rest, ',', &name); count++) {
        TRY(corpus_column(c, bytes_trim(name), e->index + count, e->error));
        if (e->columns) continue;
        if (count) buffer_add_char(&e->names, ',');
        buffer_add_bytes(&e->names, corpus_column_name(c, e->index[count]));
    }
    if (rest.data || (e->columns && e->columns != count)) {
        return status_set(e->error, RILL_EUSAGE, corpus_name(c), 0, 0,
                          "columns to look at, found %zu, expected %zu", count,
                          e->columns ? e->columns : (size_t)MAX_COLUMNS);
    }
    e->columns = count;
    return buffer_status(&e->names, e->error);
}

/* Both sides, as soon as the columns are known: later files of no words change nothing then. */
static int make_tables(exam *e) {
    if (e->columns && !e->train.table) {
        e->train.table = mem_new(e->columns, sizeof *e->train.table);
        e->dev.table = mem_new(e->columns, sizeof *e->dev.table);
        if (!e->train.table || !e->dev.table) return RILL_ENOMEM;
    }
    return 0;
}

/* All sentences of a file. Bad data are noted and passed over; behind a record beyond the limit the
 * file can't be read on. */
static int check_records(exam *e, half *side, corpus *c, const char *file) {
    rill_error fault = {0};
    size_t faults = 0, words = 0;
    int status;
    while ((status = corpus_next(c, &e->record, &fault)) != 0) {
        if (status > 0) {
            TRY(check_record(e, side, file));
            words += e->record.words;
            continue;
        }
        if (status != RILL_EDATA && status != RILL_ELIMIT) {
            if (e->error) *e->error = fault;
            return status;
        }
        TRY(doctor_fault(e->report, file, ++faults, e->options.faults, &fault));
        if (status == RILL_ELIMIT) break;
    }
    TRY(doctor_faults_rest(e->report, file, faults, e->options.faults));
    if (words || faults) return 0;
    return doctor_add(e->report, DOCTOR_ERROR, "no-words", (doctor_place){file, 0, 0}, 1,
                      "no words, found an empty file or raw text, expected tagged sentences");
}

/* One file; its tallies are reported at its end, its tables stay for the side. */
static int check_file(exam *e, half *side, const char *path) {
    corpus *c;
    TRY(corpus_open(path, &e->options.corpus, &c, e->error));
    memset(e->tally, 0, sizeof e->tally);
    int status = corpus_columns(c) ? set_columns(e, c) : 0;
    if (status == 0) status = make_tables(e);
    if (status == 0) status = check_records(e, side, c, path);
    if (status == 0) status = report_tallies(e);
    corpus_close(c);
    return status;
}

/* ---- a whole side */

static bytes column_name(const exam *e, size_t k) {
    bytes rest = buffer_view(&e->names), name = {"", 0};
    for (size_t i = 0; i <= k && bytes_split(&rest, ',', &name); i++) {
    }
    return name;
}

#define NAME(e, k) (int)column_name(e, k).size, column_name(e, k).data

/* A note only: short sentences repeat in every corpus. */
static int report_duplicates(exam *e, const half *side) {
    const tally *t = &side->duplicate;
    if (!t->count) return 0;
    return doctor_add(
        e->report, DOCTOR_NOTE, "duplicate-sentence", t->first, t->count,
        "%zu sentences stand here more than once, the first (\"%s\"...) at %s:%zu too", t->count,
        t->example.text, doctor_base_name(side->original.file), side->original.line);
}

/* Sequences by the scheme that the column turned out to be in. */
static int report_scheme(exam *e, const half *side, size_t k) {
    const table *t = side->table + k;
    scheme s = scheme_verdict(&t->survey);
    const tally *fault = t->fault + s;
    if (s == SCHEME_NONE || !fault->count) return 0;
    const char *from = *t->from[s].text ? t->from[s].text : "the start";
    const char *to = *fault->example.text ? fault->example.text : "the end of the sentence";
    return doctor_add(e->report, DOCTOR_WARNING, "illegal-sequence", fault->first, fault->count,
                      "column %.*s: %zu sentences break the scheme %s, the first has %s after %s",
                      NAME(e, k), fault->count, scheme_name(s), to, from);
}

/* A list of labels under way: how many, their words, the first few by name. */
typedef struct label_list {
    size_t labels, words;
    doctor_place first;
} label_list;

/* Adds a label to the list; names are collected in e->scratch, so lists come one at a time. */
static void list_label(exam *e, label_list *list, const tally *label) {
    if (list->labels == 0) {
        buffer_clear(&e->scratch);
        list->first = label->first;
    }
    if (list->labels < EXAMPLES) {
        buffer_printf(&e->scratch, "%s\"%s\"", list->labels ? ", " : "", label->example.text);
    } else if (list->labels == EXAMPLES) {
        buffer_add_text(&e->scratch, ", ...");
    }
    list->labels++;
    list->words += label->count;
}

static int report_list(exam *e, const label_list *list, doctor_severity severity, const char *check,
                       size_t k, const char *what) {
    if (!list->labels) return 0;
    TRY(buffer_status(&e->scratch, NULL));
    return doctor_add(e->report, severity, check, list->first, list->labels,
                      "column %.*s: %zu labels %s (%zu words): %s", NAME(e, k), list->labels, what,
                      list->words, e->scratch.data);
}

/* Labels that can hardly be learnt. */
static int report_rare(exam *e, size_t k) {
    const table *t = e->train.table + k;
    label_list list = {0};
    for (int32_t i = 0; i < t->labels.count; i++) {
        if (t->label[i].count <= e->options.rare) list_label(e, &list, t->label + i);
    }
    return report_list(e, &list, DOCTOR_NOTE, "rare-label", k, "are rare in train");
}

/* A column that teaches nothing: often the wrong one, or "_" in a treebank without it. */
static int report_constant(exam *e, size_t k) {
    const table *t = e->train.table + k;
    if (t->labels.count != 1 || t->words < 2) return 0;
    return doctor_add(e->report, DOCTOR_WARNING, "constant-label", t->label[0].first, t->words,
                      "column %.*s: all %zu words have the label \"%s\"", NAME(e, k), t->words,
                      t->label[0].example.text);
}

/* The rarer one of two labels is likely the slip. */
static int report_pair(exam *e, size_t k, const tally *a, const tally *b) {
    const tally *rare = a->count < b->count ? a : b, *usual = rare == a ? b : a;
    return doctor_add(e->report, DOCTOR_WARNING, "near-label", rare->first, rare->count,
                      "column %.*s: label \"%s\" (%zu words) differs only in case from \"%s\" "
                      "(%zu words)",
                      NAME(e, k), rare->example.text, rare->count, usual->example.text,
                      usual->count);
}

/* Labels that case folding makes equal: each with the first of its kind, which `kind` holds. */
static int compare_folded(exam *e, size_t k, strmap *folded, int32_t *kind) {
    const table *t = e->train.table + k;
    for (int32_t i = 0, id; i < t->labels.count; i++) {
        int32_t known = folded->count;
        buffer_clear(&e->scratch);
        unicode_fold(strmap_get(&t->labels, i), &e->scratch);
        TRY(buffer_status(&e->scratch, NULL));
        TRY(strmap_add(folded, buffer_view(&e->scratch), &id));
        if (id == known) {
            kind[id] = i;
        } else {
            TRY(report_pair(e, k, t->label + i, t->label + kind[id]));
        }
    }
    return 0;
}

static int report_case(exam *e, size_t k) {
    strmap folded = {0};
    int32_t *kind = mem_new((size_t)e->train.table[k].labels.count, sizeof *kind);
    int status = kind ? compare_folded(e, k, &folded, kind) : RILL_ENOMEM;
    strmap_free(&folded);
    free(kind);
    return status;
}

/* Unseen strings of features are no surprise in languages of rich morphology. */
static int report_unseen(exam *e, size_t k) {
    const table *t = e->dev.table + k;
    bool feats = bytes_equal(column_name(e, k), BYTES("feats"));
    label_list list = {0};
    for (int32_t i = 0; i < t->labels.count; i++) {
        bytes label = strmap_get(&t->labels, i);
        if (strmap_find(&e->train.table[k].labels, label) < 0) list_label(e, &list, t->label + i);
    }
    return report_list(e, &list, feats ? DOCTOR_NOTE : DOCTOR_WARNING, "unseen-label", k,
                       "of dev are not in train");
}

/* A dev part in another scheme would be scored as full of errors. */
static int report_schemes_differ(exam *e, size_t k) {
    const scheme_survey *dev = &e->dev.table[k].survey;
    scheme a = scheme_verdict(&e->train.table[k].survey), b = scheme_verdict(dev);
    if (a == b || !dev->spans) return 0;
    return doctor_add(e->report, DOCTOR_WARNING, "scheme-differs", (doctor_place){0}, 1,
                      "column %.*s: entity scheme, found %s in dev, expected %s as in train",
                      NAME(e, k), scheme_name(b), scheme_name(a));
}

/* Short sentences repeat anywhere; it is the long ones that say dev is no fresh text. */
static int report_overlap(exam *e) {
    if (!e->overlap.count) return 0;
    return doctor_add(
        e->report, DOCTOR_WARNING, "train-dev-overlap", e->overlap.first, e->overlap.count,
        "%zu sentences of dev stand in train too, %zu of them with more than %d words: "
        "%s",
        e->overlap.count, e->overlap_long.count, SHORT_SENTENCE, e->places.data);
}

static int check_side(exam *e, half *side) {
    for (size_t i = 0; i < side->files.count; i++) TRY(check_file(e, side, side->files.path[i]));
    TRY(report_duplicates(e, side));
    for (size_t k = 0; k < e->columns; k++) TRY(report_scheme(e, side, k));
    return 0;
}

/* Train first, since dev is compared with it. */
static int check_all(exam *e) {
    TRY(check_side(e, &e->train));
    for (size_t k = 0; k < e->columns; k++) {
        TRY(report_constant(e, k));
        TRY(report_rare(e, k));
        TRY(report_case(e, k));
    }
    if (e->dev.files.count == 0) return 0;
    TRY(check_side(e, &e->dev));
    for (size_t k = 0; k < e->columns; k++) {
        TRY(report_unseen(e, k));
        TRY(report_schemes_differ(e, k));
    }
    return report_overlap(e);
}

static void side_free(exam *e, half *side) {
    for (size_t k = 0; side->table && k < e->columns; k++) {
        strmap_free(&side->table[k].labels);
        free(side->table[k].label);
    }
    free(side->table);
    doctor_seen_free(&side->seen);
}

int doctor_tagged(doctor_files train, doctor_files dev, const doctor_options *options,
                  doctor_report *report, rill_error *error) {
    exam *e = mem_new(1, sizeof *e);
    if (!e) return status_nomem(error);
    if (options) e->options = *options;
    doctor_defaults(&e->options);
    e->report = report;
    e->error = error;
    e->train.files = train;
    e->dev.files = dev;
    int status = check_all(e);
    if (status == RILL_ENOMEM) (void)status_nomem(error);
    side_free(e, &e->train);
    side_free(e, &e->dev);
    record_free(&e->record);
    buffer_free(&e->names);
    buffer_free(&e->places);
    buffer_free(&e->scratch);
    doctor_look_free(&e->look);
    free(e->labels);
    free(e);
    return status;
}
