/* real: the number type. Float in the library; the double twin (tests only) defines RILL_DOUBLE and
 * compiles the same sources, so that gradients can be checked against central differences. */
#ifndef RILL_MATH_REAL_H
#define RILL_MATH_REAL_H

#ifdef RILL_DOUBLE
typedef double real;
#define REAL_NAME(name) name##_twin
#else
typedef float real;
#define REAL_NAME(name) name
#endif

#endif
