/* vmath: kernels applied to big arrays by all threads of a pool, in fixed blocks. */
#ifndef RILL_MATH_VMATH_H
#define RILL_MATH_VMATH_H

#include "math/cpu.h"

/* work(data, begin, end) over [0,n) in fixed blocks of `block` elements. */
typedef void vmath_range(void *data, int64_t begin, int64_t end);
void vmath_blocks(const compute *c, int64_t n, int64_t block, vmath_range *work, void *data);
/* y[d] += column sums of x [n,D]; columns are shared out, rows stay in order. */
void vmath_colsum(const compute *c, int n, int D, const real *x, int ldx, real *y);
/* Sum of squares in fixed blocks, block results added in order in double. */
double vmath_sumsq(const compute *c, int64_t n, const real *x);

#endif
