/* metric_bleu: the precisions and the penalty of a BLEU score.
 *
 *     p_n   = 100 match_n / total_n                                   n = 1..4
 *     BP    = 1 if system >= reference, else exp(1 - reference / system)
 *     BLEU  = BP exp( (ln p_1 + ... + ln p_4) / 4 )
 *
 * A precision of 0 makes the score 0; smoothing (Chen and Cherry 2014, methods 1 to 3) is for short
 * texts, where that says little. Without any match at all the score is 0 in spite of smoothing.
 */
#include "model/metric_bleu.h"
#include "model/metric_ngram.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct bleu {
    bleu_options options;
    segment segment;
    strmap ids; /* token -> id; grows with the distinct tokens of all sentences */
    ngrams grams;
    int64_t *match; /* [sides] scratch */
    size_t match_room;
};

static const char *const smoothing_names[] = {"exp", "floor", "add-k", "none"};
static const bleu_options usual;

const char *bleu_smoothing_name(bleu_smoothing smoothing) {
    return smoothing_names[smoothing];
}

bool bleu_smoothing_find(bytes name, bleu_smoothing *result) {
    for (size_t i = 0; i < sizeof smoothing_names / sizeof *smoothing_names; i++) {
        if (!bytes_equal(name, bytes_of(smoothing_names[i]))) continue;
        *result = (bleu_smoothing)i;
        return true;
    }
    return false;
}

int bleu_new(const bleu_options *options, bleu **out, rill_error *error) {
    *out = mem_new(1, sizeof **out);
    if (!*out) return status_nomem(error);
    if (options) (*out)->options = *options;
    return 0;
}

void bleu_free(bleu *b) {
    if (!b) return;
    segment_free(&b->segment);
    strmap_free(&b->ids);
    ngrams_free(&b->grams);
    free(b->match);
    free(b);
}

/* ---- counting */

/* Tokens of one text become a side of the n-gram counter. */
static int add_side(bleu *b, bytes text) {
    int32_t *id;
    TRY(segment_line(&b->segment, text, b->options.lower));
    TRY(segment_cut(&b->segment, b->options.tokenizer));
    TRY(ngrams_side(&b->grams, b->segment.tokens, &id));
    for (size_t i = 0; i < b->segment.tokens; i++) {
        TRY(strmap_add(&b->ids, segment_token(&b->segment, i), id + i));
    }
    return 0;
}

/* Of two references that are equally near the shorter one counts. */
static int64_t nearest_length(const ngrams *g) {
    int64_t own = ngrams_total(g, 0), best = ngrams_total(g, 1);
    for (size_t s = 2; s < g->sides; s++) {
        int64_t length = ngrams_total(g, s);
        int64_t far = llabs(length - own), best_far = llabs(best - own);
        if (far < best_far || (far == best_far && length < best)) best = length;
    }
    return best;
}

/* N-grams of all sides that were added. */
static int count_grams(bleu *b, bleu_stats *out) {
    ngrams *g = &b->grams;
    *out = (bleu_stats){0};
    TRY(mem_grow(&b->match, &b->match_room, g->sides, sizeof *b->match));
    for (int n = 0; n < BLEU_ORDER; n++) {
        TRY(ngrams_next(g, b->match, &out->match[n]));
        out->total[n] = ngrams_total(g, 0);
        if (n == 0) out->reference = nearest_length(g);
    }
    out->system = out->total[0];
    return 0;
}

static int count(bleu *b, bytes system, const bytes *reference, size_t references,
                 bleu_stats *out) {
    ngrams_clear(&b->grams);
    TRY(add_side(b, system));
    for (size_t i = 0; i < references; i++) TRY(add_side(b, reference[i]));
    return count_grams(b, out);
}

int bleu_count(bleu *b, bytes system, const bytes *reference, size_t references, bleu_stats *out,
               rill_error *error) {
    if (!references) return status_fail(error, RILL_EUSAGE, "BLEU without a reference");
    return metric_failed(count(b, system, reference, references, out), error);
}

static int add_ids(bleu *b, const int32_t *id, size_t count) {
    int32_t *to;
    TRY(ngrams_side(&b->grams, count, &to));
    if (count > 0) memcpy(to, id, count * sizeof *to);
    return 0;
}

