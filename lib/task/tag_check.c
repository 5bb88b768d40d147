/* tag_check: the data doctor's findings about tagged files, as text or JSON. */
#include "data/doctor.h"
#include "task/tag.h"

#include <string.h>

static json_t *finding_json(const doctor_finding *f) {
    json_t *row = json_pack("{ss ss sI ss*}", "severity", doctor_severity_name(f->severity), "check",
                            f->check, "count", (json_int_t)f->count, "file", f->place.file);
    if (!row) return NULL;
    if (f->place.line) json_object_set_new(row, "line", json_integer((json_int_t)f->place.line));
    if (f->place.column) {
        json_object_set_new(row, "column", json_integer((json_int_t)f->place.column));
    }
    json_object_set_new(row, "message", json_string(f->message));
    return row;
}

static int write_json(const doctor_report *r, buffer *out, rill_error *error) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < r->count; i++) {
        json_array_append_new(list, finding_json(&r->finding[i]));
    }
    json_t *all = json_pack("{sI sI sI so}", "errors", (json_int_t)r->severe[DOCTOR_ERROR],
                            "warnings", (json_int_t)r->severe[DOCTOR_WARNING], "notes",
                            (json_int_t)r->severe[DOCTOR_NOTE], "findings", list);
    int status = all ? json_write(all, out, error) : status_nomem(error);
    json_decref(all);
    buffer_add_char(out, '\n');
    return status;
}

static void write_text(const doctor_report *r, buffer *out) {
    for (size_t i = 0; i < r->count; i++) {
        const doctor_finding *f = &r->finding[i];
        if (f->place.file) buffer_printf(out, "%s:", f->place.file);
        if (f->place.line) buffer_printf(out, "%zu:", f->place.line);
        if (f->place.column) buffer_printf(out, "%zu:", f->place.column);
        buffer_printf(out, "%s%s: %s [%s]\n", f->place.file ? " " : "",
                      doctor_severity_name(f->severity), f->message, f->check);
    }
    buffer_printf(out, "%zu errors, %zu warnings, %zu notes\n", r->severe[DOCTOR_ERROR],
                  r->severe[DOCTOR_WARNING], r->severe[DOCTOR_NOTE]);
}

int tag_check(const void *options, const char *const *files, size_t count, buffer *report,
              size_t *faults, rill_error *error) {
    const tag_options *o = options;
    const char *dev[] = {o->common.dev};
    doctor_options look = {.columns = o->columns};
    doctor_report found = {0};
    if (count == 0) return status_fail(error, RILL_EUSAGE, "no file was given");
    TRY(tag_corpus_options(o, &look.corpus, error));
    int status = doctor_tagged((doctor_files){files, count}, (doctor_files){dev, dev[0] ? 1 : 0},
                               &look, &found, error);
    *faults = found.severe[DOCTOR_ERROR] + found.severe[DOCTOR_WARNING];
    if (status == 0 && o->common.json) status = write_json(&found, report, error);
    else if (status == 0) write_text(&found, report);
    doctor_free(&found);
    return status < 0 ? status : buffer_status(report, error);
}
