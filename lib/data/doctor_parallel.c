/* doctor_parallel: the checks of parallel text.
 *
 * One pass over each pair of files, train first. Tallies are kept per file, sources and pairs seen
 * before per side (train or dev), so memory grows with the number of pairs (some 120 bytes each),
 * not with the text.
 *
 * What proportion of lengths is usual depends on the languages (a Korean line has half the
 * characters of an English one) and is known only at the end. So pairs are counted by the logarithm
 * of their proportion in quarters of a factor of two,
 *
 *     bucket = round( 4 log2( characters of source / characters of target ) )
 *
 * each bucket with its first pair; the median bucket is usual, and long pairs more than a factor of
 * 4 away from it are reported.
 *
 * Long sources have long targets, so the logarithms of both lengths go together. Where, in a
 * stretch of WINDOW pairs, they do so only when one side is moved by a line, a line was lost or
 * came in twice.
 */
#include "data/doctor_inner.h"
#include "data/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REACH = 40, BUCKETS = 2 * REACH + 1, FAR = 8, LONG_ENOUGH = 24 };
enum { WINDOW = 200, FEWEST = 50 };

/* Lengths of the pairs of a stretch. */
typedef struct stretch {
    double length[2][WINDOW]; /* logarithms */
    size_t count;
    doctor_place first;
    excerpt example;
} stretch;

/* What is tallied per file, by side. */
enum { EMPTY_SIDE, LONG_LINE, LONG_WORD, ODD_SPACE, NOT_NFC, TALLIES };
static const tally_row side_rows[TALLIES] = {
    {DOCTOR_WARNING, "empty-side", "lines are empty, but not on the other side", NULL},
    {DOCTOR_WARNING, "long-line", "over-long lines", "words"},
    {DOCTOR_WARNING, "long-word", "lines with over-long words", "bytes"},
    {DOCTOR_NOTE, "odd-space", "lines with odd white space or control characters", NULL},
    {DOCTOR_NOTE, "not-nfc", "lines that are not in normalisation form NFC", NULL},
};
static const tally_row empty_row = {DOCTOR_NOTE, "empty-pair", "pairs are empty on both sides",
                                    NULL};

/* Train or dev. */
typedef struct half {
    doctor_pairs files;
    seen_texts sources, pairs;
    tally duplicate;
    doctor_place original; /* of the first duplicate */
} half;

typedef struct exam {
    doctor_options options;
    doctor_report *report;
    rill_error *error;
    half train, dev;
    /* of the current files */
    const char *file[2];
    bool columns; /* both sides in one file */
    size_t count; /* pairs with text on both sides */
    tally side[2][TALLIES], empty, same;
    size_t bucket[BUCKETS];
    tally far[BUCKETS]; /* pairs that are long enough to say something */
    stretch near;
    tally slipped; /* stretches that fit when one side is moved */
    size_t slipped_pairs;
    /* of all files */
    tally overlap, overlap_long, overlap_pair;
    buffer places, scratch;
    text_look look;
} exam;

/* Place of a side of the pair. In a file of two columns the target stands behind a TAB. */
static doctor_place side_place(const exam *e, const parallel_pair *p, int side) {
    size_t column = side && e->columns ? p->source.size + 2 : 1;
    return (doctor_place){e->file[side], p->line, column};
}

/* ---- one side */

/* Words at blanks, and the longest of them. */
static size_t count_words(bytes line, size_t *longest) {
    size_t words = 0, size = 0;
    *longest = 0;
    for (size_t i = 0; i < line.size; i++) {
        bool blank = line.data[i] == ' ' || line.data[i] == '\t';
        words += !blank && size == 0;
        size = blank ? 0 : size + 1;
        if (size > *longest) *longest = size;
    }
    return words;
}

static int check_line(exam *e, const parallel_pair *p, int side) {
    bytes line = side ? p->target : p->source;
    tally *t = e->side[side];
    doctor_place place = side_place(e, p, side);
    size_t longest, words = count_words(line, &longest);
    if (words > e->options.long_sentence) doctor_tally(t + LONG_LINE, place, line);
    if (longest > e->options.long_word) doctor_tally(t + LONG_WORD, place, line);
    TRY(doctor_look(&e->look, line));
    if (e->look.odd_space) doctor_tally(t + ODD_SPACE, place, line);
    if (e->look.not_nfc) doctor_tally(t + NOT_NFC, place, line);
    return 0;
}

/* ---- one pair */

static void check_proportion(exam *e, const parallel_pair *p) {
    size_t source = utf8_count(p->source), target = utf8_count(p->target);
    long at = lround(4 * log2((double)source / (double)target));
    size_t bucket = (size_t)((at < -REACH ? -REACH : at > REACH ? REACH : at) + REACH);
    e->bucket[bucket]++;
    if (source >= LONG_ENOUGH || target >= LONG_ENOUGH) {
        doctor_tally(e->far + bucket, side_place(e, p, 0), p->source);
    }
}

