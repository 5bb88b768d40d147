/* lanes_math: exp, tanh and sigmoid of sixteen numbers, from primitives only, so that every
 * instruction set gives the same bits.
 *
 * exp(x) = 2^n e^r with n = round(x / ln 2), r = x - n ln 2 in [-0.347, 0.347] (ln 2 in two parts),
 * and e^r - 1 = r + r^2 q(r). q is the polynomial of degree 4 whose largest relative error in
 * e^r - 1 is smallest (found by the exchange algorithm of Remez at 40 digits, then rounded to
 * float): 1.4e-8, a quarter of half a unit in the last place.
 *
 *     tanh(a)    = -m / (2 + m),   m = exp(-2a) - 1, for a >= 0; exact to the last places near 0
 *     sigmoid(x) = (x < 0 ? e : 1) / (1 + e),   e = exp(-|x|), which cannot overflow
 *
 * The double twin calls libm.
 */
#ifndef RILL_MATH_LANES_MATH_H
#define RILL_MATH_LANES_MATH_H

#include "math/lanes.h"

#ifdef RILL_DOUBLE
INLINE lanes lanes_exp(lanes x) {
    LANES_EACH(exp(x.v[i] > 709 ? 709 : x.v[i]));
}
INLINE lanes lanes_tanh(lanes x) {
    LANES_EACH(tanh(x.v[i]));
}
INLINE lanes lanes_sigmoid(lanes x) {
    LANES_EACH(1 / (1 + exp(-x.v[i])));
}
#else

/* x = n ln 2 + r; returns e^r - 1. */
INLINE lanes lanes_reduce(lanes x, lanes *n) {
    /* Adding 1.5 * 2^23 leaves no bits after the point, so it rounds to the nearest whole. */
    const lanes whole = lanes_set(0x1.8p23f);
    *n = lanes_sub(lanes_fma(x, lanes_set(0x1.715476p0f), whole), whole);
    lanes r = lanes_fnma(*n, lanes_set(0x1.62e430p-1f), x);
    r = lanes_fnma(*n, lanes_set(-0x1.05c610p-29f), r);
    lanes q = lanes_set(0x1.6becp-10f);
    q = lanes_fma(q, r, lanes_set(0x1.1227bp-7f));
    q = lanes_fma(q, r, lanes_set(0x1.555674p-5f));
    q = lanes_fma(q, r, lanes_set(0x1.5554bp-3f));
    q = lanes_fma(q, r, lanes_set(0x1.fffffep-2f));
    return lanes_fma(lanes_mul(r, r), q, r);
}

/* 0 below the logarithm of the smallest normal number, e^88.37 = 2.4e38 from there on. */
INLINE lanes lanes_exp(lanes x) {
    const lanes low = lanes_set(-87.3365f), high = lanes_set(88.37f);
    lanes n, m = lanes_reduce(lanes_min(high, lanes_max(low, x)), &n);
    lanes y = lanes_scale(lanes_add(m, lanes_set(1)), n);
    return lanes_less(x, low, lanes_set(0), y);
}

INLINE lanes lanes_tanh(lanes x) {
    /* tanh(10) is 1 in float. */
    lanes n, a = lanes_min(lanes_set(10), lanes_abs(x));
    lanes m = lanes_reduce(lanes_mul(a, lanes_set(-2)), &n);
    lanes power = lanes_scale(lanes_set(1), n);
    m = lanes_fma(power, m, lanes_sub(power, lanes_set(1)));
    return lanes_copysign(lanes_div(m, lanes_add(m, lanes_set(2))), x);
}

INLINE lanes lanes_sigmoid(lanes x) {
    const lanes one = lanes_set(1), zero = lanes_set(0);
    lanes e = lanes_exp(lanes_sub(zero, lanes_abs(x)));
    return lanes_div(lanes_less(x, zero, e, one), lanes_add(e, one));
}
#endif

#endif
