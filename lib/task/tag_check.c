/* tag_check: what the data doctor is asked about tagged files. */
#include "data/doctor.h"
#include "task/findings.h"
#include "task/tag.h"

/* What `check` would look at, with the files as the doctor wants them. */
static int look_at(const tag_options *o, const char *const *files, size_t count,
                   doctor_report *found, rill_error *error) {
    const char *dev[] = {o->common.dev};
    doctor_options look = {.columns = o->columns};
    TRY(tag_corpus_options(o, &look.corpus, error));
    return doctor_tagged((doctor_files){files, count}, (doctor_files){dev, dev[0] ? 1 : 0}, &look,
                         found, error);
}

int tag_check(const void *options, const char *const *files, size_t count, buffer *report,
              size_t *faults, rill_error *error) {
    const tag_options *o = options;
    doctor_report found = {0};
    if (count == 0) return status_fail(error, RILL_EUSAGE, "no file was given");
    int status = look_at(o, files, count, &found, error);
    if (status == 0) status = findings_report(&found, o->common.json, report, faults, error);
    doctor_free(&found);
    return status;
}

int tag_warn(const tag_options *o, const char *const *files, size_t count, const rill_hooks *hooks,
             rill_error *error) {
    doctor_report found = {0};
    int status = look_at(o, files, count, &found, error);
    if (status == 0) status = findings_warn(&found, hooks, error);
    doctor_free(&found);
    return status;
}
