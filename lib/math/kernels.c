/* kernels: one table of kernels, compiled once per instruction set from this one source.
 *
 * KERNELS is the name of the table (kernels_plain, kernels_avx2, kernels_avx512, and
 * kernels_plain_twin in double); the build gives each its own compiler flags. Everything is written
 * in the sixteen lanes of lanes.h, which is what makes the tables agree bit for bit. cpu.h says
 * what each kernel computes; here stands only why it is computed that way.
 *
 *     kernels_panel.h   the product with packed weights
 *     kernels_outer.h   the gradient of a weight
 *     kernels_cell.h    LSTM and GRU steps
 *     lanes_math.h      exp, tanh, sigmoid
 *     lanes_random.h    random numbers
 */
#include "math/cpu.h"
#include "math/kernels_cell.h"
#include "math/kernels_outer.h"
#include "math/kernels_panel.h"
#include "math/lanes_math.h"
#include "math/lanes_random.h"
#include <string.h>

extern const kernels KERNELS;

/* ---- elementwise */

static void map_tanh(int64_t n, const real *x, real *y) {
    LANES_GROUPS(n, { lanes_put(y + at, width, lanes_tanh(lanes_get(x + at, width))); });
}

static void map_sigmoid(int64_t n, const real *x, real *y) {
    LANES_GROUPS(n, { lanes_put(y + at, width, lanes_sigmoid(lanes_get(x + at, width))); });
}

static void map_add(int64_t n, const real *x, real *y) {
    LANES_GROUPS(n, {
        lanes sum = lanes_add(lanes_get(y + at, width), lanes_get(x + at, width));
        lanes_put(y + at, width, sum);
    });
}

static void map_axpy(int64_t n, real a, const real *x, real *y) {
    const lanes factor = lanes_set(a);
    LANES_GROUPS(n, {
        lanes sum = lanes_fma(factor, lanes_get(x + at, width), lanes_get(y + at, width));
        lanes_put(y + at, width, sum);
    });
}

static void map_mul(int64_t n, const real *x, const real *y, real *z) {
    LANES_GROUPS(n, {
        lanes product = lanes_mul(lanes_get(x + at, width), lanes_get(y + at, width));
        lanes_put(z + at, width, product);
    });
}

static void map_muladd(int64_t n, const real *x, const real *y, real *z) {
    LANES_GROUPS(n, {
        lanes sum = lanes_get(z + at, width);
        sum = lanes_fma(lanes_get(x + at, width), lanes_get(y + at, width), sum);
        lanes_put(z + at, width, sum);
    });
}

/* ---- reductions */

static real reduce_sum(int64_t n, const real *x) {
    lanes sum = lanes_set(0);
    LANES_GROUPS(n, { sum = lanes_add(sum, lanes_get(x + at, width)); });
    return lanes_fold(sum);
}

static real reduce_dot(int64_t n, const real *x, const real *y) {
    lanes sum = lanes_set(0);
    LANES_GROUPS(n, { sum = lanes_fma(lanes_get(x + at, width), lanes_get(y + at, width), sum); });
    return lanes_fold(sum);
}

static real reduce_max(int64_t n, const real *x) {
    lanes most = lanes_set(-INFINITY);
    LANES_GROUPS(n, { most = lanes_max(most, lanes_get_or(x + at, width, -INFINITY)); });
    return lanes_fold_max(most);
}

/* The logarithm is taken in double: libm's logf comes in variants that differ in the last place
 * from one processor to the next, and this way the difference is rounded away. */
static real softmax(int64_t n, const real *x, real *y) {
    const real most = reduce_max(n, x);
    const lanes shift = lanes_set(most);
    lanes sum = lanes_set(0);
    LANES_GROUPS(n, {
        lanes e = lanes_exp(lanes_sub(lanes_get_or(x + at, width, -INFINITY), shift));
        sum = lanes_add(sum, e);
        lanes_put(y + at, width, e);
    });
    const real total = lanes_fold(sum);
    const lanes share = lanes_set(1 / total);
    LANES_GROUPS(n, { lanes_put(y + at, width, lanes_mul(share, lanes_get(y + at, width))); });
    return most + (real)log((double)total);
}

/* Four groups of columns at a time: whole cache lines of x, and chains enough to hide the latency
 * of an addition. */
static void colsum(int n, int D, const real *x, int ldx, real *y) {
    int64_t d = 0;
    for (; d + 4 * LANES <= D; d += 4 * LANES) {
        lanes sum[4] = {lanes_set(0), lanes_set(0), lanes_set(0), lanes_set(0)};
        for (int row = 0; row < n; row++) {
            const real *from = x + (int64_t)row * ldx + d;
            for (int c = 0; c < 4; c++) sum[c] = lanes_add(sum[c], lanes_load(from + c * LANES));
        }
        for (int c = 0; c < 4; c++) {
            real *to = y + d + c * LANES;
            lanes_store(to, lanes_add(lanes_load(to), sum[c]));
        }
    }
    x += d;
    y += d;
    LANES_GROUPS(D - d, {
        lanes sum = lanes_set(0);
        for (int row = 0; row < n; row++) {
            sum = lanes_add(sum, lanes_get(x + (int64_t)row * ldx + at, width));
        }
        lanes_put(y + at, width, lanes_add(lanes_get(y + at, width), sum));
    });
}