/* Pearson's; 0 where one side does not change. */
static double correlation(const double *x, const double *y, size_t n) {
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) mx += x[i] / (double)n, my += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* Unrelated lengths correlate by less than a fifth in such a stretch: half is no accident. */
static void end_stretch(exam *e) {
    stretch *n = &e->near;
    if (n->count >= FEWEST) {
        const double *x = n->length[0], *y = n->length[1];
        double in_place = correlation(x, y, n->count);
        double moved =
            fmax(correlation(x + 1, y, n->count - 1), correlation(x, y + 1, n->count - 1));
        if (moved > 0.5 && moved > in_place + 0.5) {
            if (!e->slipped.count) e->slipped = (tally){.first = n->first, .example = n->example};
            e->slipped.count++;
            e->slipped_pairs += n->count;
        }
    }
    n->count = 0;
}

static void check_place(exam *e, const parallel_pair *p) {
    stretch *n = &e->near;
    if (n->count == 0) n->first = side_place(e, p, 0), n->example = excerpt_of(p->source);
    n->length[0][n->count] = log((double)utf8_count(p->source));
    n->length[1][n->count] = log((double)utf8_count(p->target));
    if (++n->count == WINDOW) end_stretch(e);
}

/* A dev pair whose source train has; `other` is where. */
static void note_overlap(exam *e, const parallel_pair *p, bytes both, doctor_place other) {
    doctor_place place = side_place(e, p, 0);
    size_t longest;
    if (e->overlap.count < EXAMPLES) doctor_places(&e->places, place, other);
    doctor_tally(&e->overlap, place, p->source);
    if (count_words(p->source, &longest) > SHORT_SENTENCE) {
        doctor_tally(&e->overlap_long, place, p->source);
    }
    if (doctor_seen_find(&e->train.pairs, both)) doctor_tally(&e->overlap_pair, place, p->source);
}

/* Has this side seen the pair before, has train seen its source? */
static int check_repeat(exam *e, half *side, const parallel_pair *p) {
    const doctor_place *before;
    doctor_place place = side_place(e, p, 0);
    buffer_clear(&e->scratch);
    buffer_add_bytes(&e->scratch, p->source);
    buffer_add_char(&e->scratch, '\n'); /* no line holds it */
    buffer_add_bytes(&e->scratch, p->target);
    TRY(buffer_status(&e->scratch, NULL));
    bytes both = buffer_view(&e->scratch);
    TRY(doctor_seen_add(&side->pairs, both, place, &before));
    if (before) {
        if (!side->duplicate.count) side->original = *before;
        doctor_tally(&side->duplicate, place, p->source);
    }
    if (side == &e->train) return doctor_seen_add(&side->sources, p->source, place, &before);
    before = doctor_seen_find(&e->train.sources, p->source);
    if (before) note_overlap(e, p, both, *before);
    return buffer_status(&e->places, NULL);
}

static int check_pair(exam *e, half *side, const parallel_pair *p) {
    if (p->empty[0] && p->empty[1]) {
        doctor_tally(&e->empty, (doctor_place){e->file[0], p->line, 0}, BYTES(""));
        return 0;
    }
    for (int s = 0; s < 2; s++) {
        if (!p->empty[s]) {
            TRY(check_line(e, p, s));
        } else {
            doctor_tally(e->side[s] + EMPTY_SIDE, (doctor_place){e->file[s], p->line, 0},
                         s ? p->source : p->target);
        }
    }
    if (p->empty[0] || p->empty[1]) return 0;
    e->count++;
    if (bytes_equal(p->source, p->target)) doctor_tally(&e->same, side_place(e, p, 0), p->source);
    check_proportion(e, p);
    check_place(e, p);
    return check_repeat(e, side, p);
}

/* ---- what a pair of files showed */

static size_t median_bucket(const exam *e) {
    size_t below = 0, at = 0;
    while (at < BUCKETS - 1 && 2 * (below + e->bucket[at]) < e->count) below += e->bucket[at++];
    return at;
}

static int report_proportion(exam *e) {
    size_t usual = median_bucket(e);
    tally all = {0};
    for (size_t b = 0; b < BUCKETS; b++) {
        const tally *t = e->far + b;
        if (!t->count || (b + FAR >= usual && b <= usual + FAR)) continue;
        if (!all.count || t->first.line < all.first.line) {
            all.first = t->first;
            all.example = t->example;
        }
        all.count += t->count;
    }
    if (!all.count) return 0;
    buffer_clear(&e->scratch);
    buffer_add_fixed(&e->scratch, exp2(((double)usual - REACH) / 4), 2);
    TRY(buffer_status(&e->scratch, NULL));
    return doctor_add(e->report, DOCTOR_WARNING, "length-ratio", all.first, all.count,
                      "%zu pairs whose lengths are more than 4 times off the usual %s characters "
                      "of source to one of target, the first is \"%s\"",
                      all.count, e->scratch.data, all.example.text);
}

/* Names and numbers are the same in many languages; many equal pairs are an accident. */
static int report_same(exam *e) {
    const tally *t = &e->same;
    if (!t->count) return 0;
    doctor_severity severity = t->count > e->count / 20 + 1 ? DOCTOR_WARNING : DOCTOR_NOTE;
    return doctor_add(e->report, severity, "same-text", t->first, t->count,
                      "%zu pairs of %zu have the same text on both sides, the first is \"%s\"",
                      t->count, e->count, t->example.text);
}

