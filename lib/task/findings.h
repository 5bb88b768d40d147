/* findings: what the data doctor found, as text or JSON for the check verbs, and as warnings before a
 * training. */
#ifndef RILL_TASK_FINDINGS_H
#define RILL_TASK_FINDINGS_H

#include "base/json.h"
#include "data/doctor.h"
#include "model/train.h"

/* *faults counts errors and warnings. */
MUST_USE int findings_report(const doctor_report *r, bool json, buffer *out, size_t *faults,
                             rill_error *error);
/* Warnings are told, the first error is a failure. */
MUST_USE int findings_warn(const doctor_report *r, const rill_hooks *hooks, rill_error *error);

#endif