/* ---- layer norm of rows */

static void norm_stat(int D, const real *x, real *stat) {
    const real mean = reduce_sum(D, x) / (real)D;
    const lanes shift = lanes_set(mean);
    lanes sum = lanes_set(0);
    LANES_GROUPS(D, {
        lanes d = lanes_sub(lanes_get_or(x + at, width, mean), shift);
        sum = lanes_fma(d, d, sum);
    });
    const real spread = lanes_fold(sum) / (real)D + (real)1e-5;
    stat[0] = mean;
    stat[1] = 1 / (real)sqrt(spread);
}

/* (x - mean) / deviation of a group. */
INLINE lanes norm_unit(const real *x, int width, lanes mean, lanes rate) {
    return lanes_mul(lanes_sub(lanes_get(x, width), mean), rate);
}

static void norm(int n, int D, const real *x, const real *gain, const real *shift, real *y,
                 real *stat) {
    for (int row = 0; row < n; row++, x += D, y += D, stat += 2) {
        norm_stat(D, x, stat);
        const lanes mean = lanes_set(stat[0]), rate = lanes_set(stat[1]);
        LANES_GROUPS(D, {
            lanes unit = norm_unit(x + at, width, mean, rate);
            lanes base = shift ? lanes_get(shift + at, width) : lanes_set(0);
            lanes_put(y + at, width, lanes_fma(unit, lanes_get(gain + at, width), base));
        });
    }
}

/* With u = (x - mean) rstd and d = dy gain:  dx = rstd (d - mean(d) - u mean(d u)). */
static void norm_back(int n, int D, const real *x, const real *gain, const real *stat,
                      const real *dy, real *dx) {
    for (int row = 0; row < n; row++, x += D, dy += D, dx += D, stat += 2) {
        const lanes mean = lanes_set(stat[0]), rate = lanes_set(stat[1]);
        lanes sum = lanes_set(0), sum_unit = lanes_set(0);
        LANES_GROUPS(D, {
            lanes d = lanes_mul(lanes_get(dy + at, width), lanes_get(gain + at, width));
            sum = lanes_add(sum, d);
            sum_unit = lanes_fma(d, norm_unit(x + at, width, mean, rate), sum_unit);
        });
        const lanes base = lanes_set(lanes_fold(sum) / (real)D);
        const lanes slope = lanes_set(lanes_fold(sum_unit) / (real)D);
        LANES_GROUPS(D, {
            lanes d = lanes_mul(lanes_get(dy + at, width), lanes_get(gain + at, width));
            lanes unit = norm_unit(x + at, width, mean, rate);
            d = lanes_fnma(unit, slope, lanes_sub(d, base));
            lanes_put(dx + at, width, lanes_mul(d, rate));
        });
    }
}

static void norm_gain(int n, int D, const real *x, const real *stat, const real *dy, real *dgain,
                      real *dshift) {
    LANES_GROUPS(D, {
        lanes sum = lanes_set(0);
        lanes sum_unit = lanes_set(0);
        for (int64_t row = 0; row < n; row++) {
            const lanes mean = lanes_set(stat[2 * row]);
            const lanes rate = lanes_set(stat[2 * row + 1]);
            lanes d = lanes_get(dy + row * D + at, width);
            sum = lanes_add(sum, d);
            sum_unit = lanes_fma(d, norm_unit(x + row * D + at, width, mean, rate), sum_unit);
        }
        lanes_put(dgain + at, width, lanes_add(lanes_get(dgain + at, width), sum_unit));
        if (dshift) lanes_put(dshift + at, width, lanes_add(lanes_get(dshift + at, width), sum));
    });
}

/* ---- dropout masks */

static void mask(int64_t n, uint64_t key, uint64_t high, uint64_t low, int64_t first, real keep,
                 real *y) {
    const lanes limit = lanes_set(keep), kept = lanes_set(1 / keep), zero = lanes_set(0);
    const int64_t end = first + n;
    /* `from` is the first element of the blocks drawn, which may begin before and end after y. */
    for (int64_t from = first / 4 * 4; from < end; from += RANDOM_WORDS) {
        lanes u[2];
        random_numbers(key, high, (low << 24) + (uint64_t)(from / 4), u);
        for (int i = 0; i < 2; i++) {
            u[i] = lanes_mul(u[i], lanes_set((real)0x1p-24));
            u[i] = lanes_less(u[i], limit, kept, zero);
        }
        if (from >= first && from + RANDOM_WORDS <= end) {
            lanes_store(y + (from - first), u[0]);
            lanes_store(y + (from - first) + LANES, u[1]);
            continue;
        }
        real value[RANDOM_WORDS];
        lanes_store(value, u[0]);
        lanes_store(value + LANES, u[1]);
        int64_t begin = from < first ? first : from;
        int64_t stop = from + RANDOM_WORDS < end ? from + RANDOM_WORDS : end;
        memcpy(y + (begin - first), value + (begin - from), (size_t)(stop - begin) * sizeof(real));
    }
}

