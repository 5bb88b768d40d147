/* param: all weights of a network in one slab, all gradients in another.
 *
 *     value: | name 0 [rows,cols] |pad| name 1 |pad| ...     each starts at a multiple of 16 elements
 *     grad:  the same layout, only in training
 *
 * So the optimiser, clipping, averaging, saving and summing over machines are one loop each. Padding is
 * zero and stays zero.
 */
#ifndef RILL_NN_PARAM_H
#define RILL_NN_PARAM_H

#include "tape/tape.h"

typedef enum init_kind {
    INIT_ZERO,
    INIT_ONE,
    INIT_NORMAL,     /* standard deviation `scale` */
    INIT_XAVIER,     /* uniform in +-scale*sqrt(6/(rows+cols)) (Glorot and Bengio 2010) */
    INIT_ORTHOGONAL  /* each square block of `cols` rows orthogonal (Saxe et al. 2014), times scale */
} init_kind;

enum { PARAM_NAME = 96 };

typedef struct param {
    char name[PARAM_NAME]; /* PyTorch's name */
    int32_t rows, cols;
    size_t offset; /* in elements */
    init_kind init;
    double scale;
    bool table; /* no product reads it, so it is never packed */
} param;

typedef struct params {
    param *list;
    size_t count, room;
    size_t size; /* elements in the slab, padding included */
    real *value; /* [size] */
    real *grad;  /* [size] or NULL */
    panels *packed; /* [count] after params_pack, without data where nothing is packed */
    real *packed_data;
} params;

/* Registers a parameter and tells its number; numbers ascend from 0. */
MUST_USE int params_add(params *p, int *number, int rows, int cols, init_kind init,
                        double scale, const char *format, ...) PRINTF_LIKE(7, 8);
/* The same for what no product reads (vectors that are looked up, a CRF's steps); INIT_NORMAL. */
MUST_USE int params_table(params *p, int *number, int rows, int cols, double scale,
                          const char *name);
/* Slabs of zeros for what was registered. */
MUST_USE int params_alloc(params *p, bool gradients);
/* Initial weights: a function of (seed, number of the parameter) only. */
MUST_USE int params_init(params *p, uint64_t seed);
/* Packs every matrix that products read for inference: shared, read-only from then on. Again: after the
 * weights have changed, when nobody reads. */
MUST_USE int params_pack(params *p, const compute *c);
/* The same parameters over other weights [size], packed on the threads of c, until they are given back.
 * `p` outlives them. */
MUST_USE int params_borrow(const params *p, const real *weights, const compute *c, params *out);
void params_return(params *p); /* zeroed is fine */
size_t params_weights(const params *p); /* weights, padding not counted */
void params_free(params *p);
static inline real *params_value(const params *p, int number) {
    return p->value + p->list[number].offset;
}
/* The parameter as a value on the tape. Negative numbers give 0 (an absent optional input). */
var params_var(const params *p, tape *t, int number);

#endif
