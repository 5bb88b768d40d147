/* metric_resample: how far a score can be trusted, and whether one system beats another.
 *
 * Items of a sentence are not independent, sentences nearly are; so scores are resampled by
 * sentence. A score is a function of counts that add up, sum(part) / sum(whole) or BLEU; every draw
 * recomputes the sums.
 *
 * Sources. Wilson (1927), Probable inference, the law of succession, and statistical inference.
 * Percentile bootstrap with k = floor((R + 1) alpha): Efron and Tibshirani (1993), An introduction
 * to the bootstrap, section 12.5 and 13.3. Paired bootstrap: Koehn (2004), Statistical significance
 * tests for machine translation evaluation. Approximate randomisation, p = (c + 1) / (R + 1):
 * Noreen (1989); Riezler and Maxwell (2005).
 *
 * Draw r of a seed is a function of (seed, purpose, r): the answer does not depend on threads or
 * order.
 */
#include "base/rng.h"
#include "model/metric.h"
#include <math.h>
#include <stdlib.h>

enum { DRAW_BOOTSTRAP = 0x626f6f74, DRAW_SWAP = 0x73776170 }; /* rng consumers */

/* z with P(|Z| <= z) = level for a standard normal Z, by halving. */
static double normal_quantile(double level) {
    double low = 0, high = 40;
    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;
        if (erf(middle / sqrt(2)) < level) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/*     (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) */
metric_interval metric_wilson(metric_ratio r, double level) {
    if (r.whole <= 0) return (metric_interval){0, 1};
    double z = normal_quantile(level), n = (double)r.whole, p = metric_value(r);
    double centre = p + z * z / (2 * n);
    double reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    double low = (centre - reach) / (1 + z * z / n), high = (centre + reach) / (1 + z * z / n);
    return (metric_interval){fmax(low, 0), fmin(high, 1)};
}

static int real_compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Interval between the k-th smallest and the k-th largest; sorts the values. */
static metric_interval percentiles(double *value, int samples, double level) {
    qsort(value, (size_t)samples, sizeof *value, real_compare);
    int k = (int)floor((samples + 1) * ((1 - level) / 2));
    if (k < 1) k = 1;
    return (metric_interval){value[k - 1], value[samples - k]};
}

/* ---- rows of counts */

static void row_add(int64_t *sum, const int64_t *row, size_t width) {
    for (size_t i = 0; i < width; i++) sum[i] += row[i];
}

double metric_rows_score(metric_rows kind, const int64_t *row, size_t sentences) {
    int64_t sum[METRIC_WIDTH] = {0};
    for (size_t s = 0; s < sentences; s++) row_add(sum, row + s * kind.width, kind.width);
    return kind.score(sum, kind.context);
}

int metric_rows_bootstrap(metric_rows kind, const int64_t *row, size_t sentences, int samples,
                          double level, uint64_t seed, metric_interval *out) {
    *out = (metric_interval){0, 0};
    if (sentences == 0 || samples < 1) return 0;
    double *value = mem_new((size_t)samples, sizeof *value);
    if (!value) return RILL_ENOMEM;
    for (int r = 0; r < samples; r++) {
        rng draw = rng_make(seed, DRAW_BOOTSTRAP, (uint64_t)r);
        int64_t sum[METRIC_WIDTH] = {0};
        for (size_t i = 0; i < sentences; i++) {
            row_add(sum, row + rng_below(&draw, sentences) * kind.width, kind.width);
        }
        value[r] = kind.score(sum, kind.context);
    }
    *out = percentiles(value, samples, level);
    free(value);
    return 0;
}

/* Two systems and what is drawn from. */
typedef struct contest {
    metric_rows kind;
    const int64_t *a, *b; /* [sentences][kind.width] */
    size_t sentences;
    uint64_t seed;
} contest;

static double contest_difference(const contest *c, const int64_t *left, const int64_t *right) {
    return c->kind.score(left, c->kind.context) - c->kind.score(right, c->kind.context);
}

/* Difference of the two systems on one draw of sentences, the same draw for both. */
static double paired_draw(const contest *c, int r) {
    rng draw = rng_make(c->seed, DRAW_BOOTSTRAP, (uint64_t)r);
    int64_t left[METRIC_WIDTH] = {0}, right[METRIC_WIDTH] = {0};
    for (size_t i = 0; i < c->sentences; i++) {
        size_t at = (size_t)rng_below(&draw, c->sentences) * c->kind.width;
        row_add(left, c->a + at, c->kind.width);
        row_add(right, c->b + at, c->kind.width);
    }
    return contest_difference(c, left, right);
}

/* Difference after the two answers to every sentence changed sides by the toss of a coin. */
static double swapped_draw(const contest *c, int r) {
    rng draw = rng_make(c->seed, DRAW_SWAP, (uint64_t)r);
    int64_t left[METRIC_WIDTH] = {0}, right[METRIC_WIDTH] = {0};
    uint32_t coins = 0;
    for (size_t i = 0; i < c->sentences; i++) {
        if (i % 32 == 0) coins = rng_next(&draw);
        bool swap = coins >> (i % 32) & 1;
        size_t at = i * c->kind.width;
        row_add(left, (swap ? c->b : c->a) + at, c->kind.width);
        row_add(right, (swap ? c->a : c->b) + at, c->kind.width);
    }
    return contest_difference(c, left, right);
}

/* Koehn's p is one-sided: how often the better one of the two is not the better one of a draw. */
int metric_rows_compare(metric_rows kind, const int64_t *a, const int64_t *b, size_t sentences,
                        int samples, double level, uint64_t seed, metric_comparison *out) {
    contest c = {kind, a, b, sentences, seed};
    double difference =
        metric_rows_score(kind, a, sentences) - metric_rows_score(kind, b, sentences);
    *out = (metric_comparison){difference, {difference, difference}, 1, 1};
    if (sentences == 0 || samples < 1) return 0;
    double *value = mem_new((size_t)samples, sizeof *value);
    if (!value) return RILL_ENOMEM;
    int extreme = 0, lost = 0;
    for (int r = 0; r < samples; r++) {
        value[r] = paired_draw(&c, r);
        lost += difference > 0 ? value[r] <= 0 : difference < 0 ? value[r] >= 0 : 1;
        /* The slack covers rounding where the swapped sums are the same fractions. */
        extreme += fabs(swapped_draw(&c, r)) >= fabs(difference) - 1e-12;
    }
    out->interval = percentiles(value, samples, level);
    out->p = (extreme + 1.0) / (samples + 1.0);
    out->p_bootstrap = (lost + 1.0) / (samples + 1.0);
    free(value);
    return 0;
}

/* ---- fractions are rows of two */

_Static_assert(sizeof(metric_ratio) == 2 * sizeof(int64_t), "a fraction is a row of two counts");

static double ratio_score(const int64_t *sum, const void *context) {
    (void)context;
    return metric_value((metric_ratio){sum[0], sum[1]});
}

static const metric_rows fractions = {2, ratio_score, NULL};

int metric_bootstrap(const metric_ratio *part, size_t sentences, int samples, double level,
                     uint64_t seed, metric_interval *out) {
    return metric_rows_bootstrap(fractions, (const int64_t *)part, sentences, samples, level, seed,
                                 out);
}

int metric_compare(const metric_ratio *a, const metric_ratio *b, size_t sentences, int samples,
                   double level, uint64_t seed, metric_comparison *out) {
    return metric_rows_compare(fractions, (const int64_t *)a, (const int64_t *)b, sentences,
                               samples, level, seed, out);
}