/* ---- optimisers */

/* A moment of a weight without gradients decays for ever and would end up among the denormal
 * numbers, where every operation costs a hundred times as much. */
INLINE lanes moment_flush(lanes m) {
    return lanes_less(lanes_abs(m), lanes_set((real)1e-30), lanes_set(0), m);
}

/* The running average of a group of weights. */
INLINE void ema_step(real *ema, int width, real keep, lanes w) {
    if (!ema) return;
    lanes fresh = lanes_mul(lanes_set(1 - keep), w);
    lanes_put(ema, width, lanes_fma(lanes_set(keep), lanes_get(ema, width), fresh));
}

static void adam(int64_t n, real *w, real *g, real *m, real *v, real *ema, real scale, real lr,
                 real b1, real b2, real c1, real c2, real eps, real decay, real ema_keep) {
    const lanes zero = lanes_set(0), by_c1 = lanes_set(1 / c1), by_c2 = lanes_set(1 / c2);
    LANES_GROUPS(n, {
        lanes grad = lanes_mul(lanes_get(g + at, width), lanes_set(scale));
        lanes mean = lanes_mul(lanes_set(1 - b1), grad);
        mean = moment_flush(lanes_fma(lanes_set(b1), lanes_get(m + at, width), mean));
        lanes square = lanes_mul(lanes_mul(lanes_set(1 - b2), grad), grad);
        square = moment_flush(lanes_fma(lanes_set(b2), lanes_get(v + at, width), square));
        lanes size = lanes_add(lanes_sqrt(lanes_mul(square, by_c2)), lanes_set(eps));
        lanes weight = lanes_get(w + at, width);
        lanes step = lanes_div(lanes_mul(mean, by_c1), size);
        step = lanes_fma(lanes_set(decay), weight, step);
        weight = lanes_fnma(lanes_set(lr), step, weight);
        lanes_put(g + at, width, zero);
        lanes_put(m + at, width, mean);
        lanes_put(v + at, width, square);
        lanes_put(w + at, width, weight);
        ema_step(ema ? ema + at : NULL, width, ema_keep, weight);
    });
}

static void sgd(int64_t n, real *w, real *g, real *m, real *ema, real scale, real lr, real momentum,
                real decay, real ema_keep) {
    LANES_GROUPS(n, {
        lanes weight = lanes_get(w + at, width);
        lanes grad = lanes_mul(lanes_set(decay), weight);
        grad = lanes_fma(lanes_get(g + at, width), lanes_set(scale), grad);
        lanes step = moment_flush(lanes_fma(lanes_set(momentum), lanes_get(m + at, width), grad));
        weight = lanes_fnma(lanes_set(lr), step, weight);
        lanes_put(g + at, width, lanes_set(0));
        lanes_put(m + at, width, step);
        lanes_put(w + at, width, weight);
        ema_step(ema ? ema + at : NULL, width, ema_keep, weight);
    });
}

/* ---- the machine's limit */

static double peak(int64_t rounds) {
    lanes chain[LANES_CHAINS];
    for (int i = 0; i < LANES_CHAINS; i++) chain[i] = lanes_set((real)i);
    const lanes a = lanes_set((real)0.75), b = lanes_set((real)0.125);
    for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 24
        for (int i = 0; i < LANES_CHAINS; i++) chain[i] = lanes_fma(a, chain[i], b);
    }
    lanes sum = lanes_set(0);
    for (int i = 0; i < LANES_CHAINS; i++) sum = lanes_add(sum, chain[i]);
    /* A use the compiler cannot see through keeps the work. */
    volatile real sink = lanes_fold(sum);
    (void)sink;
    return 2.0 * LANES * LANES_CHAINS * (double)rounds;
}

const kernels KERNELS = {
    .name = LANES_NAME,
    .panel = panel,
    .outer = outer,
    .outer_room = outer_room,
    .tanh = map_tanh,
    .sigmoid = map_sigmoid,
    .add = map_add,
    .axpy = map_axpy,
    .mul = map_mul,
    .muladd = map_muladd,
    .sum = reduce_sum,
    .dot = reduce_dot,
    .softmax = softmax,
    .colsum = colsum,
    .norm = norm,
    .norm_back = norm_back,
    .norm_gain = norm_gain,
    .lstm_state = lstm_state,
    .lstm_out = lstm_out,
    .lstm_out_back = lstm_out_back,
    .lstm_state_back = lstm_state_back,
    .gru = gru,
    .gru_back = gru_back,
    .mask = mask,
    .adam = adam,
    .sgd = sgd,
    .peak = peak,
};
