/* doctor_labelled: the checks of labelled texts.
 *
 * One pass over each file, train first. What a text shows by itself is tallied per file; what needs a
 * whole side stands in tables:
 *
 *     half.seen      XXH3-128 of a trimmed text -> id; first[id] = where it stood first, and its labels
 *     half.labels    label -> id; label[id] = how often, and where first
 *
 * So memory grows with the number of texts (some 80 bytes each), not with their length.
 */
#include "base/hash.h"
#include "data/doctor_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_TEXT = 20000, RARE = 2, FAULTS = 20, SHORT_TEXT = 12 /* bytes: repeats are natural */ };

enum { EMPTY, LONG, REPLACED, MOJIBAKE, REPEATED, CONTRADICTORY, TALLIES };
static const tally_row rows[TALLIES] = {
    {DOCTOR_WARNING, "empty-text", "texts without words", NULL},
    {DOCTOR_NOTE, "long-text", "over-long texts", NULL},
    {DOCTOR_WARNING, "replacement-character", "texts with U+FFFD, a sign of lost characters", NULL},
    {DOCTOR_WARNING, "mojibake", "texts that look like UTF-8 read as Latin-1", NULL},
    {DOCTOR_WARNING, "duplicate-text", "texts that were there before with the same labels", NULL},
    {DOCTOR_WARNING, "contradiction", "texts that were there before with other labels", NULL},
};

typedef struct sighting {
    const char *file; /* one of the caller's paths */
    size_t line;
    uint64_t labels; /* hash */
} sighting;

typedef struct half {
    doctor_files files;
    strmap seen; /* 16 bytes of each distinct text */
    sighting *first;
    size_t first_room;
    strmap labels;
    tally *label;
    size_t label_room, texts;
} half;

typedef struct exam {
    doctor_texts options;
    doctor_report *report;
    rill_error *error;
    half train, dev;
    tally tally[TALLIES]; /* of the current file */
    tally overlap;
    sighting original; /* of the first repeated text of the file */
    const char *path;  /* the caller's name of the current file */
    example text;
    arena names; /* of the files of folders */
} exam;

/* ---- one text */

/* "Ã©", "â€™": a letter of Latin-1 with a hat, followed by what only continuation bytes become. */
static bool is_mojibake(bytes text) {
    int32_t before = 0;
    for (size_t at = 0, length; at < text.size; at += length) {
        int32_t point = utf8_decode(text, at, &length);
        bool lead = before == 0xC3 || before == 0xC2 || before == 0xE2;
        if (lead && ((point >= 0x80 && point <= 0xBF) || point == 0x20AC)) return true;
        before = point;
    }
    return false;
}

static bool holds(bytes text, int32_t wanted) {
    for (size_t at = 0, length; at < text.size; at += length) {
        if (utf8_decode(text, at, &length) == wanted) return true;
    }
    return false;
}

static void look_at_text(exam *e, doctor_place place, bytes text) {
    if (unicode_blank(text)) doctor_tally(&e->tally[EMPTY], place, text);
    if (text.size > e->options.long_text) doctor_tally(&e->tally[LONG], place, text);
    if (holds(text, 0xFFFD)) doctor_tally(&e->tally[REPLACED], place, text);
    if (is_mojibake(text)) doctor_tally(&e->tally[MOJIBAKE], place, text);
}

static uint64_t hash_labels(const example *e) {
    uint64_t sum = e->labels; /* the order of the labels makes no difference */
    for (size_t i = 0; i < e->labels; i++) {
        bytes label = example_label(e, i);
        sum += hash64(label.data, label.size);
    }
    return sum;
}

static int add_labels(exam *e, half *h, doctor_place place) {
    for (size_t i = 0; i < e->text.labels; i++) {
        int32_t id, before = h->labels.count;
        bytes label = example_label(&e->text, i);
        TRY(strmap_add(&h->labels, label, &id));
        TRY(mem_grow(&h->label, &h->label_room, (size_t)id + 1, sizeof *h->label));
        if (id == before) h->label[id] = (tally){0};
        doctor_tally(&h->label[id], place, label);
    }
    return 0;
}

