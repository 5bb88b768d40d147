/* translate_check: what the data doctor is asked about pairs of lines. */
#include "data/doctor.h"
#include "task/findings.h"
#include "task/translate.h"

/* What `check` would look at: one file of two columns, or two files. */
static int look_at(const translate_options *o, const char *const *files, size_t count,
                   doctor_report *found, rill_error *error) {
    const char *dev[] = {o->common.dev}, *dev_target[] = {o->dev_target};
    doctor_options look = {.corpus.max_record = (size_t)o->max_record};
    if (count != 1 && count != 2) {
        return status_fail(error, RILL_EUSAGE,
                           "found %zu files, expected two of lines or one of source TAB target",
                           count);
    }
    if (o->dev_target && !o->common.dev) {
        return status_fail(error, RILL_EUSAGE, "--dev-target needs --dev");
    }
    doctor_pairs train = {files, count == 2 ? files + 1 : NULL, 1};
    doctor_pairs held = {dev, dev_target[0] ? dev_target : NULL, dev[0] ? 1 : 0};
    return doctor_parallel(train, held, &look, found, error);
}

int translate_check(const void *options, const char *const *files, size_t count, buffer *report,
                    size_t *faults, rill_error *error) {
    const translate_options *o = options;
    doctor_report found = {0};
    int status = look_at(o, files, count, &found, error);
    if (status == 0) status = findings_report(&found, o->common.json, report, faults, error);
    doctor_free(&found);
    return status;
}

int translate_warn(const translate_options *o, const char *const *files, size_t count,
                   const rill_hooks *hooks, rill_error *error) {
    doctor_report found = {0};
    int status = look_at(o, files, count, &found, error);
    if (status == 0) status = findings_warn(&found, hooks, error);
    doctor_free(&found);
    return status;
}
