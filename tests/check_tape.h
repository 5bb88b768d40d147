/* check_tape: the parts of the suite. */
#ifndef RILL_TESTS_CHECK_TAPE_H
#define RILL_TESTS_CHECK_TAPE_H

#include "tape_rig.h"
#include "test.h"

TCase *check_tape_same(void);   /* the same bytes, however it is computed */
TCase *check_tape_values(void); /* values against textbook loops */
TCase *check_tape_memory(void); /* running out of memory */
TCase *check_tape_crf(void);    /* the CRF against enumeration */
TCase *check_tape_cross(void);  /* attention between two sides, layers that go on */

/* Not every variant of a case with hundreds: every fifth, which meets each digit and pair. */
static inline int variant_step(const rig_case *c) {
    return c->variants > 64 ? 5 : 1;
}

#endif