static int add_text(exam *e, half *h, doctor_place place, bytes text) {
    hash128 hash = hash128_of(text.data, text.size);
    bytes key = {(const char *)&hash, sizeof hash};
    int32_t id = strmap_find(&h->seen, key);
    uint64_t labels = hash_labels(&e->text);
    if (id >= 0 && text.size > 0) {
        int which = h->first[id].labels == labels ? REPEATED : CONTRADICTORY;
        if (which == REPEATED && text.size < SHORT_TEXT) return 0;
        if (e->tally[which].count == 0 && which == CONTRADICTORY) e->original = h->first[id];
        doctor_tally(&e->tally[which], place, text);
    }
    if (id < 0) {
        TRY(strmap_add(&h->seen, key, &id));
        TRY(mem_grow(&h->first, &h->first_room, (size_t)id + 1, sizeof *h->first));
        h->first[id] = (sighting){place.file, place.line, labels};
    }
    if (h == &e->dev && text.size >= SHORT_TEXT && strmap_find(&e->train.seen, key) >= 0) {
        doctor_tally(&e->overlap, place, text);
    }
    return 0;
}

/* A name that lives as long as the report is being made. */
static const char *lasting_name(exam *e) {
    if (!strcmp(e->text.file, e->path)) return e->path;
    size_t size = strlen(e->text.file) + 1;
    char *copy = arena_alloc(&e->names, size, 1);
    if (copy) memcpy(copy, e->text.file, size);
    return copy;
}

static int examine(exam *e, half *h) {
    bytes text = bytes_trim(example_text(&e->text));
    doctor_place place = {lasting_name(e), e->text.line, 0};
    if (!place.file) return RILL_ENOMEM;
    h->texts++;
    look_at_text(e, place, text);
    TRY(add_labels(e, h, place));
    return add_text(e, h, place, text);
}

/* ---- one file */

static int report_tallies(exam *e) {
    for (int i = 0; i < TALLIES; i++) {
        TRY(doctor_tally_report(&e->tally[i], &rows[i], 0, e->report));
        if (i != CONTRADICTORY || e->tally[i].count == 0) continue;
        doctor_place place = {e->original.file, e->original.line, 0};
        TRY(doctor_add(e->report, DOCTOR_NOTE, "contradicted", place, 1,
                       "the first text that stands again with another label"));
    }
    return 0;
}

static int examine_file(exam *e, half *h, const char *path) {
    labelled *in = NULL;
    rill_error fault = {0};
    size_t faults = 0;
    int more, status = 0;
    memset(e->tally, 0, sizeof e->tally);
    e->path = path;
    TRY(labelled_open(path, &e->options.labelled, &in, e->error));
    if (labelled_format_of(in) == LABELLED_TEXT) {
        status = doctor_add(e->report, DOCTOR_ERROR, "no-labels", (doctor_place){path, 0, 0}, 1,
                            "found text without labels or an empty file, expected labelled texts");
    } else {
        while (status == 0 && (more = labelled_next(in, &e->text, &fault)) != 0) {
            if (more > 0) {
                status = examine(e, h);
            } else if (more == RILL_EDATA || more == RILL_ELIMIT) {
                if (faults++ == e->options.faults) break;
                doctor_place place = {*fault.file ? fault.file : path, fault.line, fault.column};
                status = doctor_add(e->report, DOCTOR_ERROR, "unreadable", place, 1, "%s",
                                    fault.message);
                if (more == RILL_ELIMIT) break;
            } else {
                if (e->error) *e->error = fault;
                labelled_close(in);
                return more;
            }
        }
        if (status == 0) status = report_tallies(e);
    }
    labelled_close(in);
    return status < 0 ? status_nomem(e->error) : 0;
}

/* ---- labels */

/* What is left of a label when case, blanks, dashes and underscores say nothing. */
static void essence(bytes label, buffer *out) {
    buffer folded = {0};
    unicode_fold(label, &folded);
    buffer_clear(out);
    for (size_t i = 0; i < folded.size; i++) {
        if (!strchr(" \t-_.", folded.data[i]) || folded.data[i] == 0) {
            buffer_add_char(out, folded.data[i]);
        }
    }
    out->failed |= folded.failed;
    buffer_free(&folded);
}

