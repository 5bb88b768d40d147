/* metric_chrf: F-score of n-grams of characters and words.
 *
 *     P = mean over the orders of match_n / system_n        R = mean of match_n / reference_n
 *     chrF = 100 (1 + beta^2) P R / (beta^2 P + R)
 *
 * Orders that the system or the reference has no n-gram of are left out of both means (what the
 * signature calls eff:yes). Where a reference has none, the system's n-grams don't count either.
 */
#include "model/metric_chrf.h"
#include "model/metric_ngram.h"
#include "model/metric_segment.h"
#include <stdlib.h>
#include <string.h>

struct chrf {
    chrf_options options; /* filled in */
    segment segment;
    strmap ids; /* word -> id */
    ngrams characters, words;
    int64_t *match; /* [orders][sides] */
    size_t match_room;
};

static chrf_options fill_in(const chrf_options *given) {
    chrf_options o = {0};
    if (given) o = *given;
    if (!o.characters) o.characters = 6;
    if (!o.beta) o.beta = 2;
    return o;
}

static int orders_of(const chrf_options *o) {
    return o->characters + o->words;
}

int chrf_new(const chrf_options *options, chrf **out, rill_error *error) {
    chrf_options o = fill_in(options);
    *out = NULL;
    if (o.characters < 1 || o.words < 0 || o.beta < 1 || o.characters > CHRF_ORDERS ||
        o.words > CHRF_ORDERS - o.characters) {
        return status_fail(error, RILL_EUSAGE,
                           "chrF of %d orders of characters, %d of words and beta %d, expected at "
                           "most %d orders and positive numbers",
                           o.characters, o.words, o.beta, CHRF_ORDERS);
    }
    *out = mem_new(1, sizeof **out);
    if (!*out) return status_nomem(error);
    (*out)->options = o;
    return 0;
}

void chrf_free(chrf *c) {
    if (!c) return;
    segment_free(&c->segment);
    strmap_free(&c->ids);
    ngrams_free(&c->characters);
    ngrams_free(&c->words);
    free(c->match);
    free(c);
}

/* ---- counting */

static int add_words(chrf *c) {
    int32_t *id;
    TRY(segment_words(&c->segment));
    TRY(ngrams_side(&c->words, c->segment.tokens, &id));
    for (size_t i = 0; i < c->segment.tokens; i++) {
        TRY(strmap_add(&c->ids, segment_token(&c->segment, i), id + i));
    }
    return 0;
}

static int add_side(chrf *c, bytes text) {
    int32_t *point;
    TRY(segment_line(&c->segment, text, c->options.lower));
    if (c->options.words) TRY(add_words(c));
    if (!c->options.space) segment_squeeze(&c->segment);
    TRY(ngrams_side(&c->characters, c->segment.count, &point));
    if (c->segment.count) memcpy(point, c->segment.point, c->segment.count * sizeof *point);
    return 0;
}

/* The next order of characters or words: its totals for every reference into stats[reference]. */
static int count_order(chrf *c, ngrams *g, int order, size_t references, chrf_stats *stats) {
    int64_t clipped;
    TRY(ngrams_next(g, c->match, &clipped));
    for (size_t r = 0; r < references; r++) {
        stats[r].reference[order] = ngrams_total(g, r + 1);
        stats[r].system[order] = stats[r].reference[order] ? ngrams_total(g, 0) : 0;
        stats[r].match[order] = c->match[r + 1];
    }
    return 0;
}

/* Against each reference. */
static int count_each(chrf *c, bytes system, const bytes *reference, size_t references,
                      chrf_stats *stats) {
    ngrams_clear(&c->characters);
    ngrams_clear(&c->words);
    TRY(add_side(c, system));
    for (size_t i = 0; i < references; i++) TRY(add_side(c, reference[i]));
    TRY(mem_grow(&c->match, &c->match_room, references + 1, sizeof *c->match));
    for (int n = 0; n < orders_of(&c->options); n++) {
        ngrams *g = n < c->options.characters ? &c->characters : &c->words;
        TRY(count_order(c, g, n, references, stats));
    }
    return 0;
}

int chrf_count(chrf *c, bytes system, const bytes *reference, size_t references, chrf_stats *out,
               rill_error *error) {
    if (!references) return status_fail(error, RILL_EUSAGE, "chrF without a reference");
    chrf_stats *stats = mem_new(references, sizeof *stats);
    if (!stats) return status_nomem(error);
    int status = count_each(c, system, reference, references, stats);
    size_t best = 0;
    for (size_t i = 1; i < references; i++) {
        if (chrf_score(stats + i, &c->options) > chrf_score(stats + best, &c->options)) best = i;
    }
    *out = stats[best];
    free(stats);
    return metric_failed(status, error);
}

void chrf_add(chrf_stats *sum, const chrf_stats *one) {
    for (int n = 0; n < CHRF_ORDERS; n++) {
        sum->system[n] += one->system[n];
        sum->reference[n] += one->reference[n];
        sum->match[n] += one->match[n];
    }
}

/* ---- the score */

double chrf_score(const chrf_stats *sum, const chrf_options *options) {
    chrf_options o = fill_in(options);
    double precision = 0, recall = 0, weight = (double)o.beta * o.beta;
    int orders = 0;
    for (int n = 0; n < orders_of(&o) && n < CHRF_ORDERS; n++) {
        if (!sum->system[n] || !sum->reference[n]) continue;
        precision += (double)sum->match[n] / (double)sum->system[n];
        recall += (double)sum->match[n] / (double)sum->reference[n];
        orders++;
    }
    if (precision + recall <= 0) return 0;
    precision /= orders;
    recall /= orders;
    return 100 * (1 + weight) * precision * recall / (weight * precision + recall);
}

static double rows_score(const int64_t *sum, const void *options) {
    return chrf_score((const chrf_stats *)(const void *)sum, options);
}

metric_rows chrf_rows(const chrf_options *options) {
    return (metric_rows){sizeof(chrf_stats) / sizeof(int64_t), rows_score, options};
}

/* ---- as text */

void chrf_line(double score, const chrf_options *options, buffer *out) {
    chrf_options o = fill_in(options);
    buffer_printf(out, "chrF%d", o.beta);
    for (int i = 0; i < o.words; i++) buffer_add_char(out, '+');
    buffer_add_text(out, " = ");
    buffer_add_fixed(out, score, 2);
}

void chrf_signature(const chrf_options *options, size_t references, buffer *out) {
    chrf_options o = fill_in(options);
    metric_signature(references, o.lower, out);
    buffer_printf(out, "|eff:yes|nc:%d|nw:%d|space:%s", o.characters, o.words,
                  o.space ? "yes" : "no");
    metric_version(out);
}