int bleu_count_ids(bleu *b, const int32_t *system, size_t length, const int32_t *reference,
                   size_t reference_length, bleu_stats *out) {
    ngrams_clear(&b->grams);
    TRY(add_ids(b, system, length));
    TRY(add_ids(b, reference, reference_length));
    return count_grams(b, out);
}

void bleu_add(bleu_stats *sum, const bleu_stats *one) {
    for (int n = 0; n < BLEU_ORDER; n++) {
        sum->match[n] += one->match[n];
        sum->total[n] += one->total[n];
    }
    sum->system += one->system;
    sum->reference += one->reference;
}

/* ---- the score */

static double smoothing_value(const bleu_options *o) {
    if (o->value > 0) return o->value;
    return o->smoothing == BLEU_FLOOR ? 0.1 : 1;
}

static double brevity(const bleu_stats *s) {
    if (s->system >= s->reference) return 1;
    return s->system ? exp(1 - (double)s->reference / (double)s->system) : 0;
}

/* Precisions; returns how many orders the score is the mean of. */
static int precisions(const bleu_stats *s, const bleu_options *o, double *precision) {
    double halves = 1, value = smoothing_value(o);
    int orders = BLEU_ORDER;
    for (int n = 0; n < BLEU_ORDER; n++) {
        double more = o->smoothing == BLEU_ADD && n > 0 ? value : 0;
        double match = (double)s->match[n] + more, total = (double)s->total[n] + more;
        if (total == 0) break;
        if (o->effective) orders = n + 1;
        if (match > 0) {
            precision[n] = 100 * match / total;
        } else if (o->smoothing == BLEU_EXP) {
            halves *= 2;
            precision[n] = 100 / (halves * total);
        } else if (o->smoothing == BLEU_FLOOR) {
            precision[n] = 100 * value / total;
        }
    }
    return orders;
}

bleu_result bleu_score(const bleu_stats *sum, const bleu_options *options) {
    if (!options) options = &usual;
    bleu_result r = {.brevity = brevity(sum), .system = sum->system, .reference = sum->reference};
    if (sum->reference) r.ratio = (double)sum->system / (double)sum->reference;
    int64_t matches = 0;
    for (int n = 0; n < BLEU_ORDER; n++) matches += sum->match[n];
    if (!matches) return r;
    int orders = precisions(sum, options, r.precision);
    double logs = 0;
    for (int n = 0; n < orders; n++) {
        if (r.precision[n] <= 0) return r;
        logs += log(r.precision[n]);
    }
    r.score = r.brevity * exp(logs / orders);
    return r;
}

static double rows_score(const int64_t *sum, const void *options) {
    return bleu_score((const bleu_stats *)(const void *)sum, options).score;
}

metric_rows bleu_rows(const bleu_options *options) {
    return (metric_rows){sizeof(bleu_stats) / sizeof(int64_t), rows_score, options};
}

/* ---- as text */

void bleu_line(const bleu_result *result, buffer *out) {
    buffer_add_text(out, "BLEU = ");
    buffer_add_fixed(out, result->score, 2);
    for (int n = 0; n < BLEU_ORDER; n++) {
        buffer_add_char(out, n ? '/' : ' ');
        buffer_add_fixed(out, result->precision[n], 1);
    }
    buffer_add_text(out, " (BP = ");
    buffer_add_fixed(out, result->brevity, 3);
    buffer_add_text(out, " ratio = ");
    buffer_add_fixed(out, result->ratio, 3);
    buffer_printf(out, " hyp_len = %lld ref_len = %lld)", (long long)result->system,
                  (long long)result->reference);
}

void bleu_signature(const bleu_options *options, size_t references, buffer *out) {
    if (!options) options = &usual;
    metric_signature(references, options->lower, out);
    buffer_printf(out, "|eff:%s|tok:%s|smooth:%s", options->effective ? "yes" : "no",
                  segment_name(options->tokenizer), bleu_smoothing_name(options->smoothing));
    if (options->smoothing == BLEU_FLOOR || options->smoothing == BLEU_ADD) {
        buffer_add_char(out, '[');
        buffer_add_fixed(out, smoothing_value(options), 2);
        buffer_add_char(out, ']');
    }
    metric_version(out);
}