static int report_near_labels(exam *e, const half *h) {
    strmap essences = {0};
    buffer key = {0};
    int status = 0;
    for (int32_t i = 0; status == 0 && i < h->labels.count; i++) {
        int32_t id, before = essences.count;
        bytes label = strmap_get(&h->labels, i);
        essence(label, &key);
        status = key.failed ? RILL_ENOMEM : strmap_add(&essences, buffer_view(&key), &id);
        if (status < 0 || id == before) continue;
        int32_t other = 0;
        for (int32_t k = 0, seen = -1; k < i && seen < id; k++) {
            essence(strmap_get(&h->labels, k), &key);
            if (strmap_find(&essences, buffer_view(&key)) == id) other = k, seen = id;
        }
        excerpt a = excerpt_of(strmap_get(&h->labels, other)), b = excerpt_of(label);
        status = doctor_add(e->report, DOCTOR_WARNING, "similar-labels", h->label[i].first,
                            h->label[i].count, "label \"%s\" (%zu texts) looks like \"%s\" (%zu)",
                            b.text, h->label[i].count, a.text, h->label[other].count);
    }
    strmap_free(&essences);
    buffer_free(&key);
    return status;
}

/* "pos 3,610, neg 3,310, ..." */
static int report_counts(exam *e, const half *h, const char *side) {
    enum { LISTED = 20 };
    buffer list = {0};
    const char *file = h->files.count ? h->files.path[0] : NULL;
    for (int32_t i = 0; i < h->labels.count && i < LISTED; i++) {
        excerpt name = excerpt_of(strmap_get(&h->labels, i));
        buffer_printf(&list, "%s%s %zu", i ? ", " : "", name.text, h->label[i].count);
    }
    if (h->labels.count > LISTED) buffer_add_text(&list, ", ...");
    int status = buffer_status(&list, NULL);
    if (status == 0 && h->texts > 0) {
        status = doctor_add(e->report, DOCTOR_NOTE, "labels", (doctor_place){file, 0, 0}, 1,
                            "%s: %zu texts, %d labels: %s", side, h->texts, h->labels.count,
                            list.data ? list.data : "");
    }
    buffer_free(&list);
    return status;
}

static int report_labels(exam *e) {
    const half *t = &e->train, *d = &e->dev;
    TRY(report_counts(e, t, "train"));
    TRY(report_counts(e, d, "dev"));
    TRY(report_near_labels(e, t));
    if (t->texts > 0 && t->labels.count < 2) {
        TRY(doctor_add(e->report, DOCTOR_ERROR, "one-label",
                       (doctor_place){t->files.path[0], 0, 0}, 1,
                       "found %d labels, expected at least 2", t->labels.count));
    }
    for (int32_t i = 0; i < t->labels.count; i++) {
        if (t->label[i].count > e->options.rare) continue;
        TRY(doctor_add(e->report, DOCTOR_WARNING, "rare-label", t->label[i].first,
                       t->label[i].count, "label \"%s\" has only %zu texts",
                       t->label[i].example.text, t->label[i].count));
    }
    for (int32_t i = 0; i < d->labels.count; i++) {
        if (strmap_find(&t->labels, strmap_get(&d->labels, i)) >= 0) continue;
        TRY(doctor_add(e->report, DOCTOR_WARNING, "unseen-label", d->label[i].first,
                       d->label[i].count, "label \"%s\" of dev (%zu texts) is not in train",
                       d->label[i].example.text, d->label[i].count));
    }
    if (e->overlap.count == 0) return 0;
    return doctor_add(e->report, DOCTOR_WARNING, "overlap", e->overlap.first, e->overlap.count,
                      "%zu of %zu dev texts stand in train too, the first is \"%s\"",
                      e->overlap.count, d->texts, e->overlap.example.text);
}

/* ---- all of it */

static void half_free(half *h) {
    strmap_free(&h->seen);
    strmap_free(&h->labels);
    free(h->first);
    free(h->label);
}

int doctor_labelled(doctor_files train, doctor_files dev, const doctor_texts *options,
                    doctor_report *report, rill_error *error) {
    exam e = {.report = report, .error = error, .train.files = train, .dev.files = dev};
    if (options) e.options = *options;
    if (e.options.long_text == 0) e.options.long_text = LONG_TEXT;
    if (e.options.rare == 0) e.options.rare = RARE;
    if (e.options.faults == 0) e.options.faults = FAULTS;
    int status = 0;
    for (size_t i = 0; status == 0 && i < train.count; i++) {
        status = examine_file(&e, &e.train, train.path[i]);
    }
    for (size_t i = 0; status == 0 && i < dev.count; i++) {
        status = examine_file(&e, &e.dev, dev.path[i]);
    }
    if (status == 0 && report_labels(&e) < 0) status = status_nomem(error);
    half_free(&e.train);
    half_free(&e.dev);
    example_free(&e.text);
    arena_free(&e.names);
    return status;
}
