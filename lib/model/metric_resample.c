/* metric_resample: how far a score can be trusted, and whether one system beats another.
 *
 * Items of a sentence are not independent, sentences nearly are; so scores are resampled by
 * sentence. A score is sum(part) / sum(whole); every draw recomputes both sums.
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

static metric_ratio ratio_add(metric_ratio a, metric_ratio b) {
    return (metric_ratio){a.part + b.part, a.whole + b.whole};
}

int metric_bootstrap(const metric_ratio *part, size_t sentences, int samples, double level,
                     uint64_t seed, metric_interval *out) {
    *out = (metric_interval){0, 0};
    if (sentences == 0 || samples < 1) return 0;
    double *value = mem_new((size_t)samples, sizeof *value);
    if (!value) return RILL_ENOMEM;
    for (int r = 0; r < samples; r++) {
        rng draw = rng_make(seed, DRAW_BOOTSTRAP, (uint64_t)r);
        metric_ratio sum = {0, 0};
        for (size_t i = 0; i < sentences; i++) {
            sum = ratio_add(sum, part[rng_below(&draw, sentences)]);
        }
        value[r] = metric_value(sum);
    }
    *out = percentiles(value, samples, level);
    free(value);
    return 0;
}

/* Difference of the two systems on one draw of sentences, the same draw for both. */
static double paired_draw(const metric_ratio *a, const metric_ratio *b, size_t sentences,
                          uint64_t seed, int r) {
    rng draw = rng_make(seed, DRAW_BOOTSTRAP, (uint64_t)r);
    metric_ratio left = {0, 0}, right = {0, 0};
    for (size_t i = 0; i < sentences; i++) {
        size_t s = (size_t)rng_below(&draw, sentences);
        left = ratio_add(left, a[s]);
        right = ratio_add(right, b[s]);
    }
    return metric_value(left) - metric_value(right);
}

/* Difference after the two answers to every sentence changed sides by the toss of a coin. */
static double swapped_draw(const metric_ratio *a, const metric_ratio *b, size_t sentences,
                           uint64_t seed, int r) {
    rng draw = rng_make(seed, DRAW_SWAP, (uint64_t)r);
    metric_ratio left = {0, 0}, right = {0, 0};
    uint32_t coins = 0;
    for (size_t i = 0; i < sentences; i++) {
        if (i % 32 == 0) coins = rng_next(&draw);
        bool swap = coins >> (i % 32) & 1;
        left = ratio_add(left, swap ? b[i] : a[i]);
        right = ratio_add(right, swap ? a[i] : b[i]);
    }
    return metric_value(left) - metric_value(right);
}

int metric_compare(const metric_ratio *a, const metric_ratio *b, size_t sentences, int samples,
                   double level, uint64_t seed, metric_comparison *out) {
    double difference =
        metric_value(metric_sum(a, sentences)) - metric_value(metric_sum(b, sentences));
    *out = (metric_comparison){difference, {difference, difference}, 1};
    if (sentences == 0 || samples < 1) return 0;
    double *value = mem_new((size_t)samples, sizeof *value);
    if (!value) return RILL_ENOMEM;
    int extreme = 0;
    for (int r = 0; r < samples; r++) {
        value[r] = paired_draw(a, b, sentences, seed, r);
        /* The slack covers rounding where the swapped sums are the same fractions. */
        double swapped = swapped_draw(a, b, sentences, seed, r);
        extreme += fabs(swapped) >= fabs(difference) - 1e-12;
    }
    out->interval = percentiles(value, samples, level);
    out->p = (extreme + 1.0) / (samples + 1.0);
    free(value);
    return 0;
}