static int report_slipped(exam *e) {
    const tally *t = &e->slipped;
    end_stretch(e);
    if (!t->count) return 0;
    return doctor_add(e->report, DOCTOR_WARNING, "slipped", t->first, e->slipped_pairs,
                      "%zu pairs whose lengths fit only when one side is moved by a line, as if a "
                      "line were missing; they begin near \"%s\"",
                      e->slipped_pairs, t->example.text);
}

static int report_files(exam *e) {
    for (int side = 0; side < 2; side++) {
        const size_t limit[TALLIES] = {
            [LONG_LINE] = e->options.long_sentence, [LONG_WORD] = e->options.long_word};
        for (int i = 0; i < TALLIES; i++) {
            TRY(doctor_tally_report(e->side[side] + i, side_rows + i, limit[i], e->report));
        }
    }
    TRY(doctor_tally_report(&e->empty, &empty_row, 0, e->report));
    TRY(report_same(e));
    TRY(report_slipped(e));
    return report_proportion(e);
}

/* ---- files */

/* One fault of the reader; behind a line beyond the limit the files can't be read on. */
static int note_fault(exam *e, const parallel *in, size_t *faults, const rill_error *fault) {
    if (parallel_uneven(in)) {
        return doctor_add(e->report, DOCTOR_ERROR, "different-length",
                          (doctor_place){fault->file, fault->line, 0}, 1, "%s", fault->message);
    }
    ++*faults;
    return doctor_fault(e->report, fault->file, *faults, e->options.faults, fault);
}

static int check_pairs(exam *e, half *side, parallel *in) {
    rill_error fault = {0};
    parallel_pair pair;
    size_t faults = 0;
    int status;
    while ((status = parallel_next(in, &pair, &fault)) != 0) {
        if (status > 0) {
            TRY(check_pair(e, side, &pair));
            continue;
        }
        if (status != RILL_EDATA && status != RILL_ELIMIT) {
            if (e->error) *e->error = fault;
            return status;
        }
        TRY(note_fault(e, in, &faults, &fault));
    }
    TRY(doctor_faults_rest(e->report, e->file[0], faults, e->options.faults));
    if (e->count || faults) return 0;
    return doctor_add(e->report, DOCTOR_ERROR, "no-pairs", (doctor_place){e->file[0], 0, 0}, 1,
                      "no pairs, found nothing with text on both sides, expected lines in two "
                      "languages");
}

static void forget_files(exam *e) {
    memset(e->side, 0, sizeof e->side);
    memset(e->bucket, 0, sizeof e->bucket);
    memset(e->far, 0, sizeof e->far);
    e->empty = e->same = e->slipped = (tally){0};
    e->slipped_pairs = e->near.count = 0;
    e->count = 0;
}

static int check_files(exam *e, half *side, size_t i) {
    const char *source = side->files.source[i];
    const char *target = side->files.target ? side->files.target[i] : NULL;
    parallel *in;
    TRY(parallel_open(source, target, e->options.corpus.max_record, &in, e->error));
    forget_files(e);
    e->columns = !target;
    e->file[0] = source;
    e->file[1] = target ? target : source;
    int status = check_pairs(e, side, in);
    if (status == 0) status = report_files(e);
    parallel_close(in);
    return status;
}

/* ---- a whole side */

static int report_duplicates(exam *e, const half *side) {
    const tally *t = &side->duplicate;
    if (!t->count) return 0;
    return doctor_add(e->report, DOCTOR_NOTE, "duplicate-pair", t->first, t->count,
                      "%zu pairs stand here more than once, the first (\"%s\") at %s:%zu too",
                      t->count, t->example.text, doctor_base_name(side->original.file),
                      side->original.line);
}

static int report_overlap(exam *e) {
    if (!e->overlap.count) return 0;
    return doctor_add(e->report, DOCTOR_WARNING, "train-dev-overlap", e->overlap.first,
                      e->overlap.count,
                      "%zu sources of dev stand in train too, %zu of them with more than %d words, "
                      "%zu with the same target: %s",
                      e->overlap.count, e->overlap_long.count, SHORT_SENTENCE,
                      e->overlap_pair.count, e->places.data);
}

static int check_side(exam *e, half *side) {
    for (size_t i = 0; i < side->files.count; i++) TRY(check_files(e, side, i));
    return report_duplicates(e, side);
}

/* Train first, since dev is compared with it. */
static int check_all(exam *e) {
    TRY(check_side(e, &e->train));
    TRY(check_side(e, &e->dev));
    return report_overlap(e);
}

static void exam_free(exam *e) {
    half *const side[] = {&e->train, &e->dev};
    for (int i = 0; i < 2; i++) {
        doctor_seen_free(&side[i]->sources);
        doctor_seen_free(&side[i]->pairs);
    }
    buffer_free(&e->places);
    buffer_free(&e->scratch);
    doctor_look_free(&e->look);
    free(e);
}

int doctor_parallel(doctor_pairs train, doctor_pairs dev, const doctor_options *options,
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
    exam_free(e);
    return status;
}
