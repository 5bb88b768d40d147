/* tag_check: the data doctor's findings about tagged files, as text or JSON, and as warnings before
 * a training. */
#include "data/doctor.h"
#include "task/tag.h"

#include <string.h>

static json_t *finding_json(const doctor_finding *f) {
    json_t *row =
        json_pack("{ss ss sI ss*}", "severity", doctor_severity_name(f->severity), "check",
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

/* `file:line:column: `, as far as it is known. */
static void write_place(const doctor_place *at, buffer *out) {
    if (!at->file) return;
    buffer_printf(out, "%s:", at->file);
    if (at->line) buffer_printf(out, "%zu:", at->line);
    if (at->column) buffer_printf(out, "%zu:", at->column);
    buffer_add_char(out, ' ');
}

static void write_text(const doctor_report *r, buffer *out) {
    for (size_t i = 0; i < r->count; i++) {
        const doctor_finding *f = &r->finding[i];
        write_place(&f->place, out);
        buffer_printf(out, "%s: %s [%s]\n", doctor_severity_name(f->severity), f->message,
                      f->check);
    }
    buffer_printf(out, "%zu errors, %zu warnings, %zu notes\n", r->severe[DOCTOR_ERROR],
                  r->severe[DOCTOR_WARNING], r->severe[DOCTOR_NOTE]);
}

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
    *faults = found.severe[DOCTOR_ERROR] + found.severe[DOCTOR_WARNING];
    if (status == 0 && o->common.json)
        status = write_json(&found, report, error);
    else if (status == 0)
        write_text(&found, report);
    doctor_free(&found);
    return status < 0 ? status : buffer_status(report, error);
}

static int tell_finding(const doctor_finding *f, const rill_hooks *hooks, rill_error *error) {
    buffer text = {0};
    write_place(&f->place, &text);
    buffer_add_text(&text, f->message);
    int status = buffer_status(&text, error);
    if (status == 0) train_tell(hooks, RILL_EVENT_WARNING, NULL, "%s", text.data);
    buffer_free(&text);
    return status;
}

int tag_warn(const tag_options *o, const char *const *files, size_t count, const rill_hooks *hooks,
             rill_error *error) {
    doctor_report found = {0};
    int status = look_at(o, files, count, &found, error);
    for (size_t i = 0; status == 0 && i < found.count; i++) {
        const doctor_finding *f = &found.finding[i];
        if (f->severity == DOCTOR_WARNING) status = tell_finding(f, hooks, error);
        if (f->severity != DOCTOR_ERROR) continue;
        status = status_set(error, RILL_EDATA, f->place.file, f->place.line, f->place.column, "%s",
                            f->message);
    }
    doctor_free(&found);
    return status;
}
