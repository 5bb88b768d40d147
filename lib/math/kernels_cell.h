/* kernels_cell: the pointwise halves of LSTM and GRU steps, forward and backward. Part of
 * kernels.c. The products of a step are done by `panel` before these run.
 *
 * Rows are contiguous; a row of gates holds its gates one after the other, each H wide. s' and t'
 * of the activations are s(1-s) and 1-t^2, taken from the stored activations.
 */
#ifndef RILL_MATH_KERNELS_CELL_H
#define RILL_MATH_KERNELS_CELL_H

#include "math/lanes_math.h"

INLINE lanes sigmoid_slope(lanes s) {
    return lanes_fnma(s, s, s);
}
INLINE lanes tanh_slope(lanes t) {
    return lanes_fnma(t, t, lanes_set(1));
}

static void lstm_state(int n, int H, real *gates, const real *c_prev, real *c) {
    for (int row = 0; row < n; row++, gates += 4 * (int64_t)H, c_prev += H, c += H) {
        LANES_GROUPS(H, {
            real *at_i = gates + at, *at_f = at_i + H, *at_g = at_f + H, *at_o = at_g + H;
            lanes i = lanes_sigmoid(lanes_get(at_i, width));
            lanes f = lanes_sigmoid(lanes_get(at_f, width));
            lanes g = lanes_tanh(lanes_get(at_g, width));
            lanes o = lanes_sigmoid(lanes_get(at_o, width));
            lanes_put(at_i, width, i);
            lanes_put(at_f, width, f);
            lanes_put(at_g, width, g);
            lanes_put(at_o, width, o);
            lanes before = lanes_get(c_prev + at, width);
            lanes_put(c + at, width, lanes_fma(f, before, lanes_mul(i, g)));
        });
    }
}

static void lstm_out(int n, int H, const real *gates, const real *c, real *t, real *h) {
    for (int row = 0; row < n; row++, gates += 4 * (int64_t)H, c += H, t += H, h += H) {
        LANES_GROUPS(H, {
            lanes squashed = lanes_tanh(lanes_get(c + at, width));
            lanes_put(t + at, width, squashed);
            lanes o = lanes_get(gates + 3 * (int64_t)H + at, width);
            lanes_put(h + at, width, lanes_mul(o, squashed));
        });
    }
}

static void lstm_out_back(int n, int H, const real *gates, const real *t, const real *dh,
                          real *dgates, real *dc) {
    const int64_t o_part = 3 * (int64_t)H;
    for (int row = 0; row < n; row++, t += H, dh += H, dc += H) {
        const real *o_row = gates + row * 4 * (int64_t)H + o_part;
        real *do_row = dgates + row * 4 * (int64_t)H + o_part;
        LANES_GROUPS(H, {
            lanes o = lanes_get(o_row + at, width), squashed = lanes_get(t + at, width);
            lanes d = lanes_get(dh + at, width);
            lanes_put(do_row + at, width, lanes_mul(lanes_mul(d, squashed), sigmoid_slope(o)));
            lanes_put(dc + at, width, lanes_mul(lanes_mul(d, o), tanh_slope(squashed)));
        });
    }
}

static void lstm_state_back(int n, int H, const real *gates, const real *c_prev, const real *dc,
                            real *dgates, real *dc_prev) {
    for (int row = 0; row < n; row++, c_prev += H, dc += H, dc_prev += H) {
        const real *in = gates + row * 4 * (int64_t)H;
        real *out = dgates + row * 4 * (int64_t)H;
        LANES_GROUPS(H, {
            lanes i = lanes_get(in + at, width), f = lanes_get(in + H + at, width);
            lanes g = lanes_get(in + 2 * (int64_t)H + at, width);
            lanes d = lanes_get(dc + at, width), before = lanes_get(c_prev + at, width);
            lanes_put(out + at, width, lanes_mul(lanes_mul(d, g), sigmoid_slope(i)));
            lanes_put(out + H + at, width, lanes_mul(lanes_mul(d, before), sigmoid_slope(f)));
            lanes_put(out + 2 * (int64_t)H + at, width, lanes_mul(lanes_mul(d, i), tanh_slope(g)));
            lanes_put(dc_prev + at, width, lanes_mul(d, f));
        });
    }
}

static void gru(int n, int H, real *gates, const real *rec, const real *h_prev, real *h) {
    for (int row = 0; row < n; row++, gates += 3 * (int64_t)H, rec += 3 * (int64_t)H) {
        const real *before_row = h_prev + row * (int64_t)H;
        real *h_row = h + row * (int64_t)H;
        LANES_GROUPS(H, {
            real *at_r = gates + at, *at_z = at_r + H, *at_n = at_z + H;
            const real *rec_r = rec + at, *rec_z = rec_r + H, *rec_n = rec_z + H;
            lanes r = lanes_sigmoid(lanes_add(lanes_get(at_r, width), lanes_get(rec_r, width)));
            lanes z = lanes_sigmoid(lanes_add(lanes_get(at_z, width), lanes_get(rec_z, width)));
            lanes c = lanes_fma(r, lanes_get(rec_n, width), lanes_get(at_n, width));
            c = lanes_tanh(c);
            lanes_put(at_r, width, r);
            lanes_put(at_z, width, z);
            lanes_put(at_n, width, c);
            lanes before = lanes_get(before_row + at, width);
            lanes_put(h_row + at, width, lanes_fma(z, lanes_sub(before, c), c));
        });
    }
}

/* With h = z h_prev + (1-z) n and n = tanh(a_n + r rec_n). */
static void gru_back(int n, int H, const real *gates, const real *rec_n, const real *h_prev,
                     const real *dh, real *dgates, real *drec, real *dh_prev) {
    for (int row = 0; row < n; row++, rec_n += H, h_prev += H, dh += H, dh_prev += H) {
        const int64_t first = row * 3 * (int64_t)H;
        LANES_GROUPS(H, {
            const real *in = gates + first + at;
            real *out = dgates + first + at, *out_rec = drec + first + at;
            lanes r = lanes_get(in, width), z = lanes_get(in + H, width);
            lanes c = lanes_get(in + 2 * (int64_t)H, width), d = lanes_get(dh + at, width);
            lanes dz = lanes_mul(d, lanes_sub(lanes_get(h_prev + at, width), c));
            dz = lanes_mul(dz, sigmoid_slope(z));
            lanes dn = lanes_mul(lanes_fnma(d, z, d), tanh_slope(c));
            lanes dr = lanes_mul(lanes_mul(dn, lanes_get(rec_n + at, width)), sigmoid_slope(r));
            lanes_put(out, width, dr);
            lanes_put(out_rec, width, dr);
            lanes_put(out + H, width, dz);
            lanes_put(out_rec + H, width, dz);
            lanes_put(out + 2 * (int64_t)H, width, dn);
            lanes_put(out_rec + 2 * (int64_t)H, width, lanes_mul(dn, r));
            lanes_put(dh_prev + at, width, lanes_mul(d, z));
        });
    }
}

#endif
