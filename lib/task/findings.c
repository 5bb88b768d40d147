/* findings: see findings.h. */
#include "task/findings.h"

static json_t *finding_json(const doctor_finding *f) {
    json_t *row = json_pack("{ss ss sI}", "severity", doctor_severity_name(f->severity), "check",
                            f->check, "count", (json_int_t)f->count);
    if (f->place.file) json_put(&row, "file", json_text(bytes_of(f->place.file)));
    if (f->place.line) json_put(&row, "line", json_integer((json_int_t)f->place.line));
    if (f->place.column) json_put(&row, "column", json_integer((json_int_t)f->place.column));
    json_put(&row, "message", json_text(bytes_of(f->message)));
    return row;
}

static int write_json(const doctor_report *r, buffer *out, rill_error *error) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->count; i++) {
        json_add(&list, finding_json(&r->finding[i]));
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

static int tell_finding(const doctor_finding *f, const rill_hooks *hooks, rill_error *error) {
    buffer text = {0};
    write_place(&f->place, &text);
    buffer_add_text(&text, f->message);
    int status = buffer_status(&text, error);
    if (status == 0) train_tell(hooks, RILL_EVENT_WARNING, NULL, "%s", text.data);
    buffer_free(&text);
    return status;
}

int findings_report(const doctor_report *r, bool json, buffer *out, size_t *faults,
                    rill_error *error) {
    int status = 0;
    *faults = r->severe[DOCTOR_ERROR] + r->severe[DOCTOR_WARNING];
    if (json) status = write_json(r, out, error);
    else write_text(r, out);
    return status < 0 ? status : buffer_status(out, error);
}

int findings_warn(const doctor_report *r, const rill_hooks *hooks, rill_error *error) {
    int status = 0;
    for (size_t i = 0; status == 0 && i < r->count; i++) {
        const doctor_finding *f = &r->finding[i];
        if (f->severity == DOCTOR_WARNING) status = tell_finding(f, hooks, error);
        if (f->severity != DOCTOR_ERROR) continue;
        status = status_set(error, RILL_EDATA, f->place.file, f->place.line, f->place.column, "%s",
                            f->message);
    }
    return status;
}
