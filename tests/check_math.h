/* check_math: scenes of fenced arrays, shared by the suites of the math floor.
 *
 * Every array of a scene ends at a page that may not be touched, so that a kernel which reads or
 * writes one element too far is killed at once, masked instruction or not. Its start is as little
 * aligned as its length, so odd lengths give odd starts.
 */
#ifndef RILL_TESTS_CHECK_MATH_H
#define RILL_TESTS_CHECK_MATH_H

#include "math/cpu.h"
#include "test.h"

enum { SCENE_ARRAYS = 24 };

typedef struct scene {
    uint64_t state; /* of the random numbers */
    bool special;   /* sprinkle zeros, denormals, infinities and NaN among them */
    int count;
    struct scene_array {
        real *data;
        size_t size; /* elements */
        void *map;
        size_t map_size;
    } array[SCENE_ARRAYS];
} scene;

scene scene_make(uint64_t seed, bool special);
double scene_uniform(scene *s); /* [0,1) */
int scene_below(scene *s, int bound);
/* size zeros; size random numbers within -4..4. */
real *scene_zeros(scene *s, size_t size);
real *scene_numbers(scene *s, size_t size);
void scene_free(scene *s);
/* All arrays hold the same bits; any NaN equals any other. Names the first difference. */
bool scene_same(const scene *a, const scene *b, const char *what);

/* The tables of this machine, plain first; NULL ends the list. */
const kernels **math_tables(void);

TCase *math_bits_case(void);
TCase *math_values_case(void);
TCase *math_product_case(void);

#endif
