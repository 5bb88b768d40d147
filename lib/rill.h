/* rill: sequence-to-sequence text modeling with recurrent networks.
 *
 * The one public header of librill. It includes nothing of rill's own, and every floor of the
 * library may include it for the error codes.
 */
#ifndef RILL_H
#define RILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can go wrong. Functions return 0 (or a count) on success, one of these otherwise. */
enum {
    RILL_OK = 0,
    RILL_ENOMEM = -1,       /* out of memory */
    RILL_EIO = -2,          /* a file could not be read or written */
    RILL_EDATA = -3,        /* input data are not as they should be */
    RILL_EUSAGE = -4,       /* an option or argument is wrong */
    RILL_EMODEL = -5,       /* a model file is damaged, foreign, or of another task */
    RILL_EDIVERGED = -6,    /* training ran into NaN or infinity */
    RILL_EINTERRUPTED = -7, /* stopped on request; a checkpoint was written */
    RILL_ELIMIT = -8        /* larger than a stated limit */
};

/* Where and why a call failed. */
typedef struct rill_error {
    int code;           /* one of RILL_E..., 0 when nothing failed */
    size_t line;        /* 1-based, 0 when unknown */
    size_t column;      /* 1-based byte column, 0 when unknown */
    char file[256];     /* empty when no file is concerned */
    char message[768];  /* one sentence, no final newline */
} rill_error;

#endif
