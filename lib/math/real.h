/* real: the number type. Float in the library; the double twin (tests only) defines RILL_DOUBLE and
 * compiles the same sources, so that gradients can be checked against central differences. Chunks and
 * blocks are tiny there: the small cases of that check then cross every border. */
#ifndef RILL_MATH_REAL_H
#define RILL_MATH_REAL_H

#ifdef RILL_DOUBLE
typedef double real;
#define REAL_NAME(name) name##_twin
#define PORTION(usual, twin) (twin)
#else
typedef float real;
#define REAL_NAME(name) name
#define PORTION(usual, twin) (usual)
#endif

#endif
