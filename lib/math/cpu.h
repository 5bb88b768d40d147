/* cpu: the kernel table, one instance per instruction set, chosen at run time.
 *
 * kernels.c is compiled once per instruction set (plain, AVX2+FMA, AVX-512) from one source. All
 * instances give the same bits for the same input: 16 lanes, explicit fused multiply-adds, fixed
 * folding order, k in order. No result depends on the number of rows in a call, on where an array
 * starts, or on what stands beside it.
 *
 * Letters: n elements or rows, H hidden width, D width, K depth of a product, O outputs.
 * All matrices are row-major; `ld...` is the distance between rows in elements.
 */
#ifndef RILL_MATH_CPU_H
#define RILL_MATH_CPU_H

#include "base/pool.h"
#include "math/real.h"
#include <stddef.h>
#include <stdint.h>

enum { PANEL = 32 }; /* outputs per packed panel */

typedef struct kernels {
    const char *name; /* "plain", "avx2", "avx512" */

    /* y[n,O] = x[n,K] * P + bias (bias NULL: 0), or += when `add` (bias is then ignored). P is
     * packed by panel_pack: panels of 32 outputs, each [K][32], zero-filled past O. One accumulator
     * per output, started from y, bias or 0, then k = 0..K-1 in order, fused multiply-add. */
    void (*panel)(int n, int K, int O, const real *x, int ldx, const real *P, const real *bias,
                  real *y, int ldy, bool add);

    /* dw[O,I] += dy[n,O]^T x[n,I]: one accumulator per element, started from dw, rows in order,
     * fused multiply-add. room: outer_room(n, O, I) elements. */
    void (*outer)(int n, const real *dy, int ldy, int O, const real *x, int ldx, int I, real *dw,
                  int ldw, real *room);
    size_t (*outer_room)(int n, int O, int I);

    /* Elementwise, x and y may be the same array. */
    void (*tanh)(int64_t n, const real *x, real *y);
    void (*sigmoid)(int64_t n, const real *x, real *y);
    void (*add)(int64_t n, const real *x, real *y);                   /* y += x */
    void (*axpy)(int64_t n, real a, const real *x, real *y);          /* y = fma(a,x,y) */
    void (*mul)(int64_t n, const real *x, const real *y, real *z);    /* z = x*y */
    void (*muladd)(int64_t n, const real *x, const real *y, real *z); /* z = fma(x,y,z) */

    /* Reductions in 16 lanes (element i to lane i mod 16), folded 8-4-2-1. */
    real (*sum)(int64_t n, const real *x);
    real (*dot)(int64_t n, const real *x, const real *y);
    /* y = exp(x - max) / sum; returns log(sum(exp(x))). n >= 1. x may be y. */
    real (*softmax)(int64_t n, const real *x, real *y);
    /* y[d] += sum over rows of x[row,d]; rows in order, one accumulator per column. */
    void (*colsum)(int n, int D, const real *x, int ldx, real *y);

    /* Layer norm of rows: stat[row] = {mean, 1/sqrt(var + 1e-5)}; y = (x-mean)*rstd*gain + shift
     * (shift may be NULL). Contiguous rows. */
    void (*norm)(int n, int D, const real *x, const real *gain, const real *shift, real *y,
                 real *stat);
    /* dx = gradient of x (overwritten). */
    void (*norm_back)(int n, int D, const real *x, const real *gain, const real *stat,
                      const real *dy, real *dx);
    /* dgain[d] += sum over rows dy*(x-mean)*rstd, dshift[d] += sum dy (dshift may be NULL). */
    void (*norm_gain)(int n, int D, const real *x, const real *stat, const real *dy, real *dgain,
                      real *dshift);

    /* LSTM (PyTorch gate order i f g o). gates [n,4H]: preactivations in, activations out.
     *   i,f,o = sigmoid, g = tanh, c = fma(f, c_prev, i*g) */
    void (*lstm_state)(int n, int H, real *gates, const real *c_prev, real *c);
    /* t = tanh(c) (c may be a normalised copy), h = o*t. */
    void (*lstm_out)(int n, int H, const real *gates, const real *c, real *t, real *h);
    /* do_pre written into dgates' o part; dc = dh*o*(1-t*t) (overwritten). */
    void (*lstm_out_back)(int n, int H, const real *gates, const real *t, const real *dh,
                          real *dgates, real *dc);
    /* i, f, g parts of dgates; dc_prev = dc*f (may alias dc). */
    void (*lstm_state_back)(int n, int H, const real *gates, const real *c_prev, const real *dc,
                            real *dgates, real *dc_prev);

    /* GRU (PyTorch order r z n). gates [n,3H]: input part in, activations out; rec [n,3H]:
     * recurrent part with its bias:  r,z = sigmoid(gates+rec), n = tanh(gates + r*rec), h = fma(z,
     * h_prev-n, n)*/
    void (*gru)(int n, int H, real *gates, const real *rec, const real *h_prev, real *h);
    /* dgates: gradient of the input part; drec: of the recurrent part (n part times r);
     * dh_prev = dh*z (overwritten, may alias dh). rec_n: the n parts of rec as given, rows of H. */
    void (*gru_back)(int n, int H, const real *gates, const real *rec_n, const real *h_prev,
                     const real *dh, real *dgates, real *drec, real *dh_prev);

    /* Dropout mask: y[i] = u < keep ? 1/keep : 0, u = rng_float of word (first+i)%4 of
     * rng_block(key, high, (low << 24) + (first+i)/4). Same values as calling rng.h. */
    void (*mask)(int64_t n, uint64_t key, uint64_t high, uint64_t low, int64_t first, real keep,
                 real *y);

    /* One pass of the optimiser over n weights; g is zeroed. ema may be NULL. Moments below 1e-30
     * become 0.
     *   g *= scale; m = b1*m+(1-b1)*g; v = b2*v+(1-b2)*g*g
     *   w -= lr*(m/c1/(sqrt(v/c2)+eps) + decay*w);  ema = ema_keep*ema+(1-ema_keep)*w */
    void (*adam)(int64_t n, real *w, real *g, real *m, real *v, real *ema, real scale, real lr,
                 real b1, real b2, real c1, real c2, real eps, real decay, real ema_keep);
    /* g = g*scale + decay*w; m = momentum*m + g; w -= lr*m */
    void (*sgd)(int64_t n, real *w, real *g, real *m, real *ema, real scale, real lr, real momentum,
                real decay, real ema_keep);
    /* Register-only fused multiply-adds, `rounds` times; returns the number of flops done. The
     * machine's own limit, for benches. */
    double (*peak)(int64_t rounds);
} kernels;

/* The best table this processor runs; plain in the double twin. */
const kernels *REAL_NAME(cpu_kernels)(void);
/* A table by name, NULL when this processor lacks it (for tests). */
const kernels *REAL_NAME(cpu_kernels_named)(const char *name);
#ifdef RILL_DOUBLE
#define cpu_kernels cpu_kernels_twin
#define cpu_kernels_named cpu_kernels_named_twin
#endif

/* Who computes: a kernel table and a pool (NULL: the caller alone). */
typedef struct compute {
    const kernels *k;
    pool *pool;
} compute;

#endif
