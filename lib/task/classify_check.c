/* classify_check: what the data doctor is asked about labelled texts. */
#include "data/doctor.h"
#include "task/classify.h"
#include "task/findings.h"

static int look_at(const classify_options *o, const char *const *files, size_t count,
                   doctor_report *found, rill_error *error) {
    const char *dev[] = {o->common.dev};
    const doctor_texts look = {.labelled = classify_labelled(o, false)};
    return doctor_labelled((doctor_files){files, count}, (doctor_files){dev, dev[0] ? 1 : 0},
                           &look, found, error);
}

int classify_check(const void *options, const char *const *files, size_t count, buffer *report,
                   size_t *faults, rill_error *error) {
    const classify_options *o = options;
    doctor_report found = {0};
    if (count == 0) return status_fail(error, RILL_EUSAGE, "no file was given");
    int status = look_at(o, files, count, &found, error);
    if (status == 0) status = findings_report(&found, o->common.json, report, faults, error);
    doctor_free(&found);
    return status;
}

int classify_warn(const classify_options *o, const char *const *files, size_t count,
                  const rill_hooks *hooks, rill_error *error) {
    doctor_report found = {0};
    int status = look_at(o, files, count, &found, error);
    if (status == 0) status = findings_warn(&found, hooks, error);
    doctor_free(&found);
    return status;
}
